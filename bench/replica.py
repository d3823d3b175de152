#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people write today, rebuilt here to be measured beside Sidestream (OpenCV + OpenVINO's Python API).

  replica.py read    read and show, no network: the floor of this way of working
  replica.py sync    the synchronous loop: read, infer, draw, show
  replica.py async   as the tutorial async-tensorrt: the main thread captures and shows, every 3rd frame
                     goes into an unbounded queue, a child thread with its own inference request takes the
                     oldest; boxes meet the picture in shared lists and are drawn unmoved
  replica.py draw    what drawing alone costs: overlay copy, filled boxes, text, blending at 40 %

The clip plays as a camera would deliver it: picture n is there n periods after the start, not before.
With --camera never-drops an unread picture waits for ever; with v4l2 the driver holds 4 and drops newer
ones meanwhile. "Shown" is the moment at which the finished picture would go to the window.
"""

import argparse
import json
import queue
import threading
import time

import common

INPUT = 300  # the demo network's side
THRESHOLD = 0.3
OPACITY = 0.4


class Camera:
    """A clip that behaves like a camera."""

    def __init__(self, cv2, path, rate, buffers):
        self.cv2, self.clip = cv2, cv2.VideoCapture(str(path))
        if not self.clip.isOpened():
            raise common.BenchError(f"could not open {path}")
        self.period, self.buffers = 1.0 / rate, buffers  # 0 buffers: never drops
        self.waiting, self.next, self.dropped = [], 0, 0
        self.start = time.monotonic()

    def _arrivals(self):
        """Account for the pictures that came since the last look."""
        newest = int((time.monotonic() - self.start) / self.period)
        while self.next <= newest:
            if self.buffers and len(self.waiting) >= self.buffers:
                self.dropped += 1
            else:
                self.waiting.append(self.next)
            self.next += 1

    def read(self):
        """The oldest picture not yet read and when it was taken (seconds since the start)."""
        self._arrivals()
        while not self.waiting:
            time.sleep(max(0.0, self.start + self.next * self.period - time.monotonic()))
            self._arrivals()
        taken = self.waiting.pop(0) * self.period
        ok, frame = self.clip.read()
        if not ok:  # the clip's end: from the start again
            self.clip.set(self.cv2.CAP_PROP_POS_FRAMES, 0)
            ok, frame = self.clip.read()
            if not ok:
                raise common.BenchError("the clip could not be read")
        return frame, taken

    def now(self):
        return time.monotonic() - self.start


class Detector:
    """The demo network; every inference takes at least `latency` seconds."""

    def __init__(self, cv2, model, latency, threads):
        import openvino

        self.cv2, self.latency, self.count, self.busy = cv2, latency, 0, 0.0
        core = openvino.Core()
        config = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        network = core.read_model(str(model))
        network.reshape([1, INPUT, INPUT, 3])
        self.compiled = core.compile_model(network, "CPU", config)
        named = lambda part: next(o for o in self.compiled.outputs if any(part in n for n in o.names))  # noqa: E731
        self.outputs = [named(n) for n in ("detection_boxes", "detection_scores", "detection_classes")]

    def request(self):
        return self.compiled.create_infer_request()

    def detect(self, request, frame):
        """Boxes in pixels, scores, classes."""
        begin = time.monotonic()
        height, width = frame.shape[:2]
        small = self.cv2.cvtColor(self.cv2.resize(frame, (INPUT, INPUT)), self.cv2.COLOR_BGR2RGB)
        request.infer({0: small[None]})
        boxes, scores, classes = (request.get_tensor(o).data[0] for o in self.outputs)
        good = scores >= THRESHOLD
        found = [(int(x0 * width), int(y0 * height), int(x1 * width), int(y1 * height))
                 for y0, x0, y1, x1 in boxes[good]]
        rest = begin + self.latency - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        self.count += 1
        self.busy += time.monotonic() - begin
        return found, scores[good].tolist(), classes[good].astype(int).tolist()


def outline(cv2, frame, boxes, scores, classes):
    """A thriftier loop's picture: outlines and names, straight into the frame."""
    for (x0, y0, x1, y1), score, kind in zip(boxes, scores, classes):
        colour = (37 * kind % 256, 160, 255 - 91 * kind % 256)
        cv2.rectangle(frame, (x0, y0), (x1, y1), colour, 2)
        cv2.putText(frame, f"class {kind} {score:.0%}", (x0, y0), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour)
    return frame


def draw(cv2, frame, boxes, scores, classes):
    """The tutorial's picture: boxes filled in an overlay, names in the frame itself, both blended."""
    overlay = frame.copy()
    for (x0, y0, x1, y1), score, kind in zip(boxes, scores, classes):
        colour = (37 * kind % 256, 160, 255 - 91 * kind % 256)
        cv2.rectangle(overlay, (x0, y0), (x1, y1), colour, -1)
        cv2.putText(frame, f"class {kind} {score:.0%}", (x0, y0), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255))
    return cv2.addWeighted(overlay, OPACITY, frame, 1 - OPACITY, 0)


class Log:
    """What was shown when, and how old its boxes were then."""

    def __init__(self):
        self.shown, self.picture_age, self.box_age, self.draw_us = [], [], [], []

    def draw(self, cv2, frame, *objects):
        begin = time.perf_counter()
        draw(cv2, frame, *objects)
        self.draw_us.append(1e6 * (time.perf_counter() - begin))

    def show(self, now, taken, source):
        self.shown.append(now)
        self.picture_age.append(1000 * (now - taken))
        if source is not None:
            self.box_age.append((now, 1000 * (now - source)))

    def report(self, duration):
        steps = [1000 * (b - a) for a, b in zip(self.shown, self.shown[1:])]
        return {
            "frames": len(self.shown),
            "fps": (len(self.shown) - 1) / (self.shown[-1] - self.shown[0]) if len(steps) > 0 else 0.0,
            "interval_ms": common.summary(steps),
            "picture_age_ms": common.summary(self.picture_age),
            "draw_us": common.summary(self.draw_us),
            "age_ms": common.summary([age for _, age in self.box_age]) | common.age_course(self.box_age, duration),
        }


