#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What clients saw in the demo: three tables and a verdict, from what scripts/demo left in its directory.

    loads             NAME <tab> LABEL, one load_client a line
    shot/NN/          one for each phase, taken at its beginning: phase (must-not-fail|may-fail, key, title), at (ms),
                      lost (packets that the machine's queues dropped so far, outside tandem), NAME (a load_client's
                      report so far), backends.json and counters.json (while tandem-lb lived)
    load/NAME         the report at the end of the load
    killed_at, after_kill ("MS POOLS-WHERE-UP PACKETS" a line, closely watched), wrong (what failed on the way)

Exit status: 0 when nothing failed that must not, 1 otherwise.
"""
import json
import os
import sys

CAUSES = ["refused", "reset", "timeout", "closed", "corrupt", "other"]
DEAD = "b2"
GAP_LIMIT_MS = 2000  # a service that is silent for so long, while servers are up, was away


class Shot:
    def __init__(self, path, loads):
        self.may_fail, self.key, self.title = open(path + "/phase").read().rstrip("\n").split("\t")
        self.may_fail = self.may_fail == "may-fail"
        self.at = int(open(path + "/at").read())
        self.lost = int(open(path + "/lost").read())
        self.loads = {name: json.load(open(f"{path}/{name}")) for name in loads}
        self.wall_ms = {name: os.stat(f"{path}/{name}").st_mtime * 1000 for name in loads}
        self.backends = []
        if os.path.exists(path + "/backends.json"):
            self.backends = json.load(open(path + "/backends.json"))


def failures(report):
    return sum(report["failures"].values())


def by_server(report):
    return {server["name"]: server["answers"] for server in report["servers"]}


class Phase:
    """From one shot to the next."""

    def __init__(self, first, last):
        self.first, self.last = first, last
        self.title, self.may_fail, self.key = first.title, first.may_fail, first.key
        self.seconds = (last.at - first.at) / 1000

    def grew(self, count, name=None):
        names = [name] if name else self.first.loads
        return sum(count(self.last.loads[n]) - count(self.first.loads[n]) for n in names)

    def causes(self, name):
        return {c: n for c in CAUSES if (n := self.grew(lambda r: r["failures"][c], name))}


def table(titles, rows, left):
    """Aligned text; `left` columns are words, the others numbers."""
    rows = [titles] + [[f"{c:,}" if isinstance(c, int) else str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(titles))]
    for row in rows:
        print("    " + "  ".join(c.ljust(w) if i in left else c.rjust(w)
                                 for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    print()


def show_phases(phases):
    rows = []
    for p in phases:
        failed = p.grew(failures)
        note = "on the killed server" if p.may_fail and failed else ""
        rows.append([p.title, f"{p.seconds:.1f} s", p.grew(lambda r: r["requests"]), p.grew(lambda r: r["answers"]),
                     failed, note])
    table(["WHILE", "FOR", "REQUESTS", "ANSWERS", "FAILED", ""], rows, {0, 5})


def show_loads(labels, end):
    rows = []
    for name, label in labels.items():
        r = end[name]
        rows.append([label, r["requests"], r["answers"]] + [r["failures"][c] for c in CAUSES]
                    + [f"{r['longest_gap_ms']:.0f} ms"])
    rows.append(["all", sum(r["requests"] for r in end.values()), sum(r["answers"] for r in end.values())]
                + [sum(r["failures"][c] for r in end.values()) for c in CAUSES]
                + [f"{max(r['longest_gap_ms'] for r in end.values()):.0f} ms"])
    table(["CLIENTS OF", "REQUESTS", "ANSWERS"] + [c.upper() for c in CAUSES] + ["LONGEST GAP"], rows, {0})


def show_backends(end, backends):
    what = {"b1": "its kv weight was raised to 3", DEAD: "killed and started again", "b3": "drained and enabled again"}
    rows = []
    for name in sorted(what):
        mine = [b for b in backends if b["name"] == name]
        kv = sum(by_server(r).get(name, 0) for r in end.values())
        rows.append([name, kv] + [sum(b[k] for b in mine) for k in ("connections_total", "packets_in", "packets_out")]
                    + [what[name]])
    table(["SERVER", "KV ANSWERS", "FLOWS", "PACKETS IN", "PACKETS OUT", ""], rows, {0, 5})


class Death:
    """How long the dead server was still sent clients. Times are ms after the kill, None: never."""

    def __init__(self, where, without):
        rows = [[int(word) for word in line.split()] for line in open(where + "/after_kill")]
        self.killed = int(open(where + "/killed_at").read())
        last = rows[-1]
        self.out = next((row[0] - self.killed for row in rows if row[1] == 0), None)
        self.last_packet = next(row[0] for row in rows if row[2] == last[2]) - self.killed
        self.last_answer = None
        for name, report in without.loads.items():
            for server in report["servers"]:
                if server["name"] == DEAD:
                    at = without.wall_ms[name] - report["elapsed_ms"] + server["last_answer_ms"] - self.killed
                    self.last_answer = max(at, self.last_answer or at)

    def show(self, limit):
        if self.out is None:
            print(f"    {DEAD} was killed and never taken out.\n")
            return
        print(f"    {DEAD} gave its last answer {max(self.last_answer or 0, 0):.0f} ms after the kill, was sent client "
              f"packets for {self.last_packet} ms,\n"
              f"    and was out of its last pool after {self.out} ms (the checks may take {limit} ms).\n")


def excused(phases, labels):
    """{(phase's key, load's name): n}: UDP requests that no answer came to because the machine lost a packet, in the
    phase or in the one before (a timeout comes late). TCP sends again and is not excused."""
    out = {}
    for before, p in zip(phases[:1] + phases, phases):
        left = p.last.lost - before.first.lost
        for name, label in labels.items():
            if label.endswith(("UDP", "SNTP")) and not p.may_fail:
                n = min(left, p.causes(name).get("timeout", 0))
                left -= n
                if n:
                    out[p.key, name] = n
    return out


def judge(phases, labels, end, death, fall_limit, excuses):
    """The list of what failed and must not."""
    bad = []
    for p in phases:
        for name, label in labels.items():
            causes = p.causes(name)
            if causes.get("timeout", 0) == excuses.get((p.key, name), 0):
                causes.pop("timeout", None)
            if causes and not p.may_fail:
                bad.append(f"{label}: failures while {p.title}: "
                           + ", ".join(f"{n} {cause}" for cause, n in causes.items()))
            elif wrong := {c: causes[c] for c in ("corrupt", "other") if c in causes}:
                bad.append(f"{label}: while {p.title}: "
                           + ", ".join(f"{n} {cause}" for cause, n in wrong.items()) + ", which no dead server explains")
            elif p.may_fail:
                failed, requests = p.grew(lambda r: r["failed_requests"], name), p.grew(lambda r: r["requests"], name)
                if failed * 2 > requests:
                    bad.append(f"{label}: {failed} of {requests} requests failed while {p.title}: "
                               "more than one server's share")
            if p.grew(lambda r: r["answers"], name) == 0:
                bad.append(f"{label}: no answer at all while {p.title}")
    for name, label in labels.items():
        r = end[name]
        if r["requests"] == 0 or r["requests"] != r["answers"] + r["failed_requests"] + r["in_flight"]:
            bad.append(f"{label}: the numbers do not add up: {r}")
        if r["longest_gap_ms"] > GAP_LIMIT_MS:
            bad.append(f"{label}: no answer for {r['longest_gap_ms']:.0f} ms, {GAP_LIMIT_MS} ms is the limit")
    if death.out is None:
        bad.append(f"{DEAD} was dead and never taken out")
    else:
        for what, ms in (("was in a pool for", death.out), ("was sent client packets for", death.last_packet)):
            if ms > fall_limit:
                bad.append(f"{DEAD} {what} {ms} ms after the kill, its checks may take {fall_limit} ms")
    return bad + judge_weights(phases)


def judge_weights(phases):
    """With weights 3, 1, 1, new connections go 3, 1, 1."""
    phase = next(p for p in phases if p.key == "weighted")
    bad = []
    for name in ("new4", "new6"):
        first, last = by_server(phase.first.loads[name]), by_server(phase.last.loads[name])
        grew = {server: last[server] - first.get(server, 0) for server in sorted(last)}
        share = grew.get("b1", 0) / max(sum(grew.values()), 1)
        if not 0.55 <= share <= 0.65:
            bad.append(f"{name}: b1 with weight 3 of 5 got {share:.0%} of the new connections ({grew})")
    return bad


def main(where):
    labels = dict(line.rstrip("\n").split("\t") for line in open(where + "/loads"))
    shots = [Shot(f"{where}/shot/{n}", labels) for n in sorted(os.listdir(where + "/shot"))]
    phases = [Phase(a, b) for a, b in zip(shots, shots[1:])]
    end = {name: json.load(open(f"{where}/load/{name}")) for name in labels}
    without = next(s for s in shots if s.key == "without")
    death = Death(where, without)
    fall_limit = int(os.environ["FALL_LIMIT_MS"])

    print()
    show_phases(phases)
    show_loads(labels, end)
    show_backends(end, shots[-1].backends)
    death.show(fall_limit)
    excuses = excused(phases, labels)
    bad = [line.rstrip("\n") for line in open(where + "/wrong")]
    bad += judge(phases, labels, end, death, fall_limit, excuses)
    if excuses:
        print("    This machine is busy: its queues between the namespaces dropped "
              f"{shots[-1].lost - shots[0].lost} packets, and {sum(excuses.values())} UDP requests with them.\n")
    green, red, plain = ("\x1b[1;32m", "\x1b[1;31m", "\x1b[0m") if os.environ.get("COLOR") else ("", "", "")
    took = os.environ["SECONDS_TAKEN"]
    if bad:
        print(f"{red}FAILED{plain} after {took} s; this must not happen:")
        for line in bad:
            print(f"  - {line}")
        return 1
    lost = sum(p.grew(failures) for p in phases if p.may_fail)
    total = sum(r["requests"] for r in end.values())
    print(f"{green}PASSED{plain} in {took} s: of {total:,} requests, {lost} failed on the server that was killed, "
          "before its checks had told.\n"
          "Drain, the daemon's death and restart, and the reload cost no client anything.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
