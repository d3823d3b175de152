# SPDX-License-Identifier: Apache-2.0
"""`sidestream eval` from the outside, on a recorded ball and a network that follows it."""
import json

from common import check, folder, same, sidestream

USAGE, SOURCE = 2, 3
FOLLOW = ["--model-options", "follow=1,size=160"]


def evaluated(*args):
    done = sidestream(*args, "--json", "-", "ball.mp4", "--quiet", *FOLLOW, command="eval")
    same(done.returncode, 0, done.stderr)
    return done.stdout


made = sidestream("--duration", 3, "--output", "ball.mp4", "--quiet", "--model-options", "boxes=0",
                  "test://ball?width=640&height=480")
check(made.returncode == 0, made.stderr)

first = evaluated()
report = json.loads(first)
same(evaluated(), first, "the second run")
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

# A network that takes no time is right about every picture but the first, which it has not seen yet.
still = json.loads(evaluated("--latency", 0, "--align", "hold", "--rate", 10))
check(still["variants"][0]["mean_age_ms"] == 100, str(still))

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
        (["ball.mp4", "--latency", "40,"], USAGE, "--latency"),
        (["ball.mp4", "--latency", "1e3"], USAGE, "--latency"),
        (["ball.mp4", "--plot", "chart.gif"], USAGE, "neither a .png nor a .svg"),
        (["ball.mp4", "--plot", "/nosuch/chart.png"], USAGE, "/nosuch/chart.png"),
        (["ball.mp4", "--json", "/nosuch/x"], USAGE, "/nosuch/x")):
    done = sidestream(*args, "--quiet", command="eval")
    same(done.returncode, code, f"{args}: {done.stderr}")
    check(says in done.stderr and len(done.stderr.splitlines()) == 1, f"{args}: {done.stderr}")
