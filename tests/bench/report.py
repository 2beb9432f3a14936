#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark's Markdown from its raw measurements.

usage: report.py ABOUT.json RAW.jsonl

A number is the median of the rounds, with the lowest and the highest. A ratio is the median of the rounds' own ratios:
both sides of each were measured within the same round, so a machine that drifts does not bend it.
"""
import json
import statistics
import sys

MEASURES = {  # name: (heading, number format)
    "keepalive": ("keep-alive requests/s", "{:,.0f}"),
    "connect": ("new connections/s", "{:,.0f}"),
    "bulk1": ("bulk TCP, 1 stream, Gbit/s", "{:.2f}"),
    "bulk4": ("bulk TCP, 4 streams, Gbit/s", "{:.2f}"),
}
TARGETS = [  # what tandem is to reach: (measure, against, at least)
    ("keepalive", "plain", 1.0), ("keepalive", "nftables", 1.15), ("keepalive", "haproxy", 1.8), ("keepalive", "nginx", 1.8),
    ("connect", "nftables", 1.0), ("connect", "haproxy", 1.2), ("connect", "nginx", 1.2),
    ("bulk1", "plain", 1.0), ("bulk1", "haproxy", 1.8), ("bulk1", "nginx", 1.8),
    ("bulk4", "plain", 1.0), ("bulk4", "haproxy", 1.8), ("bulk4", "nginx", 1.8),
]
SYNCED_TARGETS = [(measure, "tandem", 0.95) for measure in MEASURES]  # what a follower may cost


class Results:
    def __init__(self, rows):
        self.rows = rows

    def of(self, contender, measure):
        """round -> row"""
        return {r["round"]: r for r in self.rows if (r["contender"], r["measure"]) == (contender, measure)}

    def values(self, contender, measure):
        return [r["value"] for r in self.of(contender, measure).values()]

    def ratio(self, contender, against, measure):
        a, b = self.of(contender, measure), self.of(against, measure)
        ratios = [a[n]["value"] / b[n]["value"] for n in a if n in b and b[n]["value"] > 0]
        return statistics.median(ratios) if ratios else None


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def numbers(results, contenders, measure):
    heading, fmt = MEASURES[measure]
    rows = []
    for c in contenders:
        values = results.values(c, measure)
        if not values:
            rows.append([c, "not measured", "", ""] + ([""] if measure in ("keepalive", "connect") else []))
            continue
        ratio = results.ratio(c, "plain", measure)
        row = [c, "**" + fmt.format(statistics.median(values)) + "**",
               fmt.format(min(values)) + " .. " + fmt.format(max(values)), "" if ratio is None else f"{ratio:.2f}"]
        if measure in ("keepalive", "connect"):
            p99 = statistics.median(r["p99_us"] for r in results.of(c, measure).values())
            row.append(f"{p99 / 1000:.2f}")
        rows.append(row)
    header = ["contender", heading, "lowest .. highest", "x plain"]
    table(header + (["p99, ms"] if measure in ("keepalive", "connect") else []), rows)


def targets(results, contender, wanted):
    rows = []
    for measure, against, least in wanted:
        ratio = results.ratio(contender, against, measure)
        if ratio is None:
            continue
        met = "yes" if ratio >= least else f"no, {100 * (1 - ratio / least):.0f} % short"
        rows.append([MEASURES[measure][0], against, f"{least:.2f}", f"{ratio:.2f}", met])
    if rows:
        print(f"### {contender} against its targets\n")
        table(["measure", "against", "at least", "measured", "reached"], rows)


def checks(results, about, contenders):
    print("### What was checked\n")
    rows = []
    for c in contenders:
        mine = [r for r in results.rows if r["contender"] == c]
        served = [sum(col) for col in zip(*(r["served"] for r in mine if "served" in r))]
        total = sum(served)
        share = " / ".join(f"{100 * n / total:.0f} %" for n in served) if total else "-"
        wrong = [w for r in mine for w in r["wrong"]]
        notes = [about["notes"][c]] if about["notes"].get(c) else []
        rows.append([c, f"{sum(r.get('requests', 0) for r in mine):,}", share, about["sees"].get(c, "?"),
                     "; ".join(wrong[:3] + notes + ([f"and {len(wrong) - 3} more"] if len(wrong) > 3 else [])) or "none"])
    table(["contender", "requests", "per backend", "backends see", "errors"], rows)
    return not any(r["wrong"] for r in results.rows)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        about = json.load(f)
    with open(sys.argv[2], encoding="utf-8") as f:
        results = Results([json.loads(line) for line in f])
    contenders = about["contenders"]

    print("## Benchmark\n")
    for line in about["lines"]:
        print("- " + line)
    print("\n### Contenders\n")
    for c in contenders:
        print(f"- **{c}**: {about['describe'][c]}")
    print("\n### Numbers\n")
    for measure in about["measures"]:
        numbers(results, contenders, measure)
    if about["dataplane"]:
        print(f"tandem's dataplane: {about['dataplane']}\n")
    if "tandem" in contenders:
        targets(results, "tandem", TARGETS)
    if "synced" in contenders:
        targets(results, "synced", SYNCED_TARGETS)
    sys.exit(0 if checks(results, about, contenders) else 1)


main()
