#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The dataplane's packets, compared with the model of the NAT, on the other kernel: no BTF, no JIT, every access aligned.
# The files of the bpf lane that look into packets, and those of the pair; which backend is chosen does not depend on the kernel.
. "$(dirname "$0")/../e2e/lib.sh"
needs bonding 8021q

for name in load answer fragment nat install lease; do
	program=$ROOT/build/test/plain_bpf_$name
	[ -x "$program" ] || bail "no $program; 'make uml' builds it"
	ok "bpf_$name" "$program"
done
done_testing
