#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare machine to a moving picture with its pedestrians boxed: installs, builds, runs. In a window where
# there is a display, else into demo.mp4. Safe to run again; the second time only the last step takes time.
#
#   tools/demo.sh [OPTION OF sidestream run]...
set -u
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

tools/setup.sh || exit
say "[build] meson and ninja in build/ ..."
# Without the tests, which need more than the demo's packages; but a folder that has them keeps them.
tests=false
grep -qs -- -Dtests=true build/.configured && tests=true
build build -Dopenvino=enabled -Dwindow=enabled -Dtests=$tests

# An address in $DISPLAY is not yet a display that lets us in.
display_opens()
{
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && /usr/bin/python3 -c \
        'import ctypes; raise SystemExit(not ctypes.CDLL("libgtk-3.so.0").gtk_init_check(None, None))' 2>/dev/null
}

output=()
if [[ " $* " == *" --output"* ]]; then
    say "[demo] vtest.avi at 30 frames a second"
elif display_opens; then
    say "[demo] vtest.avi at 30 frames a second, in a window: ESC ends it, F is full screen"
    output=(--output window)
else
    say "[demo] no display here: vtest.avi at 30 frames a second, 15 s unless you say --duration, into demo.mp4"
    output=(--output demo.mp4)
    [[ " $* " == *" --duration"* ]] || output+=(--duration 15)
fi
build/src/app/sidestream run --rate 30 --loop "${output[@]}" "$@" "$demo/vtest.avi"
rc=$?
[ $rc -eq 0 ] || die "sidestream run ended with exit code $rc" "build/src/app/sidestream doctor"
[ "${output[1]:-}" != demo.mp4 ] || say "[demo] look at it: $root/demo.mp4"
