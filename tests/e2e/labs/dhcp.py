#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As much of DHCP (RFC 2131) as it takes to be given an address: for the exercise, not for a network.

dhcp.py serve INTERFACE OWN-ADDRESS OFFERED-ADDRESS    answers one client: offer, acknowledge; ends
dhcp.py ask INTERFACE                                  asks, takes the first offer, prints the address; status 1 without one
"""
import os
import socket
import struct
import sys

SERVER, CLIENT = 67, 68
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
KIND, SERVER_ID, WANTED, END = 53, 54, 50, b"\xff"


def open_socket(interface, port, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    sock.bind(("", port))
    sock.settimeout(seconds)
    return sock


def message(op, xid, mac, kind, yours="0.0.0.0", options=()):
    # Flag 0x8000: answer by broadcast, for a client without an address hears nothing else.
    out = struct.pack("!BBBBIHH4x4s4x4x16s192x", op, 1, 6, 0, xid, 0, 0x8000, socket.inet_aton(yours), mac) + COOKIE
    for code, value in ((KIND, bytes([kind])), *options):
        out += bytes([code, len(value)]) + value
    return out + END


def parse(data):
    xid, yours = struct.unpack_from("!I", data, 4)[0], socket.inet_ntoa(data[16:20])
    options, at = {}, 240
    while at + 2 <= len(data) and data[at] != 255:
        options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return xid, data[28:44], yours, options


def serve(interface, own, offered):
    sock = open_socket(interface, SERVER, 30)
    print("ready", flush=True)
    for expected, answer in ((DISCOVER, OFFER), (REQUEST, ACK)):
        xid, mac, _, options = parse(sock.recv(2000))
        if options.get(KIND) != bytes([expected]):
            return "expected message %d" % expected
        sock.sendto(message(2, xid, mac, answer, offered, [(SERVER_ID, socket.inet_aton(own))]), ("255.255.255.255", CLIENT))


def ask(interface):
    sock = open_socket(interface, CLIENT, 5)
    xid = int.from_bytes(os.urandom(4), "big")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, 0))
        mac = link.getsockname()[4] + bytes(10)
    sock.sendto(message(1, xid, mac, DISCOVER), ("255.255.255.255", SERVER))
    _, _, offered, options = parse(sock.recv(2000))
    sock.sendto(message(1, xid, mac, REQUEST, options=[(WANTED, socket.inet_aton(offered)), (SERVER_ID, options[SERVER_ID])]),
                ("255.255.255.255", SERVER))
    answered, _, offered, options = parse(sock.recv(2000))
    if answered != xid or options.get(KIND) != bytes([ACK]):
        return "no acknowledgement"
    print(offered)


verbs = {"serve": serve, "ask": ask}
if len(sys.argv) < 3 or sys.argv[1] not in verbs:
    sys.exit(__doc__)
try:
    sys.exit(verbs[sys.argv[1]](*sys.argv[2:]))
except TimeoutError:
    sys.exit("nobody answers")
