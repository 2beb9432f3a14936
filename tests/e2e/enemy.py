#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A stranger on the wire between the nodes of a pair. Run in the sender's namespace.

enemy.py DEVICE PORT FILE        what the node sends to PORT by DEVICE, each datagram again, and forged; 20 of them, kept in FILE
enemy.py DEVICE PORT FILE play   those of FILE again
"""
import socket, struct, sys

device, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((device, 0))
s.settimeout(5)


def send(frame):
    # No checksum: the kernel would have filled it in on the way.
    s.send(frame[:40] + b"\0\0" + frame[42:])


if sys.argv[4:] == ["play"]:
    for line in open(path):
        send(bytes.fromhex(line))
    sys.exit()
with open(path, "w") as kept:
    seen = 0
    while seen < 20:
        frame, where = s.recvfrom(2000)
        if where[2] != socket.PACKET_OUTGOING or len(frame) < 82 or frame[12:14] != b"\x08\0" or frame[23] != 17:
            continue
        # Data only: of hellos few come by.
        if struct.unpack("!H", frame[36:38])[0] != port or frame[42:46] != b"TDSD" or frame[47] != 2:
            continue
        sequence = struct.unpack("!Q", frame[74:82])[0]
        seen += 1
        send(frame)
        send(frame[:74] + struct.pack("!Q", sequence + 100000) + frame[82:])
        kept.write(frame.hex() + "\n")
