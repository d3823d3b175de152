# SPDX-License-Identifier: Apache-2.0
"""`sidestream eval` from the outside, on a recorded ball and a network that follows it."""
import json

from common import check, folder, lines, same, sidestream

USAGE, SOURCE = 2, 3
FOLLOW = ["--model-options", "follow=1,size=160"]


def evaluated(*args):
    done = sidestream(*args, "--json", "-", "ball.mp4", "--quiet", *FOLLOW, command="eval")
    same(done.returncode, 0, done.stderr)
    return done.stdout


made = sidestream("--duration", 3, "--output", "ball.mp4", "--quiet", "--model-options", "boxes=0",
                  "test://ball?width=640&height=480")
check(made.returncode == 0, made.stderr)



def without_times(report):
    """All but what the stream's thread spent, which is measured."""
    report = json.loads(report)
    for variant in report["variants"]:
        cost = variant.pop("stream_cost_us")
        check(0 < cost["p50"] <= cost["p99"] <= cost["max"], str(cost))
    return report


report = without_times(evaluated())
same(without_times(evaluated()), report, "the second run")
check(80 <= report["frames"] <= 90 and report["reference_objects"] >= report["frames"] - 1, str(report))
same([(v["align"], v["latency_ms"]) for v in report["variants"]],
     [(a, l) for a in ("live", "hold") for l in (40, 100, 200)], "what was played")
for live, hold in zip(report["variants"][:3], report["variants"][3:]):
    check(live["ap50"] > 0.9 and live["mean_iou"] > 0.7, str(live))
    check(live["ap"] > 1.5 * hold["ap"], f"{live} {hold}")
    same(live["id_switches"], 0, "switches")

# Held back until the network has seen them, pictures have better boxes; those of the first inference have none.
late = json.loads(evaluated("--align", "delay"))["variants"]
for variant, before in zip(late, report["variants"]):
    check(variant["ap"] > before["ap"] and variant["mean_iou"] > before["mean_iou"], f"{variant} {before}")

# A network of 60 ms waits for a younger picture where that pays, but not for pictures that are held back: it looks at more.
evaluated("--latency", 60, "--align", "hold,delay", "--boxes", "waits.jsonl")
looked = {align: {round(w["pts"] - o["age"], 3) for w in lines("waits.jsonl") if w.get("align") == align
                  for o in w["objects"] if o["state"] == state}
          for align, state in (("hold", "held"), ("delay", "measured"))}
check(len(looked["delay"]) > 1.05 * len(looked["hold"]) > 30, str({k: len(v) for k, v in looked.items()}))

# The boxes behind the figures.
same(without_times(evaluated("--boxes", "boxes.jsonl")), report, "the run that writes its boxes")
written = lines("boxes.jsonl")
seen = {w["frame"]: w for w in written if "align" not in w}
same(sorted(seen), list(range(report["frames"])), "pictures")
same(sum(o["score"] >= 0.5 for w in seen.values() for o in w["objects"]), report["reference_objects"], "the reference")
for variant in report["variants"]:
    way = [w for w in written if (w.get("align"), w.get("latency_ms")) == (variant["align"], variant["latency_ms"])]
    same([w["frame"] for w in way], sorted(seen), "each picture once, in order")
    ages = [o["age"] for w in way for o in w["objects"]]
    check(abs(1000 * sum(ages) / len(ages) - variant["mean_age_ms"]) < 0.01, f"{variant}: {sum(ages) / len(ages)}")
when = {round(w["pts"], 4): w for w in seen.values()}
for shown in (w for w in written if w.get("align") == "hold"):
    for o in (o for o in shown["objects"] if o["state"] != "predicted"):
        source = when[round(shown["pts"] - o["age"], 4)]
        check(o["box"] in [s["box"] for s in source["objects"]], f"held as it was seen: {shown} {source}")
done = sidestream("ball.mp4", "--latency", 40, "--quiet", "--boxes", "-", *FOLLOW, command="eval")
same(len([json.loads(line) for line in done.stdout.splitlines()]), 3 * report["frames"], "nothing but lines")
before = (folder / "ball.mp4").read_bytes()

