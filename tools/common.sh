# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share; sourced by them, needs bash and coreutils.
# shellcheck shell=bash

# Where the models and the demo's clip live; the program looks in the same place.
if [ -n "${SIDESTREAM_DATA:-}" ]; then
    data=$SIDESTREAM_DATA
elif [ -n "${XDG_DATA_HOME:-}" ]; then
    data=$XDG_DATA_HOME/sidestream
else
    data=${HOME:+$HOME/.local/share/sidestream}
fi
case $data in
'' | /*) ;;
*) data=$PWD/$data ;;
esac
[ -z "$data" ] || export SIDESTREAM_DATA="$data"
export demo=$data/demo

unset CDPATH
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
export LC_ALL=C.UTF-8

quiet=${quiet:-}
step_name=
job=

say()
{
    [ -n "$quiet" ] || printf '%s\n' "$*"
}

# die WHAT [TRY]: what went wrong (and in which step), then what to try.
die()
{
    printf '%s: %s%s\n' "$(basename "$0")" "${step_name:+$step_name: }" "$1" >&2
    [ -z "${2:-}" ] || printf '  try: %s\n' "$2" >&2
    exit 1
}

# logged LOG WHAT COMMAND...: output goes to $tmp/LOG; on a terminal a line shows how long it takes. Its input
# is empty and it does not inherit the locks (a package may start a daemon).
logged()
{
    local log=$tmp/$1 what=$2 start=$SECONDS rc=0
    shift 2
    "$@" >"$log" 2>&1 </dev/null 8<&- 9<&- &
    job=$!
    if [ -z "$quiet" ] && [ -t 1 ]; then
        while kill -0 $job 2>/dev/null; do
            printf '\r\033[K      %s: %d s' "$what" $((SECONDS - start))
            sleep 0.2
        done
        printf '\r\033[K'
    fi
    wait $job || rc=$?
    job=
    return $rc
}

# run WHAT TRY COMMAND...: ends the script when the command fails, and says why: the log's last lines.
run()
{
    local what=$1 try=$2 rc=0
    shift 2
    logged log "$what" "$@" || rc=$?
    [ $rc -ne 0 ] || return 0
    tail -n 15 "$tmp/log" | sed 's/^/    /' >&2
    die "$what failed with exit code $rc, last lines above" "$try"
}

# lock FD FILE WHAT: one at a time. The lock goes with the process: a killed one leaves nothing behind.
lock()
{
    eval "exec $1<\"\$2\""
    flock -n "$1" || {
        say "another set-up is at work on $3: waiting for it"
        flock "$1"
    }
}

# build DIR OPTION...: configures DIR once, or again when the options or the Python packages changed; compiles.
build()
{
    local dir=$1 key
    shift
    key="$* $(cat .venv/.complete 2>/dev/null)"
    if [ ! -f "$dir/build.ninja" ]; then
        run "meson setup $dir" "rm -r $dir, and again" meson setup "$dir" "$@"
        printf '%s' "$key" >"$dir/.configured"
    elif [ "$(cat "$dir/.configured" 2>/dev/null)" != "$key" ]; then
        run "meson setup --reconfigure $dir" "rm -r $dir, and again" meson setup --reconfigure "$dir" "$@"
        printf '%s' "$key" >"$dir/.configured"
    fi
    run "ninja -C $dir" "ninja -C $dir, for the whole output" ninja -C "$dir"
}

# Every script has a folder for its logs, which goes when the script ends.
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sidestream-XXXXXX") ||
    die "no temporary folder in ${TMPDIR:-/tmp}" "TMPDIR=FOLDER $0"
trap 'rm -rf "$tmp"' EXIT
# apt, which runs in a subshell, is left to finish what it began: half-installed packages would be worse.
trap '[ -z "$job" ] || kill "$job" 2>/dev/null; exit 130' INT
trap '[ -z "$job" ] || kill "$job" 2>/dev/null; exit 143' TERM HUP
