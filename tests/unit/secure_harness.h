/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of the pair's channel in one process, and keys for them. */
#ifndef TANDEM_TESTS_SECURE_HARNESS_H
#define TANDEM_TESTS_SECURE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/secure_dgram.h"

/* Keys of these numbers, in this order, up to a 0. */
static inline struct secure_keys keys_of(const uint8_t *numbers)
{
	struct secure_keys keys = {0};

	for (; *numbers; numbers++)
		memset(keys.key[keys.count++], *numbers, SECURE_KEY_BYTES);
	return keys;
}

#define KEYS(...) keys_of((const uint8_t[]){__VA_ARGS__, 0})

static inline struct secure_dgram *open_with(const char *label, struct secure_keys keys)
{
	struct secure_dgram *channel;

	assert_int_equal(secure_dgram_open(&channel, label, &keys), 0);
	return channel;
}

struct datagram {
	size_t len;
	uint8_t bytes[SECURE_DGRAM_MAX];
};

static inline struct datagram hello_of(struct secure_dgram *channel)
{
	struct datagram d;

	d.len = secure_dgram_hello(channel, d.bytes);
	assert_in_range(d.len, SECURE_OVERHEAD, SECURE_DGRAM_MAX);
	return d;
}

static inline struct datagram seal_of(struct secure_dgram *channel, const void *plain, size_t len)
{
	struct datagram d;
	int rc = secure_dgram_seal(channel, plain, len, d.bytes);

	assert_int_equal(rc, len + SECURE_OVERHEAD);
	d.len = (size_t)rc;
	return d;
}

static inline enum secure_verdict give(struct secure_dgram *to, const struct datagram *d)
{
	uint8_t plain[SECURE_PLAIN_MAX];
	size_t len;

	return secure_dgram_receive(to, d->bytes, d->len, plain, &len);
}

/* Hellos there and back while one is wanted; how many there were. */
static inline int greet(struct secure_dgram *a, struct secure_dgram *b)
{
	int hellos = 0;

	while (hellos < 40 && (secure_dgram_wants_hello(a) || secure_dgram_wants_hello(b))) {
		struct secure_dgram *from = secure_dgram_wants_hello(a) ? a : b;
		struct datagram d = hello_of(from);

		hellos++;
		assert_int_equal(give(from == a ? b : a, &d), SECURE_HELLO);
		if (from == a && secure_dgram_wants_hello(b)) {
			d = hello_of(b);
			hellos++;
			assert_int_equal(give(a, &d), SECURE_HELLO);
		}
	}
	return hellos;
}

/* Data pass both ways. */
static inline void assert_talk(struct secure_dgram *a, struct secure_dgram *b)
{
	struct datagram there = seal_of(a, "there", 5), back = seal_of(b, "back", 4);

	assert_int_equal(give(b, &there), SECURE_OK);
	assert_int_equal(give(a, &back), SECURE_OK);
}

#endif
