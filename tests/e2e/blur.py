# SPDX-License-Identifier: Apache-2.0
"""`sidestream run --blur` on the demo's clip in real time, a network of 200 ms: are the people hidden?

The truth is what the demo's network says of each picture when it has all the time in the world; it has nothing to do
with what the program's own network had seen by then. Which parts are pixelated, the JSON lines tell.
"""
import json
import math

from common import check, demo_or_skip, environment, folder, same, sidestream

try:
    import cv2
    import numpy
    import openvino
except ImportError as missing:
    print(f"skipped: no {missing.name}; tools/setup.sh --tests brings it")
    raise SystemExit(77)

RATE, SURE, LEAST = 30, 0.5, 0.995
CLIP, MODEL = demo_or_skip()


def truth():
    """Of each picture the boxes (x0, y0, x1, y1) of those whom the network is sure of; and the picture's size."""
    core = openvino.Core()
    network = core.read_model(str(MODEL))
    network.reshape([1, 300, 300, 3])
    compiled = core.compile_model(network, "CPU")
    request = compiled.create_infer_request()
    named = [next(o for o in compiled.outputs if any(part in n for n in o.names))
             for part in ("detection_boxes", "detection_scores")]
    clip, found = cv2.VideoCapture(str(CLIP)), []
    while True:
        ok, picture = clip.read()
        if not ok:
            return found, size
        size = height, width = picture.shape[:2]
        request.infer({0: cv2.cvtColor(cv2.resize(picture, (300, 300)), cv2.COLOR_BGR2RGB)[None]})
        boxes, scores = (request.get_tensor(output).data[0] for output in named)
        found.append([(max(int(x0 * width), 0), max(int(y0 * height), 0), min(math.ceil(x1 * width), width),
                       min(math.ceil(y1 * height), height)) for y0, x0, y1, x1 in boxes[scores >= SURE]])


def hidden(line, size):
    """A picture of what is pixelated."""
    mask = numpy.zeros(size, bool)
    if line["blurred"] == "all":
        mask[:] = True
        return mask
    for x, y, w, h in line["blurred"]:
        check(x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= size[1] and y + h <= size[0], str(line["blurred"]))
        mask[y:y + h, x:x + w] = True
    return mask


env = {**environment, "SIDESTREAM_DATA": str(CLIP.parent.parent)}
done = sidestream(MODEL, backend=None, command="build", env=env)
same(done.returncode, 0, done.stderr)
check(" built for " in done.stdout and len(list((folder / "cache/sidestream").iterdir())) == 1, done.stdout)
done = sidestream("--model", MODEL, "--blur", "person", "--rate", RATE, "--simulate-latency", 200, "--output",
                  "jsonl:blur.jsonl", "--quiet", CLIP, backend=None, env=env)
same(done.returncode, 0, done.stderr)
shown = [json.loads(line) for line in (folder / "blur.jsonl").read_text().splitlines()]
people, size = truth()
parts = [line for line in shown if line["blurred"] != "all"]
if len(parts) < len(shown) / 2:
    print(f"skipped: too slow here, {len(shown) - len(parts)} of {len(shown)} pictures are hidden whole")
    raise SystemExit(77)

pixels = covered = 0
area = 0.0
for line in shown:
    mask = hidden(line, size)
    if line["blurred"] != "all":
        area += mask.mean()
    for x0, y0, x1, y1 in people[round(line["pts"] * RATE)]:
        pixels += (y1 - y0) * (x1 - x0)
        covered += int(mask[y0:y1, x0:x1].sum())
print(f"{len(shown)} pictures, {len(shown) - len(parts)} of them hidden whole, {100 * area / len(parts):.1f} % of the "
      f"others; of {pixels} pixels of people {100 * covered / pixels:.3f} % hidden")
check(pixels > 1000000, f"{pixels} pixels of people")
check(covered >= LEAST * pixels, f"{100 * covered / pixels:.3f} % hidden, not {100 * LEAST:g} %")
check(area < 0.6 * len(parts), f"{100 * area / len(parts):.1f} % of the pictures hidden: that hides more than people")
