#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What are ONNX Runtime's devices worth here? Needs no GStreamer; bench/gpu.sh builds what it needs and runs it.

Each device beside the processor on pictures of a clip: the same boxes, how long a call takes with the input where
the device wants it, how long a picture takes from host memory to boxes. Then the engine, given pictures faster than
it can look, beside a bare loop of as many threads whose input lies on the device already.
"""

import argparse
import glob
import os
import pathlib

import common

FRAME_RATIO, ENGINE_RATIO = 1.25, 0.95
SIZE = (1920, 1080)
WORKERS = (1, 2, 4)


def find_runtime():
    """The runtime of this Python, where the program would not find it by itself."""
    try:
        import onnxruntime
    except ImportError:
        return
    found = sorted(glob.glob(str(pathlib.Path(onnxruntime.__file__).parent / "capi/libonnxruntime.so.*")))
    if found:
        os.environ.setdefault("SIDESTREAM_ONNXRUNTIME", found[-1])


def write_pictures(clip, path, most):
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
            yuv = cv2.cvtColor(cv2.resize(picture, SIZE), cv2.COLOR_BGR2YUV_I420).reshape(-1)
            luma, chroma = yuv[: SIZE[0] * SIZE[1]], yuv[SIZE[0] * SIZE[1]:].reshape(2, -1)
            out.write(luma.tobytes() + numpy.ascontiguousarray(chroma.T).tobytes())
            n += 1
    if n == 0:
        raise common.BenchError(f"{clip}: no picture can be read")


def settings(device, options, cache):
    if device == "tensorrt-rtx":
        return ",".join(filter(None, [options.provider and f"provider={options.provider}",
                                      f"nv_runtime_cache_path={cache}"]))
    return ""


def compare(model, device, options, tmp):
    """(first start, second start), or why it is not here."""
    command = [common.built("bench/gpu"), "compare", model, device, settings(device, options, tmp / "cache"),
               tmp / "pictures", f"{SIZE[0]}x{SIZE[1]}"]
    try:
        return [common.run_json(command, 4 * common.GRACE)[0] for _ in range(2)], ""
    except common.BenchError as error:
        return None, str(error).rsplit("gpu: ", 1)[-1]


def device_row(name, device, runs):
    first, second = runs
    frame, call = second["frame_p50_ms"], second["p50_ms"]
    boxes = f"{second['matched']} of {second['boxes']}" if second["boxes"] else "-"
    return [name, device, f"{first['load_s']:.2f} / {second['load_s']:.2f}", f"{call:.3f} / {second['p99_ms']:.3f}",
            f"{frame:.3f} / {second['frame_p99_ms']:.3f}", f"{frame / call:.2f}",
            f"{second['max_error']:.3g} of {second['largest']:.3g}", boxes]


def judge_device(name, device, run):
    ratio = run["frame_p50_ms"] / run["p50_ms"]
    return [(run["matched"] == run["boxes"], f"{name} on {device}: {run['matched']} of {run['boxes']} boxes match"),
            (ratio <= FRAME_RATIO, f"{name} on {device}: a frame takes {ratio:.2f} of a call (at most {FRAME_RATIO})")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="FILE[@WxH], more than once (default: the tests' YOLOv8n)")
    parser.add_argument("--device", action="append", help="more than once (default: cuda, tensorrt-rtx)")
    parser.add_argument("--clip", type=pathlib.Path, help="with something to find (default: the tests' face)")
    parser.add_argument("--provider", help="file of TensorRT-RTX's provider")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3, help="of each throughput")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    find_runtime()
    yolo = None if options.model else common.asset("320n.onnx")
    models = options.model or [f"{yolo}@320x320", f"{yolo}@640x640"]
    devices, engines, verdicts = [], [], []
    with common.scratch() as tmp:
        write_pictures(options.clip or common.asset("carphone.mp4"), tmp / "pictures", options.pictures)
        for model in models:
            name = pathlib.Path(model).name
            for device in ["cpu", *(options.device or ["cuda", "tensorrt-rtx"])]:
                common.progress(f"{name} on {device}")
                runs, why = compare(model, device, options, tmp)
                if not runs:
                    devices.append([name, device, "not here", why, "", "", "", ""])
                    continue
                devices.append(device_row(name, device, runs))
                if device == "cpu":
                    continue
                verdicts += judge_device(name, device, runs[1])
                for workers in WORKERS:
                    common.progress(f"{name} on {device}, {workers} workers")
                    r, _ = common.run_json(
                        [common.built("bench/gpu"), "engine", model, device, settings(device, options, tmp / "cache"),
                         tmp / "pictures", f"{SIZE[0]}x{SIZE[1]}", workers, options.seconds], 4 * common.GRACE)
                    ratio = r["engine_per_s"] / r["bare_per_s"]
                    engines.append([name, device, workers, f"{r['bare_per_s']:.0f}", f"{r['engine_per_s']:.0f}",
                                    f"{ratio:.2f}"])
                    verdicts.append((ratio >= ENGINE_RATIO, f"{name} on {device}, {workers} workers: {ratio:.2f} of "
                                                            f"the bare loops' inferences (at least {ENGINE_RATIO})"))
    text = common.table(["network", "device", "start s, first / second", "a call p50 / p99 ms", "a frame p50 / p99 ms",
                         "frame / call", "largest error of", "boxes"], devices)
    if engines:
        text += "\n\n" + common.table(["network", "device", "workers", "bare loops /s", "engine /s", "engine / bare"],
                                      engines) + "\n\n" + common.verdicts(verdicts)
    common.publish("gpu", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
