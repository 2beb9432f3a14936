#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Adverts that do not leave the node: who is on call sees it in tandemctl vrrp, in the events and in the log, once for each change.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

command -v tc > /dev/null || skip_all "no tc; 'make deps' installs it"

config='vrrp = { instances = (
	{ name = "group"; interface = "eth0"; vrid = 51; advert_interval_ms = 100; addresses = [ "10.0.1.100/24" ]; },
	{ name = "uni"; interface = "eth0"; vrid = 52; advert_interval_ms = 100; addresses = [ "10.0.1.101/24" ];
	  peers = [ "10.0.1.12" ]; } ); };'
table() { vctl a vrrp > "$TMP/table" && cat "$TMP/table"; }
shows() { table | grep -- "$1"; }
shows_not() { ! shows "$1"; }
told() { grep -c "instance $1: adverts $2" "$(log_of vrrp-a)"; }
unsent() { vjson a "[$1].routers[0].counters.send_failed"; }
more_unsent() { [ "$(unsent "$1")" -ge "$2" ]; }
refuse() { in_ns a nft 'add table inet fw; add chain inet fw out { type filter hook output priority 0; }; add rule inet fw out meta l4proto 112 drop'; }
permit() { in_ns a nft delete table inet fw; }

lab_up lan
vrrp a "$config"
ok "active" wait_for 15 is_state a active 0
ok "... by unicast too" wait_for 15 is_state a active 1
unlike "all is well: no word of it" "$(table)" 'cannot be sent'

# ---- a firewall of this host ----

refuse || skip_all "nft takes no rules"
ok "refused by a firewall: the table says whose, to whom and why" \
	wait_for 15 shows '^uni: ipv4: adverts cannot be sent: 10.0.1.12: Operation not permitted (a firewall of this host'
ok "... and so does the instance's own screen" grep -q 'trouble .*adverts cannot be sent' <(vctl a vrrp uni)
ok "... it was in the log when the first did not go" wait_log vrrp-a 15 'instance uni: adverts not sent: IPv4, vrid 52 on eth0: 10.0.1.12: Operation not permitted'
like "... and is an event" "$(vctl a events)" 'instance uni +adverts not sent'
ok "... 20 more are not sent" wait_for 15 more_unsent 1 $(($(unsent 1) + 20))
is "... it is told once" "$(told uni 'not sent')" 1
ok "... it is still active, for nobody else is" is_state a active 1
permit
ok "permitted again: the table has no word of it" wait_for 15 shows_not 'cannot be sent'
ok "... the log says that too" wait_log vrrp-a 25 'instance uni: adverts sent again'

start=$SECONDS
for _ in 1 2 3; do
	refuse
	wait_for 15 shows 'cannot be sent' > /dev/null || break
	permit
	wait_for 15 shows_not 'cannot be sent' > /dev/null || break
done
lines=$(($(told uni 'not sent') + $(told uni 'sent again')))
holds "now and then: the table follows, the log has a line in 10 s ($lines lines)" "$lines <= 3 + ($SECONDS - $start) / 10"

# ---- a queue without room ----

in_ns a tc qdisc add dev eth0 root pfifo limit 0 || bail "tc takes no queue"
ok "the interface's queue is full: the table says so" wait_for 15 shows '^group: ipv4: adverts cannot be sent: No buffer space'
is "... and the log, once" "$(told group 'not sent')" 1
in_ns a tc qdisc del dev eth0 root
ok "it does again" wait_for 15 shows_not 'cannot be sent'

# ---- a link that is down has its own word ----

in_ns a ip link set eth0 down
ok "the link is down: it waits for that" wait_for 15 is_state a waiting 0
unlike "... nothing else is told" "$(cat "$(log_of vrrp-a)")" 'Network is down'
unlike "... who waits sends none" "$(table)" 'cannot be sent'

# ---- announcements alone ----

in_ns a nft 'add table netdev fw; add chain netdev fw out { type filter hook egress device eth0 priority 0; }; add rule netdev fw out ether type arp drop' ||
	bail "nft takes no rules of the netdev family"
in_ns a ip link set eth0 up
ok "gratuitous ARP does not leave the interface: it is active" wait_for 15 is_state a active 0
ok "... and the log says so" wait_log vrrp-a 15 'instance group: announcement not sent: IPv4, vrid 51 on eth0: No buffer space'
is "... the log has it once" "$(grep -c 'instance group: announcement not sent' "$(log_of vrrp-a)")" 1
unlike "... adverts are another matter" "$(table)" 'cannot be sent'
holds "... counted" "$(vjson a '[0].routers[0].counters.announce_failed') > 0"

done_testing
