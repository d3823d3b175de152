#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The benchmarks in order; each writes its section of docs/performance.md. All but tracker.py, which needs data.
#
#   bench/all.sh           figures to publish: about two hours, on a machine with nothing else to do
#   bench/all.sh --quick   some minutes: do they all work?  (prints; writes nothing)
set -u
cd "$(dirname "$0")/.." || exit 1

case "${1-}" in
'') write=--write never_waits=60 soak=600 starts=5 motion=20 inference='' robustness='' ;;
--quick) write='' never_waits=6 soak=20 starts=1 motion=5 inference="--seconds 4" robustness="--only face" ;;
*) echo "usage: $0 [--quick]" >&2; exit 2 ;;
esac

if [ ! -x .venv/bin/python ]; then
    echo "$0: no .venv: tools/setup.sh makes it" >&2
    exit 1
fi

# A benchmark that misses its mark says FAIL; the others still run.
failed=''
bench() {
    name=$1
    shift
    echo "== bench/$name.py $*" >&2
    # shellcheck disable=SC2086 # $write is one word or none
    .venv/bin/python "bench/$name.py" "$@" $write || failed="$failed $name"
}

bench start --runs "$starts"
bench frame_cost
# shellcheck disable=SC2086 # $inference is options
bench inference $inference
bench never_waits --seconds "$never_waits"
bench soak --seconds "$soak"
bench motion_cost --seconds "$motion"
bench alignment
# shellcheck disable=SC2086 # $robustness is options
bench robustness $robustness

if [ -n "$failed" ]; then
    echo "$0: missed a mark or could not run:$failed" >&2
    exit 1
fi
