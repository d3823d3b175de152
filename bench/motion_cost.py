#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What does it cost the stream's thread to carry boxes to the present, beside OpenCV's drawing in the same run?

Runs build/bench/motion_cost (the small pictures of a 1080p frame; the last hop of so many boxes within a budget), then
`sidestream run` at the pace of live on a 720p clip whose camera pans, with 10 and 100 boxes, unmoved and carried.
"""

import argparse

import common
import frame_cost
import robustness

PICTURE_US = 400
P50_US, P99_US = 1000, 2500  # ssinfer + ssoverlay, ten boxes at 1280x720
SIZE, PICTURES = (1280, 720), 300


def make_clip(path):
    """A camera that pans over the demo's clip: every box has to be moved."""
    pictures = robustness.read(common.asset("vtest.avi"))
    pictures = robustness.pans(robustness.scaled(pictures, tuple(3 * side // 2 for side in SIZE)))
    robustness.write((picture for picture, _ in zip(pictures, range(PICTURES))), path)


def running(clip, boxes, align, seconds):
    """The program's figures, and how often a box was carried by its pixels and by its velocity."""
    stats, usage, lines = common.sidestream_run(
        [clip], ["--rate", "30", "--loop", "--align", align, "--backend", "dummy", "--model-options",
                 f"boxes={boxes},latency=40", "--output", "none", "--output", "jsonl:@TMP@/frames.jsonl"], seconds)
    stream, states = stats["streams"][0], [o["state"] for line in lines for o in line["objects"]]
    return stream | {"lost": max(0, round(seconds * 30) - stream["frames_out"]), "others": usage["others"],
                     "predicted": states.count("predicted") / max(1, len(states)),
                     "boxes": len(states) / max(1, sum(bool(line["objects"]) for line in lines))}


def pictures_part(measured, drawing):
    """The time that a 1080p frame's small pictures take."""
    rows, verdicts = [], []
    for p in measured:
        name, share = f"{p['width']}x{p['height']} {p['format']}", p["p50_us"] / drawing
        rows.append([name, f"{p['p50_us']:.0f}", f"{p['p99_us']:.0f}", f"{share:.2f}"])
        verdicts.append((p["p50_us"] <= PICTURE_US, f"the small pictures of {name}: p50 {p['p50_us']:.0f} us (at most "
                                                    f"{PICTURE_US}); {share:.2f} of OpenCV's drawing"))
    return common.table(["small pictures of", "p50 us", "p99 us", "p50 / the tutorial's drawing"], rows), verdicts


def carrying_part(measured):
    """The last hop alone; the first of them is one box without a budget: a hop."""
    rows, verdicts, hop = [], [], measured[0]["max_us"]
    for c in measured:
        shares = c["tracked"] + c["predicted"]
        budget = f"{c['budget_us']} us" if c["budget_us"] > 0 else "no budget"
        rows.append([f"{c['boxes']} boxes, {budget}", f"{c['p50_us']:.0f}", f"{c['p99_us']:.0f}", f"{c['max_us']:.0f}",
                     f"{100 * c['predicted'] / shares:.0f} %"])
        if c["budget_us"] > 0:
            over = max(0, c["p99_us"] - c["budget_us"])
            verdicts.append((over <= hop, f"{c['boxes']} boxes, {budget}: over it by {over:.0f} us (p99; at most the "
                                          f"slowest hop of one box, {hop:.0f})"))
    return common.table(["last hop of", "p50 us", "p99 us", "slowest", "by velocity"], rows), verdicts


def program_part(clip, drawing, seconds):
    rows, verdicts = [], []
    for boxes, align in ((10, "hold"), (10, "live"), (100, "hold"), (100, "live")):
        common.progress(f"the program, {boxes} boxes, {align}")
        r = running(clip, boxes, align, seconds)
        cost, name = r["stream_cost_us"], f"{boxes} boxes, {align}, {SIZE[0]}x{SIZE[1]}"
        rows.append([name, f"{r['boxes']:.1f}", f"{cost['p50']:.0f}", f"{cost['p99']:.0f}",
                     f"{cost['p50'] / drawing['p50']:.2f}", f"{100 * r['predicted']:.0f} %",
                     f"{r['interval_ms']['p99']:.1f}", r["lost"], r["frames_waited"], f"{100 * r['others']:.0f} %"])
        if align == "hold":  # what drawing alone costs there and then
            continue
        if boxes == 10:
            verdicts.append((cost["p50"] <= P50_US and cost["p99"] <= P99_US,
                             f"{name}: p50 {cost['p50']:.0f} us (at most {P50_US}), p99 {cost['p99']:.0f} us (at most "
                             f"{P99_US}); {cost['p50'] / drawing['p50']:.2f} of OpenCV's drawing"))
        late = r["interval_ms"]["p99"] * 30 / 1000
        verdicts.append((r["lost"] == 0 and r["frames_waited"] == 0 and late <= 1.1,
                         f"{name}: {r['frames_out']} frames, {r['lost']} lost, {r['frames_waited']} waited, interval "
                         f"p99 {late:.2f} of the period (at most 1.10); {100 * r['predicted']:.0f} % of the boxes by "
                         "their velocity"))
    return common.table(["the program", "boxes shown", "p50 us", "p99 us", "p50 / the tutorial's drawing",
                         "by velocity", "interval p99 ms", "lost", "waited", "CPU others took"], rows), verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600, help="of each measurement of the C part")
    parser.add_argument("--seconds", type=float, default=20, help="of each run of the program")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    common.need_replica_packages()
    before = frame_cost.opencv(300)
    alone, _ = common.run_json([common.built("bench/motion_cost"), options.frames], 10 * common.GRACE)
    after = frame_cost.opencv(300)
    pictures, verdicts = pictures_part(alone["pictures"], frame_cost.both(before, after, "fill", "1920x1080")[0])
    carrying, more = carrying_part(alone["carrying"])
    verdicts += more
    drawing = frame_cost.opencv(300, 1000 / 30)["fill"]["{}x{}".format(*SIZE)]
    with common.scratch() as tmp:
        make_clip(tmp / "clip.avi")
        program, more = program_part(tmp / "clip.avi", drawing, options.seconds)
    verdicts += more
    text = (f"At the pace of live, 30 frames a second, {options.seconds:g} s each: `ssinfer` + `ssoverlay`, "
            "boxes unmoved and carried, a network of 40 ms, a camera that pans; the tutorial's drawing takes "
            f"{drawing['p50']:.0f} us there.\n\n"
            + program + f"\n\nAlone, {options.frames} frames each, times of the processor:\n\n" + pictures + "\n\n"
            + carrying + "\n\n" + common.verdicts(verdicts))
    common.publish("motion_cost", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
