#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What are ONNX Runtime's devices worth here? Needs no GStreamer; bench/gpu.sh builds what it needs and runs it.

Each device beside the processor on pictures of a clip: the same boxes, how long a call takes with the input where
the device wants it, how long a picture takes from host memory to boxes. Then the engine, given pictures faster than
it can look, beside a bare loop of as many threads whose input lies on the device already. Then streams that share the
device, and the tutorial's problem: one stream and a network that needs 40 ms, beside the tutorial's loops in Python.
"""

import argparse
import contextlib
import glob
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import common

SECOND = "slider.onnx"  # of the tests' models: a YOLO11s of fixed size that segments
FRAME_RATIO, ENGINE_RATIO = 1.25, 0.95
SIZE = (1920, 1080)
WORKERS = (1, 2, 4)
# (streams, frames a second of each, workers, pictures an inference)
CROWDS = ((1, 30, 1, 1), (1, 60, 1, 1), (1, 120, 1, 1), (1, 240, 1, 1), (8, 30, 2, 1), (16, 30, 2, 1), (32, 30, 2, 1),
          (48, 30, 2, 1), (64, 30, 2, 1), (64, 30, 4, 1), (8, 240, 2, 1), (16, 120, 2, 1),
          (1, 240, 1, 8), (48, 30, 1, 8), (64, 30, 1, 1), (64, 30, 1, 8), (64, 30, 2, 8), (96, 30, 2, 1), (96, 30, 2, 8),
          (128, 30, 2, 8), (128, 30, 4, 8))
BATCHES = (2, 4, 8, 16)
WORKER_S = 1.5  # until one more is there, where the device's sessions are made one after the other
EVERY, ENOUGH = 0.999, 10  # "every frame is inferred"; inferences a second that a stream needs at least
RATE, SLOW = 30, 40  # of the tutorial's problem: frames a second, ms
SWAP_RATE, SECOND_START_S, LONG_AGO = 60, 1.0, 100  # frames a second; s; ms
JITTER = 1.10  # interval p99, in periods


def find_runtime():
    """The runtime of this Python, where the program would not find it by itself."""
    try:
        import onnxruntime
    except ImportError:
        return
    found = sorted(glob.glob(str(pathlib.Path(onnxruntime.__file__).parent / "capi/libonnxruntime.so.*")))
    if found:
        os.environ.setdefault("SIDESTREAM_ONNXRUNTIME", found[-1])


def cut_pieces(picture, n):
    """What is missing from a jigsaw, darkened in two places: what slider.onnx was taught to find."""
    import cv2

    side = SIZE[1] // 4
    for k in range(2):
        x, y, mask = SIZE[0] * (1 + 2 * k) // 5 + 9 * n, SIZE[1] // 4 + 31 * n, picture[:, :, 0] * 0
        cv2.rectangle(mask, (x, y), (x + side, y + side), 255, -1)
        for centre, value in (((x + side, y + side // 2), 255), ((x + side // 2, y), 255), ((x, y + side // 2), 0)):
            cv2.circle(mask, centre, side // 5, value, -1)
        picture[mask > 0] //= 2
    return picture


def write_pictures(clip, path, most, change=lambda picture, n: picture):
    """One picture in thirty, as NV12."""
    try:
        import cv2
        import numpy
    except ImportError as error:
        raise common.BenchError(f"{error}: pip install opencv-python-headless numpy") from None
    film, n = cv2.VideoCapture(str(clip)), 0
    with open(path, "wb") as out:
        while n < most:
            for _ in range(30):
                ok, picture = film.read()
            if not ok:
                break
            yuv = cv2.cvtColor(change(cv2.resize(picture, SIZE), n), cv2.COLOR_BGR2YUV_I420).reshape(-1)
            luma, chroma = yuv[: SIZE[0] * SIZE[1]], yuv[SIZE[0] * SIZE[1]:].reshape(2, -1)
            out.write(luma.tobytes() + numpy.ascontiguousarray(chroma.T).tobytes())
            n += 1
    if n == 0:
        raise common.BenchError(f"{clip}: no picture can be read")


def settings(device, options):
    return f"provider={options.provider}" if device == "tensorrt-rtx" and options.provider else ""


def is_second(model):
    return pathlib.Path(model).name.split("@")[0] == SECOND


def subject(model, device, options, tmp):
    """What the programs are given first: gpu_common.h."""
    return [model, device, settings(device, options), tmp / ("pieces" if is_second(model) else "pictures"), f"{SIZE[0]}x{SIZE[1]}"]


def compare(model, device, options, tmp):
    """(first start, second start), or why it is not here."""
    command = [common.built("bench/gpu"), "compare", *subject(model, device, options, tmp)]
    try:
        return [common.run_json(command, 4 * common.GRACE)[0] for _ in range(2)], ""
    except common.BenchError as error:
        return None, str(error).rsplit("gpu: ", 1)[-1]


def device_row(name, device, runs):
    first, second = runs
    frame, call = second["frame_p50_ms"], second["p50_ms"]
    boxes = f"{second['matched']} of {second['boxes']}" if second["boxes"] else "-"
    steps = " + ".join(f"{second[step + '_p50_ms']:.3f}" for step in ("convert", "infer", "decode"))
    return [name, device, f"{first['load_s']:.2f} / {second['load_s']:.2f}", f"{call:.3f} / {second['p99_ms']:.3f}",
            f"{frame:.3f} / {second['frame_p99_ms']:.3f}", steps, f"{frame / call:.2f}",
            f"{second['max_error']:.3g} of {second['largest']:.3g}", boxes]


def judge_device(name, device, run):
    ratio = run["frame_p50_ms"] / run["p50_ms"]
    return [(run["matched"] == run["boxes"], f"{name} on {device}: {run['matched']} of {run['boxes']} boxes match"),
            (ratio <= FRAME_RATIO, f"{name} on {device}: a frame takes {ratio:.2f} of a call (at most {FRAME_RATIO})")]


@contextlib.contextmanager
def utilisation(figures):
    """Of the GPU, in per cent, ten times a second, into the list; nothing where nvidia-smi is not there."""
    if not shutil.which("nvidia-smi"):
        yield
        return
    watch = subprocess.Popen(["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "100"],
                             stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        watch.terminate()
        figures += [float(line) for line in watch.communicate()[0].split() if line.replace(".", "").isdigit()]


def streams_command(model, device, options, tmp, streams, rate, workers, latency, seconds):
    return [common.built("bench/gpu_streams"), *subject(model, device, options, tmp), streams, rate, seconds, workers, latency,
            1 + WORKER_S * workers]


def of_batch(model, batch):
    """FILE@WxH with a batch; a network that takes one picture at a time stays as it is."""
    return f"{model}x{batch}" if batch > 1 else model


def batches(model, device, options, tmp):
    """(table, verdicts): what pictures cost that go through the network together, and whether each gets its boxes."""
    rows, verdicts = [], []
    for batch in BATCHES:
        common.progress(f"{batch} pictures an inference")
        runs, why = compare(of_batch(model, batch), device, options, tmp)
        if not runs:
            raise common.BenchError(f"batch {batch}: {why}")
        r = runs[1]
        rows.append([batch, f"{runs[0]['load_s']:.2f} / {r['load_s']:.2f}", f"{r['p50_ms']:.3f} / {r['p99_ms']:.3f}",
                     f"{r['p50_ms'] / batch:.3f}", f"{r['max_error']:.3g} of {r['largest']:.3g}",
                     f"{r['matched']} of {r['boxes']}"])
        verdicts.append((r["matched"] == r["boxes"], f"{batch} pictures an inference: {r['matched']} of {r['boxes']} boxes match"))
    return common.table(["pictures an inference", "start s, first / second", "a call p50 / p99 ms", "a picture of it ms",
                         "largest error of", "boxes"], rows), verdicts


def crowds(model, device, options, tmp):
    """(table, verdicts): streams of one rate on one device."""
    rows, verdicts, whole, enough = [], [], [0, 0], [0, 0]
    for streams, rate, workers, batch in CROWDS:
        common.progress(f"{streams} streams of {rate} a second, {workers} workers, batch {batch}")
        busy = []
        with utilisation(busy):
            r, _ = common.run_json(streams_command(of_batch(model, batch), device, options, tmp, streams, rate, workers, 0,
                                                   options.seconds), 4 * common.GRACE)
        busy = busy[len(busy) // 2:]  # the model loads at first
        rows.append([f"{streams} x {rate}", workers, batch, f"{r['pictures_a_call']:.1f}", f"{r['fps']:.1f}", r["slept"],
                     f"{r['interval_p99_ms']:.2f}", f"{r['inferences_per_s']:.0f}", f"{100 * r['share']:.1f} %", f"{r['fewest']:.1f}",
                     f"{r['age_ms']:.1f}", f"{r['age_p99_ms']:.1f}", f"{r['spent_p50_us']:.0f}", f"{100 * r['camera_cpu']:.1f} %",
                     f"{r['process_cpu']:.2f}", f"{sum(busy) / len(busy):.0f} %" if busy else "-"])
        verdicts.append((r["slept"] == 0 and r["failed"] == 0, f"{streams} streams of {rate} a second, {workers} workers, "
                         f"batch {batch}: of {r['frames']} frames {r['slept']} waited, {r['failed']} inferences failed"))
        if rate == RATE:
            alone = batch == 1
            whole[alone] = max(whole[alone], streams if r["share"] >= EVERY else 0)
            enough[alone] = max(enough[alone], streams if r["fewest"] >= ENOUGH else 0)
    note = (f"Streams of {RATE} a second on one GPU, of those tried: every frame inferred up to {whole[True]}, in batches up "
            f"to {whole[False]}; at least {ENOUGH} inferences a second each up to {enough[True]}, in batches {enough[False]}.")
    return common.table(["streams", "workers", "batch", "pictures a call", "fps each", "waited", "interval p99 ms",
                         "inferences/s", "of frames", "fewest/s", "age mean ms", "age p99 ms", "a frame's calls p50 us", "CPU a stream", "CPU in all", "GPU"],
                        rows) + "\n\n" + note, verdicts


def slow(model, device, options, tmp):
    """(table, verdicts): a network of 40 ms, ours and the tutorial's loops."""
    common.progress(f"{RATE} a second, {SLOW} ms: Sidestream's engine")
    ours, _ = common.run_json(streams_command(model, device, options, tmp, 1, RATE, 1, SLOW, options.seconds * 3),
                              4 * common.GRACE)
    ratio = ours["interval_p99_ms"] * RATE / 1000
    rows = [["Sidestream's engine", f"{ours['fps']:.1f}", f"{ours['interval_p99_ms']:.1f}", f"{ratio:.2f}",
             f"{ours['age_ms']:.0f}", "-", f"{ours['inferences_per_s']:.1f}", "0"]]
    unable = []
    for mode, name in (("read", "read and show, no network"), ("sync", "synchronous loop"),
                       ("async", "tutorial, queue + modulus 3")):
        common.progress(f"{RATE} a second, {SLOW} ms: {name}")
        command = [sys.executable, common.ROOT / "bench/gpu_replica.py", mode, "--pictures", tmp / "pictures", "--size",
                   f"{SIZE[0]}x{SIZE[1]}", "--model", model, "--device", device, "--rate", RATE, "--latency", SLOW,
                   "--duration", options.seconds * 3]
        if options.provider:
            command += ["--provider", options.provider]
        try:
            r, _ = common.run_json(command, 4 * common.GRACE)
        except common.BenchError as error:
            unable.append((False, f"{name}: {error}"))
            continue
        age = r["age_ms"]
        rows.append([name, f"{r['fps']:.1f}", f"{r['interval_ms']['p99']:.1f}", f"{r['interval_ms']['p99'] * RATE / 1000:.2f}",
                     *(("-", "-") if mode == "read" else (f"{age['mean']:.0f}", f"{age['growth_ms_per_s']:.0f}")),
                     f"{r['inferences_per_s']:.1f}", r["dropped_by_camera"]])
    verdicts = [(abs(ours["fps"] - RATE) <= 0.01 * RATE and ratio <= JITTER and ours["slept"] == 0,
                 f"{RATE} a second, {SLOW} ms: fps {ours['fps']:.2f}, interval p99 {ratio:.3f} of the period (at most {JITTER}), "
                 f"{ours['slept']} frames waited")]
    return common.table(["program", "shown fps", "interval p99 ms", "p99 / period", "box age mean ms", "growth ms/s",
                         "inferences/s", "lost"], rows), verdicts + unable


