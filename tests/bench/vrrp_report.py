#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The speakers' Markdown from their raw measurements.

usage: vrrp_report.py RAW.jsonl ABOUT TEXT        (ABOUT: a line "contender=in words" for each; TEXT about the run)

A number is the median of the rounds, with the worst behind it. Exit 1 when a target is missed.
"""
import json
import statistics
import sys

PRIORITY = 100  # of the node that takes over
LOSSES = ((1000, "1 s"), (100, "100 ms"), (10, "10 ms"))
STALL_MS = 20


class Rows:
    def __init__(self, rows):
        self.rows = rows

    def of(self, contender, measure, **wanted):
        return [r for r in self.rows if r["contender"] == contender and r["measure"] == measure
                and all(r.get(k) == v for k, v in wanted.items())]


def formula(interval_ms):
    """3A + S of RFC 9568, in ms"""
    return 3 * interval_ms + (256 - PRIORITY) * interval_ms / 256


def median(values):
    return statistics.median(values) if values else None


def both(values, fmt="{:.2f}", key=None):
    """median (worst)"""
    if not values:
        return "none"
    return f"**{fmt.format(statistics.median(values))}** ({fmt.format(max(values, key=key))})"


def floor(rows):
    """What the machine alone did: the gap of an address that stayed where it is."""
    return both([r["floor_ms"] for r in rows], "{:.1f}")


def ratio(value, base):
    return "" if value is None or not base else f"{value / base:.2f}"


def table(header, rows):
    """Markdown whose columns stand below each other."""
    rows = [[str(cell) for cell in row] for row in [header] + rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) + " |"
    print(line(rows[0]))
    print("|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|")
    for row in rows[1:]:
        print(line(row))
    print()


class Report:
    def __init__(self, rows, contenders):
        self.rows, self.contenders, self.targets = rows, contenders, []

    def target(self, what, value, limit, unit, measured=True):
        if measured:
            self.targets.append((what, value, limit, unit))

    def loss(self, interval, words):
        name, wanted = f"loss{interval}", formula(interval)
        base = median([r["gap_ms"] for r in self.rows.of("keepalived", name)])
        lines = []
        for c in self.contenders:
            rows = self.rows.of(c, name)
            off = [r["takeover_ms"] - wanted for r in rows]
            arps = [r["arp_ms"] for r in rows if r["arp_ms"] is not None]
            gaps = [r["gap_ms"] for r in rows]
            if not rows:
                continue
            lines.append([c, len(rows), f"{median([r['takeover_ms'] for r in rows]):.2f}", both(off, "{:+.2f}", abs),
                          both(arps, "{:.2f}", abs), both(gaps, "{:.1f}"), ratio(median(gaps), base)])
            if c == "tandem":
                self.target(f"silent loss, adverts of {words}: off the formula", abs(median(off)), 1, "ms")
                self.target(f"silent loss, adverts of {words}: ARP after the first advert",
                            median(arps) if len(arps) == len(rows) else None, 1, "ms")
                self.target(f"silent loss, adverts of {words}: client's gap, keepalived's is the limit",
                            median(gaps), base, "ms", base is not None)
        if lines:
            print(f"**Silent loss, adverts of {words}** (formula: 3A + S = {wanted:.2f} ms); ms, median (worst)\n")
            table([f"adverts of {words}", "n", "last advert to first", "off the formula", "then first ARP",
                   "client's gap", "x keepalived"], lines)

    def handover(self):
        base = median([r["gap_ms"] for r in self.rows.of("keepalived", "handover")])
        lines = []
        for c in self.contenders:
            rows = self.rows.of(c, "handover")
            gaps = [r["gap_ms"] for r in rows]
            if gaps:
                lines.append([c + ", SIGTERM of the Active", len(gaps), both(gaps, "{:.1f}"), floor(rows),
                              ratio(median(gaps), base)])
            if c == "tandem":
                self.target("graceful handover, SIGTERM: client's gap", median(gaps), 10, "ms", bool(gaps))
        failovers = self.rows.of("tandem", "failover")
        for words, rows in (("there", failovers), ("back", [r["back"] for r in failovers])):
            gaps = [r["gap_ms"] for r in rows]
            if gaps:
                lines.append([f"tandem, tandemctl failover, {words}", len(gaps), both(gaps, "{:.1f}"), floor(rows),
                              ratio(median(gaps), base)])
                self.target(f"graceful handover, tandemctl failover, {words}: client's gap", median(gaps), 10, "ms")
        if lines:
            print("**Graceful handover, adverts of 100 ms**; client's gap in ms, median (worst)\n")
            table(["handover", "n", "client's gap", "another address meanwhile", "x keepalived"], lines)

    def kill(self):
        lines = []
        base = median([r["gap_ms"] for r in self.rows.of("keepalived", "kill", victim="child")])
        for c in self.contenders:
            for victim in dict.fromkeys(r["victim"] for r in self.rows.of(c, "kill")):
                rows = self.rows.of(c, "kill", victim=victim)
                gaps = [r["gap_ms"] for r in rows]
                lines.append([f"{c}, its {victim}", len(gaps), both(gaps, "{:.1f}"), floor(rows), ratio(median(gaps), base)])
                if c == "tandem":
                    self.target(f"kill -9 of the {victim}: client's gap", median(gaps), 50, "ms")
        if lines:
            print("**kill -9 on the Active, adverts of 1 s**; longest gap within 6 s, ms, median (worst); "
                  "ratio to keepalived's child\n")
            table(["killed", "n", "client's gap", "another address meanwhile", "x keepalived"], lines)

    def hog(self):
        lines, still = [], []
        for c in self.contenders:
            for r in self.rows.of(c, "hog"):
                lines.append([c, r["seconds"], r["takeovers"], r["adverts"], r["adverts_other"], f"{r['longest_pause_ms']:.2f}",
                              f"{r['stall_longest_ms']:.2f}", sum(1 for _, length in r["stalls"] if length >= STALL_MS)])
                for at in r["takeovers_at"]:
                    before = [length for end, length in r["stalls"] if -formula(10) <= at - end <= 100]
                    still.append((c, max(before, default=0)))
                if c == "tandem":
                    self.target(f"10 ms adverts beside hogs for {r['seconds']} s: takeovers by the Backup", r["takeovers"], 0, "")
        if not lines:
            return
        print(f"**Adverts of 10 ms beside a CPU hog on every core** (the Backup waits {formula(10):.1f} ms; a takeover is two "
              f"transitions on each node; stalls: how late a bare task of higher real-time priority woke, {STALL_MS} ms and more)\n")
        table(["hogs", "seconds", "takeovers by the Backup", "adverts of the Active", "of the Backup",
               "longest pause at the Backup's port, ms", "longest stall of the machine, ms", "stalls"], lines)
        for c in dict.fromkeys(c for c, _ in still):
            print(f"{c}: the machine itself stood still around these takeovers for at least (ms): "
                  + ", ".join(f"{length:.0f}" for name, length in still if name == c) + "\n")

    def instances(self):
        lines = []

        def middle(c, *path):
            values = []
            for r in self.rows.of(c, "instances"):
                for key in path:
                    r = r.get(key) if r else None
                values += [] if r is None else [r]
            return values
        for c in self.contenders:
            rows = self.rows.of(c, "instances")
            if not rows:
                continue
            if "failed" in rows[0]:
                lines.append([c, 0, rows[0]["failed"]] + [""] * 6)
                continue
            cells = [c, len(rows)]
            for node in ("active", "backup"):
                cpu = middle(c, "cpu_" + node)
                cells += [both(cpu), ratio(median(cpu), median(middle("keepalived", "cpu_" + node)))]
            for kind in ("rss_kb", "pss_kb"):
                cells += [" / ".join(f"{median(middle(c, 'memory_' + node, kind)) / 1024:.1f}" for node in ("active", "backup"))]
            cells += [ratio(median(middle(c, "memory_active", "rss_kb")), median(middle("keepalived", "memory_active", "rss_kb")))]
            lines.append(cells)
        if lines:
            print("**255 instances, adverts of 100 ms**; per cent of a core, median (worst) of windows of 1 s; MB of all processes "
                  "of a node, Active / Backup\n")
            table(["255 instances", "n", "Active, %", "x keepalived", "Backup, %", "x keepalived", "RSS", "PSS",
                   "RSS x keepalived"], lines)

    def tell_targets(self):
        missed = False
        if self.targets:
            print("**Targets**\n")
        lines = []
        for what, value, limit, unit in self.targets:
            met = value is not None and value <= limit
            missed |= not met
            shown = "none" if value is None else f"{value:.2f} {unit}".strip() if unit else str(value)
            lines.append([what, shown, f"{limit:.2f} {unit}".strip() if unit else str(limit), "met" if met else "NOT met"])
        if lines:
            table(["target", "measured", "at most", "reached"], lines)
        return missed


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        rows = Rows([json.loads(line) for line in f])
    with open(sys.argv[2], encoding="utf-8") as f:
        about = dict(line.rstrip("\n").split("=", 1) for line in f)
    report = Report(rows, list(about))
    print("### Speakers (VRRP)\n")
    print("Two nodes, priority 200 (Active) and 100, and a client that asks every millisecond, on one switch; version 3, IPv4, "
          "one address. Times are the kernel's own, taken on the switch at the Backup's port and at the client. "
          + sys.argv[3] + "\n")
    for name, words in about.items():
        print(f"- **{name}**: {words}")
    print()
    for interval, words in LOSSES:
        report.loss(interval, words)
    report.handover()
    report.kill()
    report.hog()
    report.instances()
    sys.exit(1 if report.tell_targets() else 0)


main()
