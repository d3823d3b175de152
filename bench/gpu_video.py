#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many videos does a GPU decode and look at, with the pictures left in its memory or taken through the processor's?

H.264 by nvh264dec, as live streams that share a network on the same GPU (bench/gpu_video.c); needs GStreamer's nvcodec.
The boxes are the same either way; and by CUPTI, from outside of the program, no picture leaves the GPU's memory once
the GPU's network answers.
"""

import argparse
import glob
import json
import os
import pathlib
import subprocess
import sys

import common

STREAMS = (1, 8, 16, 32, 48, 64, 80)
EVERY, SHOWN = 0.999, 0.98  # of the frames, of the rate: "all frames"
WHERE = {"gpu": "stay there", "host": "go through the processor's memory"}
SAME = 1  # pixels that a box may differ by


def video(options, memory, streams, align, seconds, batch=1):
    command = [common.built("bench/gpu_video"), options.clip, memory, streams, seconds, align, options.model,
               options.device, options.options, batch]
    return common.run_json(command, 4 * common.GRACE)[0] | {"batch": batch}


def row(r):
    each = r["inferred"] / r["offered"] if r["offered"] else 0
    return [WHERE[r["memory"]], r["streams"], r["batch"], r["align"], f"{r['fewest_fps']:.1f}", f"{min(each, 1):.3f}", f"{r['age_ms']:.1f}",
            r["fetched"], r["unseen"], r["frames-waited"], f"{r['processors_a_stream']:.3f}"]


def boxes(r):
    return {source: box for source, *box in r["sights"]}


def judge_boxes(what, one, other):
    a, b = boxes(one), boxes(other)
    both = a.keys() & b.keys()
    worst = max((max(abs(x - y) for x, y in zip(a[at], b[at])) for at in both), default=float("inf"))
    return len(both) > 0 and worst <= SAME, f"boxes of {len(both)} pictures, {what}: at most {worst} pixels apart (at most {SAME})"


def copy_counter(tmp):
    """Built from cuda_copies.c; None: no CUPTI here."""
    found = [glob.glob(f"/usr/local/cuda*/targets/*/{part}") or glob.glob(f"/usr/local/cuda*/extras/CUPTI/{part}")
             for part in ("include/cupti.h", "lib*/libcupti.so*")]
    if not all(found):
        return None
    header, library = (pathlib.Path(paths[0]) for paths in found)
    out = tmp / "cuda_copies.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", f"-I{header.parent}", "-I/usr/local/cuda/include",
                    common.ROOT / "bench/cuda_copies.c", library, f"-Wl,-rpath,{library.parent}", "-o", out], check=True)
    return out


def copies(options, tmp):
    """What a second of video has copied, once the device's network answers: the difference of two runs."""
    counter = copy_counter(tmp)
    if not counter:
        return None, [(False, "no CUPTI here: copies are not counted")]
    file, rows, judged = tmp / "copies.json", [], []
    os.environ.update(CUDA_INJECTION64_PATH=str(counter), SS_COPIES=str(file))
    for memory in ("gpu", "host"):
        for align in ("hold", "live"):
            counts = []
            for seconds in (options.seconds, 3 * options.seconds):
                video(options, memory, 1, align, seconds)
                counts.append(json.loads(file.read_text()))
            frames = 2 * options.seconds * options.rate
            per = {way: {what: (counts[1][way][what] - counts[0][way][what]) / frames for what in ("pictures", "bytes")}
                   for way in counts[0]}
            rows.append([memory, align, *(f"{per[way]['pictures']:.2f}, {per[way]['bytes'] / 1e6:.3f} MB"
                                          for way in ("to_gpu", "from_gpu", "on_gpu"))])
            if memory == "gpu":
                most = max(per[way]["pictures"] for way in ("to_gpu", "from_gpu"))
                judged.append((most < 0.05, f"align={align}: {max(most, 0):.2f} pictures a frame between GPU and processor (none; "
                                            "less than 0.05, for the start takes a few more in one run than in the other)"))
    del os.environ["CUDA_INJECTION64_PATH"], os.environ["SS_COPIES"]
    return common.table(["pictures in", "align", "to the GPU, a frame", "from the GPU", "on the GPU"], rows), judged


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=pathlib.Path, help="H.264 in MP4")
    parser.add_argument("--rate", type=float, default=30, help="its frames a second")
    parser.add_argument("--model", type=pathlib.Path, help="(320n.onnx)")
    parser.add_argument("--device", default="tensorrt-rtx")
    parser.add_argument("--options", default="", help="as --model-options")
    parser.add_argument("--streams", type=int, nargs="+", default=STREAMS)
    parser.add_argument("--batch", type=int, default=8, help="of several streams together, besides one by one; 1: not")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    options.model = options.model or common.asset("320n.onnx")
    rows, verdicts, most = [], [], {}
    ways = [("gpu", 1), ("host", 1)] + [("gpu", options.batch)] * (options.batch > 1)
    with common.scratch() as tmp:
        os.environ.setdefault("SIDESTREAM_CACHE", str(tmp / "cache"))
        common.progress("the network's engine")
        video(options, "gpu", 1, "hold", 1)
        there, here = (video(options, memory, 1, "hold", 2 * options.seconds) for memory in ("gpu", "host"))
        verdicts.append(judge_boxes("one way and the other", there, here))
        if options.batch > 1:
            crowd = video(options, "gpu", options.batch, "hold", 2 * options.seconds, options.batch)
            verdicts.append(judge_boxes(f"alone and among {options.batch} streams in batches", there, crowd))
        for streams in options.streams:
            for memory, batch in ways if streams > 1 else ways[:2]:
                common.progress(f"{streams} streams, {memory}, batch {batch}")
                try:
                    r = video(options, memory, streams, "live", options.seconds, batch)
                except common.BenchError as error:
                    rows.append([WHERE[memory], streams, batch, "live", str(error).rsplit(": ", 1)[-1], *[""] * 6])
                    continue
                rows.append(row(r))
                if r["inferred"] >= EVERY * r["offered"] and r["fewest_fps"] >= SHOWN * options.rate:
                    most[memory, batch] = max(most.get((memory, batch), 0), streams)
                if memory == "gpu":
                    verdicts.append((r["fetched"] == 0, f"{streams} streams: {r['fetched']} frames fetched (none)"))
        common.progress("copies")
        table, judged = copies(options, tmp)
        verdicts += judged
    text = common.table(["decoded pictures", "streams", "batch", "align", "frames a second, the fewest", "inferred", "boxes ms old",
                         "fetched", "small pictures late", "frames waited", "processors a stream"], rows)
    counted = "All frames shown and inferred: " + "; ".join(
        f"{most.get((memory, batch), 0)} streams whose pictures {WHERE[memory]}, batch {batch}" for memory, batch in ways) + "."
    text = "\n\n".join([text, counted, *([table] if table else []), common.verdicts(verdicts)])
    common.publish("gpu_video", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
