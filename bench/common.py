# SPDX-License-Identifier: Apache-2.0
"""What the benchmark scripts share: where things are, running the program, tables, docs/performance.md."""

import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("SIDESTREAM_BUILD", "build")
PERFORMANCE = ROOT / "docs" / "performance.md"
GRACE = 60  # seconds that a child may need beyond its own --duration (loading a model, ending)


class BenchError(Exception):
    """Something a person can act on: printed as one line, exit code 1."""


def fail_clearly(main):
    """Run main(); turn BenchError and ^C into one line and an exit code."""
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


# So that what is found, and with it a score, is the same on every processor: OpenVINO computes in bf16 where it can.
EXACT = ("--precision", "fp32")


# --- where things are ---------------------------------------------------------------------------


def data_dir():
    default = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share")
    return pathlib.Path(os.environ.get("SIDESTREAM_DATA") or default / "sidestream")


def asset(name):
    path = data_dir() / "demo" / name
    if not path.is_file():
        raise BenchError(f"no {path}: tools/setup.sh gets it (or set SIDESTREAM_DATA)")
    return path


def built(path):
    program = BUILD / path
    if not os.access(program, os.X_OK):
        raise BenchError(f"no {program}: build first (meson setup build && ninja -C build)")
    return program


def sidestream_program():
    return pathlib.Path(os.environ["SIDESTREAM"]) if "SIDESTREAM" in os.environ else built("src/app/sidestream")


def need_replica_packages():
    """The replicas need OpenVINO and OpenCV: go on in .venv's python where this one lacks them."""
    try:
        import cv2  # noqa: F401
        import openvino  # noqa: F401
    except ImportError as error:
        venv = ROOT / ".venv/bin/python"
        if venv.is_file() and pathlib.Path(sys.prefix) != ROOT / ".venv":
            os.execv(venv, [str(venv), *sys.argv])
        raise BenchError(f"{error}: run it with .venv/bin/python (tools/setup.sh makes .venv)") from None


# --- numbers ------------------------------------------------------------------------------------


def percentile(values, q):
    """Nearest rank; 0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * q // 100) - 1))]


def summary(values):
    return {
        "count": len(values),
        "mean": sum(values) / len(values) if values else 0.0,
        "p50": percentile(values, 50),
        "p95": percentile(values, 95),
        "p99": percentile(values, 99),
        "max": max(values, default=0.0),
    }


def slope(points):
    """Least squares of (x, y) pairs: y's growth for each x; 0 of fewer than two."""
    n = len(points)
    if n < 2:
        return 0.0
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    return sum((x - mx) * (y - my) for x, y in points) / sxx if sxx else 0.0


def age_course(samples, duration):
    """How the age (ms) of the shown boxes went: samples are (seconds since the start, age in ms)."""
    late = [s for s in samples if s[0] >= duration / 2]  # the start has its own story
    end = [age for t, age in samples if t >= duration - 2]
    return {"growth_ms_per_s": slope(late), "at_end": sum(end) / len(end) if end else 0.0}


# --- running things -----------------------------------------------------------------------------


def cpu_ticks():
    """(busy, total) of the processors that we may use, in ticks."""
    ours, busy, total = {f"cpu{n}" for n in os.sched_getaffinity(0)}, 0, 0
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name in ours:
            fields = [int(x) for x in fields[:8]]
            busy += sum(fields) - fields[3] - fields[4]
            total += sum(fields)
    return busy, total


class Child:
    """One process of ours: started here, ended here, its CPU time known."""

    def __init__(self, command):
        self.command = [str(c) for c in command]
        self.log = tempfile.TemporaryFile()
        self._ticks, self._children = cpu_ticks(), resource.getrusage(resource.RUSAGE_CHILDREN)
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)

    def tail(self, lines=4):
        self.log.seek(0)
        return " | ".join(self.log.read().decode(errors="replace").strip().splitlines()[-lines:])

    def end(self):
        """Only ever our own child, by its own handle."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def finish(self, limit):
        """Wait for its end; cpu_s = its own CPU time, others = share of our processors that others took."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.end()
            raise BenchError(f"no end within {limit:.0f} s: {shlex.join(self.command)}: {self.tail()}") from None
        wall = time.monotonic() - self.started
        usage, (busy, total) = resource.getrusage(resource.RUSAGE_CHILDREN), cpu_ticks()
        cpu = sum(getattr(usage, f) - getattr(self._children, f) for f in ("ru_utime", "ru_stime"))
        all_busy = (busy - self._ticks[0]) / os.sysconf("SC_CLK_TCK")
        capacity = max(1, total - self._ticks[1]) / os.sysconf("SC_CLK_TCK")
        if code != 0:
            raise BenchError(f"exit code {code}: {shlex.join(self.command)}: {self.tail()}")
        return {"cpu_s": cpu, "wall_s": wall, "others": max(0.0, all_busy - cpu) / capacity}


