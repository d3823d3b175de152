#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The window under a real X server and window manager: title, picture, F, ESC, closing.
set -u
program=$1
for tool in Xvfb openbox xdotool; do
    command -v $tool >/dev/null || { echo "no $tool here"; exit 77; }
done
"$program" run --help >/dev/null || exit 1
"$program" run --backend dummy test://ball --output nosuch 2>&1 | grep -q window || { echo "built without window"; exit 77; }

dir=$(mktemp -d)
unset WAYLAND_DISPLAY
x='' manager='' app=''
# shellcheck disable=SC2317 # the trap below calls it
finish()
{
    for pid in $app $manager $x; do
        kill "$pid" 2>/dev/null
    done
    wait
    rm -rf "$dir"
}
trap finish EXIT
fail()
{
    echo "FAILED: $*"
    cat "$dir/err" 2>/dev/null
    exit 1
}

mkfifo "$dir/display"
Xvfb -displayfd 3 -screen 0 1280x800x24 3>"$dir/display" >/dev/null 2>&1 &
x=$!
read -r number <"$dir/display"
export DISPLAY=":$number"
# openbox reads this when it has taken over the screen, so that the wait is for an event, not for a time
mkfifo "$dir/managed"
openbox --startup "sh -c 'echo ready >$dir/managed'" >/dev/null 2>&1 &
manager=$!
read -r _ <"$dir/managed"

start()
{
    "$program" run --backend dummy --model-options follow=1 --stats "$dir/stats.json" "$@" 2>"$dir/err" &
    app=$!
    window=$(xdotool search --sync --onlyvisible --name "^$title\$" | tail -1)
    [ -n "$window" ] || fail "no window \"$title\""
    xdotool windowfocus --sync "$window"
}
ended()
{
    wait "$app"
    code=$?
    app=
    [ $code = 0 ] || fail "exit code $code after $1"
    grep -q '"frames_out":[1-9]' "$dir/stats.json" || fail "no picture was shown before $1"
}
height() # of the window, once it is what is asked for
{
    xdotool search --sync --onlyvisible --name "^$title\$" >/dev/null
    xdotool getwindowgeometry --shell "$window" | sed -n 's/^HEIGHT=//p'
}
wait_height() # a screen's height or another; gives up when the program is gone
{
    while kill -0 "$app" 2>/dev/null; do
        if [ "$1" = full ]; then
            [ "$(height)" = 800 ] && return 0
        else
            [ "$(height)" != 800 ] && return 0
        fi
    done
    fail "the window did not become $1"
}

# The window may be there well before the first picture, where a sanitizer slows the start down.
wait_picture()
{
    tail -c +1 -f --pid="$app" "$dir/frames.jsonl" | head -c 1 >/dev/null
}

title=Camera
: >"$dir/frames.jsonl"
start --output window --output "jsonl:$dir/frames.jsonl" test://ball
wait_picture
[ "$(height)" != 800 ] || fail "full screen from the start"
xdotool key f
wait_height full
xdotool key F
wait_height small
xdotool key Escape
ended ESC

title="Two of them"
start --title "$title" --style fill test://ball test://smpte
# What is on the screen: smpte's colours, and not only the ball's black and white.
if command -v import >/dev/null; then
    while kill -0 "$app" 2>/dev/null; do
        import -window "$window" -depth 8 -format '%k' "$dir/shot.png" 2>/dev/null
        [ "$(identify -format '%k' "$dir/shot.png")" -gt 20 ] && break
    done
    [ -n "${SHOT:-}" ] && cp "$dir/shot.png" "$SHOT"
fi
xdotool key alt+F4 # openbox asks the window to close
ended closing

# Asked for where there is no display: one line, exit code 2.
DISPLAY='' "$program" run --backend dummy --output window test://ball 2>"$dir/err"
[ $? = 2 ] || fail "without display: exit code"
[ "$(wc -l <"$dir/err")" = 1 ] || fail "without display: lines"
grep -q "no display" "$dir/err" || fail "without display: the line"
exit 0
