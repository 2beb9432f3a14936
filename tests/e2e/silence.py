#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks all the time for shared addresses, and tells who answers, by the kernel's times.

    silence.py INTERFACE MAC_A MAC_B IPV4 IPV6 SOURCE4 SOURCE6

Every 4 ms, until SIGTERM: ARP request and neighbour solicitation for the addresses, by broadcast and multicast; echo
requests to IPv4 and IPv6 and a datagram to a closed port, to A's MAC and to B's. Then one line of JSON:

    answers_a, answers_b    of what kind: how many
    silent_at               of A, the last answer
    spoke_at                of B, the first frame that claims the addresses (advert, gratuitous ARP, unsolicited NA)
    silence_ms              from the one to the other; negative: both answered at a time
    both_ms                 from B's first answer to A's last one, 0 when A's came before
Times are seconds of the wall clock."""
import json
import select
import signal
import socket
import struct
import sys

INTERFACE, MAC_A, MAC_B, IPV4, IPV6, SOURCE4, SOURCE6 = sys.argv[1:]
SO_TIMESTAMPNS = 35
PERIOD = 0.004


def mac_bytes(text):
    return bytes(int(x, 16) for x in text.split(":"))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((INTERFACE, 0))
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
own = s.getsockname()[4]
vip4, vip6 = socket.inet_pton(socket.AF_INET, IPV4), socket.inet_pton(socket.AF_INET6, IPV6)
src4, src6 = socket.inet_pton(socket.AF_INET, SOURCE4), socket.inet_pton(socket.AF_INET6, SOURCE6)


def arp():
    return b"\xff" * 6 + own + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + own + src4 + bytes(6) + vip4


def ip4(to, protocol, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0, src4, vip4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return to + own + b"\x08\x00" + head + payload


def icmp6(to, dst, kind, rest, hops):
    body = bytes([kind, 0, 0, 0]) + rest
    pseudo = src6 + dst + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return to + own + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(body), 58, hops) + src6 + dst + body


def solicit():
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + vip6[13:]
    return icmp6(b"\x33\x33\xff" + vip6[13:], group, 135, bytes(4) + vip6 + b"\x01\x01" + own, 255)


def questions():
    yield arp()
    yield solicit()
    for mac in (mac_bytes(MAC_A), mac_bytes(MAC_B)):
        echo = struct.pack("!BBHHH", 8, 0, 0, 7, 7)
        yield ip4(mac, 1, echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:])
        yield icmp6(mac, vip6, 128, struct.pack("!HH", 7, 7), 64)
        yield ip4(mac, 17, struct.pack("!HHHH", 40000, 9, 8, 0))


def kind_of(frame):
    """What somebody says who has the addresses, or None."""
    protocol = frame[12:14]
    if protocol == b"\x08\x06" and frame[28:32] == vip4:
        return "announcement" if frame[38:42] == vip4 else "arp" if frame[20:22] == b"\0\2" else None
    if protocol == b"\x08\x00" and frame[23] == 112 or protocol == b"\x86\xdd" and frame[20] == 112:
        return "advert"
    if protocol == b"\x08\x00" and frame[26:30] == vip4 and frame[23] == 1:
        return {0: "echo", 3: "unreachable"}.get(frame[34])
    if protocol == b"\x86\xdd" and frame[20] == 58:
        if frame[54] == 129 and frame[22:38] == vip6:
            return "echo6"
        if frame[54] == 136 and frame[62:78] == vip6:
            return "nd" if frame[58] & 0x40 else "announcement"
    return None


CLAIMS = ("advert", "announcement")
who = {MAC_A: "a", MAC_B: "b"}
answers = {"a": {}, "b": {}}
first, last, spoke = {}, {}, None
stopped = False


def on_stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, on_stop)
print("asking", flush=True)
while not stopped:
    for question in questions():
        s.send(question)
    while select.select([s], [], [], PERIOD)[0]:
        frame, control, _, address = s.recvmsg(2048, 64)
        if address[2] == socket.PACKET_OUTGOING or len(frame) < 42:
            continue
        node = who.get(frame[6:12].hex(":"))
        kind = node and kind_of(frame)
        if not kind:
            continue
        at = struct.unpack("qq", control[0][2][:16])
        at = at[0] + at[1] / 1e9
        if kind in CLAIMS:
            if node == "b" and spoke is None:
                spoke = at
            continue
        answers[node][kind] = answers[node].get(kind, 0) + 1
        first.setdefault(node, at)
        last[node] = at

result = {"answers_a": answers["a"], "answers_b": answers["b"], "silent_at": last.get("a"), "spoke_at": spoke}
if spoke and "a" in last:
    result["silence_ms"] = round((spoke - last["a"]) * 1000, 3)
    result["both_ms"] = round(max(0, last["a"] - first["b"]) * 1000, 3) if "b" in first else 0
print(json.dumps(result), flush=True)
