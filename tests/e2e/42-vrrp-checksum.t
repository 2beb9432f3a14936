#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The two forms of version 3's checksum over IPv4: what RFC 9568 says, and what was read into RFC 5798 before. tandem-vrrp takes
# both and sends what it is told; keepalived takes the older one only.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"

front() { # PRIORITY FORM
	echo "vrrp = { instances = ( { name = \"front\"; interface = \"eth0\"; vrid = 51; priority = $1; checksum = \"$2\";
	      advert_interval_ms = 100; addresses = [ \"10.0.1.100/24\" ]; } ); };"
}
heard() { vjson "$1" "[0].routers[0].counters.$2"; }
heard_many() { [ "$(heard "$1" "$2")" -ge 5 ]; }
theirs() { # PRIORITY ADDRESS
	echo "vrrp_instance front { state BACKUP interface eth0 version 3 virtual_router_id 51 priority $1 advert_int 0.1
		virtual_ipaddress { $2 } }" | sed 's/ \(interface\|version\|virtual_router_id\|priority\|advert_int\|virtual_ipaddress\) /\n&/g
			s/{/{\n/g; s/}/\n}\n/g'
}
heard_one() { [ "$(heard "$1" "$2")" -ge 1 ]; }
said() { grep -E "$1" "$(log_of keepalived-c)"; }
both_have() { has a 10.0.1.100 && has c 10.0.1.100; }

sees_a_difference() { [ "$(vjson a '[0].routers[0].heard.addresses_differ')" = true ]; }

lab_up lan
vrrp a "$(front 200 rfc9568)"
vrrp b "$(front 100 rfc9568)"
ok "two that speak as the RFC says agree" wait_for 15 is_state a active
ok "the other one hears it" wait_for 15 heard_many b checksum_rfc9568
is "and nothing in the older form" "$(heard b checksum_legacy)" 0
is "it has no reason to take over" "$(vjson b '[0].state')" backup

vrrp_reload a "$(front 200 legacy)"
ok "the form that is sent is changed by a reload" wait_for 15 heard_many b checksum_legacy
is "which is no reason to take over" "$(vjson b '[0].state')" backup
is "nor to give up" "$(vjson a '[0].state')" active
is "nor a transition" "$(vjson a '[0].transitions')" 2
is "nothing is discarded" "$(vjson b '[0].routers[0].discarded')" '{}'
stop vrrp-b TERM

[ -x /usr/sbin/keepalived ] || { skip "keepalived" "there is none; 'make deps' installs it"; done_testing; }
keepalived c "$(theirs 150 10.0.1.100/24)"
ok "keepalived starts" wait_log keepalived-c 15 'Entering BACKUP STATE'
not_ok "keepalived takes the older form: it does not take over" wait_for 1 has c 10.0.1.100
not_ok "and has nothing to say against it" said 'checksum'
vrrp_reload a "$(front 200 rfc9568)"
ok "of the RFC's form it thinks that nobody is there" wait_for 15 both_have
ok "and says why" wait_for 15 said 'checksum'
# Not many: each advert that it rejects puts off its own next one.
ok "ours understands it all the same" wait_for 15 heard_one a checksum_legacy
vrrp_reload a "$(front 200 legacy)"
ok "with the older form again it gives up" wait_for 15 has_not c 10.0.1.100
ok "the address is ours" has a 10.0.1.100
ok "and answers" answers 10.0.1.100
stop keepalived-c TERM

keepalived c "$(theirs 150 10.0.1.101/24)"
ok "keepalived with another address complains" wait_for 15 said 'not present in MASTER advert'
ok "and ours sees that theirs differ" wait_for 15 sees_a_difference
is "and counts it" "$(($(heard a address_mismatch) > 0))" 1
ok "and logs it" wait_log vrrp-a 15 "advertises other addresses than the config here has"
is "ours goes on" "$(vjson a '[0].state')" active

done_testing
