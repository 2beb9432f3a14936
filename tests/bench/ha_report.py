#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
From ha.jsonl (a measurement a line: contender, event, round, flows, gap_ms, lost, broken) to a table in Markdown: medians
over the rounds of the gap, the worst of the connections broken. Exit status 1 when tandem misses a target.
"""
import json
import statistics
import sys

EVENTS = {
    "graceful": "the owner is stopped (SIGTERM)",
    "silent": "the node loses its power",
    "owner": "the speaker is killed (kill -9)",
    "table": "tandem-lb, conntrackd is killed (kill -9)",
}
CONTENDERS = {"tandem": "tandem", "classic": "keepalived + conntrackd + nftables"}
# Three adverts of 100 ms and the skew of priority 100, and 20 ms.
LIMITS = {"graceful": 20, "silent": 361 + 20, "owner": 50, "table": 50}


def main(path):
    rows = [json.loads(line) for line in open(path)]
    missed = []
    flows = max((r["flows"] for r in rows), default=0)
    print(f"### Failover under {flows:,} established connections, adverts every 100 ms\n")
    names = [c for c in CONTENDERS if any(r["contender"] == c for r in rows)]
    print("| event | " + " | ".join(f"{CONTENDERS[c]}: broken | gap" for c in names) + " | target |")
    print("|---" * (2 + 2 * len(names)) + "|")
    for event, text in EVENTS.items():
        cells = []
        for c in names:
            mine = [r for r in rows if r["contender"] == c and r["event"] == event]
            if not mine:
                cells += ["-", "-"]
                continue
            broken, gap = max(r["broken"] for r in mine), statistics.median(r["gap_ms"] for r in mine)
            cells += [f"{broken:,}", f"{gap:.1f} ms"]
            if c == "tandem" and (broken or gap > LIMITS[event]):
                missed.append(f"{text}: {broken} broken, {gap:.1f} ms (0, {LIMITS[event]} ms)")
        if any(cell != "-" for cell in cells):
            print(f"| {text} | " + " | ".join(cells) + f" | 0, {LIMITS[event]} ms |")
    print()
    for line in missed:
        print(f"- missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
