#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The loops of bench/replica.py (sync, async; read has no network) with ONNX Runtime's Python API, on a GPU.

The camera delivers the pictures of a file of NV12 frames, over and over; the network is a YOLO of v8's outputs.
"""

import argparse
import json
import time

import common
import replica

THRESHOLD, OVERLAP = 0.3, 0.45
PROVIDER = "NvTensorRTRTXExecutionProvider"


class Pictures:
    """A file of NV12 frames where replica.Camera wants a clip."""

    def __init__(self, cv2, path, width, height):
        import numpy

        self.cv2, self.at = cv2, 0
        self.frames = numpy.fromfile(path, numpy.uint8).reshape(-1, height * 3 // 2, width)

    def isOpened(self):  # noqa: N802 (OpenCV's name)
        return len(self.frames) > 0

    def read(self):
        frame = self.cv2.cvtColor(self.frames[self.at % len(self.frames)], self.cv2.COLOR_YUV2BGR_NV12)
        self.at += 1
        return True, frame


class Camera(replica.Camera):
    def __init__(self, cv2, pictures, rate):
        super().__init__(type("cv", (), {"VideoCapture": lambda _: pictures}), "", rate, 4)


class Detector:
    """Every inference takes at least `latency` seconds."""

    def __init__(self, cv2, options):
        import numpy
        import onnxruntime

        self.cv2, self.numpy, self.latency, self.count, self.busy = cv2, numpy, options.latency / 1000, 0, 0.0
        settings = onnxruntime.SessionOptions()
        if options.device == "tensorrt-rtx":
            onnxruntime.register_execution_provider_library(PROVIDER, options.provider)
            device = next(d for d in onnxruntime.get_ep_devices() if d.ep_name == PROVIDER)
            settings.add_provider_for_devices([device], {})
            providers = None
        else:
            providers = [{"cuda": "CUDAExecutionProvider"}.get(options.device, "CPUExecutionProvider")]
        path, size = options.model.rsplit("@", 1)
        self.size = tuple(int(x) for x in size.split("x"))
        shape = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0].shape
        for name, length in zip(shape, (1, 3, self.size[1], self.size[0])):
            if isinstance(name, str):
                settings.add_free_dimension_override_by_name(name, length)
        self.session = onnxruntime.InferenceSession(path, settings, providers=providers)
        self.input = self.session.get_inputs()[0].name

    def request(self):
        return self.session

    def detect(self, session, frame):
        """Boxes in pixels, scores, classes."""
        begin, numpy = time.monotonic(), self.numpy
        height, width = frame.shape[:2]
        blob = self.cv2.dnn.blobFromImage(frame, 1 / 255, self.size, swapRB=True)
        out = session.run(None, {self.input: blob})[0][0]
        kinds, scores = out[4:].argmax(0), out[4:].max(0)
        good = scores >= THRESHOLD
        x, y, w, h = out[:4, good] * numpy.array([[width / self.size[0]], [height / self.size[1]]] * 2)
        boxes, scores, kinds = numpy.stack([x - w / 2, y - h / 2, w, h], 1), scores[good], kinds[good]
        kept = self.cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), THRESHOLD, OVERLAP)
        found = [tuple(int(v) for v in (boxes[i][0], boxes[i][1], boxes[i][0] + boxes[i][2], boxes[i][1] + boxes[i][3]))
                 for i in kept]
        rest = begin + self.latency - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        self.count += 1
        self.busy += time.monotonic() - begin
        return found, [float(scores[i]) for i in kept], [int(kinds[i]) for i in kept]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["read", "sync", "async"])
    parser.add_argument("--pictures", required=True, help="NV12 frames, one after the other")
    parser.add_argument("--size", required=True, help="of a picture, WxH")
    parser.add_argument("--model", help="FILE@WxH")
    parser.add_argument("--device", default="tensorrt-rtx")
    parser.add_argument("--provider", help="file of TensorRT-RTX's provider")
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--latency", type=float, default=40, metavar="MS")
    parser.add_argument("--duration", type=float, default=10, metavar="S")
    options = parser.parse_args()
    options.every = 3 if options.mode == "async" else 1
    import cv2

    width, height = (int(x) for x in options.size.split("x"))
    pictures = Pictures(cv2, options.pictures, width, height)
    detector = None if options.mode == "read" else Detector(cv2, options)
    if detector:  # what a first inference compiles is not the loop's fault
        detector.detect(detector.request(), pictures.read()[1])
        detector.count, detector.busy = 0, 0.0
    log, cpu = replica.Log(), time.process_time()
    camera = Camera(cv2, pictures, options.rate)
    {"read": replica.play_read, "sync": replica.play_sync, "async": replica.play_async}[options.mode](
        cv2, camera, log, options, detector)
    duration = log.shown[-1]
    report = {"mode": options.mode, "duration_s": duration, **log.report(duration),
              "dropped_by_camera": camera.dropped, "cpu_s": time.process_time() - cpu,
              "inferences_per_s": detector.count / duration if detector else 0}
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    common.fail_clearly(main)
