/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Internet checksum (RFC 1071) and 16-bit numbers in network order, for the two files that write packets. */
#ifndef TANDEM_VRRP_CHECKSUM_H
#define TANDEM_VRRP_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t vrrp_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void vrrp_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The sum before it is folded; 64 bits, so that no length overflows it. Sums of parts may be added when every part
 * but the last has an even length. */
static inline uint64_t vrrp_sum(const uint8_t *bytes, size_t len)
{
	uint64_t total = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		total += vrrp_get16(bytes + i);
	return len % 2 ? total + (uint64_t)(bytes[len - 1] << 8) : total;
}

/* 0xffff when the sum covers a checksum that fits; its complement is the checksum otherwise. */
static inline uint16_t vrrp_fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

#endif
