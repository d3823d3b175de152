# SPDX-License-Identifier: Apache-2.0
"""`sidestream run` from the outside: what it writes, and every way out of it."""
import json
import signal
import subprocess

from common import BALL, HANG_S, PROGRAM, check, environment, folder, lines, played, same, sidestream

FATES = ("skipped", "replaced", "inferred", "late", "failed", "in_flight")


def all_shown(stream):
    """But for those that an output was too slow for on a busy machine: the stream does not wait for it either."""
    first = stream["outputs"][0]
    same(stream["frames_out"], first["frames"], "frames of the first output")
    same(stream["frames_in"], first["frames"] + first["dropped"], "frames in, and out or dropped by the output")


def sums_up(stream):
    same(stream["offered"], sum(stream[f] for f in FATES), "every frame has one fate")
    # None, but for an allocator's lock whose owner lost the processor to somebody else's process: of 9600 frames beside
    # two that take all they get, 4 did. Were it for the network, one in three would; the tests of the elements, where
    # nothing else runs, ask for 0.
    waited = stream["frames_waited"]
    check(waited <= 1 + stream["frames_in"] / 50, f"{waited} of {stream['frames_in']} frames waited")
    all_shown(stream)


def frames_of(path):
    """Decodes a file to its end."""
    return played(path, "--output", "none", "--rate", 1000)["streams"][0]["frames_in"]


def recording_and_lines():
    stats = played("--duration", 2, "--output", "a.mp4", "--output", "jsonl:a.jsonl", "--output", "none",
                   "--model-options", "boxes=2", BALL)
    stream = stats["streams"][0]
    same(len(stats["streams"]), 1, "streams")
    same(stream["name"], "cam0", "name")
    same(stream["state"], "running", "state")
    sums_up(stream)
    shown = stream["frames_out"]
    check(55 <= shown <= 60, f"{shown} frames of 60")  # a live source skips what it is too late for
    same([(o["spec"], o["frames"], o["dropped"]) for o in stream["outputs"]],
         [("a.mp4", shown, 0), ("jsonl:a.jsonl", shown, 0), ("none", shown, 0)], "outputs")
    check(stats["inferences"] == stream["inferred"] + stream["late"] > 0, "inferences")
    for name in ("interval_ms", "stream_cost_us", "inference_ms", "take_us", "age_ms"):
        t = stream[name]
        check(0 <= t["p50"] <= t["p95"] <= t["p99"] <= t["max"] * 1.01, f"{name}: {t}")
    check(stream["first_frame_ms"] > 0 and stream["first_objects_ms"] >= stream["first_frame_ms"], "first picture")
    same(frames_of("a.mp4"), shown, "frames in the file")

    written = lines("a.jsonl")
    same([line["frame"] for line in written], list(range(shown)), "frame numbers")
    check(all(a["pts"] < b["pts"] and a["shown"] <= b["shown"] for a, b in zip(written, written[1:])), "times rise")
    check(any(line["objects"] for line in written), "no object in any line")
    for line in written:
        same(sorted(line), ["frame", "objects", "pts", "shown", "stream"], "fields of a line")
        for o in line["objects"]:
            same(sorted(o), ["age", "box", "class", "id", "label", "score", "source_pts", "state"], "fields")
            check(o["state"] in ("measured", "tracked", "predicted"), o["state"])
            same(o["state"] == "measured", o["age"] == 0, "measured means no age")
            check(abs(line["pts"] - o["source_pts"] - o["age"]) < 2e-6, "age is a difference of pts")
            x, y, w, h = o["box"]
            check(w > 0 and h > 0 and x >= 0 and y >= 0 and x + w <= 160 and y + h <= 120, f"box {o['box']}")


def played_recording():
    played("--duration", 1, "--output", "clip.mp4", BALL)
    n = frames_of("clip.mp4")
    stream = played("clip.mp4", "--rate", 120, "--output", "jsonl:b.jsonl")["streams"][0]
    same(stream["frames_out"], n, "frames of the clip")
    same([line["pts"] for line in lines("b.jsonl")], [round(i / 120, 6) for i in range(n)], "pts is n / rate")
    stream = played("clip.mp4", "--rate", 120, "--loop", "--duration", 1, "--output", "jsonl:c.jsonl")["streams"][0]
    same(stream["frames_out"], 120, "frames of the loop")
    same([line["pts"] for line in lines("c.jsonl")], [round(i / 120, 6) for i in range(120)], "pts rise over the loop")


def picture_that_changes_its_size():
    part = "videotestsrc is-live=true num-buffers=10 ! video/x-raw,format={},width={},height={} ! c."
    source = "gst: concat name=c " + " ".join(part.format(*p) for p in (("I420", 160, 120), ("BGRx", 321, 63))) + " c."
    stream = played(source, "--output", "sizes.mp4", "--output", "jsonl:sizes.jsonl")["streams"][0]
    sums_up(stream)
    check(stream["frames_out"] > 10, f"{stream['frames_out']} frames")
    same(frames_of("sizes.mp4"), stream["frames_out"], "frames in a file whose pictures changed their size")


