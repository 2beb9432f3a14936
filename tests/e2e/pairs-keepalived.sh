# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The pairings of tandem-vrrp (node a) with keepalived (node b); sourced after pairs.sh.
#
# Unicast IPv6 is not to stand in one table with multicast IPv6: to the virtual MAC's interface of the latter keepalived
# 2.2.7 gives the node's own link-local address too (its issue 2296), and answers from there for it, so that everybody
# now and then believes the node to be at a virtual MAC, where it doesn't listen for the others' adverts.
#
#   every_pairing KIND-CAST...                     rows for all of them; more by row, with CAST= OURMAC= THEIRMAC=
#   meet_keepalived INTERVAL_S INTERVAL_MS WAIT    lab, start, and every fate; WAIT: seconds that a silent loss may take

every_pairing() {
	local kind cast macs winner preempt
	for kind in "$@"; do
		cast=${kind#*-} kind=${kind%-*}
		for macs in no-no yes-yes yes-no no-yes; do
			for winner in ours theirs; do
				for preempt in yes no; do
					row $winner $preempt "$kind,$cast,vmac:$macs,$winner-preferred,preempt:$preempt" \
						"$kind" CAST=$cast OURMAC=${macs%-*} THEIRMAC=${macs#*-}
				done
			done
		done
	done
}

link_local() { in_ns "$1" ip -o -6 addr show dev eth0 scope link | sed -n 's/.*inet6 \(fe80[^/]*\).*/\1/p'; }

# keepalived gives up without a word when it hears a higher priority. A winner that was heard first does not know of the
# clash then, and that clients on the other side were told something else: hence refresh_s.
our_instance() { # INTERVAL_MS
	local version=3 peers=
	[ "$KIND" != v2 ] || version=2
	[ "$CAST" != unicast ] || peers="peers = [ \"$B\" ];"
	cat <<-END
		{ name = "i$VRID"; interface = "eth0"; vrid = $VRID; version = $version; priority = $OURS;
		  advert_interval_ms = $1; announce = { refresh_s = 1; }; preempt = $([ "$PREEMPT" = yes ] && echo true || echo false);
		  virtual_mac = $([ "$OURMAC" = yes ] && echo true || echo false); $peers
		  addresses = [ "$ADDRESS/$PREFIX" ]; },
	END
}

# keepalived.conf(5): with use_vmac and unicast peers, vmac_xmit_base must be set.
their_instance() { # INTERVAL_S
	local version=3 list=$ADDRESS/$PREFIX
	[ "$KIND" != v2 ] || version=2
	# keepalived wants a link-local address first; this is the one that ours makes of the vrid.
	[ "$KIND" != v6 ] || list="$(printf 'fe80::200:5eff:fe00:2%02x/64' "$VRID") $list"
	echo "vrrp_instance i$VRID {
		state BACKUP
		interface eth0
		virtual_router_id $VRID
		version $version
		priority $THEIRS
		advert_int $1
		$([ "$PREEMPT" = yes ] || echo nopreempt)
		$([ "$THEIRMAC" = no ] || echo use_vmac)
		$([ "$THEIRMAC-$CAST" != yes-unicast ] || echo vmac_xmit_base)
		$([ "$CAST" = multicast ] || printf '%s\n' "unicast_src_ip $B" 'unicast_ttl 255' 'unicast_peer {' "$A" '}')
		virtual_ipaddress {
			$(printf '%s\n' $list)
		}
	}"
}

configs() { # INTERVAL_S INTERVAL_MS
	local i
	echo 'vrrp = { instances = (' > "$TMP/a.conf"
	: > "$TMP/b.keepalived"
	for ((i = 1; i <= ${#PAIRS[@]}; i++)); do
		pair_vars $i
		A=10.0.1.11 B=10.0.1.12
		[ "$KIND" != v6 ] || A=$(link_local a) B=$(link_local b)
		our_instance "$2" >> "$TMP/a.conf"
		their_instance "$1" >> "$TMP/b.keepalived"
	done
	sed -i '$ s/},$/} ); };/' "$TMP/a.conf"
}

# What keepalived may say of another's advert: that its priority is lower, or higher. The rest would be a complaint.
COMPLAINTS='not present|[Ii]nvalid|mismatch|expected|[Cc]hecksum|[Ii]ncorrect|[Dd]iffer|[Uu]nknown|not match|[Bb]ad |TTL|[Ee]rror'
complaints() { grep -E "$COMPLAINTS" "$(log_of keepalived-b)"; }

what_was_heard() { # of each instance of ours what is not as it should be
	vctl a --json vrrp | perl -MJSON::PP -e '
		local $/;
		for (@{decode_json(<>)}) {
			my ($r, @bad) = $_->{routers}[0];
			my $n = $r->{counters};
			push @bad, "an address mismatch" if $n->{address_mismatch};
			push @bad, "an interval mismatch" if $n->{interval_mismatch};
			push @bad, "nothing heard of the preferred one" if !$n->{received} && $_->{priority}{base} < 200;
			push @bad, map { "discarded: $_" } keys %{$r->{discarded}};
			push @bad, "rfc9568 checksums" if $n->{checksum_rfc9568};
			push @bad, "legacy checksums: $n->{checksum_legacy} of $n->{received}"
				if $n->{checksum_legacy} != ($_->{version} == 3 && $r->{family} eq "ipv4" ? $n->{received} : 0);
			print "$_->{name}: @bad\n" if @bad;
		}'
}

meet_keepalived() {
	local wait=$3
	lab_up lan
	configs "$1" "$2"
	keepalived b "$(cat "$TMP/b.keepalived")"
	vrrp a
	settle $((wait + 3)) one "one has the address"
	all_answer "it answers"
	cut b
	settle $((wait + 2)) both "each takes over from a silent partner"
	all_answer "ours answers then"
	heal
	settle $((wait + 1)) winner "when they hear each other again, the preferred one has it"
	all_answer "and answers"
	if [ "$2" -lt 1000 ]; then
		cut a
		settle $((wait + 2)) both "each takes over from a silent partner again"
		all_answer "keepalived answers then"
		heal
		settle $((wait + 1)) winner "the preferred one has it again"
		all_answer "and answers again"
	fi
	is "ours heard what it expected" "$(what_was_heard)" ""
	stop vrrp-a TERM
	settle 2 theirs "keepalived takes over from ours that ends"
	all_answer "and answers"
	vrrp a
	settle $((wait + 3)) back-ours "ours comes back"
	all_answer "it answers after that"
	stop keepalived-b TERM
	settle 2 ours "ours takes over from keepalived that ends"
	all_answer "and answers"
	is "keepalived did not complain" "$(complaints)" ""
	keepalived b "$(cat "$TMP/b.keepalived")"
	settle $((wait + 3)) back-theirs "keepalived comes back"
	all_answer "it answers still"
}
