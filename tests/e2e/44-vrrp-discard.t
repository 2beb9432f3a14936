#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is discarded (RFC 9568 section 7.1) is counted by its reason and touches no timer, whatever it claims; what is only odd is
# accepted and shown. Packets made by hand, sent by node c to tandem-vrrp on node a.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/wire.sh"

/usr/bin/python3 -c 'import scapy' 2> /dev/null || skip_all "no scapy; 'make deps' installs it"

instance() { # NAME VRID ADDRESS [MORE]
	echo "{ name = \"$1\"; interface = \"eth0\"; vrid = $2; addresses = [ \"$3\" ]; ${4-advert_interval_ms = 100;} },"
}

lab_up lan
vrrp a "vrrp = { instances = (
	$(instance four 51 10.0.1.100/24)
	$(instance six 52 fd00:1::100/64)
	$(instance two 53 10.0.1.102/24 'version = 2;')
	$(instance peers 54 10.0.1.103/24 'advert_interval_ms = 100; peers = [ "10.0.1.12" ];')
	$(instance slow 55 10.0.1.104/24 'version = 2; advert_interval_ms = 255000;' | sed 's/,$//') ); };"
for i in 0 1 2 3; do ok "instance $i is active" wait_for 15 is_state a active $i; done

RUNDIR=$(RUN_OF a)
wire discard <<'PY'
from wire import *

a, c = Node("a"), Node("c")
tap = c.tap()
MAC_A = a.tap().mac
LL = {n.name: n.run("ip -o -6 addr show dev eth0 scope link").split()[3].split("/")[0] for n in (a, c)}
VRID = {"four": 51, "six": 52, "two": 53, "peers": 54, "slow": 55}


def packet(vrid, family=4, version=3, kind=1, priority=254, interval=10, addresses=None, count=None, auth=0,
           form="legacy", spoil=0, cut=None, ttl=255, src=None, dst=None):
    """An Ethernet frame with an advert; interval in centiseconds, or seconds of version 2."""
    addresses = addresses or {51: ["10.0.1.100"], 52: ["fe80::1", "fd00:1::100"], 53: ["10.0.1.102"],
                              54: ["10.0.1.103"], 55: ["10.0.1.104"]}.get(vrid, ["10.0.1.99"])
    group = dst is None
    src = src or ("10.0.1.13" if family == 4 else LL["c"])
    dst = dst or ("224.0.0.18" if family == 4 else "ff02::12")
    body = b"".join(socket.inet_pton(AF[family], x) for x in addresses) + (bytes(8) if version == 2 else b"")
    head = struct.pack("!BBBBH", version << 4 | kind, vrid, priority, len(addresses) if count is None else count,
                       auth << 8 | interval if version == 2 else interval)
    pseudo = socket.inet_pton(AF[family], src) + socket.inet_pton(AF[family], dst)
    pseudo += struct.pack("!II", len(head) + 2 + len(body), 112)
    summed = head + b"\0\0" + body
    if version != 2 and form == "legacy":
        summed = pseudo + summed
    payload = (head + struct.pack("!H", ~inet_sum(summed) & 0xffff ^ spoil) + body)[:cut]
    to = MAC_A if not group else "01:00:5e:00:00:12" if family == 4 else "33:33:00:00:00:12"
    if family == 4:
        return bytes(tap.frame(IP(src=src, dst=dst, ttl=ttl, proto=112) / payload, to))
    return bytes(tap.frame(IPv6(src=src, dst=dst, hlim=ttl, nh=112) / payload, to))


def look(name):
    return [i for i in ctl("vrrp") if i["name"] == name][0]


def discarded(reason):
    return counters()["discarded_" + reason]


BAD = [  # reason, the instance that might be disturbed, what is wrong
    ("ttl", "four", dict(ttl=254)), ("ttl", "six", dict(ttl=64)),
    ("length", "four", dict(cut=7)), ("length", "four", dict(count=2)), ("length", "two", dict(cut=12)),
    ("version", "four", dict(version=4)), ("version", "six", dict(version=2)),
    ("type", "four", dict(kind=2)),
    ("checksum", "four", dict(spoil=1)), ("checksum", "six", dict(form="rfc9568")), ("checksum", "two", dict(spoil=256)),
    ("count", "four", dict(count=0)),
    ("interval", "four", dict(interval=0)), ("interval", "six", dict(interval=0)), ("interval", "two", dict(interval=0)),
    ("link_local", "six", dict(addresses=["fd00:1::100"])),
    ("auth", "two", dict(auth=1)),
    ("vrid", "four", dict(vrid=99)),
    ("other_version", "four", dict(version=2)), ("other_version", "two", dict(version=3)),
    ("destination", "four", dict(dst="10.0.1.11")), ("destination", "peers", dict(src="10.0.1.12")),
    ("peer", "peers", dict(dst="10.0.1.11")),
    ("own", "six", dict(src=LL["a"])),
]


def bad_packet(name, wrong):
    wrong = dict(wrong)
    wrong.setdefault("version", 2 if name in ("two", "slow") else 3)
    if wrong["version"] == 2:
        wrong.setdefault("interval", 1)
    return packet(wrong.pop("vrid", VRID[name]), family=6 if name == "six" else 4, **wrong)


