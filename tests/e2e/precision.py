# SPDX-License-Identifier: Apache-2.0
"""Average precision on random boxes: ours beside pycocotools'."""
import contextlib
import io
import random
import subprocess
import sys

try:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError:
    print("skipped: no pycocotools; tools/setup.sh --tests brings it")
    raise SystemExit(77)

SCORE = sys.argv[1]


def ours(shown, truth):
    text = "".join(f"{kind} {f} {c} {s!r} " + " ".join(repr(v) for v in box) + "\n"
                   for kind, rows in (("shown", shown), ("truth", truth)) for f, c, s, *box in rows)
    return [float(v) for v in subprocess.run([SCORE], input=text, capture_output=True, text=True,
                                             check=True).stdout.split()]


def case(seed):
    """Frames with some truth, and boxes near it or anywhere; scores with ties; some empty, some crowded."""
    r = random.Random(seed)
    shown, truth = [], []
    for frame in range(r.choice((1, 5, 30))):
        for _ in range(r.choice((0, 1, 4, 12))):
            cls = r.randint(1, 3)
            box = [r.uniform(0, 600), r.uniform(0, 400), r.uniform(5, 120), r.uniform(5, 120)]
            truth.append((frame, cls, 1, *box))
            for _ in range(r.choice((0, 1, 1, 2))):
                spread = r.choice((0.02, 0.1, 0.3))
                near = [v + r.gauss(0, spread) * box[2 + i % 2] for i, v in enumerate(box)]
                near[2:] = (max(v, 1) for v in near[2:])
                shown.append((frame, r.choice((cls, cls, cls, 4)), r.randint(1, 64) / 64, *near))
        for _ in range(r.choice((0, 3, 130))):
            shown.append((frame, r.randint(1, 4), r.randint(1, 64) / 64, r.uniform(0, 600), r.uniform(0, 400),
                          r.uniform(5, 120), r.uniform(5, 120)))
    return shown, truth


def coco(shown, truth):
    data = COCO()
    data.dataset = {
        "images": [{"id": i} for i in range(1, 32)], "categories": [{"id": c} for c in range(1, 5)],
        "annotations": [{"id": i + 1, "image_id": f + 1, "category_id": c, "bbox": box, "area": box[2] * box[3],
                         "iscrowd": 0} for i, (f, c, _, *box) in enumerate(truth)]}
    with contextlib.redirect_stdout(io.StringIO()):
        data.createIndex()
        found = data.loadRes([{"image_id": f + 1, "category_id": c, "score": s, "bbox": box}
                              for f, c, s, *box in shown])
        judge = COCOeval(data, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats[0], judge.stats[1]


compared = 0
for seed in range(60):
    shown, truth = case(seed)
    if not shown or not truth:
        continue
    counted, theirs = ours(shown, truth), coco(shown, truth)
    if any(abs(a - b) > 1e-9 for a, b in zip(counted, theirs)):
        raise SystemExit(f"seed {seed}: {counted} is not {theirs}")
    compared += 1
if compared < 40:
    raise SystemExit(f"only {compared} cases had boxes")

# A box with a part that is no number is nowhere.
for part in range(4):
    box = [10.0, 10.0, 40.0, 90.0]
    box[part] = float("nan")
    if any(ours([(0, 1, 1, *box)], [(0, 1, 1, 10.0, 10.0, 40.0, 90.0)])):
        raise SystemExit(f"a box that is no number in part {part} counts as right")