def judge_swap(name, device, run):
    before = [age for _, age, stand_in in run["frames"] if stand_in and age >= 0]
    after = [age for at, age, stand_in in run["frames"] if at >= run["device_ready_s"]]
    gap = max(after[:SWAP_RATE // 2])  # of the half second from there on
    row = [name, f"{run['first_boxes_s']:.2f}", f"{statistics.median(before):.0f} / {max(before):.0f}" if before else "-",
           f"{run['device_ready_s']:.2f}", f"{run['device_boxes_s']:.2f}", f"{gap:.0f}",
           f"{statistics.median(after[-SWAP_RATE:]):.0f}", f"{run['slept']} of {run['shown']}", f"{run['interval_worst_ms']:.1f}",
           run["inferred"], run["failed"]]
    usual = max(before) if before else LONG_AGO
    return row, [(gap <= usual + 2000 / SWAP_RATE and run["failed"] == 0,
                  f"{name} on {device}: while it takes over, boxes are at most {gap:.0f} ms old (before it {usual:.0f})")]


def swap(model, device, options, tmp):
    """(table, verdicts): who answers while the device is got ready, with nothing kept and from the cache."""
    command = [common.built("bench/gpu_swap"), *subject(model, device, options, tmp), SWAP_RATE, options.seconds]
    rows, verdicts, runs = [], [], {}
    os.environ["SIDESTREAM_CACHE"] = str(tmp / "cache of starts")  # what went before has kept this network already
    for name in ("first start", "second start"):
        common.progress(f"{name} on {device}, {SWAP_RATE} a second")
        runs[name], _ = common.run_json(command, 4 * common.GRACE)
        row, judged = judge_swap(name, device, runs[name])
        rows.append(row)
        verdicts += judged
    os.environ["SIDESTREAM_CACHE"] = str(tmp / "cache")
    ready = runs["second start"]["device_boxes_s"]
    verdicts.append((ready <= SECOND_START_S, f"a second start has boxes of {device} after {ready:.2f} s (at most {SECOND_START_S})"))
    if options.points:
        options.points.write_text(json.dumps(runs))
    return common.table(["start", "first boxes s", "their age ms p50 / max", "the device answers from s", "its first boxes s",
                         "oldest boxes in the 0.5 s from then ms", "age after ms", "waited", "longest interval ms", "inferences",
                         "failed"], rows), verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="FILE[@WxH], more than once (default: the tests' YOLOv8n and YOLO11s)")
    parser.add_argument("--device", action="append", help="more than once (default: cuda, tensorrt-rtx)")
    parser.add_argument("--clip", type=pathlib.Path, help="with something to find (default: the tests' face)")
    parser.add_argument("--provider", help="file of TensorRT-RTX's provider")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3, help="of each throughput")
    parser.add_argument("--points", type=pathlib.Path, metavar="FILE", help="ages while a device takes over, for bench/swap_plot.py")
    parser.add_argument("--brief", action="store_true", help="neither streams nor the tutorial's problem")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    find_runtime()
    yolo = None if options.model else common.asset("320n.onnx")
    models = options.model or [f"{yolo}@320x320", f"{yolo}@640x640", common.asset(SECOND)]
    devices, engines, verdicts, more = [], [], [], []
    with common.scratch() as tmp:
        os.environ["SIDESTREAM_CACHE"] = str(tmp / "cache")
        clip = options.clip or common.asset("carphone.mp4")
        write_pictures(clip, tmp / "pictures", options.pictures)
        if any(map(is_second, models)):
            write_pictures(clip, tmp / "pieces", options.pictures, cut_pieces)
        for model in models:
            name = pathlib.Path(model).name
            for device in ["cpu", *(options.device or ["cuda", "tensorrt-rtx"])]:
                common.progress(f"{name} on {device}")
                runs, why = compare(model, device, options, tmp)
                if not runs:
                    devices.append([name, device, "not here", why, "", "", "", "", ""])
                    continue
                devices.append(device_row(name, device, runs))
                if device == "cpu":
                    continue
                verdicts += judge_device(name, device, runs[1])
                for workers in WORKERS:
                    common.progress(f"{name} on {device}, {workers} workers")
                    r, _ = common.run_json(
                        [common.built("bench/gpu"), "engine", *subject(model, device, options, tmp), workers,
                         options.seconds], 4 * common.GRACE)
                    ratio = r["engine_per_s"] / r["bare_per_s"]
                    engines.append([name, device, workers, f"{r['bare_per_s']:.0f}", f"{r['engine_per_s']:.0f}",
                                    f"{ratio:.2f}"])
                    verdicts.append((ratio >= ENGINE_RATIO, f"{name} on {device}, {workers} workers: {ratio:.2f} of "
                                                            f"the bare loops' inferences (at least {ENGINE_RATIO})"))
                if model == models[0] and not options.brief:
                    for title, part in ((f"Pictures that go together on {device}, {name}", batches),
                                        (f"Streams that share {device}, 1080p, {name}", crowds),
                                        (f"Until {device} is ready, {SWAP_RATE} a second, 1080p, {name}", swap),
                                        (f"A network of {SLOW} ms on {device}, 1080p", slow)):
                        table, judged = part(model, device, options, tmp)
                        more += [f"**{title}**", table]
                        verdicts += judged
    text = common.table(["network", "device", "start s, first / second", "a call p50 / p99 ms", "a frame p50 / p99 ms",
                         "to the device + call + boxes ms",
                         "frame / call", "largest error of", "boxes"], devices)
    if engines:
        text += "\n\n" + common.table(["network", "device", "workers", "bare loops /s", "engine /s", "engine / bare"],
                                      engines)
    text = "\n\n".join([text, *more, *([common.verdicts(verdicts)] if verdicts else [])])
    common.publish("gpu", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
