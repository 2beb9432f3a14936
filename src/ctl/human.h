/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as a person reads them. Pure; always rounded down, so that nothing looks like more than it is. */
#ifndef TANDEM_CTL_HUMAN_H
#define TANDEM_CTL_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUMAN_MAX 32 /* room for any of them */

/* "512 B", "1.5 KiB", "153 MiB": powers of 1024. All return out. */
const char *human_bytes(uint64_t bytes, char out[HUMAN_MAX]);

/* Exact below 10000, then "12.3k", "123k", "1.2M": powers of 1000. */
const char *human_count(uint64_t count, char out[HUMAN_MAX]);

/* Milliseconds, 0 or more: "6.09 ms", "360.9 ms", "1000 ms", from 10 s on "40.95 s", from a minute on as a duration. */
const char *human_ms(double ms, char out[HUMAN_MAX]);

/* "8s", "5m 3s", "2h 5m", "3d 4h": the two largest units. */
const char *human_duration(uint64_t seconds, char out[HUMAN_MAX]);

#endif
