/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the dataplane of a run dir is pinned: tandem-lb makes the place, tandem-vrrp looks there for leases. */
#ifndef TANDEM_COMMON_BPF_PINS_H
#define TANDEM_COMMON_BPF_PINS_H

#include <stddef.h>

#define BPFFS "/sys/fs/bpf"

/* Its path with dashes for slashes, and a hash of it, below BPFFS/tandem. size: 128 does. */
void bpf_pin_dir(const char *run_dir, char *out, size_t size);

#endif
