#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What lies around lb changes while flows go through it: a backend's MAC, told and untold; the route to a
# client, and the next hop's MAC; a link goes and comes; an interface is deleted and made again. Flows stand,
# and go on within a second or two.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/config.sh"
. "$(dirname "$0")/wire.sh"

lab_up
behind c1 c9 13 # c9 - c1 - lb, and a second way: c9 - c2 - lb
ip link add eth1 netns "${LAB_PREFIX}c2" type veth peer name eth1 netns "${LAB_PREFIX}c9"
in_ns c2 sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
	for i in all eth0 eth1; do echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done
	ip addr add 10.0.14.1/24 dev eth1; ip addr add fd00:14::1/64 dev eth1 nodad; ip link set eth1 up'
in_ns c9 sh -c 'for i in all eth0 eth1; do echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done
	ip addr add 10.0.14.11/24 dev eth1; ip addr add fd00:14::11/64 dev eth1 nodad; ip link set eth1 up
	ip addr add 10.0.50.1/32 dev lo; ip addr add fd00:50::1/128 dev lo nodad'
for way in "c1 13" "c2 14"; do
	in_ns ${way% *} ip route add 10.0.50.1 via 10.0.${way#* }.11
	in_ns ${way% *} ip route add fd00:50::1 via fd00:${way#* }::11
done
in_ns lb sh -c 'ip route add 10.0.50.1 via 10.0.1.11; ip route add fd00:50::1 via fd00:1::11
	for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/keep_addr_on_down; done'

start_echo b1 7
conf_new
for family in 4 6; do
	pool "p$family" $family 7 '' b1
	for protocol in tcp udp; do service "$protocol$family" $family 70 $protocol "p$family"; done
done
start_ready "$(conf)"

# Through it all, from a client whose own link nobody touches.
load steady c2 10.0.1.100 70 --mode echo --connections 20 --rate 500 --duration 900 --timeout-ms 8000
wait_for 15 load_peek steady .answers || bail "no load"

wire around 240 <<'PY'
from wire import *

c1, c2, c9, lb, sw, b1 = (Node(n) for n in ("c1", "c2", "c9", "lb", "sw", "b1"))
FAR = {4: "10.0.50.1", 6: "fd00:50::1"}


class Flow:
    def __init__(self, node, family, kind, address):
        self.kind = kind
        self.name = "%s v%d %s" % (node.name, family, kind)
        self.sock = node.tcp(family, address) if kind == "tcp" else node.udp(family, address)
        self.sock.connect((SERVICE[family], 70))
        self.sock.setblocking(False)

    def begin(self, word):
        self.word, self.took, self.got, self.next = word, None, b"", 0
        self.start = time.monotonic()

    def step(self, now):
        """Says its word (UDP: every 50 ms), hears it back."""
        if self.took is None and now >= self.next:
            try:
                self.sock.send(self.word)
            except OSError as e:
                if e.errno not in (11, 101, 113, 111):
                    raise
            self.next = now + (0.05 if self.kind == "udp" else 1000)
        try:
            data = self.sock.recv(1000)
            self.got = (self.got + data) if self.kind == "tcp" else data
            if self.took is None and self.word in self.got:
                self.took = now - self.start
            return data != b""
        except BlockingIOError:
            return True
        except OSError as e:
            return self.kind == "udp" and e.errno in (101, 113, 111)


def beat(flows, seconds):
    """Every flow says a word and hears it: the names and times of those that take longer or end."""
    word = os.urandom(8).hex().encode()
    for f in flows:
        f.begin(word)
    deadline = time.monotonic() + seconds
    ended = set()
    while time.monotonic() < deadline and any(f.took is None for f in flows if f not in ended):
        now = time.monotonic()
        for f in flows:
            if f not in ended and not f.step(now):
                ended.add(f)
        select.select([f.sock for f in flows if f not in ended], [], [], 0.005)
    return ["%s: ended" % f.name for f in ended] + ["%s: silent" % f.name for f in flows if f.took is None
            and f not in ended]


def all_beat(name, flows, seconds):
    bad = beat(flows, seconds)
    return check(name, not bad, bad) and max(f.took for f in flows)


def of(flows, kind):
    return [f for f in flows if f.kind == kind]


def goes_on(name, flows, udp_seconds=1.0, tcp_seconds=2.0):
    """Datagrams within the one time, TCP (which waits before it sends again) within the other."""
    all_beat(name + ": datagrams flow", of(flows, "udp"), udp_seconds)
    all_beat(name + ": connections go on", of(flows, "tcp"), tcp_seconds)


def set_mac(node, device, mac):
    node.run("ip link set %s address %s" % (device, mac))


def new_macs(flows):
    b1.sysctl("net/ipv4/conf/eth0/arp_notify", 1)
    b1.sysctl("net/ipv6/conf/eth0/ndisc_notify", 1)
    set_mac(b1, "eth0", "02:00:00:00:05:a1")
    goes_on("a backend's MAC changes, and it says so", flows)
    b1.sysctl("net/ipv4/conf/eth0/arp_notify", 0)
    b1.sysctl("net/ipv6/conf/eth0/ndisc_notify", 0)
    # Untold, lb's kernel finds out when it next asks; that is every 30 s or so, here every second.
    for what in ("ipv4", "ipv6"):
        for key, value in (("base_reachable_time_ms", 500), ("delay_first_probe_time", 1),
                ("retrans_time_ms", 100),
                           ("ucast_solicit", 1)):
            lb.sysctl("net/%s/neigh/back/%s" % (what, key), value)
    goes_on("neighbours are asked more often", flows)
    set_mac(b1, "eth0", "02:00:00:00:05:a2")
    goes_on("a backend's MAC changes, and it says nothing", flows, 15.0, 20.0)
    set_mac(b1, "eth0", "02:00:00:00:05:01")
    b1.run("ping -q -n -c 1 -W 2 10.0.2.1")
    b1.run("ping -q -n -c 1 -W 2 fd00:2::1")
    goes_on("the old one is back, which a packet of its own shows", flows)


def other_way(flows):
    near, far = c9.tap("eth0"), c9.tap("eth1")

    def arrived():
        """frames of the service by c1, by c2"""
        count = []
        for t in (near, far):
            n = 0
            while t.raw(lambda f: f[12:14] == b"\x08\x00" and f[26:30] == socket.inet_aton(SERVICE[4]) or
                        f[12:14] == b"\x86\xdd" and f[22:38] == socket.inet_pton(AF[6], SERVICE[6]), 0):
                n += 1
            count.append(n)
        return count

    goes_on("the client is behind a router", flows)
    equal("... its packets come by the first way", [n > 0 for n in arrived()], [True, False])
    lb.run("ip route replace 10.0.50.1 via 10.0.3.11")
    lb.run("ip -6 route replace fd00:50::1 via fd00:3::11")
    until(1, lambda: not beat(flows, 1) and arrived()[0] == 0)
    goes_on("the route to the client changes", flows)
    equal("... its packets come by the second way", [n > 0 for n in arrived()], [False, True])
    for family, via in ((4, "10.0.14.1"), (6, "fd00:14::1")):
        c9.run("ip -%d route replace default via %s" % (family, via))
    goes_on("the client's own packets come another way, by another interface", flows)
    for key in ("net/ipv4/conf/eth0/arp_notify", "net/ipv6/conf/eth0/ndisc_notify"):
        c2.sysctl(key, 1)
    set_mac(c2, "eth0", "02:00:00:00:03:a1")
    goes_on("the router's MAC changes", flows)
    lb.run("ip route del 10.0.50.1")
    lb.run("ip -6 route del fd00:50::1")
    gone = until(2, lambda: len(beat(of(flows, "udp"), 0.1)) == len(of(flows, "udp")))
    check("without a route nothing arrives", gone)
    lb.run("ip route add 10.0.50.1 via 10.0.3.11")
    lb.run("ip -6 route add fd00:50::1 via fd00:3::11")
    goes_on("the route is back", flows)
    near.close(), far.close()


def state(interface):
    return next(i["state"] for i in ctl("status")["interfaces"] if i["name"] == interface)


def flaps(flows):
    for name, node, device, seen in (("the cable to the backends", sw, "lb", "back"),
                                     ("lb's interface to the backends", lb, "back", "back"),
                                     ("the cable to the client", c1, "eth0", "front1"),
                                     ("lb's interface to the client", lb, "front1", "front1")):
        if node is c1:
            c1.sysctl("net/ipv6/conf/eth0/keep_addr_on_down", 1)
        node.run("ip link set %s down" % device)
        check("%s is down: tandem-lb sees it" % name, until(2, lambda: state(seen) == "down"), state(seen))
        node.run("ip link set %s up" % device)
        if node is c1:
            c1.run("ip route replace default via 10.0.1.1")
            c1.run("ip -6 route replace default via fd00:1::1")
        check("%s is up again: tandem-lb sees it" % name, until(2, lambda: state(seen) == "attached"),
                state(seen))
        goes_on(name + " was down", flows, 1.0, 2.5)


def made_again(flows):
    """The device is another one then, with another index; the name is the same."""
    for device, peer, node, addresses in (
            ("back", "lb", sw, ("10.0.2.1/24", "fd00:2::1/64")),
            ("front1", "eth0", c1, ("10.0.1.1/24", "fd00:1::1/64", "10.0.1.100/32", "fd00:1::100/128"))):
        mac = MAC_BACK if device == "back" else MAC_FRONT1
        lb.run("ip link del " + device)
        check("%s is deleted: tandem-lb waits for it" % device, until(2, lambda: state(device) == "missing"),
                state(device))
        subprocess.run(["ip", "link", "add", device, "netns", os.path.basename(lb.path), "address", mac,
                "type", "veth",
                        "peer", "name", peer, "netns", os.path.basename(node.path)], check=True)
        if node is sw:
            sw.run("ip link set lb master br0 up")
        else:
            for a in ("10.0.1.11/24", "fd00:1::11/64"):
                c1.run("ip addr add %s dev eth0%s" % (a, " nodad" if ":" in a else ""))
            c1.run("ip link set eth0 up")
        for a in addresses:
            lb.run("ip addr add %s dev %s%s" % (a, device, " nodad" if ":" in a else ""))
        lb.run("ip link set %s up" % device)
        if node is c1:
            c1.run("ip route add default via 10.0.1.1")
            c1.run("ip -6 route add default via fd00:1::1")
        check("%s is made again: tandem-lb attaches" % device, until(3, lambda: state(device) == "attached"),
                state(device))
        goes_on("%s was deleted and made again" % device, flows, 1.0, 2.5)


def body():
    near = [Flow(c1, f, k, CLIENT[f]) for f in (4, 6) for k in ("tcp", "udp") for _ in range(5)]
    far = [Flow(c9, f, k, FAR[f]) for f in (4, 6) for k in ("tcp", "udp") for _ in range(5)]
    goes_on("forty flows", near + far)
    before = counters()
    other_way(far)
    new_macs(near)
    flaps(near)
    made_again(near)
    after = counters()
    check("they are the same forty flows", after["flow_new"] == before["flow_new"], after)


main(body)
PY

kill -INT "$(pid_of steady)"
ok "no request of the load that went on meanwhile failed" load_end steady 10
holds "... and there were many" "$(report steady .answers) > 300"
done_testing
