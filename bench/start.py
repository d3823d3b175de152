#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long until the first picture, and until the first boxes?

Starts `sidestream run` on the demo's clip N times with an empty cache of compiled models and N times with the
filled one. Times count from the start of the process; the files themselves are in the system's page cache.
"""

import argparse

import common

PICTURE_MS, BOXES_WARM_MS = 500, 1500


def start_once(cache, seconds):
    options = ["--rate", "30", "--loop", "--output", "none", "--cache-dir", cache]
    stats, _, _ = common.sidestream_run([common.asset("vtest.avi")], options, seconds)
    stream = stats["streams"][0]
    if not stream["first_objects_ms"]:
        raise common.BenchError(f"no boxes within {seconds:g} s (give it --seconds)")
    return stream["first_frame_ms"], stream["first_objects_ms"], stream["interval_ms"]["max"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    parser.add_argument("--seconds", type=float, default=12,
                        help="of a start with an empty cache (a third with a filled one)")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    cold, warm = [], []
    with common.scratch() as tmp:
        for n in range(options.runs):
            common.progress(f"start {n + 1} of {options.runs}")
            cold.append(start_once(tmp / f"cache{n}", options.seconds))
            warm.append(start_once(tmp / f"cache{n}", max(4, options.seconds / 3)))
    rows, worst = [], {}
    for name, runs in (("empty cache", cold), ("second start", warm)):
        picture, boxes, gap = zip(*runs)
        worst[name] = max(picture), max(boxes)
        rows.append([name, len(runs), f"{common.percentile(picture, 50):.0f}", f"{max(picture):.0f}",
                     f"{common.percentile(boxes, 50):.0f}", f"{max(boxes):.0f}", f"{max(gap):.0f}"])
    header = ["start", "starts", "first picture ms p50", "slowest", "first boxes ms p50", "slowest",
              "longest interval ms"]
    pictures = max(w[0] for w in worst.values())
    verdicts = [
        (pictures <= PICTURE_MS,
         f"slowest first picture {pictures:.0f} ms (at most {PICTURE_MS}), while the model loads"),
        (worst["second start"][1] <= BOXES_WARM_MS,
         f"slowest first boxes of a second start {worst['second start'][1]:.0f} ms (at most {BOXES_WARM_MS})"),
    ]
    common.publish("start", common.table(header, rows) + "\n\n" + common.verdicts(verdicts), options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
