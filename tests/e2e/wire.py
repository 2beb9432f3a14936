# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the packet-level tests stand on: one process with sockets in every node of a lab.

A socket belongs to the network namespace it was made in, for good. So one script holds both ends of a
conversation, real sockets and raw frames alike, and looks at each end when it likes. wire.sh runs such
scripts; what check() prints becomes TAP there. Every wait has a deadline.
"""
import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time

from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

conf.verb = 0

PREFIX = os.environ["LAB_PREFIX"]
LIBC = ctypes.CDLL(None, use_errno=True)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
CLONE_NEWNET = 0x40000000
PACKET_OUTGOING = 4
ETH_P_ALL = 3

# Addresses of the lab, by family.
SERVICE = {4: "10.0.1.100", 6: "fd00:1::100"}
CLIENT = {4: "10.0.1.11", 6: "fd00:1::11"}
CLIENT2 = {4: "10.0.3.11", 6: "fd00:3::11"}
LB_FRONT = {4: "10.0.1.1", 6: "fd00:1::1"}
BACKEND = {1: {4: "10.0.2.11", 6: "fd00:2::11"}, 2: {4: "10.0.2.12", 6: "fd00:2::12"},
           3: {4: "10.0.2.13", 6: "fd00:2::13"}}
AF = {4: socket.AF_INET, 6: socket.AF_INET6}
MAC_FRONT1, MAC_FRONT2, MAC_BACK = ("02:00:00:00:01:0%d" % i for i in (1, 2, 3))


def check(name, good, why=""):
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good and why != "":
        print("    " + str(why).replace("\n", "\n    "), flush=True)
    return good


def equal(name, got, want):
    return check(name, got == want, "     got: %r\nexpected: %r" % (got, want))


def until(seconds, condition):
    """The first true value of condition(), or its last one when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.02)


def ctl(*words):
    """tandemctl's JSON."""
    import json
    return json.loads(subprocess.run(os.environ["CTL"].split() + ["--json"] + list(words), check=True,
                                     capture_output=True, text=True, timeout=10).stdout)


def counters():
    return {c["name"]: c["value"] for c in ctl("counters")}


class Node:
    def __init__(self, name, prefix=PREFIX):
        self.path = "/run/netns/%s%s" % (prefix, name)
        self.name = name

    @contextlib.contextmanager
    def inside(self):
        there = os.open(self.path, os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns " + self.path)
            yield
        finally:
            LIBC.setns(HOME, CLONE_NEWNET)
            os.close(there)

    def run(self, command):
        """One command line in the node; its output. Failing is an error."""
        done = subprocess.run(["nsenter", "--net=" + self.path, "--"] + command.split(), text=True,
                              capture_output=True, timeout=20)
        if done.returncode:
            raise RuntimeError("%s: %s: %s" % (self.name, command, done.stderr))
        return done.stdout

    def nft(self, rules):
        subprocess.run(["nsenter", "--net=" + self.path, "--", "nft", "-f", "-"], input=rules, text=True,
                       check=True, timeout=20)

    def mute(self):
        """From now on its stack hears and says nothing but ARP and ND: raw frames speak for it."""
        self.nft("table inet mute { chain in { type filter hook input priority 0; "
                 "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; drop; }; }")

    def speak(self):
        self.nft("delete table inet mute")

    def sysctl(self, key, value):
        with self.inside(), open("/proc/sys/" + key, "w") as f:
            f.write(str(value))

    def socket(self, family, kind, proto=0):
        with self.inside():
            return socket.socket(family, kind, proto)

    def udp(self, family, address="", port=0, peer=None, seconds=3):
        s = self.socket(AF[family], socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(seconds)
        s.bind((address, port))
        if peer:
            s.connect(peer)
        return s

    def listen(self, family, port, address="", backlog=128):
        s = self.socket(AF[family], socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == 6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, port))
        s.listen(backlog)
        s.settimeout(5)
        return s

    def tcp(self, family, address="", port=0, seconds=5):
        s = self.socket(AF[family], socket.SOCK_STREAM)
        s.settimeout(seconds)
        if address or port:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
        return s

    def tap(self, device="eth0"):
        return Tap(self, device)


class Tap:
    """Raw frames of a device: send() what the wire shall carry, next() what it brought in."""

    def __init__(self, node, device):
        self.sock = node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        request = struct.pack("256s", device.encode())
        self.mac = ":".join("%02x" % b for b in fcntl.ioctl(self.sock, 0x8927, request)[18:24])
        self.drain()

    def close(self):
        self.sock.close()

    def drain(self):
        self.sock.setblocking(False)
        try:
            while True:
                self.sock.recv(65536)
        except BlockingIOError:
            pass

    def send(self, *frames):
        self.sock.setblocking(True)
        for frame in frames:
            self.sock.send(bytes(frame))

    def frame(self, packet, to):
        """packet: scapy's or bytes"""
        kind = 0x800 if bytes(packet)[0] >> 4 == 4 else 0x86dd
        return Ether(src=self.mac, dst=to, type=kind) / packet

    def raw(self, match, seconds=2):
        """The bytes of the next frame that came in and match(bytes), or None when time is up."""
        deadline = time.monotonic() + seconds
        self.sock.setblocking(False)
        while True:
            try:
                data, where = self.sock.recvfrom(65536)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                select.select([self.sock], [], [], left)
                continue
            if where[2] != PACKET_OUTGOING and match(data):
                return data

    def next(self, match, seconds=2):
        """The same with scapy's packets: match(packet)."""
        found = []

        def look(data):
            packet = Ether(data)
            if match(packet):
                found.append(packet)
            return bool(found)
        self.raw(look, seconds)
        return found[0] if found else None


def ip(family, src, dst, **more):
    return IP(src=src, dst=dst, **more) if family == 4 else IPv6(src=src, dst=dst, **more)


def layer3(packet):
    return packet[IP] if IP in packet else packet[IPv6]


def inet_sum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def l4_is_sound(l3, protocol, src, dst, family):
    """l3: payload bytes of an IP packet. Its checksum with the pseudo-header sums to all ones."""
    pseudo = socket.inet_pton(AF[family], src) + socket.inet_pton(AF[family], dst)
    pseudo += struct.pack("!II", len(l3), protocol)
    return inet_sum(pseudo + l3) == 0xffff


def sound(frame):
    """Does an Ethernet frame hold an IP packet without fragmentation whose checksums are right?"""
    data = bytes(frame)[14:]
    if data[0] >> 4 == 4:
        head, length = (data[0] & 15) * 4, struct.unpack("!H", data[2:4])[0]
        src, dst = socket.inet_ntop(socket.AF_INET, data[12:16]), socket.inet_ntop(socket.AF_INET,
                data[16:20])
        if inet_sum(data[:head]) != 0xffff:
            return False
        if data[9] == 1:
            return inet_sum(data[head:length]) == 0xffff
        if data[9] == 17 and data[head + 6:head + 8] == b"\0\0":
            return True
        return l4_is_sound(data[head:length], data[9], src, dst, 4)
    length = 40 + struct.unpack("!H", data[4:6])[0]
    src, dst = socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40])
    return l4_is_sound(data[40:length], data[6], src, dst, 6)


def main(body):
    """Runs the script; an exception is a failed check. The last line tells wire.sh that all was run."""
    try:
        body()
    except Exception:  # noqa: what it was is in the trace
        import traceback
        check("the script runs to its end", False, traceback.format_exc())
    print("done", flush=True)
    sys.exit(0)
