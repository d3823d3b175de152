#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What does one frame pay on the stream's own thread, beside OpenCV's drawing in the same run?

Runs build/bench/frame_cost (the elements alone, ways to share a picture with the network compared) with the
replica's drawing before and after it; then both at the pace of live, where caches grow cold between two frames:
`sidestream run` with ten boxes on a 720p and 1080p picture, and the replica's drawing.
"""

import argparse
import sys

import common

P50_US, P99_US = 500, 1500  # at 1280x720, boxes unmoved
CARRIED_P50_US, CARRIED_P99_US = 1000, 2500
SIZES = ((1280, 720), (1920, 1080))
FORMATS = ("NV12", "I420", "BGRx")


def opencv(rounds, pause=0):
    report, _ = common.run_json([sys.executable, common.ROOT / "bench/replica.py", "draw", "--rounds", str(rounds),
                                 "--pause", f"{pause:g}"], common.GRACE + 4 * (rounds + 20) * (pause + 20) / 1000)
    return report["draw_us"]


def both(first, second, style, size):
    """Of two runs the better figure: what else the machine did counts for nobody."""
    return [min(first[style][size][q], second[style][size][q]) for q in ("p50", "p99")]


def running(size, pixels, seconds):
    """ssinfer + ssoverlay in the program: p50 and p99 in us, share of the CPU that others took."""
    source = f"test://ball?width={size[0]}&height={size[1]}&fps=30&format={pixels}"
    stats, usage, _ = common.sidestream_run(
        [source], ["--backend", "dummy", "--model-options", "boxes=10,latency=40", "--align", "hold", "--output", "none"],
        seconds)
    cost = stats["streams"][0]["stream_cost_us"]
    return cost["p50"], cost["p99"], usage["others"]


def judge(name, p50, p99, drawing, most=(P50_US, P99_US)):
    return (p50 <= most[0] and p99 <= most[1],
            f"{name}: p50 {p50:.0f} us (at most {most[0]}), p99 {p99:.0f} us (at most {most[1]}); "
            f"{p50 / drawing:.2f} of OpenCV's drawing (goal 0.10)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300, help="of each way")
    parser.add_argument("--seconds", type=float, default=10, help="of each run of the program")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    common.need_replica_packages()
    frame_cost = common.built("bench/frame_cost")
    before = opencv(options.frames)
    ways, _ = common.run_json([frame_cost, "--json", "--frames", str(options.frames)], 10 * common.GRACE)
    after = opencv(options.frames)

    live = opencv(int(options.seconds * 30), 1000 / 30)

    rows, paced, verdicts = [], [], []
    for size in SIZES:
        name = f"{size[0]}x{size[1]}"
        fill = both(before, after, "fill", name)
        for label, figures in (("OpenCV, the tutorial's drawing (filled, 40 %)", fill),
                               ("OpenCV, outlines into the frame itself", both(before, after, "outline", name))):
            rows.append([f"{label}, {name} BGR", *(f"{us:.0f}" for us in figures), "-", f"{figures[0] / fill[0]:.2f}"])
        for way in ways["rows"]:
            if (way["width"], way["height"]) != size:
                continue
            p50, p99 = way["p50_us"], way["p99_us"]
            rows.append([f"{way['way']}, {name} {way['format']}", f"{p50:.0f}", f"{p99:.0f}",
                         f"{way['cpu_p99_us']:.0f}", f"{p50 / fill[0]:.2f}"])
            if size == SIZES[0] and "ssinfer" in way["way"]:
                carried = "carried" in way["way"]
                most = (CARRIED_P50_US, CARRIED_P99_US) if carried else (P50_US, P99_US)
                verdicts.append(judge(f"{name} {way['format']}, boxes {'carried' if carried else 'unmoved'}, frame after "
                                      "frame", p50, p99, fill[0], most))
        drawing = live["fill"][name]
        paced.append([f"OpenCV, the tutorial's drawing, {name} BGR", f"{drawing['p50']:.0f}", f"{drawing['p99']:.0f}",
                      "1.00", "-"])
        for pixels in FORMATS:
            common.progress(f"the program, {name} {pixels}")
            p50, p99, others = running(size, pixels, options.seconds)
            paced.append([f"**`sidestream run`**, {name} {pixels}", f"{p50:.0f}", f"{p99:.0f}",
                          f"{p50 / drawing['p50']:.2f}", f"{100 * others:.0f} %"])
            if size == SIZES[0]:
                verdicts.append(judge(f"{name} {pixels}, boxes unmoved, at the pace of live", p50, p99, drawing["p50"]))
    text = (f"At the pace of live, 30 frames a second, {options.seconds:g} s each: `ssinfer` + `ssoverlay` in the "
            "program, boxes unmoved (carried: `bench/motion_cost.py`), a network of 40 ms beside them.\n\n"
            + common.table(["program", "p50 us", "p99 us", "p50 / the tutorial's", "CPU others took"], paced)
            + f"\n\nOne frame right after the other, {options.frames} each: ways to draw although the network may "
            "still read the picture.\n\n"
            + common.table(["way", "p50 us", "p99 us", "p99 of its CPU time", "p50 / the tutorial's"], rows) + "\n\n"
            + common.verdicts(verdicts))
    common.publish("frame_cost", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
