#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far are boxes from their objects when they are shown, beside the tutorial's way of showing them?

`sidestream eval` plays the demo's clip on a virtual clock: hold, live and delay. The tutorial's schedule (every third
frame into an unbounded queue, one worker that takes the oldest, the newest result shown unmoved) is played here on the
same clock, with what the same network says of the same pictures, and scored against the same reference. All rows are
counted a second time by pycocotools.
"""

import argparse
import contextlib
import io
import json

import common

WAYS = ("hold", "live", "delay")
LATENCIES = (40, 100, 200)
MODULUS = 3
REFERENCE, THRESHOLD = 0.5, 0.15  # eval's: of what counts as there, and of what is shown
INSTANT = 1e-6  # what is this near is at the same instant, as in src/app/replay.c
# AP and AP50 for each latency: asked for, and hoped for.
LEAST = {"live": ((40, 76), (29, 62), (20, 48)), "delay": ((92, 97), (78, 91), (60, 80))}
GOAL = {"live": ((46, 79), (37, 69), (28, 57))}
AGREE, REAL_AGREE = 0.05, 2  # points of AP: between eval and pycocotools, between both clocks


def evaluate(clip, more, seconds):
    """eval's report, what the network sees (a line a picture), and what each way shows (way, latency -> lines)."""
    with common.scratch() as tmp:
        report, _ = common.run_json(
            [common.sidestream_program(), "eval", "--quiet", *common.EXACT, "--rate", "30", "--align", ",".join(WAYS), "--latency",
             ",".join(map(str, LATENCIES)), "--json", "-", "--boxes", tmp / "boxes.jsonl", *more, clip], seconds)
        lines = [json.loads(line) for line in (tmp / "boxes.jsonl").read_text().splitlines()]
    shown = {}
    for line in lines:
        if "align" in line:
            shown.setdefault((line["align"], line["latency_ms"]), []).append(line)
    return report, [line for line in lines if "align" not in line], shown


def tutorial(seen, latency_ms):
    """What its program shows of each picture: the newest result that is there, and of which picture that is."""
    waiting, results, free, shown = [], [], 0.0, []
    for n, picture in enumerate(seen):
        if n % MODULUS == 0:
            waiting.append(picture)
        while waiting and max(free, waiting[0]["pts"]) + latency_ms / 1000 <= picture["pts"] + INSTANT:
            oldest = waiting.pop(0)
            free = max(free, oldest["pts"]) + latency_ms / 1000
            results.append(oldest)
        source = results[-1] if results else None
        shown.append({"frame": picture["frame"], "objects": [
            o | {"age": picture["pts"] - source["pts"]}
            for o in (source["objects"] if source else ()) if o["score"] >= THRESHOLD]})
    return shown


