/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SNTP packets: the codec, what a server answers, what a client believes, arithmetic across an era's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/sntp.h"

static const struct sntp_server server = {.stratum = 2, .reference_id = 0x4c4f434c};

static void query(uint8_t wire[SNTP_PACKET_LEN], uint8_t version, uint8_t mode)
{
	const struct sntp_packet packet = {
		.version = version, .mode = mode, .poll = 6, .transmit = 0x0123456789abcdef};

	sntp_encode(&packet, wire);
}

static void wire_form(void **state)
{
	const struct sntp_packet packet = {
		.leap = 3,
		.version = 4,
		.mode = 4,
		.stratum = 1,
		.poll = -6,
		.precision = -20,
		.root_delay = 0x00010203,
		.root_dispersion = 0x04050607,
		.reference_id = 0x4c4f434c,
		.reference = 0x1011121314151617,
		.originate = 0x18191a1b1c1d1e1f,
		.receive = 0x2021222324252627,
		.transmit = 0x28292a2b2c2d2e2f,
	};
	static const uint8_t want[16] = {0xe4, 1, 0xfa, 0xec, 0, 1, 2, 3, 4, 5, 6, 7, 'L', 'O', 'C', 'L'};
	uint8_t wire[SNTP_PACKET_LEN];
	struct sntp_packet back;

	sntp_encode(&packet, wire);
	assert_memory_equal(wire, want, sizeof(want));
	for (int i = 16; i < 48; i++)
		assert_int_equal(wire[i], i);
	assert_int_equal(sntp_decode(wire, sizeof(wire), &back), 0);
	assert_int_equal(back.leap, 3);
	assert_int_equal(back.poll, -6);
	assert_int_equal(back.precision, -20);
	assert_true(back.originate == packet.originate && back.transmit == packet.transmit);
}

static void answers(void **state)
{
	uint8_t wire[SNTP_PACKET_LEN];
	struct sntp_packet reply;

	for (uint8_t version = 0; version < 8; version++) {
		query(wire, version, SNTP_MODE_CLIENT);
		enum sntp_fault fault = sntp_answer(wire, sizeof(wire), &server, 42ull << 32, &reply);

		assert_int_equal(fault, version >= 1 && version <= 4 ? SNTP_GOOD : SNTP_VERSION);
		if (fault != SNTP_GOOD)
			continue;
		assert_int_equal(reply.version, version);
		assert_int_equal(reply.mode, SNTP_MODE_SERVER);
		assert_int_equal(reply.leap, 0);
		assert_int_equal(reply.stratum, 2);
		assert_int_equal(reply.poll, 6);
		assert_true(reply.originate == 0x0123456789abcdef);
		assert_true(reply.receive == 42ull << 32);
		assert_true(reply.reference != 0);
	}
	for (uint8_t mode = 0; mode < 8; mode++) {
		query(wire, 4, mode);
		assert_int_equal(sntp_answer(wire, sizeof(wire), &server, 1, &reply),
			mode == 3 ? SNTP_GOOD : SNTP_MODE);
	}
	for (size_t len = 0; len < SNTP_PACKET_LEN; len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, wire, len);
		assert_int_equal(sntp_answer(cut, len, &server, 1, &reply), SNTP_SHORT);
		free(cut);
	}
}

static enum sntp_fault check(const struct sntp_packet *packet)
{
	uint8_t wire[SNTP_PACKET_LEN];
	struct sntp_packet out;

	sntp_encode(packet, wire);
	return sntp_check_reply(wire, sizeof(wire), 7, &out);
}

static void beliefs(void **state)
{
	const struct sntp_packet good = {
		.version = 4, .mode = 4, .stratum = 1, .originate = 7, .transmit = 9};
	struct sntp_packet bad;

	assert_int_equal(check(&good), SNTP_GOOD);
	bad = good, bad.originate = 8;
	assert_int_equal(check(&bad), SNTP_ORIGINATE);
	bad = good, bad.mode = 3;
	assert_int_equal(check(&bad), SNTP_MODE);
	bad = good, bad.version = 0;
	assert_int_equal(check(&bad), SNTP_VERSION);
	bad = good, bad.stratum = 0;
	assert_int_equal(check(&bad), SNTP_KISS);
	bad = good, bad.leap = 3;
	assert_int_equal(check(&bad), SNTP_UNSYNCHRONIZED);
	bad = good, bad.transmit = 0;
	assert_int_equal(check(&bad), SNTP_UNSYNCHRONIZED);
}

static void times(void **state)
{
	struct timespec epoch = {0, 500000000};

	assert_true(sntp_from_timespec(epoch) == ((uint64_t)SNTP_UNIX_OFFSET << 32 | 0x80000000u));
}

static void offsets(void **state)
{
	/* The client is 10 s behind, 1 s each way, the server takes 0.5 s; once more across the end of era 0.
	 */
	const sntp_time starts[] = {1000ull << 32, 0xffffffffull << 32};

	for (int i = 0; i < 2; i++) {
		sntp_time sent = starts[i], half = 1ull << 31;
		struct sntp_packet reply = {
			.receive = sent + (11ull << 32), .transmit = sent + (11ull << 32) + half};
		int64_t offset, delay;

		sntp_offset(sent, &reply, sent + (2ull << 32) + half, &offset, &delay);
		assert_true(offset == 10000000000);
		assert_true(delay == 2000000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_form),
		cmocka_unit_test(answers),
		cmocka_unit_test(beliefs),
		cmocka_unit_test(times),
		cmocka_unit_test(offsets),
	};

	return cmocka_run_group_tests_name("sntp", tests, NULL, NULL);
}
