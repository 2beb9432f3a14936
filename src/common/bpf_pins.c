/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/bpf_pins.h"

#include <stdint.h>
#include <stdio.h>

void bpf_pin_dir(const char *run_dir, char *out, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	char name[81] = "";
	size_t used = 0;

	for (const char *c = run_dir; *c; c++) {
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ULL;
		if (used < sizeof(name) - 1 && !(used == 0 && *c == '/'))
			name[used++] = *c == '/' || *c == '.' ? '-' : *c;
	}
	snprintf(out, size, BPFFS "/tandem/%s-%08x", name, (unsigned)(hash ^ hash >> 32));
}