def each_is_counted(role, steady):
    for reason, name, wrong in BAD:
        if role == "backup" and name == "two":
            name = "slow"  # version 2 does not adopt an interval, so this one has a long one itself
        before, count = steady(name), discarded(reason)
        tap.send(*[bad_packet(name, wrong)] * 3)
        what = "%s, %s: %r" % (role, name, wrong)
        got = until(2, lambda: discarded(reason) == count + 3 and "all") or discarded(reason) - count
        equal("%s is counted as %s" % (what, reason), got, "all")
        equal("%s touches nothing" % what, steady(name), before)


def active(name):
    i = look(name)
    return i["state"], i["transitions"], i["timers"]["active_interval_ms"]


ENDS = {}


def backup(name):
    """With the down timer's end to half a second: any advert taken would move it by minutes."""
    i = look(name)
    moved = time.monotonic() + i["timers"]["down_in_ms"] / 1000 - ENDS[name]
    return i["state"], i["transitions"], i["timers"]["active_interval_ms"], abs(moved) < 0.5 or moved


def sends_to(name, **more):
    if name == "peers":
        more.update(src="10.0.1.12", dst="10.0.1.11")
    tap.send(packet(VRID[name], family=6 if name == "six" else 4, **more))


def body():
    each_is_counted("active", active)

    # An advert of a long interval makes it a Backup that waits for minutes.
    for name in ("four", "six", "peers", "slow"):
        if name != "slow":
            sends_to(name, priority=200, interval=4095)
            check("%s: a good advert is obeyed" % name, until(2, lambda: look(name)["state"] == "backup"), look(name))
            router = look(name)["routers"][0]
            equal("%s: its interval is shown to differ" % name, router["heard"]["interval_differs"], True)
            equal("%s: and counted" % name, router["counters"]["interval_mismatch"], 1)
            equal("%s: the addresses are as expected" % name, router["heard"]["addresses_differ"], False)
        i = look(name)
        check("%s: waits for long" % name, i["state"] == "backup" and i["timers"]["down_in_ms"] > 100e3, i)
        ENDS[name] = time.monotonic() + i["timers"]["down_in_ms"] / 1000
    each_is_counted("backup", backup)

    # Odd, but accepted: another list of addresses.
    for name, addresses in (("four", ["10.0.1.100", "10.0.1.101"]), ("six", ["fe80::1", "fd00:1::101"])):
        sends_to(name, priority=200, interval=4095, addresses=addresses)
        router = until(2, lambda: [r for r in look(name)["routers"] if r["heard"]["addresses_differ"]])
        check("%s: another list of addresses is shown" % name, router, look(name)["routers"])
        equal("%s: and counted" % name, router and router[0]["counters"]["address_mismatch"], 1)
        equal("%s: and obeyed" % name, look(name)["state"], "backup")
        sends_to(name, priority=200, interval=4095)
        check("%s: as expected again" % name, until(2, lambda: not look(name)["routers"][0]["heard"]["addresses_differ"]))

    sends_to("four", priority=200, interval=10)  # with this interval the patience is short again
    check("four: is active when nothing follows", until(2, lambda: look("four")["state"] == "active"))
    flood()


def adverts(seconds, before=lambda: None):
    """Times of the adverts of vrid 51 that arrive."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        before()
        if tap.raw(lambda f: f[12:14] == b"\x08\0" and f[23] == 112 and f[35] == 51 and f[26:30] == bytes([10, 0, 1, 11]),
                   0.01):
            times.append(time.monotonic())
    return times


def flood():
    was, count = active("four"), discarded("checksum")
    times = adverts(1.5, lambda: tap.send(packet(51, spoil=7)))
    check("a bad advert every 10 ms does not silence an Active", len(times) >= 12, times)
    check("those were counted", until(2, lambda: discarded("checksum") > count + 50))
    bad = [packet(51, spoil=1), packet(51, interval=0), packet(51, ttl=1), packet(98, priority=255)] * 25
    sent = [0]

    def burst():
        if sent[0] < 20000:
            tap.send(*bad)
            sent[0] += len(bad)
    tap.drain()
    count = counters()["packets_received"]
    times, end = adverts(3, burst), time.monotonic() + 30
    while sent[0] < 20000 and time.monotonic() < end: # a busy machine does not send them in three seconds
        times += adverts(1, burst)
    equal("20,000 bad packets are sent", sent[0], 20000)
    gaps = [y - x for x, y in zip(times, times[1:])]
    check("an Active of 100 ms speaks on", times and max(gaps) < 0.25 and len(times) >= 24, gaps)
    equal("and is Active as before", active("four"), was)
    taken = until(10, lambda: counters()["packets_received"] + counters()["receive_overflow"] - count >= 20000)
    check("all are accounted for", taken, counters())


main(body)
PY

ok "the speaker lives" is_state a active 0
is "and has logged a handful of lines about it" "$(($(grep -c 'was discarded' "$(log_of vrrp-a)") < 20))" 1

done_testing
