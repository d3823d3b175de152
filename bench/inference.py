#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the network ever wait for us?

`sidestream bench` runs a bare loop of the same network (pre-processing, inference, decoding; no stream attached)
while an equal video plays without inference, then `sidestream run`'s own chain; so both share the machine with a
video, and what is missing from the loop's inferences is what being attached costs. Machines are shared and drift, by
more than what is to be measured; so the two take many short turns, and the error of what comes out is printed.
"""

import argparse
import math
import statistics

import common

TAKE_US, KEEP, AGE_MS = 200, 0.95, 76
# The second video against the bare loop beside one: inferences vary by a tenth, and a frame must always wait, or
# the video's rate is the limit. Much faster, and what is measured is the cost of drawing pictures nobody could see.
FASTER = 1.15
# Of either, in turn. At the slow pace a worker must first learn the rhythm; at the fast one the machine's drift counts.
SLOW_TURN_S, FAST_TURN_S = 12, 4
LOOK_S = 12  # to choose the second video's rate by: long enough that one fast moment does not


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


def bench(rate, latency, seconds, parts, extra):
    with common.scratch() as tmp:
        usage = common.run([common.sidestream_program(), "bench", common.asset("vtest.avi"), "--rate", f"{rate:g}",
                            "--simulate-latency", f"{latency:g}", "--duration", f"{seconds:g}", "--parts", parts,
                            "--json", tmp / "bench.json", *extra], 4 * seconds + 2 * common.GRACE)
        return common.read_stats(tmp / "bench.json") | {"others": usage["others"]}


def middle(rounds, part, *path):
    def value(report):
        report = report[part]
        for key in path:
            report = report[key]
        return report
    return statistics.median(map(value, rounds))


def kept_of(rounds, rate):
    """Sidestream's inferences for each of the bare loop's, over all rounds, and the standard error of that."""
    # No picture is looked at twice: a network faster than the video is measured by the video.
    pairs = [(r["together"]["inferences_per_s"], min(r["side_by_side"]["inferences_per_s"], rate)) for r in rounds]
    kept = sum(ours for ours, _ in pairs) / sum(bare for _, bare in pairs)
    error = statistics.stdev(ours / bare for ours, bare in pairs) / math.sqrt(len(pairs)) if len(pairs) > 1 else 0
    return kept, error


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=72, help="of either, all turns together, for each row")
    parser.add_argument("--threads", help="of the network (default: the runtime chooses)")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    extra = ["--threads", options.threads] if options.threads else []
    rows, verdicts = [], []
    common.progress("how fast is the network beside a video?")
    speed = bench(30, 0, 4, "model_alone", extra)["model_alone"]["inferences_per_s"]
    speed = bench(speed, 0, LOOK_S, "side_by_side", extra)["side_by_side"]["inferences_per_s"]
    fast = min(1000, math.ceil(FASTER * speed / 10) * 10)
    for rate, latency, turn, align in ((30, 40, SLOW_TURN_S, "hold"), (30, 40, SLOW_TURN_S, "live"),
                                       (fast, 0, FAST_TURN_S, "hold"), (fast, 0, FAST_TURN_S, "live")):
        pace = f"at least {latency} ms" if latency else "as fast as the network can"
        name = f"{rate} fps, {pace}, {align}"
        rounds, wanted = [], max(1, round(options.seconds / turn))
        for n in range(wanted):
            common.progress(f"{name}: round {n + 1} of {wanted}")
            rounds.append(bench(rate, latency, turn, "side_by_side,together", ["--align", align, *extra]))
        bare, ours = (middle(rounds, part, "inferences_per_s") for part in ("side_by_side", "together"))
        kept, error = kept_of(rounds, rate)
        take, age = middle(rounds, "together", "take_us", "p99"), middle(rounds, "together", "age_ms", "mean")
        bound = slot_age(1000 / rate, 1000 / ours)
        rows.append([name, f"{bare:.1f}", f"{ours:.1f}", f"{kept:.3f} ± {error:.3f}", f"{take:.1f}",
                     f"{middle(rounds, 'together', 'take_us', 'max'):.0f}", f"{age:.1f}", f"{bound:.1f}",
                     f"{middle(rounds, 'side_by_side', 'fps'):.2f} / {middle(rounds, 'together', 'fps'):.2f}",
                     f"{100 * statistics.median(r['others'] for r in rounds):.0f} %"])
        if (rate, align) == (fast, "live"):
            continue  # two processors carry boxes through more pictures than anybody sees: told, not promised
        verdicts.append((take <= TAKE_US,
                         f"{name}: a waiting frame is taken within {take:.1f} us (p99; at most {TAKE_US})"))
        verdicts.append((kept >= KEEP, f"{name}: {kept:.3f} of the bare loop's inferences (at least {KEEP}; standard error "
                         f"{error:.3f})"))
        if (rate, latency) == (30, 40):
            verdicts.append((age <= AGE_MS,
                             f"{name}: boxes {age:.1f} ms old on average (at most {AGE_MS}; a slot with the newest "
                             f"frame has {bound:.1f} in theory at this many inferences)"))
    header = ["video, network", "bare loop beside a video, inf/s", "Sidestream", "kept", "take p99 us",
              "slowest", "mean age ms", "slot in theory", "fps beside / together", "CPU others took"]
    text = (f"{options.seconds:g} s of either, in turns of {SLOW_TURN_S} and {FAST_TURN_S} s; kept over all of them with "
            "its standard error, else medians. The second video is 15 % faster than the bare loop beside a video "
            f"({speed:.0f}/s in a first look), so that a frame always waits.\n\n" + common.table(header, rows) + "\n\n"
            + common.verdicts(verdicts))
    common.publish("inference", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
