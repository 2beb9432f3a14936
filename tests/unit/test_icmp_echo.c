/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Echo messages there and back, cut short at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "common/icmp_echo.h"

static void echo_messages(void **state)
{
	struct icmp_echo echo = {.ident = 0x1234, .sequence = 0xfffe, .cookie = {1, 2, 3, 4, 5, 6, 7, 8}},
			 got;
	uint8_t packet[60 + ICMP_ECHO_LEN] = {0x4f}, message[ICMP_ECHO_LEN];
	uint32_t sum = 0;

	icmp_echo_build(AF_INET, &echo, message);
	for (size_t i = 0; i < ICMP_ECHO_LEN; i += 2)
		sum += (uint32_t)(message[i] << 8 | message[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	memcpy(packet + 60, message, ICMP_ECHO_LEN);
	for (size_t len = 0; len <= sizeof(packet); len++)
		assert_int_equal(icmp_echo_parse(AF_INET, ICMP_ECHO_REQUEST, true, packet, len, &got),
			len == sizeof(packet));
	assert_int_equal(got.ident, echo.ident);
	assert_int_equal(got.sequence, echo.sequence);
	assert_memory_equal(got.cookie, echo.cookie, ICMP_ECHO_COOKIE);
	assert_false(icmp_echo_parse(AF_INET, ICMP_ECHO_REPLY, true, packet, sizeof(packet), &got));
	packet[0] = 0x44; /* a header shorter than a header */
	assert_false(icmp_echo_parse(AF_INET, ICMP_ECHO_REQUEST, true, packet, sizeof(packet), &got));
	icmp_echo_build(AF_INET6, &echo, message);
	assert_true(icmp_echo_parse(AF_INET6, ICMP_ECHO_REQUEST, false, message, sizeof(message), &got));
	assert_false(icmp_echo_parse(AF_INET6, ICMP_ECHO_REQUEST, false, message, sizeof(message) - 1, &got));
	message[1] = 1;
	assert_false(icmp_echo_parse(AF_INET6, ICMP_ECHO_REQUEST, false, message, sizeof(message), &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
