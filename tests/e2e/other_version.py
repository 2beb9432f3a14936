#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The other node of a pair, of another release: it has the right key, shakes hands as secure_dgram does, and then says what
this release could read, but for the number of a version. Two ports: beacons (PORT) and connection sync (PORT + 1).

    other_version.py KEY-FILE NODE LOCAL REMOTE PORT [--seal N] [--beacon N] [--word N] [--session N] [--kind N]

Each N is the version to claim, 1 unless told; --kind N: besides, a record of that kind. It writes "ready" when each side
has heard the other, and goes on until it is killed. With --seal other than 1 nobody listens to it, and it writes "ready" at once.
"""

import argparse
import ctypes
import hashlib
import os
import select
import socket
import struct
import sys
import time

SODIUM = ctypes.CDLL("libsodium.so.23")
DOMAIN = b"tandem pair 1\0"
HELLO, DATA = 1, 2
SIGN_MS = 100


def digest(data, key=b"", size=32):
    return hashlib.blake2b(data, key=key, digest_size=size).digest()


def nonce_of(sequence):
    return bytes(16) + struct.pack("!Q", sequence)


def seal(plain, header, sequence, key):
    out, length = ctypes.create_string_buffer(len(plain) + 16), ctypes.c_ulonglong()
    SODIUM.crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, ctypes.byref(length), plain, ctypes.c_ulonglong(len(plain)),
        header, ctypes.c_ulonglong(len(header)), None, nonce_of(sequence), key)
    return header + out.raw


def open_sealed(datagram, key):
    header, sealed = datagram[:40], datagram[40:]
    out, length = ctypes.create_string_buffer(len(sealed)), ctypes.c_ulonglong()
    if SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
            out, ctypes.byref(length), None, sealed, ctypes.c_ulonglong(len(sealed)),
            header, ctypes.c_ulonglong(40), nonce_of(struct.unpack("!Q", header[32:40])[0]), key) != 0:
        return None
    return out.raw[:length.value]


class Channel:
    """One path of secure_dgram: see secure_dgram_inside.h."""

    def __init__(self, label, key, local, remote, port, version):
        self.label, self.key, self.version = label, key, version
        self.to = (remote, port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((local, port))
        self.nonce, self.challenge = os.urandom(16), os.urandom(16)
        self.peer = self.echo = None
        self.sequence = [0, 0, 0]
        self.heard = []

    def derive(self, kind, sender, receiver=bytes(16)):
        return digest(DOMAIN + self.label.ljust(16, b"\0") + bytes([kind]) + sender + receiver, self.key)

    def send(self, kind, plain, key):
        self.sequence[kind] += 1
        header = struct.pack("!4sBBH8s16sQ", b"TDSD", self.version, kind, 0, digest(DOMAIN, self.key)[:8],
                             self.nonce, self.sequence[kind])
        self.socket.sendto(seal(plain, header, self.sequence[kind], key), self.to)

    def hello(self):
        nobody = bytes(16)
        self.send(HELLO, bytes([0 if self.peer else 1]) + bytes(15) + self.challenge + (self.peer or nobody) +
                  (self.echo or nobody) + bytes(48), self.derive(HELLO, self.nonce))

    def say(self, plain):
        if self.peer:
            self.send(DATA, plain, self.derive(DATA, self.nonce, self.peer))

    def read(self):
        datagram = self.socket.recv(2000)
        sender = datagram[16:32]
        if datagram[5] == HELLO:
            plain = open_sealed(datagram, self.derive(HELLO, sender))
            if plain:
                self.peer, self.echo = sender, plain[16:32]
                self.hello()
        elif sender == self.peer:
            plain = open_sealed(datagram, self.derive(DATA, sender, self.nonce))
            if plain:
                self.heard.append(plain)


def beacon(version, node, boot, sequence):
    name = node.encode()
    return struct.pack("!BBBBBBBB", version, 30, 0, 0, 1, 1, 0, len(name)) + name + struct.pack(
        "!QQII", boot, sequence, 0, 0)


def sign(version, boot, to):
    return struct.pack("!BBHQQII", version, 2, 0, boot, to, 0, 0)


def session(word, version, boot, to, sequence, kind):
    record = bytes([kind, 4]) + b"what" if kind else b""
    return struct.pack("!BBHQQ", word, 1, 0, boot, to) + struct.pack(
        "!BBBBIQIH", version, 1, 2, 0, 0, sequence, sequence, 1 if kind else 0) + record


def main():
    parser = argparse.ArgumentParser()
    for name in ("key_file", "node", "local", "remote"):
        parser.add_argument(name)
    parser.add_argument("port", type=int)
    for name in ("seal", "beacon", "word", "session"):
        parser.add_argument("--" + name, type=int, default=1)
    parser.add_argument("--kind", type=int, default=0)
    args = parser.parse_args()

    if SODIUM.sodium_init() < 0:
        sys.exit("libsodium does not begin")
    with open(args.key_file, encoding="ascii") as file:
        key = bytes.fromhex(next(line.strip() for line in file if line.strip() and not line.startswith("#")))
    beacons = Channel(b"beacon", key, args.local, args.remote, args.port, args.seal)
    sync = Channel(b"sync", key, args.local, args.remote, args.port + 1, args.seal)
    boot, to, number, told, ready = int.from_bytes(os.urandom(8), "big") | 1, 0, 0, 0, False
    while True:
        number += 1
        for channel in (beacons, sync):
            if not channel.peer or not channel.heard:
                channel.hello()
        beacons.say(beacon(args.beacon, args.node, boot, number))
        sync.say(sign(args.word, boot, to))
        if to:
            told += 1
            sync.say(session(args.word, args.session, boot, to, told, args.kind))
        until = time.monotonic() + SIGN_MS / 1000
        while (left := until - time.monotonic()) > 0:
            for one in select.select([beacons.socket, sync.socket], [], [], left)[0]:
                (beacons if one is beacons.socket else sync).read()
        if sync.heard:
            to = struct.unpack("!Q", sync.heard[-1][4:12])[0]
        if not ready and (args.seal != 1 or (to and beacons.heard)):
            ready = True
            print("ready", flush=True)


main()
