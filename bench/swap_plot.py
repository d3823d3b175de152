#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How old boxes are while a device is got ready and takes over: draws what `bench/gpu.py --points FILE` kept.

Needs matplotlib.
"""

import argparse
import json
import pathlib

import common


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", type=pathlib.Path)
    parser.add_argument("picture", help="FILE.svg or FILE.png")
    options = parser.parse_args()
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise common.BenchError(f"{error}: pip install matplotlib") from None
    runs = json.loads(options.points.read_text())
    figure, axes = pyplot.subplots(len(runs), 1, figsize=(8, 2.4 * len(runs)), layout="constrained", squeeze=False)
    for axis, (name, run) in zip(axes[:, 0], runs.items()):
        for stand_in, colour, label in ((1, "#d9822b", "the processor's boxes"), (0, "#1f6f8b", "the device's boxes")):
            points = [(at, age) for at, age, who in run["frames"] if who == stand_in and age >= 0]
            axis.plot(*zip(*points) if points else ([], []), ".", markersize=3, color=colour, label=label)
        axis.axvline(run["device_ready_s"], color="#888888", linewidth=0.8)
        axis.set(title=name, xlabel="seconds since the start", ylabel="age of the boxes, ms", xlim=(0, None),
                 ylim=(0, 1.4 * max(age for _, age, _ in run["frames"])))
        axis.legend(loc="upper right", frameon=False, ncols=2)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.picture)


if __name__ == "__main__":
    common.fail_clearly(main)