# A network that takes no time is right about every picture but the first, which it has not seen yet.
still = json.loads(evaluated("--latency", 0, "--align", "hold", "--rate", 10))
check(still["variants"][0]["mean_age_ms"] == 100, str(still))

# Live: the elements, their threads and the clock on the wall. How well, a busy machine has a say in; what is certain
# is that every picture is shown, and that boxes are at least as old as the network is slow.
report = without_times(evaluated("--clock", "real", "--align", "live,delay", "--latency", 200))
same(report["clock"], "real", "clock")
live, late = report["variants"]
check(live["mean_age_ms"] > 190 and 0 <= late["mean_age_ms"] < live["mean_age_ms"], f"{live} {late}")
check(0 < live["mean_iou"] < 1 and 0 < late["mean_iou"] <= 1, f"{live} {late}")

# Nothing to be found: no figure, rather than a bad one.
made = sidestream("--duration", 1, "--output", "empty.mp4", "--quiet", "--model-options", "boxes=0",
                  "test://black?width=640&height=480")
check(made.returncode == 0, made.stderr)
done = sidestream("empty.mp4", "--quiet", "--json", "-", "--model-options", "boxes=0", command="eval")
same(done.returncode, 0, done.stderr)
check(all(v["ap"] is None and v["mean_iou"] is None for v in json.loads(done.stdout)["variants"]), done.stdout)
done = sidestream("empty.mp4", "--quiet", "--latency", 40, "--model-options", "boxes=0", command="eval")
check("live      40 ms      -      -" in done.stdout, done.stdout)

done = sidestream("ball.mp4", "--latency", "50,150", "--plot", "chart.png", *FOLLOW, command="eval")
same(done.returncode, 0, done.stderr)
check((folder / "chart.png").read_bytes().startswith(b"\x89PNG"), "a chart")
check("live      50 ms" in done.stdout and "hold     150 ms" in done.stdout, done.stdout)
done = sidestream("ball.mp4", "--plot", "chart.svg", "--quiet", "--align", "hold,hold", "--latency",
                  ",".join(str(10 * i) for i in range(1, 33)), *FOLLOW, command="eval")
same(done.returncode, 0, done.stderr)
check("<svg" in (folder / "chart.svg").read_text(), "a chart")

for args, code, says in (
        ([], USAGE, "needs one CLIP"),
        (["a", "b"], USAGE, "needs one CLIP"),
        (["test://ball"], USAGE, "needs a recording"),
        (["missing.avi"], SOURCE, "missing.avi"),
        (["ball.mp4", "--align", "live,soon"], USAGE, '"soon" is none of hold, live, delay'),
        (["ball.mp4", "--clock", "wall"], USAGE, '"wall" is neither virtual nor real'),
        (["ball.mp4", "--latency", "40,"], USAGE, "--latency"),
        (["ball.mp4", "--latency", "1e3"], USAGE, "--latency"),
        (["ball.mp4", "--plot", "chart.gif"], USAGE, "neither a .png nor a .svg"),
        (["ball.mp4", "--plot", "/nosuch/chart.png"], USAGE, "/nosuch/chart.png"),
        (["ball.mp4", "--json", "/nosuch/x"], USAGE, "/nosuch/x"),
        (["ball.mp4", "--boxes", "/nosuch/x"], USAGE, "/nosuch/x"),
        (["ball.mp4", "--boxes", "/dev/full"], USAGE, "--boxes /dev/full: No space left"),
        (["ball.mp4", "--boxes", "-", "--json", "-"], USAGE, "only one of --boxes and --json"),
        (["ball.mp4", "--boxes", "./ball.mp4"], USAGE, "reads or writes that file already")):
    done = sidestream(*args, "--quiet", command="eval")
    same(done.returncode, code, f"{args}: {done.stderr}")
    check(says in done.stderr and len(done.stderr.splitlines()) == 1, f"{args}: {done.stderr}")
same((folder / "ball.mp4").read_bytes(), before, "the clip")
