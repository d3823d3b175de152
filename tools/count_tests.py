#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up meson's testlog.json: 'N passed, N failed, N skipped'; exit code 1 if one failed or none ran."""
import collections
import json
import sys

RESULTS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}

try:
    with open(sys.argv[1], encoding="utf-8") as log:
        count = collections.Counter(RESULTS.get(json.loads(line)["result"], "failed") for line in log)
except FileNotFoundError:
    count = collections.Counter()
print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
sys.exit(count["failed"] > 0 or count["passed"] == 0)
