#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One measurement of one contender as a JSON line, from what wrk or iperf3 wrote for each client.

usage: record.py CONTENDER MEASURE ROUND OUTDIR "REQUESTS BEFORE" "REQUESTS AFTER" BYTES_BEFORE BYTES_AFTER

"wrong" lists every reason not to trust the number: an error a tool reported, a backend without its share, bytes that
did not pass the lb namespace. An untrusted number is kept and shown with its reason, never dropped.
"""
import glob
import json
import sys


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def http(outputs, served, sent):
    errors = {}
    for o in outputs:
        for kind, n in o["errors"].items():
            errors[kind] = errors.get(kind, 0) + n
    requests = sum(o["requests"] for o in outputs)
    wrong = [f"{n} {kind} errors" for kind, n in errors.items() if n]
    wrong += [f"backend {i + 1} served nothing" for i, n in enumerate(served) if n <= 0]
    if sum(served) < requests:
        wrong.append(f"backends served {sum(served)} of {requests} answered requests")
    if sent < 40 * requests:
        wrong.append(f"lb sent {sent} bytes to the backends for {requests} requests")
    return {
        # By the slowest client's clock: rates that did not hold at the same time are not added up.
        "value": requests / max(o["duration_us"] for o in outputs) * 1e6,
        "p99_us": max(o["p99_us"] for o in outputs),
        "requests": requests,
        "served": served,
        "wrong": wrong,
    }


def bulk(outputs, _, sent):
    wrong = [o["error"] for o in outputs if "error" in o]
    ends = [o.get("end", {}).get("sum_received", {}) for o in outputs]
    received = sum(e.get("bytes", 0) for e in ends)
    if sent < received:
        wrong.append(f"lb sent {sent} bytes to the backends, iperf3 received {received}")
    retransmits = sum(o.get("end", {}).get("sum_sent", {}).get("retransmits", 0) for o in outputs)
    return {"value": sum(e.get("bits_per_second", 0) for e in ends) / 1e9, "retransmits": retransmits, "wrong": wrong}


def main():
    contender, measure, number, outdir, before, after, sent_before, sent_after = sys.argv[1:]
    outputs = [load(p) for p in sorted(glob.glob(outdir + "/[1-4]"))]
    # Asking a backend for its count is a request too.
    served = [int(a) - int(b) - 1 for a, b in zip(after.split(), before.split())]
    kind = bulk if measure.startswith("bulk") else http
    result = kind(outputs, served, int(sent_after) - int(sent_before))
    print(json.dumps({"contender": contender, "measure": measure, "round": int(number), **result}))


main()
