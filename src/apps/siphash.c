/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-1-3; see siphash.h. One round a word, three at the end. */
#include "apps/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t siphash13(const uint64_t key[2], const uint8_t *data, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
		key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
	uint64_t last = (uint64_t)len << 56, word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, data + i, 8);
		word = le64toh(word);
		v[3] ^= word;
		round_once(v);
		v[0] ^= word;
	}
	for (size_t rest = 0; i + rest < len; rest++)
		last |= (uint64_t)data[i + rest] << (8 * rest);
	v[3] ^= last;
	round_once(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int n = 0; n < 3; n++)
		round_once(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
