#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tandem-vrrp on node a and keepalived on node b share addresses in every pairing of version 3 but unicast IPv6 (which has
# a file of its own): IPv4 (with the checksum that keepalived knows), multicast and unicast, and IPv6, virtual MAC on
# either side, either side preferred, preempting or not. All at once, each with a vrid of its own, through silent and
# graceful losses of both sides.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/pairs.sh"
. "$(dirname "$0")/pairs-keepalived.sh"

[ -x /usr/sbin/keepalived ] || skip_all "no keepalived; 'make deps' installs it"
every_pairing v3-multicast v3-unicast v6-multicast
meet_keepalived 0.1 100 3

done_testing
