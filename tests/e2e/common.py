# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: run the program, read what it wrote."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
HANG_S = 100  # far beyond any run here: a hang, not a slow machine
BALL = "test://ball?width=160&height=120"

# Neither the user's models nor a display may change what is tested.
work = tempfile.TemporaryDirectory(prefix="sidestream-e2e-")
folder = pathlib.Path(work.name)
environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SIDESTREAM_DATA")}
environment["XDG_DATA_HOME"] = str(folder / "data")
environment["XDG_CACHE_HOME"] = str(folder / "cache")


def sidestream(*args, backend="dummy", command="run", env=environment):
    args = [PROGRAM, command] + (["--backend", backend] if backend else []) + [str(a) for a in args]
    return subprocess.run(args, capture_output=True, text=True, timeout=HANG_S, cwd=folder, env=env)


def demo_or_skip():
    """The demo's clip and network; without them, or without OpenVINO, the test is skipped."""
    data = pathlib.Path(os.environ.get("SIDESTREAM_DATA") or
                        pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "sidestream")
    clip, model = data / "demo/vtest.avi", data / "demo/pedestrians.pb"
    missing = "no demo; tools/setup.sh brings it" if not (clip.exists() and model.exists()) else \
        "this build has no openvino" if "ok       openvino" not in sidestream(backend=None, command="doctor").stdout else None
    if missing:
        print("skipped:", missing)
        raise SystemExit(77)
    return clip, model


def played(*args, code=0, **more):
    """Runs with --stats - and returns the statistics."""
    done = sidestream(*args, "--stats", "-", **more)
    check(done.returncode == code, f"exit code {done.returncode}, not {code}: {done.stderr}")
    return json.loads(done.stdout)


def lines(path):
    return [json.loads(line) for line in (folder / path).read_text().splitlines()]


def check(condition, text):
    if not condition:
        print("FAILED:", text, file=sys.stderr)
        raise SystemExit(1)


def same(a, b, text):
    check(a == b, f"{text}: {a!r} is not {b!r}")
