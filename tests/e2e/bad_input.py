# SPDX-License-Identifier: Apache-2.0
"""Bad input: a stable exit code, one line that says what, where and what to try; no crash, no hang, no dump."""
import os
import subprocess

from common import BALL, HANG_S, PROGRAM, check, environment, folder, sidestream

USAGE, SOURCE, MODEL = 2, 3, 4

made = sidestream("--duration", 1, "--output", "clip.mp4", "--quiet", BALL)
check(made.returncode == 0, made.stderr)
clip = (folder / "clip.mp4").read_bytes()
(folder / "truncated.mp4").write_bytes(clip[: len(clip) // 2])
(folder / "middle.mp4").write_bytes(clip[:2000] + bytes(len(clip) - 4000) + clip[-2000:])
(folder / "keep.mp4").write_bytes(clip)
(folder / "link.mp4").symlink_to("keep.mp4")
os.mkfifo(folder / "pipe.avi")
(folder / "empty.avi").write_bytes(b"")
(folder / "text.avi").write_text("not a video\n" * 50)
(folder / "noise.mp4").write_bytes(bytes((i * 2654435761 >> 13) & 255 for i in range(20000)))
(folder / "empty.onnx").write_bytes(b"")
(folder / "text.onnx").write_text("not a model\n" * 50)
(folder / "text.pb").write_text("not a model\n" * 50)
(folder / "text.xml").write_text("<html>no network</html>")
(folder / "text.tflite").write_text("not a model\n" * 50)
(folder / "model.docx").write_text("not a model\n")
(folder / "empty.labels").write_bytes(b"")
(folder / "binary.labels").write_bytes(bytes(range(256)))
(folder / "twice.labels").write_text("1 a\n1 b\n")

NONE = ["--output", "none", "--duration", "1"]

# arguments, exit code, what the line says
TABLE = [
    # sources
    (["missing.avi"], SOURCE, "missing.avi: no such file"),
    (["empty.avi"], SOURCE, "empty.avi: the file is empty"),
    (["."], SOURCE, "is a folder"),
    (["pipe.avi"], SOURCE, "pipe.avi: is a named pipe"),
    (["text.avi"], SOURCE, "could not open file text.avi"),
    (["noise.mp4"], SOURCE, "could not open file noise.mp4"),
    (["gst: videotestsrc is-live=true ! valve drop=true"], SOURCE, "no picture came"),
    (["truncated.mp4"], SOURCE, "could not open file truncated.mp4"),
    (["/dev/video99"], SOURCE, "could not open camera /dev/video99: no such device; is it plugged in? (ls /dev/video*)"),
    (["/dev/video99?fps=x"], USAGE, "fps must be a whole number"),
    (["csi://0?wbmode=77"], USAGE, "wbmode must be a whole number from 0 to 9"),
    (["test://nopattern"], SOURCE, "nopattern"),
    (["test://ball?size=3"], USAGE, "width, height, fps, format"),
    (["gst: nosuchelement"], SOURCE, "nosuchelement"),
    (["gst: videotestsrc ! x264enc"], SOURCE, "could not link"),
    (["gst: audiotestsrc"], SOURCE, "could not link"),
    (["gst: videotestsrc ! ! !"], SOURCE, "syntax error"),
    (["gst: videotestsrc num-buffers=0"], SOURCE, "before its first picture"),
    (["rtsp://user:secret@127.0.0.1:1/x"], SOURCE, "rtsp://***@127.0.0.1:1/x"),
    (["http://user:secret@127.0.0.1:1/x.mp4"], SOURCE, "http://***@127.0.0.1:1/x.mp4"),
    ([], USAGE, "needs a SOURCE"),
    # options
    ([BALL, "--nosuch"], USAGE, "unknown option --nosuch"),
    ([BALL, "--threshold", "1.5"], USAGE, '--threshold must be a number from 0 to 1, not "1.5"'),
    ([BALL, "--threshold", "nan"], USAGE, "--threshold must be"),
    ([BALL, "--threshold", ""], USAGE, "--threshold must be"),
    ([BALL, "--workers", "0"], USAGE, "--workers must be a whole number from 1 to 16"),
    ([BALL, "--workers", "1.5"], USAGE, "--workers must be a whole number"),
    ([BALL, "--every", "-1"], USAGE, "--every must be"),
    ([BALL, "--max-rate", "fast"], USAGE, "--max-rate must be"),
    ([BALL, "--rate", "0"], USAGE, "--rate must be"),
    ([BALL, "--duration", "0"], USAGE, "--duration must be"),
    ([BALL, "--simulate-latency", "40ms"], USAGE, "--simulate-latency must be"),
    ([BALL, "--threads", "99999999999999999999"], USAGE, "--threads must be"),
    ([BALL, "--input-size", "axb"], USAGE, "--input-size"),
    ([BALL, "--preprocess", "fit=round"], USAGE, "--preprocess"),
    ([BALL, "--preprocess", "mean=nan"], USAGE, "--preprocess"),
    ([BALL, "--preprocess", "scale=1e99"], USAGE, "--preprocess"),
    ([BALL, "--align", "soon"], USAGE, '--align: "soon" is none of hold, live, delay'),
    ([BALL, "--blur", ""], USAGE, "--blur needs the names of classes"),
    ([BALL, "--blur", " , "], USAGE, "--blur needs the names of classes"),
    ([BALL, "--blur", "person"], USAGE, '--blur: the model has no class "person"; its classes have no names'),
    ([BALL, "--labels", "coco", "--blur", "person,persn"], USAGE, 'no class "persn"; it has person, bicycle'),
    ([BALL, "--labels", "binary.labels", "--blur", "all"], USAGE, "binary.labels"),
    ([BALL, "--max-age", "0"], USAGE, "--max-age must be"),
    ([BALL, "--style", "dotted"], USAGE, "--style must be outline or fill"),
    ([BALL, "--decoder", "nosuch"], USAGE, "--decoder"),
    ([BALL, "--output", "tape"], USAGE, 'there is no output "tape"'),
    ([BALL, "--output", "jsonl:"], USAGE, "needs a file name"),
    ([BALL, "--output", "jsonl:/nosuch/x"], USAGE, "No such file"),
    ([BALL, "--output", "/nosuch/x.mp4"], USAGE, "cannot be written"),
    ([BALL, "--output", "window"], USAGE, "window"),
    ([BALL, "--stats", "/nosuch/x"], USAGE, "--stats /nosuch/x"),
    ([BALL, "--output", "jsonl:/dev/full"], USAGE, "No space left"),
    # a file may be read, or written once: nothing is overwritten that the run itself needs
    (["keep.mp4", "--output", "keep.mp4"], USAGE, "--output keep.mp4: this run reads or writes that file already"),
    (["keep.mp4", "--output", "./link.mp4"], USAGE, "--output ./link.mp4: this run"),
    (["keep.mp4", "--stats", "keep.mp4"], USAGE, "--stats keep.mp4: this run"),
    ([BALL, "--output", "one.mp4", "--output", "one.mp4"], USAGE, "--output one.mp4: this run"),
    ([BALL, "--output", "jsonl:one", "--stats", "one"], USAGE, "--output one: this run"),
    # labels
    ([BALL, "--labels", "missing.labels"], USAGE, "missing.labels"),
    ([BALL, "--labels", "empty.labels"], USAGE, "empty.labels"),
    ([BALL, "--labels", "binary.labels"], USAGE, "binary.labels"),
    ([BALL, "--labels", "twice.labels"], USAGE, "twice.labels"),
    # models
    ([BALL, "--model-options", "broken=load"], MODEL, "model"),
    ([BALL, "--model-options", "colour=red"], MODEL, "colour"),
    ([BALL, "--decoder", "yolo"], MODEL, "[1,1,1,7]"),
]

# with the real runtime, where this build has it
MODELS = [
    ([BALL, "--model", "missing.onnx"], MODEL, "missing.onnx: no such file"),
    ([BALL, "--model", "empty.onnx"], MODEL, "empty.onnx: the file is empty"),
    ([BALL, "--model", "."], MODEL, "is not a file"),
    ([BALL, "--model", "text.onnx"], MODEL, "text.onnx"),
    ([BALL, "--model", "text.pb"], MODEL, "text.pb"),
    ([BALL, "--model", "text.xml"], MODEL, "text.xml"),
    ([BALL, "--model", "text.tflite"], MODEL, "text.tflite"),
    ([BALL, "--model", "model.docx"], MODEL, "model.docx"),
    ([BALL, "--model", "clip.mp4"], MODEL, "clip.mp4"),
    ([BALL], MODEL, "tools/demo.sh"),
]


def judge(args, code, says, backend):
    done = sidestream(*args, *(NONE if "--output" not in args and "--duration" not in args else []), backend=backend)
    at = f"{backend} {args}: "
    check(done.returncode == code, f"{at}exit code {done.returncode}, not {code}: {done.stderr}")
    check(len(done.stderr.splitlines()) == 1, f"{at}not one line: {done.stderr}")
    check(done.stderr.startswith("sidestream: "), at + done.stderr)
    check(says in done.stderr, f"{at}not in the line: {says!r}: {done.stderr}")
    check("secret" not in done.stderr, at + done.stderr)
    check(done.stdout == "", at + done.stdout)


for row in TABLE:
    judge(*row, backend="dummy")
has_openvino = "ok       openvino" in sidestream(backend=None, command="doctor").stdout
for row in MODELS if has_openvino else MODELS[:3]:
    judge(*row, backend="openvino" if has_openvino else "dummy")
judge([BALL], USAGE, "this build has no", backend="nosuch")

check((folder / "keep.mp4").read_bytes() == clip, "the source was written into")

# Statistics go into the file, not in its place; where they cannot go, that is said.
(folder / "link.json").symlink_to("target.json")
done = sidestream(BALL, "--output", "none", "--duration", "0.1", "--stats", "link.json")
check(done.returncode == 0 and (folder / "link.json").is_symlink(), "--stats replaced a link")
check((folder / "target.json").read_text().startswith('{"streams"'), "--stats did not write through a link")
with open("/dev/full", "w") as full:
    for command, option in (("run", "--stats"), ("bench", "--json")):
        args = [PROGRAM, command, "--backend", "dummy", "--duration", "0.1", option, "-", BALL]
        done = subprocess.run(args + (["-o", "none"] if command == "run" else []), stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=HANG_S, env=environment)
        check(done.returncode == USAGE and f"{option} -: No space left" in done.stderr, f"{command}: {done}")

# A damaged middle, where decoders conceal: any code of the table, but no crash.
done = sidestream("middle.mp4", *NONE)
check(done.returncode in (0, SOURCE), f"damaged clip: {done.returncode} {done.stderr}")
for command, args, code in (("nosuch", [], USAGE), ("bench", ["a", "b"], USAGE), ("bench", ["missing.avi"], SOURCE),
                            ("bench", ["--parts", "side_by_side,all"], USAGE), ("bench", ["--parts", ""], USAGE),
                            ("inspect", ["missing.onnx"], MODEL), ("inspect", ["--decoder", "yolo"], MODEL),
                            ("build", [], USAGE), ("build", ["a", "b"], USAGE), ("build", ["missing.onnx"], MODEL),
                            ("build", ["--cache-dir", "", "empty.onnx"], USAGE), ("doctor", ["x"], USAGE)):
    done = sidestream(*args, backend="dummy" if command in ("bench", "inspect") else None, command=command)
    check(done.returncode == code, f"{command} {args}: {done.returncode} {done.stderr}")
    check(len(done.stderr.splitlines()) == 1, f"{command} {args}: {done.stderr}")