def average_precision(truth, shown):
    """AP and AP50, in per cent, by COCO's own program."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    boxes = lambda lines: [(line["frame"] + 1, o) for line in lines for o in line["objects"]]  # noqa: E731
    data = COCO()
    data.dataset = {
        "images": [{"id": line["frame"] + 1} for line in truth],
        "categories": [{"id": c} for c in sorted({o["class"] for _, o in boxes(truth) + boxes(shown)})],
        "annotations": [{"id": i + 1, "image_id": f, "category_id": o["class"], "bbox": o["box"], "iscrowd": 0,
                         "area": o["box"][2] * o["box"][3]} for i, (f, o) in enumerate(boxes(truth))]}
    with contextlib.redirect_stdout(io.StringIO()):
        data.createIndex()
        found = data.loadRes([{"image_id": f, "category_id": o["class"], "score": o["score"], "bbox": o["box"]}
                              for f, o in boxes(shown)])
        judge = COCOeval(data, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return 100 * judge.stats[0], 100 * judge.stats[1]


def mean_age(shown):
    ages = [1000 * o["age"] for line in shown for o in line["objects"]]
    return sum(ages) / len(ages) if ages else 0.0


def more_of(variant):
    return f"{variant['mean_iou']:.3f}", variant["id_switches"], f"{variant['stream_cost_us']['p50']:.0f}"


def judge(way, latency, which, figures):
    """Promise, and the goal as a remark."""
    texts = [f"{way}, {latency} ms: AP {figures[0]:.1f}, AP50 {figures[1]:.1f} (at least "
             f"{LEAST[way][which][0]} / {LEAST[way][which][1]}"]
    if way in GOAL:
        missed = [f"{name} by {goal - is_:.1f}" for name, is_, goal in zip(("AP", "AP50"), figures, GOAL[way][which])
                  if is_ < goal]
        texts.append("goal {} / {} {}".format(*GOAL[way][which],
                                              "missed in " + " and ".join(missed) if missed else "reached"))
    return all(is_ >= least for is_, least in zip(figures, LEAST[way][which])), "; ".join(texts) + ")"


def play_real(clip, expected):
    """The same ways with the engine's threads and a real clock: a row each, and how well both clocks agree."""
    seconds = common.GRACE + 40 * (len(WAYS) * len(LATENCIES) + 1)
    report, _, _ = evaluate(clip, ["--clock", "real"], seconds)
    real = {(v["align"], v["latency_ms"]): (100 * v["ap"], 100 * v["ap50"]) for v in report["variants"]}
    rows = [[f"`{way}`, real clock", *(f"{ap:.1f} / {ap50:.1f}" for ap, ap50 in (real[way, l] for l in LATENCIES))]
            for way in WAYS]
    worst = max(real, key=lambda key: abs(real[key][0] - expected[key][0]))
    off = abs(real[worst][0] - expected[worst][0])
    return rows, (off <= REAL_AGREE, f"both clocks agree within {off:.1f} AP (at most {REAL_AGREE}; "
                                     f"{worst[0]} at {worst[1]} ms)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="the real clock, too (five minutes)")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    try:
        import pycocotools  # noqa: F401
    except ImportError as error:
        raise common.BenchError(f"{error}: run it with .venv/bin/python (tools/setup.sh makes .venv)") from None
    clip = common.asset("vtest.avi")
    report, seen, shown = evaluate(clip, [], 10 * common.GRACE)
    truth = [line | {"objects": [o for o in line["objects"] if o["score"] >= REFERENCE]} for line in seen]
    shown |= {("tutorial", latency): tutorial(seen, latency) for latency in LATENCIES}

    figures, more, apart = {}, [], 0.0
    for way in ("tutorial", *WAYS):
        for latency in LATENCIES:
            counted = average_precision(truth, shown[way, latency])
            figures[way, latency] = counted
            known = [v for v in report["variants"] if (v["align"], v["latency_ms"]) == (way, latency)]
            for v in known:
                figures[way, latency] = (100 * v["ap"], 100 * v["ap50"])
                apart = max(apart, *(abs(a - b) for a, b in zip(counted, figures[way, latency])))
            more.append([f"{way}, {latency} ms", f"{mean_age(shown[way, latency]):.0f}",
                         *(more_of(known[0]) if known else ("-", "-", "-"))])
    name = {"tutorial": f"the tutorial's queue + modulus {MODULUS}, unmoved"} | {way: f"`{way}`" for way in WAYS}
    rows = [[name[way], *("{:.1f} / {:.1f}".format(*figures[way, latency]) for latency in LATENCIES)] for way in name]
    verdicts = [judge(way, latency, i, figures[way, latency]) for way in LEAST for i, latency in enumerate(LATENCIES)]
    verdicts.append((apart <= AGREE,
                     f"pycocotools counts the same boxes alike: at most {apart:.3f} off (at most {AGREE})"))
    if options.real:
        real_rows, verdict = play_real(clip, figures)
        rows += real_rows
        verdicts.append(verdict)
    text = (f"AP / AP50 against what the network says of the very picture that is shown, {report['frames']} pictures "
            f"at 30 a second, {report['reference_objects']} objects; a network of\n\n"
            + common.table(["boxes shown", *(f"{latency} ms" for latency in LATENCIES)], rows) + "\n\n"
            + common.table(["boxes shown, network", "mean age ms", "mean IoU", "id switches",
                            "us a picture on the stream's thread"], more) + "\n\n"
            + common.verdicts(verdicts))
    common.publish("alignment", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
