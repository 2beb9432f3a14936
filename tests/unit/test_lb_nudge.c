/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets byte by byte; the checksums also by an independent sum over the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lb/lb_nudge.h"

static struct lb_nudge nudge(const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
	struct lb_nudge n = {.from_port = from_port,
		.to_port = to_port,
		.seq = 0x01020304,
		.ack = 0xa0b0c0d0,
		.timestamp = 0x11223344};

	assert_int_equal(addr_parse(from, &n.from), 0);
	assert_int_equal(addr_parse(to, &n.to), 0);
	return n;
}

/* Ones' complement sum of 16-bit words, carries added as they come. */
static unsigned add(unsigned so_far, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i += 2) {
		so_far += bytes[i] * 256u + (i + 1 < length ? bytes[i + 1] : 0);
		if (so_far > 0xffff)
			so_far -= 0xffff;
	}
	return so_far;
}

static void test_ipv4_bytes(void **state)
{
	static const uint8_t want[53] = {0x45, 0, 0, 53, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 1, 100, 10, 0, 9,
		7, 0x18, 0xeb, 0x9c, 0x40, 1, 2, 3, 4, 0xa0, 0xb0, 0xc0, 0xd0, 0x80, 0x10, 0, 0, 0, 0, 0, 0,
		1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0};
	struct lb_nudge n = nudge("10.0.1.100", 6379, "10.0.9.7", 40000);
	uint8_t out[LB_NUDGE_MAX], plain[53];

	assert_int_equal(lb_nudge_build(&n, out), 53);
	memcpy(plain, out, sizeof(plain));
	memset(plain + 10, 0, 2);
	memset(plain + 36, 0, 2);
	assert_memory_equal(plain, want, sizeof(want));
	assert_int_equal(add(0, out, 20), 0xffff);
	assert_int_equal(add(add(6 + 33, out + 12, 8), out + 20, 33), 0xffff);
	/* By hand: 4500 + 0035 + 4000 + 4006 + 0a00 + 0164 + 0a00 + 0907 = e3a6. */
	assert_int_equal(out[10] << 8 | out[11], 0x1c59);
}

static void test_ipv6_bytes(void **state)
{
	struct lb_nudge n = nudge("fd00:1::100", 443, "2001:db8::ffff:7", 65535);
	uint8_t out[LB_NUDGE_MAX];

	assert_int_equal(lb_nudge_build(&n, out), 73);
	assert_int_equal(out[0], 0x60);
	assert_int_equal(out[4] << 8 | out[5], 33);
	assert_int_equal(out[6], 6);
	assert_int_equal(out[7], 64);
	assert_memory_equal(out + 8, n.from.bytes, 16);
	assert_memory_equal(out + 24, n.to.bytes, 16);
	assert_int_equal(out[40] << 8 | out[41], 443);
	assert_int_equal(out[42] << 8 | out[43], 65535);
	assert_int_equal(add(add(6 + 33, out + 8, 32), out + 40, 33), 0xffff);
}

/* Sums that carry more than once. */
static void test_checksum_carries(void **state)
{
	struct lb_nudge n = nudge("255.255.255.254", 65535, "255.255.255.253", 65535);
	uint8_t out[LB_NUDGE_MAX];

	n.seq = n.ack = n.timestamp = 0xffffffff;
	lb_nudge_build(&n, out);
	assert_int_equal(add(0, out, 20), 0xffff);
	assert_int_equal(add(add(6 + 33, out + 12, 8), out + 20, 33), 0xffff);
	n = nudge("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		65535);
	n.seq = n.ack = n.timestamp = 0xffffffff;
	lb_nudge_build(&n, out);
	assert_int_equal(add(add(6 + 33, out + 8, 32), out + 40, 33), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_bytes),
		cmocka_unit_test(test_ipv6_bytes),
		cmocka_unit_test(test_checksum_carries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
