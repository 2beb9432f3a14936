#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tandem-vrrp and keepalived in every pairing of version 2, whose shortest interval is a second; see 41-vrrp-keepalived.t.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/pairs.sh"
. "$(dirname "$0")/pairs-keepalived.sh"

[ -x /usr/sbin/keepalived ] || skip_all "no keepalived; 'make deps' installs it"
every_pairing v2-multicast v2-unicast
meet_keepalived 1 1000 5

done_testing