@contextlib.contextmanager
def child(command):
    c = Child(command)
    try:
        yield c
    finally:
        c.end()
        c.log.close()


def run(command, limit):
    with child(command) as c:
        return c.finish(limit)


def run_json(command, limit):
    """A program that prints one JSON document: (document, usage)."""
    with child(command) as c:
        usage = c.finish(limit)
        c.log.seek(0)
        text = c.log.read().decode(errors="replace")
    start = text.find("{")
    if start < 0:
        raise BenchError(f"no JSON from {shlex.join(c.command)}: {text.strip()[-200:]}")
    try:
        return json.JSONDecoder().raw_decode(text[start:])[0], usage
    except json.JSONDecodeError as error:
        raise BenchError(f"bad JSON from {shlex.join(c.command)}: {error}") from None


@contextlib.contextmanager
def scratch():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sidestream-bench."))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def read_stats(path):
    try:
        return json.loads(pathlib.Path(path).read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise BenchError(f"no usable statistics: {error}") from None


def sidestream_run(sources, options, seconds):
    """`sidestream run` for so many seconds: (statistics, usage, the frame log's lines or [])."""
    with scratch() as tmp:
        options = [str(o).replace("@TMP@", str(tmp)) for o in options]
        usage = run([sidestream_program(), "run", *sources, *options, "--duration", f"{seconds:g}",
                     "--stats", tmp / "stats.json", "--quiet"], seconds + GRACE)
        log = tmp / "frames.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return read_stats(tmp / "stats.json"), usage, lines


# --- tables and docs/performance.md -------------------------------------------------------------


def table(header, rows):
    """A Markdown table; the first column is text, the others are figures."""
    cells = [[str(c) for c in row] for row in (header, *rows)]
    width = [max(len(row[i]) for row in cells) for i in range(len(header))]
    line = lambda row: "| " + " | ".join(  # noqa: E731
        c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, width))) + " |"
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(width)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def verdict(ok, text):
    return f"- **{'PASS' if ok else 'FAIL'}** {text}"


def verdicts(judged):
    return "\n".join(verdict(ok, text) for ok, text in judged)


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.M)
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 2**20
    system = re.search(r'^PRETTY_NAME="?([^"\n]+)', pathlib.Path("/etc/os-release").read_text(), re.M)
    return (f"{model.group(1).strip() if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores, "
            f"{memory:.0f} GiB, {system.group(1) if system else 'Linux'}")


def commit():
    if not shutil.which("git"):
        return "unknown"
    git = lambda *a: subprocess.run(["git", "-C", str(ROOT), *a], capture_output=True, text=True).stdout  # noqa: E731
    head = git("rev-parse", "--short", "HEAD").strip() or "unknown"
    return head + ("+" if git("status", "--porcelain", "--untracked-files=no", "--", "src", "include").strip() else "")


def made_by():
    command = " ".join([f"bench/{pathlib.Path(sys.argv[0]).name}", *map(shlex.quote, sys.argv[1:])])
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return f"*Made by `{command}` on {today}, commit {commit()}; {machine()}.*"


def publish(name, text, write):
    """Print the text; with `write`, put it between <!-- name --> and <!-- /name --> of docs/performance.md."""
    text = f"{made_by()}\n\n{text.strip()}\n"
    print(text, flush=True)
    if not write:
        return
    page = PERFORMANCE.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise BenchError(f"{PERFORMANCE} has no {begin} … {end}")
    head, rest = page.split(begin)
    PERFORMANCE.write_text(f"{head}{begin}\n{text}{end}{rest.split(end)[1]}")
    progress(f"written to {PERFORMANCE.relative_to(ROOT)}")


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)
