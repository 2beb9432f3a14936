#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two speakers over bonds of which the switches know, balance-rr and 802.3ad: one link that is pulled costs next to nothing,
# both move all the addresses.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/vrrp.sh"
. "$(dirname "$0")/pair.sh"
needs bonding

pair --bond balance-rr
start_edge || bail "no election"
election balance-rr
pull_and_plug balance-rr sw1 sw1
stop vrrp-lbb TERM
stop vrrp-lba TERM

# Plugged in, the links carry nothing until LACP has agreed, which may take seconds; the carrier is there at once.
pair --bond 802.3ad
start_edge 'preempt_delay_ms = 3000;' || bail "no election"
election 802.3ad
pull_and_plug 802.3ad sw1 sw1

done_testing