def play_read(cv2, camera, log, options, _detector):
    while camera.now() < options.duration:
        frame, taken = camera.read()
        log.draw(cv2, frame, [], [], [])
        log.show(camera.now(), taken, None)


def play_sync(cv2, camera, log, options, detector):
    request, objects, source, n = detector.request(), ([], [], []), None, 0
    while camera.now() < options.duration:
        frame, taken = camera.read()
        if n % options.every == 0:
            objects, source = detector.detect(request, frame), taken
        n += 1
        log.draw(cv2, frame, *objects)
        log.show(camera.now(), taken, source)


class Shared:
    """What the two threads of the tutorial have in common."""

    lock = threading.Lock()
    boxes, scores, classes, source = [], [], [], None


def play_async(cv2, camera, log, options, detector):
    waiting, over = queue.Queue(), threading.Event()

    def look():
        request = detector.request()  # its own, opened on this thread
        while True:
            frame, taken = waiting.get()
            if over.is_set():
                return
            boxes, scores, classes = detector.detect(request, frame)
            with Shared.lock:
                Shared.boxes, Shared.scores, Shared.classes, Shared.source = boxes, scores, classes, taken

    thread = threading.Thread(target=look)
    thread.start()
    try:
        n = 0
        while camera.now() < options.duration:
            frame, taken = camera.read()
            if n % options.every == 0:
                waiting.put((frame, taken))
            n += 1
            with Shared.lock:
                objects, source = (Shared.boxes, Shared.scores, Shared.classes), Shared.source
            log.draw(cv2, frame, *objects)
            log.show(camera.now(), taken, source)
        detector.left = waiting.qsize()
    finally:
        over.set()
        waiting.put((None, None))
        thread.join()


def memory_kb(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))


def bench_draw(cv2, objects, rounds, pause):
    """Microseconds a picture at two sizes: the tutorial's drawing (fill) and mere outlines."""
    import numpy

    result, source = {"fill": {}, "outline": {}}, numpy.random.default_rng(1)
    for width, height in ((1280, 720), (1920, 1080)):
        picture = source.integers(0, 255, (height, width, 3), numpy.uint8)
        frame = picture.copy()
        boxes = [(40 + i * (width - 240) // 10, 60 + i * height // 20, 160 + i * (width - 240) // 10,
                  300 + i * height // 20) for i in range(objects)]
        for style, paint in (("fill", draw), ("outline", outline)):
            times = []
            for _ in range(rounds + 20):
                time.sleep(pause)
                numpy.copyto(frame, picture)  # as a decoder writes it, right before
                begin = time.perf_counter()
                paint(cv2, frame, boxes, [0.87] * objects, [1] * objects)
                times.append(1e6 * (time.perf_counter() - begin))
            result[style][f"{width}x{height}"] = common.summary(times[20:])
    return {"mode": "draw", "objects": objects, "draw_us": result}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["read", "sync", "async", "draw"])
    parser.add_argument("--clip", help="default: the demo's")
    parser.add_argument("--model", help="default: the demo's; any SSD of TensorFlow's, 300x300")
    parser.add_argument("--rate", type=float, default=30, help="frames a second")
    parser.add_argument("--camera", choices=["never-drops", "v4l2"], default="v4l2")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="least time an inference takes")
    parser.add_argument("--every", type=int, help="infer every Nth frame (sync 1, async 3)")
    parser.add_argument("--threads", type=int, default=0, help="of the network; default: the runtime chooses")
    parser.add_argument("--duration", type=float, default=20, metavar="S")
    parser.add_argument("--objects", type=int, default=10, help="for draw")
    parser.add_argument("--rounds", type=int, default=300, help="for draw")
    parser.add_argument("--pause", type=float, default=0, metavar="MS",
                        help="for draw: between two pictures, as at the pace of live (caches grow cold)")
    options = parser.parse_args()
    options.every = options.every or (3 if options.mode == "async" else 1)
    common.need_replica_packages()
    import cv2

    if options.mode == "draw":
        print(json.dumps(bench_draw(cv2, options.objects, options.rounds, options.pause / 1000)))
        return 0
    clip = options.clip or common.asset("vtest.avi")
    detector = None
    if options.mode != "read":
        detector = Detector(cv2, options.model or common.asset("pedestrians.pb"), options.latency / 1000,
                            options.threads)
        detector.left = 0
    log = Log()
    cpu = time.process_time()
    camera = Camera(cv2, clip, options.rate, 4 if options.camera == "v4l2" else 0)
    {"read": play_read, "sync": play_sync, "async": play_async}[options.mode](cv2, camera, log, options, detector)
    duration = log.shown[-1] if log.shown else options.duration
    report = {"mode": options.mode, "rate": options.rate, "camera": options.camera, "latency_ms": options.latency,
              "duration_s": duration, **log.report(duration), "dropped_by_camera": camera.dropped,
              "cpu_s": time.process_time() - cpu,
              "rss_kb": memory_kb("VmRSS"), "rss_peak_kb": memory_kb("VmHWM")}
    if detector:
        report |= {"inferences": detector.count, "inferences_per_s": detector.count / duration,
                   "inference_ms_mean": 1000 * detector.busy / max(1, detector.count),
                   "left_in_queue": detector.left}
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    common.fail_clearly(main)
