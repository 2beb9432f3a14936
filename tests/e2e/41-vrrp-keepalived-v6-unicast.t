#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tandem-vrrp and keepalived in every pairing of unicast IPv6; see 41-vrrp-keepalived.t, and pairs-keepalived.sh for why
# they are by themselves.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vrrp.sh"
. "$(dirname "$0")/pairs.sh"
. "$(dirname "$0")/pairs-keepalived.sh"

[ -x /usr/sbin/keepalived ] || skip_all "no keepalived; 'make deps' installs it"
every_pairing v6-unicast
meet_keepalived 0.1 100 3

done_testing
