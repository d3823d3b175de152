#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten minutes at 60 frames a second, one stream and eight that share one engine, dummy and real network.

Samples /proc/PID once a second: resident memory after the first minute against the end, and the thread count;
the statistics at the end say whether every stream got its share of the network.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import statistics
import subprocess

import common

FLAT_MB = 2.0
FAIR = 0.8
PROCESSORS = 2  # of each run, where all are at once


class Watch:
    """What /proc says of one process, second by second."""

    def __init__(self, pid):
        self.proc, self.rss_kb, self.names = pathlib.Path(f"/proc/{pid}"), [], []

    def sample(self):
        try:
            # Not status' VmRSS: its counters lag behind by up to 64 pages a thread.
            resident = int(re.search(r"^Rss:\s*(\d+)", (self.proc / "smaps_rollup").read_text(), re.M).group(1))
            names = collections.Counter()
            for task in (self.proc / "task").iterdir():
                try:
                    names[re.sub(r"\d+|-\d*$", "", (task / "comm").read_text().strip())] += 1
                except OSError:  # this thread has just ended
                    continue
        except (OSError, AttributeError):  # it has ended, or is about to
            return
        self.rss_kb.append(resident)
        self.names.append(names)

    def thread_counts(self):
        """Of all but GLib's pool, from which GStreamer borrows one for a moment where a clip starts again."""
        return [sum(n for name, n in names.items() if not name.startswith("pool-")) for names in self.names[:-1]]

    def most_borrowed(self):
        return max(sum(n for name, n in names.items() if name.startswith("pool-")) for names in self.names[:-1])


def soak(source, streams, real, options, tmp):
    stats_file = tmp / f"stats-{streams}-{'real' if real else 'dummy'}.json"
    network = [] if real else ["--backend", "dummy", "--model-options", f"latency={options.dummy_latency:g},boxes=10"]
    command = [common.sidestream_program(), "run", *[source] * streams, *network, "--rate", f"{options.rate:g}",
               "--loop", "--output", "none", "--duration", f"{options.seconds:g}", "--stats", stats_file, "--quiet"]
    with common.child(command) as c:
        watch, waited = Watch(c.process.pid), 0
        while waited < options.seconds + common.GRACE:
            try:
                c.process.wait(1)
                break
            except subprocess.TimeoutExpired:  # the clock of the sampling
                watch.sample()
                waited += 1
        usage = c.finish(1)
    return watch, common.read_stats(stats_file), usage


def soak_on(processors, source, run, options, tmp):
    """In a process of its own, whose children have these processors."""
    os.sched_setaffinity(0, processors)
    return soak(source, *run, options, tmp)


def soak_all(source, runs, options, tmp):
    """The runs' results in their order: one after another, or each on two processors of its own."""
    if not options.at_once:
        for streams, real in runs:
            common.progress(f"{name_of(streams, real)}: {options.seconds:g} s")
            yield soak(source, streams, real, options, tmp)
        return
    free = sorted(os.sched_getaffinity(0))
    if len(free) < PROCESSORS * len(runs):
        raise common.BenchError(f"--at-once needs {PROCESSORS * len(runs)} processors; there are {len(free)}")
    common.progress(f"{len(runs)} runs at once: {options.seconds:g} s")
    with concurrent.futures.ProcessPoolExecutor(len(runs)) as pool:
        results = [pool.submit(soak_on, free[PROCESSORS * i:PROCESSORS * (i + 1)], source, run, options, tmp)
                   for i, run in enumerate(runs)]
        for result in results:
            yield result.result()


def name_of(streams, real):
    return f"{'real' if real else 'dummy'}, {streams} stream{'s' if streams > 1 else ''}"


