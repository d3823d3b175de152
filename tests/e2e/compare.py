# SPDX-License-Identifier: Apache-2.0
"""`inspect --compare`: fp32 beside fp32 is the same; what this processor computes in by itself is near; what cannot be
compared is said in a line."""

import re

from common import check, demo_or_skip, same, sidestream

SOURCE_ERROR, MODEL_ERROR = 3, 4
CLIP, MODEL = demo_or_skip()
RESULT = re.compile(r"AP ([\d.]+), AP50 ([\d.]+); (\d+) of (\d+) boxes found, (\d+) more; overlap ([\d.]+), scores "
                    r"([\d.]+) apart, corners ([\d.]+) pixels at most")


def compared(*args):
    done = sidestream(str(MODEL), *args, "--cache-dir", "", "--compare", str(CLIP), backend="openvino", command="inspect")
    same(done.returncode, 0, f"inspect {args}: {done.stderr}")
    result = RESULT.search(done.stdout)
    check(result, done.stdout)
    check("60 pictures of" in done.stdout and "ms an inference" in done.stdout, done.stdout)
    return [float(n) for n in result.groups()]


ap, ap50, found, of, more, overlap, scores, corners = compared("--precision", "fp32")
same((ap, ap50, found, more, overlap, scores, corners), (100, 100, of, 0, 1, 0, 0), "fp32 beside itself")
check(of > 100, f"{of} boxes in 60 pictures of pedestrians")
ap, ap50, found, of, more, overlap, scores, corners = compared()
check(ap > 90 and ap50 >= ap and found > 0.95 * of and overlap > 0.95 and scores < 0.05, "the processor's own")

for args, code, backend in ((["--compare", "missing.avi", str(MODEL)], SOURCE_ERROR, "openvino"),
                            (["--compare", str(CLIP)], MODEL_ERROR, "dummy")):
    done = sidestream(*args, "--cache-dir", "", backend=backend, command="inspect")
    same(done.returncode, code, f"{args}: {done.stderr}")
    check(len(done.stderr.splitlines()) == 1, f"{args}: {done.stderr}")
