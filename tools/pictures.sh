#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the README's pictures. docs/images/align.jpg: hold, live and delay side by side, the same each time.
# docs/images/demo.jpg: the demo's window on a screen of its own.
set -u
# shellcheck source=tools/common.sh
. "$(dirname "$0")/common.sh"

for tool in Xvfb openbox xdotool import montage; do
    command -v $tool >/dev/null || die "no $tool here" "tools/setup.sh --tests"
done
mkdir -p docs/images

run "align.jpg" "tools/demo.sh, for what it needs" .venv/bin/python tools/align_picture.py build/src/app/sidestream \
    "$demo/vtest.avi" "$tmp"
run "montage" "tools/setup.sh --tests" montage -font DejaVu-Sans -pointsize 17 -geometry +4+2 -tile 3x1 -quality 88 \
    -label 'hold: where the network saw them' "$tmp/hold.png" \
    -label 'live: where they are now' "$tmp/live.png" \
    -label 'delay: the picture has waited for them' "$tmp/delay.png" docs/images/align.jpg
say "docs/images/align.jpg"

x='' manager='' app=''
# shellcheck disable=SC2086 # none, or numbers
trap 'kill $app $manager $x 2>/dev/null; rm -rf "$tmp"' EXIT

mkfifo "$tmp/display" "$tmp/managed"
Xvfb -displayfd 3 -screen 0 800x620x24 3>"$tmp/display" >/dev/null 2>&1 &
x=$!
read -r number <"$tmp/display"
export DISPLAY=":$number"
unset WAYLAND_DISPLAY
openbox --startup "sh -c 'echo ready >$tmp/managed'" >/dev/null 2>&1 &
manager=$!
read -r _ <"$tmp/managed"

# The window stays open at the moment that JSON lines report frame 150.
mkfifo "$tmp/frames"
build/src/app/sidestream run --output window --output "jsonl:$tmp/frames" "$demo/vtest.avi" &
app=$!
exec 7<"$tmp/frames"
while read -r line <&7; do
    case $line in
    *'"frame":150,'*) break ;;
    esac
done
import -window "$(xdotool search --onlyvisible --name '^Camera$' | tail -n 1)" -quality 88 docs/images/demo.jpg ||
    die "no window to take a picture of" "build/src/app/sidestream doctor"
xdotool key --window "$(xdotool search --onlyvisible --name '^Camera$' | tail -n 1)" Escape
exec 7<&-
wait $app
app=
say "docs/images/demo.jpg"
