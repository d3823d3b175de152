# SPDX-License-Identifier: Apache-2.0
"""For tools/pictures.sh: hold, live and delay on the same picture of the demo's clip, with a network of 200 ms.

align_picture.py SIDESTREAM CLIP FOLDER: writes FOLDER/hold.png, live.png and delay.png. `eval` says where the boxes
are; on its virtual clock they are the same each time.
"""
import json
import pathlib
import subprocess
import sys

import cv2

FRAME, LEFT, TOP, WIDTH, HEIGHT = 456, 268, 102, 320, 264  # three people who walk, each his way
ZOOM, GREEN, LEAST = 1.25, (122, 204, 51), 0.3

program, clip, folder = sys.argv[1:]
done = subprocess.run([program, "eval", "--quiet", "--rate", "30", "--duration", str((FRAME + 30) / 30), "--latency",
                       "200", "--align", "hold,live,delay", "--boxes", "-", clip], stdout=subprocess.PIPE, check=True)
video = cv2.VideoCapture(clip)
for _ in range(FRAME + 1):
    _, picture = video.read()
window = picture[TOP:TOP + HEIGHT, LEFT:LEFT + WIDTH]
window = cv2.resize(window, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
for line in map(json.loads, done.stdout.splitlines()):
    if line["frame"] != FRAME or "align" not in line:
        continue
    panel = window.copy()
    for o in line["objects"]:
        x, y, w, h = o["box"]
        corners = ((x - LEFT, y - TOP), (x + w - LEFT, y + h - TOP))
        if o["score"] >= LEAST:
            cv2.rectangle(panel, *([round(ZOOM * v) for v in c] for c in corners), GREEN, 3)
    cv2.imwrite(str(pathlib.Path(folder) / f"{line['align']}.png"), panel)