def row_and_verdicts(name, streams, options, watch, stats, usage):
    rss, threads = [kb / 1024 for kb in watch.rss_kb[:-1]], watch.thread_counts()  # the last sample may see the end
    first = min(60, len(rss) // 2)  # shorter runs settle in their first half
    if first < 2:
        raise common.BenchError("too short a run: nothing to compare")
    settled, end = statistics.median(rss[first:first + 5]), statistics.median(rss[-5:])
    growth = max(rss[first:]) - settled
    counts = [s["inferred"] for s in stats["streams"]]
    share = min(counts) / max(1, max(counts))
    waited = sum(s["frames_waited"] for s in stats["streams"])
    lost = sum(s["frames_in"] - s["frames_out"] for s in stats["streams"])
    fps = min(s["fps_out"] for s in stats["streams"])
    steady = threads[first:]
    row = [name, f"{fps:.2f}", f"{settled:.1f}", f"{end:.1f}", f"{growth:+.2f}", f"{min(steady)}..{max(steady)}",
           f"{min(counts)} / {max(counts)}", f"{share:.2f}", str(waited), str(lost),
           f"{stats['inferences_per_s']:.1f}", f"{100 * usage['cpu_s'] / usage['wall_s']:.0f} %",
           f"{100 * usage['others']:.0f} %"]
    return row, [
        (growth < FLAT_MB, f"{name}: resident memory {growth:+.2f} MB after the first minute (less than {FLAT_MB:g})"),
        (max(steady) == min(steady), f"{name}: {max(steady)} threads throughout (and at most {watch.most_borrowed()} of "
         "GLib's pool): " + ", ".join(f"{n} {k}" for k, n in sorted(watch.names[first].items()))),
        (share >= FAIR, f"{name}: fewest / most inferences a stream {share:.2f} (at least {FAIR:g})"),
        (waited == 0 and lost == 0, f"{name}: {waited} frames waited, {lost} lost"),
        (fps >= 0.99 * options.rate,
         f"{name}: the slowest stream showed {fps:.2f} of {options.rate:g} frames a second"),
    ]


def threads_a_stream(threads):
    """Threads grow with the streams by the same whole number, whatever the network: nobody adds some of his own."""
    costs = {}
    for network, counts in threads.items():
        few, many = min(counts), max(counts)
        if many > few:
            costs[network] = (counts[many] - counts[few]) / (many - few)
    if not costs:
        return []
    same = len(set(costs.values())) == 1 and all(c == int(c) for c in costs.values())
    told = ", ".join(f"{cost:g} with the {network} network" for network, cost in costs.items())
    return [(same, f"threads for each further stream: {told} (Sidestream's one, the others are GStreamer's)")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="of each of the runs")
    parser.add_argument("--rate", type=float, default=60)
    parser.add_argument("--streams", type=lambda t: [int(n) for n in t.split(",")], default=[1, 8], metavar="N,N")
    parser.add_argument("--networks", default="dummy,real", help="dummy, real or both")
    parser.add_argument("--dummy-latency", type=float, default=10, metavar="MS")
    parser.add_argument("--source", help="default: the demo's clip")
    parser.add_argument("--at-once", action="store_true", help="all runs at the same time, two processors each")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    source = options.source or common.asset("vtest.avi")
    rows, verdicts, threads = [], [], {}
    runs = [(streams, network == "real") for network in options.networks.split(",") for streams in options.streams]
    with common.scratch() as tmp:
        for (streams, real), result in zip(runs, soak_all(source, runs, options, tmp)):
            watch, stats, usage = result
            row, judged = row_and_verdicts(name_of(streams, real), streams, options, watch, stats, usage)
            rows.append(row)
            verdicts += judged
            threads.setdefault("real" if real else "dummy", {})[streams] = watch.thread_counts()[-1]
    verdicts += threads_a_stream(threads)
    header = ["network, streams", "slowest fps", "RSS MB after 1 min", "at the end", "most growth", "threads",
              "inferences fewest / most", "share", "waited", "lost", "inferences/s", "CPU (one core = 100 %)",
              "CPU others took"]
    place = f", all at once on {PROCESSORS} processors each" if options.at_once else ""
    text = (f"{options.seconds:g} s each{place}, at {options.rate:g} frames a second; every stream decodes the clip "
            "itself.\n\n"
            + common.table(header, rows) + "\n\n" + common.verdicts(verdicts))
    common.publish("soak", text, options.write)
    return 0 if all(ok for ok, _ in verdicts) else 1


if __name__ == "__main__":
    common.fail_clearly(main)