def picture_of_odd_size():
    for size in ("width=321&height=63", "width=1&height=1"):
        stream = played("--duration", 0.3, "test://ball?" + size, "--output", "odd.mp4")["streams"][0]
        same(frames_of("odd.mp4"), stream["frames_out"], "frames of " + size)


def several_streams():
    stats = played("--duration", 1, "--output", "jsonl:two.jsonl", "--output", "two.mp4", BALL, "test://smpte")
    same([s["name"] for s in stats["streams"]], ["cam0", "cam1"], "names")
    for stream in stats["streams"]:
        sums_up(stream)
        numbers = [line["frame"] for line in lines("two.jsonl") if line["stream"] == stream["name"]]
        same(numbers, list(range(stream["frames_out"])), "whole lines of " + stream["name"])
        same(frames_of(f"two-{stream['name']}.mp4"), stream["frames_out"], "frames of " + stream["name"])


def picture_before_model():
    """The load is stuck; and at the end it is not waited for."""
    stream = played("--model-options", "load=3000000", "--duration", 0.5, BALL, "--output", "none")["streams"][0]
    same(stream["state"], "loading", "state")
    check(stream["frames_out"] > 0, "no picture while the model loads")
    all_shown(stream)
    same(stream["inferred"], 0, "inferred")
    same(stream["first_objects_ms"], None, "first objects")


def network_that_hangs_or_fails():
    done = sidestream("--model-options", "latency=3000000", "--duration", 0.5, BALL, "--output", "hang.mp4",
                      "--stats", "hang.json")
    same(done.returncode, 0, "exit code: " + done.stderr)
    stream = json.loads((folder / "hang.json").read_text())["streams"][0]
    all_shown(stream)
    same(stream["in_flight"], 2, "one in the worker, one waits")
    same(frames_of("hang.mp4"), stream["frames_out"], "the file is finished")
    check("did not return" in done.stderr, done.stderr)
    stream = played("--model-options", "broken=infer", "--duration", 0.5, BALL, "--output", "none")["streams"][0]
    sums_up(stream)
    check(stream["failed"] > 0 and stream["inferred"] == 0, "failed inferences are counted")


def people_are_hidden():
    """By the lines that tell what was pixelated: all of it, until the network has looked."""
    for options in ("load=3000000", "latency=3000000", "broken=infer"):
        done = sidestream("--blur", "all", "--model-options", options, "--duration", 0.5, BALL, "--output", "jsonl:h.jsonl")
        same(done.returncode, 0, done.stderr)
        same({line["blurred"] for line in lines("h.jsonl")}, {"all"}, f"hidden with {options}")
    for align in (["--align", "live"], ["--align", "hold"], []):
        done = sidestream("--blur", "class 1", *align, "--threshold", 0.95, "--model-options", "boxes=3,latency=20",
                          "--duration", 2, BALL, "--output", "jsonl:h.jsonl")
        same(done.returncode, 0, done.stderr)
        same("who appears can be seen" in done.stderr, bool(align), done.stderr)
        parts = [line for line in lines("h.jsonl") if line["blurred"] != "all"]
        check(parts, f"nothing but whole pictures with {align}: {done.stderr}")
        for line in parts:
            covers = [o["class"] for o in line["objects"] for x, y, w, h in line["blurred"]
                      if x <= o["box"][0] and y <= o["box"][1] and x + w >= sum(o["box"][::2])
                      and y + h >= sum(o["box"][1::2])]
            same(sum(o["class"] == 1 for o in line["objects"]), 1, "objects fainter than the threshold are known, too")
            check(1 in covers and 3 not in covers, f"{line}")


