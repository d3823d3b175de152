#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does an object keep its id? Our tracker on the public detections of two MOT15 sequences, beside SORT.

Judged by motmetrics (MOTA, IDF1; a box is right from an overlap of 0.5), at the full rate and at every third frame.
Needs `pip install motmetrics==1.4.0`, the files TUD-Campus-det.txt and TUD-Stadtmitte-det.txt (motchallenge.net, 2D MOT
2015), and for the comparison a sort.py of the authors of SORT (github.com/abewley/sort; it needs `filterpy==1.4.5`).
"""

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import time
import types

import common

SEQUENCES = ("TUD-Campus", "TUD-Stadtmitte")
FASTER = 50


def read_csv(path, numpy):
    if not path.is_file():
        raise common.BenchError(f"no {path}: see --help for where it comes from")
    return numpy.loadtxt(path, delimiter=",", ndmin=2)


def overlap_distances(a, b, numpy):
    """1 - IoU of every pair of boxes (left, top, width, height); NaN where it is below 0.5."""
    a, b = numpy.reshape(a, (-1, 4)), numpy.reshape(b, (-1, 4))
    low = numpy.maximum(a[:, None, :2], b[None, :, :2])
    high = numpy.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    common_area = numpy.clip(high - low, 0, None).prod(axis=2)
    union = a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None] - common_area
    distance = 1 - common_area / union
    return numpy.where(distance > 0.5, numpy.nan, distance)


def judge(truth, found, motmetrics, numpy):
    """Rows of frame, id, left, top, width, height -> MOTA, IDF1, id switches."""
    account = motmetrics.MOTAccumulator(auto_id=True)
    for frame in sorted(set(truth[:, 0])):
        there, seen = truth[truth[:, 0] == frame], found[found[:, 0] == frame]
        account.update(there[:, 1], seen[:, 1], overlap_distances(there[:, 2:6], seen[:, 2:6], numpy))
    result = motmetrics.metrics.create().compute(account, metrics=["mota", "idf1", "num_switches"], name="it")
    return tuple(float(result[name].iloc[0]) for name in ("mota", "idf1", "num_switches"))


def ours(path, every, numpy):
    command = [str(common.built("bench/track")), "--every", str(every), "--repeat", "20", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=common.GRACE, check=False)
    if done.returncode != 0:
        raise common.BenchError(done.stderr.strip())
    rows = [[float(v) for v in line.split(",")] for line in done.stdout.split()]
    return numpy.array(rows).reshape(-1, 6), float(done.stderr)


def load_sort(path):
    """Its module draws, too; what it imports for that is not needed here."""
    for name in ("matplotlib", "matplotlib.pyplot", "matplotlib.patches", "skimage", "skimage.io"):
        module = sys.modules[name] = types.ModuleType(name)
        module.use = lambda *_args, **_more: None
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    spec = importlib.util.spec_from_file_location("sort", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def theirs(module, detections, every, numpy):
    """Its own defaults: max_age 1, min_hits 3, iou_threshold 0.3."""
    tracker, rows, updates, began = module.Sort(), [], 0, time.perf_counter()
    for frame in range(1, int(detections[:, 0].max()) + 1, every):
        boxes = detections[detections[:, 0] == frame, 2:7].copy()
        boxes[:, 2:4] += boxes[:, 0:2]
        rows += [(frame, r[4], r[0], r[1], r[2] - r[0], r[3] - r[1]) for r in tracker.update(boxes)]
        updates += 1
    return numpy.array(rows).reshape(-1, 6), updates / (time.perf_counter() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=common.data_dir() / "mot15", help="folder of the detections")
    parser.add_argument("--sort", type=pathlib.Path, help="sort.py to compare with")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    try:
        import motmetrics
        import numpy
        sort = load_sort(options.sort) if options.sort else None
    except (ImportError, OSError) as error:
        raise common.BenchError(f"{error}; see --help for what it needs") from None
    truth_dir = pathlib.Path(os.path.dirname(motmetrics.__file__)) / "data"
    rows, scores = [], {"SORT": [], "Sidestream": []}
    for every in (1, 3):
        for name in SEQUENCES:
            detections = read_csv(options.data / f"{name}-det.txt", numpy)
            truth = read_csv(truth_dir / name / "gt.txt", numpy)
            truth = truth[(truth[:, 6] != 0) & ((truth[:, 0] - 1) % every == 0)]
            runs = {"Sidestream": ours(options.data / f"{name}-det.txt", every, numpy)}
            if sort:
                runs = {"SORT": theirs(sort, detections, every, numpy)} | runs
            for tracker, (found, speed) in runs.items():
                mota, idf1, switches = judge(truth, found, motmetrics, numpy)
                scores[tracker].append((mota, idf1, speed))
                rows.append([f"{name}, every {'frame' if every == 1 else 'third frame'}: {tracker}",
                             f"{100 * mota:.1f}", f"{100 * idf1:.1f}", f"{switches:.0f}", f"{speed:.0f}"])
    text = ("Detections that may start a track: score 0.6 and more; shown from the third on; boxes as filtered.\n\n"
            + common.table(["sequence: tracker", "MOTA", "IDF1", "id switches", "frames/s"], rows))
    verdicts = []
    for which, name in ((0, "MOTA"), (1, "IDF1")) if sort else ():
        pairs = [(a[which], b[which]) for a, b in zip(scores["SORT"], scores["Sidestream"])]
        mean = [sum(p[i] for p in pairs) / len(pairs) for i in (0, 1)]
        verdicts.append((all(b >= a for a, b in pairs) and mean[1] > mean[0],
                         f"{name}: nowhere below SORT's, on average {100 * mean[1]:.1f} against {100 * mean[0]:.1f}"))
    if sort:
        ratio = min(b[2] / a[2] for a, b in zip(scores["SORT"], scores["Sidestream"]))
        verdicts.append((ratio >= FASTER, f"at least {ratio:.0f} times SORT's frames/s (at least {FASTER})"))
    common.publish("tracker", text + "\n\n" + common.verdicts(verdicts), options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
