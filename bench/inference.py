#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the network ever wait for us?

`sidestream bench` runs a bare loop of the same network (pre-processing, inference, decoding; no stream attached)
while an equal video plays without inference, then `sidestream run`'s own chain; so both share the machine with a
video, and what is missing from the loop's inferences is what being attached costs. Some rounds, the median counts.
"""

import argparse
import math
import statistics

import common

TAKE_US, KEEP, AGE_MS = 200, 0.95, 76
FASTER = 1.25  # the video against the network: a frame must always wait, or the video's rate is the limit


def slot_age(period, cycle, phases=20, cycles=400):
    """Mean age that a slot with the newest frame has in theory: everything but frames and inferences takes no time.

    Starts at several moments of the frame's period, because a cycle that is a whole ratio of it keeps its phase.
    """
    total = frames = 0
    for phase in range(phases):
        results = []  # (ready, the frame's number)
        free = period * phase / phases
        for _ in range(cycles):
            frame = int(free / period)
            if results and results[-1][1] == frame:
                frame += 1
                free = frame * period
            free += cycle
            results.append((free, frame))
        newest = 0
        for n in range(int(results[0][0] / period) + 1, int(results[-1][0] / period)):
            while results[newest + 1][0] <= n * period:
                newest += 1
            total += (n - results[newest][1]) * period
            frames += 1
    return total / frames


def bench(rate, latency, seconds, extra):
    with common.scratch() as tmp:
        usage = common.run([common.sidestream_program(), "bench", common.asset("vtest.avi"), "--rate", f"{rate:g}",
                            "--simulate-latency", f"{latency:g}", "--duration", f"{seconds:g}",
                            "--json", tmp / "bench.json", *extra], 4 * seconds + 2 * common.GRACE)
        return common.read_stats(tmp / "bench.json") | {"others": usage["others"]}


def middle(rounds, part, *path):
    def value(report):
        report = report[part]
        for key in path:
            report = report[key]
        return report
    return statistics.median(map(value, rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15, help="of each of a round's four parts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", help="of the network (default: the runtime chooses)")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    extra = ["--threads", options.threads] if options.threads else []
    rows, verdicts = [], []
    common.progress("how fast is the network alone?")
    first = bench(30, 0, 3, extra)
    speed = max(first[part]["inferences_per_s"] for part in ("model_alone", "side_by_side"))
    fast = min(1000, math.ceil(FASTER * speed / 10) * 10)
    for rate, latency, name in ((30, 40, "30 fps, at least 40 ms"),
                                (fast, 0, f"{fast} fps, as fast as the network can")):
        rounds = []
        for n in range(options.rounds):
            common.progress(f"{name}: round {n + 1} of {options.rounds}")
            rounds.append(bench(rate, latency, options.seconds, extra))
        alone, bare, ours = (middle(rounds, part, "inferences_per_s")
                             for part in ("model_alone", "side_by_side", "together"))
        kept = statistics.median(r["together"]["inferences_per_s"] / min(r["side_by_side"]["inferences_per_s"], rate)
                                 for r in rounds)
        take, age = middle(rounds, "together", "take_us", "p99"), middle(rounds, "together", "age_ms", "mean")
        bound = slot_age(1000 / rate, 1000 / ours)
        rows.append([name, f"{alone:.1f}", f"{bare:.1f}", f"{ours:.1f}", f"{kept:.3f}", f"{take:.1f}",
                     f"{middle(rounds, 'together', 'take_us', 'max'):.0f}", f"{age:.1f}", f"{bound:.1f}",
                     f"{middle(rounds, 'side_by_side', 'fps'):.2f} / {middle(rounds, 'together', 'fps'):.2f}",
                     f"{100 * statistics.median(r['others'] for r in rounds):.0f} %"])
        verdicts.append((take <= TAKE_US,
                         f"{name}: a waiting frame is taken within {take:.1f} us (p99; at most {TAKE_US})"))
        verdicts.append((kept >= KEEP, f"{name}: {kept:.3f} of the bare loop's inferences (at least {KEEP})"))
        if (rate, latency) == (30, 40):
            verdicts.append((age <= AGE_MS,
                             f"{name}: boxes {age:.1f} ms old on average (at most {AGE_MS}; a slot with the newest "
                             f"frame has {bound:.1f} in theory at this many inferences)"))
    header = ["video, network", "model alone inf/s", "bare loop beside a video", "Sidestream", "kept", "take p99 us",
              "slowest", "mean age ms", "slot in theory", "fps beside / together", "CPU others took"]
    text = (f"{options.rounds} rounds of {options.seconds:g} s a part; medians. The second video is a quarter faster "
            "than the network, so that a frame always waits.\n\n" + common.table(header, rows) + "\n\n"
            + common.verdicts(verdicts))
    common.publish("inference", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