def delay_does_not_grow():
    """What the tutorial gets wrong: 200 ms a network, each third of 30 frames a second; its delay would be 2.5 s here."""
    played("--every", 3, "--model-options", "latency=200", "--duration", 5, BALL, "--output", "jsonl:age.jsonl")
    ages = [o["age"] for line in lines("age.jsonl") for o in line["objects"]]
    check(len(ages) > 60, f"{len(ages)} objects")
    check(max(ages) < 1.5, f"oldest box {max(ages)} s")
    stream = played("--every", 3, "--duration", 1, BALL, "--output", "none")["streams"][0]
    sums_up(stream)
    same(stream["skipped"], stream["offered"] - (stream["offered"] + 2) // 3, "skipped by --every 3")


def camera_that_ends_or_fails():
    stream = played("gst: videotestsrc is-live=true num-buffers=15", "--output", "end.mp4")["streams"][0]
    same(frames_of("end.mp4"), stream["frames_out"], "frames of a camera that ended")
    done = sidestream("gst: videotestsrc is-live=true ! identity error-after=20", "--output", "fail.mp4",
                      "--stats", "fail.json")
    same(done.returncode, 3, "exit code of a camera that fails: " + done.stderr)
    same(len(done.stderr.splitlines()), 1, "lines: " + done.stderr)
    check("failed after" in done.stderr, done.stderr)
    stream = json.loads((folder / "fail.json").read_text())["streams"][0]
    check(stream["frames_out"] > 0, "frames before the failure")
    same(frames_of("fail.mp4"), stream["frames_out"], "the file of a camera that failed is finished")
    # the other camera goes on
    done = sidestream("gst: videotestsrc is-live=true ! identity error-after=5", BALL, "--duration", 1, "--output",
                      "none", "--stats", "other.json")
    same(done.returncode, 3, "exit code")
    other = json.loads((folder / "other.json").read_text())["streams"][1]
    check(other["frames_out"] > 20, f"the other camera showed {other['frames_out']} frames")


def signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        args = [PROGRAM, "run", "--backend", "dummy", "--output", "jsonl:-", "--output", "signal.mp4", "--stats",
                "signal.json", BALL]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
                              env=environment) as process:
            process.stdout.readline()
            process.send_signal(number)
            out, err = process.communicate(timeout=HANG_S)
        same(process.returncode, 0, f"exit code after {number.name}: {err}")
        frames = json.loads((folder / "signal.json").read_text())["streams"][0]["frames_out"]
        same(1 + len(out.splitlines()), frames, "lines written")
        same(frames_of("signal.mp4"), frames, "the file is finished")


def second_signal():
    """While the first one's tidy end is held up by a network that hangs."""
    args = [PROGRAM, "run", "--backend", "dummy", "--model-options", "latency=3000000", "--output", "jsonl:-", BALL]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
                          env=environment) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)  # another one: two of a kind may arrive as one
        process.communicate(timeout=HANG_S)
    same(process.returncode, 1, "exit code after a second signal")


def reader_that_leaves():
    args = [PROGRAM, "run", "--backend", "dummy", "--output", "jsonl:-", BALL]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
                          env=environment) as process:
        process.stdout.readline()
        process.stdout.close()
        same(process.wait(HANG_S), 0, "exit code when the reader of jsonl:- left")


def nothing_is_left():
    """GStreamer's own tracer lists what is alive when it goes."""
    for source in (["clip.mp4", "--rate", 200, "--loop"], ["gst: videotestsrc is-live=true ! identity error-after=5"]):
        done = sidestream(*source, "--duration", 0.5, "--quiet", "--hud", "--output", "leak.mp4", "--output", "jsonl:leak.jsonl",
                          env={**environment, "GST_TRACERS": "leaks", "GST_DEBUG": "GST_TRACER:7",
                               "GST_DEBUG_NO_COLOR": "1"})
        told = [line for line in done.stderr.splitlines() if "object-alive" in line]
        check(told, "the tracer did not run")  # it tells its formats first
        left = [line for line in told if "class" not in line and "new format string" not in line]
        check(not left, "left behind: " + "\n".join(left))


def other_commands():
    for command, args in (("doctor", []), ("inspect", ["--backend", "dummy"])):
        done = sidestream(*args, backend=None, command=command)
        same(done.returncode, 0, command + ": " + done.stderr)
        check("dummy" in done.stdout, done.stdout)
    done = sidestream("--duration", 0.3, "--model-options", "latency=5", "--json", "bench.json", BALL, command="bench")
    same(done.returncode, 0, "bench: " + done.stderr)
    bench = json.loads((folder / "bench.json").read_text())
    check(bench["together"]["inferences_per_s"] > 0 and bench["model_alone"]["inferences_per_s"] > 0, bench)
    check(bench["stream_alone"]["fps"] > 0 and bench["stream_alone"]["inferences_per_s"] == 0, bench)
    check(bench["inference_ratio"] > 0, bench)
    done = sidestream("--duration", 0.2, "--model-options", "latency=5", "--parts", "together", "--json", "-", BALL,
                      command="bench")
    same(done.returncode, 0, "bench --parts: " + done.stderr)
    bench = json.loads(done.stdout)
    check("together" in bench and "model_alone" not in bench and "inference_ratio" not in bench, bench)


for test in (recording_and_lines, played_recording, picture_that_changes_its_size, picture_of_odd_size,
             several_streams, picture_before_model, network_that_hangs_or_fails, people_are_hidden, delay_does_not_grow,
             camera_that_ends_or_fails, signals, second_signal, reader_that_leaves, nothing_is_left, other_commands):
    print(test.__name__, flush=True)
    test()
