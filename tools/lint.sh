#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rules a machine can check, one line each: ok, FAIL or SKIP. What each found comes before its line.
# Needs tools/setup.sh --tests. The formatter's and the analyser's verdicts differ between releases: ours is 14.
set -u
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

failed=0

ok() { say "ok   $1"; }
skip() { say "SKIP $1: $2"; }
fail()
{
    say "FAIL $1"
    failed=$((failed + 1))
}

# check NAME COMMAND...: fine when it succeeds.
check()
{
    local name=$1
    shift
    if "$@"; then ok "$name"; else fail "$name"; fi
}

# nothing NAME COMMAND...: fine when it prints nothing.
nothing()
{
    local name=$1 out
    shift
    out=$("$@" 2>&1)
    if [ -z "$out" ]; then
        ok "$name"
    else
        printf '%s\n' "$out"
        fail "$name"
    fi
}

tool14()
{
    local name
    for name in "$1-14" "$1"; do
        if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
            echo "$name"
            return
        fi
    done
}

# Tracked files and new ones, not what is ignored; all files where this is no git checkout.
files()
{
    if command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -not -path './.venv/*' -not -path './build*' -not -path './.git/*' | sed 's,^\./,,'
    fi | while read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done
}

files | sort -u >"$tmp/files"
mapfile -t c_files < <(grep -E '\.[ch]$' "$tmp/files")
mapfile -t sh_files < <(grep -E '\.sh$|^\.ci/run$' "$tmp/files")
mapfile -t code_files < <(grep -E '\.([ch]|sh|py)$|^\.ci/run$' "$tmp/files")
mapfile -t text_files < <(grep -vE '\.(png|jpg|gif|onnx|bin|mp4)$|^tests/corpus/|^LICENSE$' "$tmp/files")

formatter=$(tool14 clang-format)
if [ -n "$formatter" ]; then
    check clang-format "$formatter" --dry-run -Werror "${c_files[@]}"
else
    skip clang-format "no version 14 here"
fi

# tests/nvmm has a stand-in for a header that is on a Jetson only.
# The whole story of a finding: clang-tidy-14 -p build-lint FILE
tidy()
{
    local rc=0
    (build build-lint -Dtests=false) || return 1
    printf '%s\n' "${c_files[@]}" | grep -E '^src/.*\.c$' |
        xargs -P "$(nproc)" -n 1 "$1" -p build-lint --quiet --extra-arg="-I$root/tests/nvmm" >"$tmp/tidy" 2>/dev/null || rc=1
    sed -nE "s,^($root/|\.\./|build-lint/)*(.*: error: ),\\2,p" "$tmp/tidy" | sort -u
    return $rc
}

analyser=$(tool14 clang-tidy)
if [ -n "$analyser" ] && command -v clang >/dev/null; then
    export CC=clang
    check clang-tidy tidy "$analyser"
    unset CC
else
    skip clang-tidy "no version 14 here"
fi

nothing "white space at the end of a line, tabs" grep -nP '[ \t]+$|\t' "${text_files[@]}"
no_final_newline() { for f; do [ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || echo "$f"; done; }
nothing "final newline" no_final_newline "${text_files[@]}"
no_licence() { for f; do head -n 3 "$f" | grep -q SPDX-License-Identifier || echo "$f"; done; }
nothing "licence line (SPDX)" no_licence "${code_files[@]}"
long() { wc -l "$@" | awk '$1 > 600 && $2 != "total"'; }
nothing "files of at most 600 lines" long "${code_files[@]}"

if command -v shellcheck >/dev/null; then
    check shellcheck shellcheck -x -S warning -e SC1007 "${sh_files[@]}"
else
    skip shellcheck "not installed"
fi

subjects() { git log --no-merges --format=%s | grep -vE '^[a-z][A-Za-z0-9_., /-]*: [^ ].*[^.]$'; }
if command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1; then
    nothing "commit subjects (part: effect)" subjects
else
    skip "commit subjects" "no git checkout"
fi

needed() { readelf -d "$1" | grep NEEDED | grep -E 'glib|gobject|gst'; }
for lib in build*/src/core/libsidestream.so; do
    if [ -f "$lib" ]; then
        nothing "the library is free of GLib and GStreamer ($lib)" needed "$lib"
    else
        skip "the library is free of GLib and GStreamer" "not built"
    fi
    break
done

[ $failed -eq 0 ]
