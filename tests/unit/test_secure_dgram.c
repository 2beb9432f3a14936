/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pair's channel row by row: what passes, what an attacker with everything but the key may try, keys that change. */
#include "secure_harness.h"

#include <errno.h>
#include <stdlib.h>

#include <sodium.h>

#include "common/secure_dgram_inside.h"

static struct secure_dgram *a, *b;

static int set_up(void **state)
{
	a = open_with("test", KEYS(1));
	b = open_with("test", KEYS(1));
	return 0;
}

static int set_up_session(void **state)
{
	set_up(state);
	assert_in_range(greet(a, b), 3, 5);
	return 0;
}

static int tear_down(void **state)
{
	secure_dgram_close(a);
	secure_dgram_close(b);
	a = b = NULL;
	return 0;
}

static void restart(struct secure_dgram **channel)
{
	secure_dgram_close(*channel);
	*channel = open_with("test", KEYS(1));
}

static uint64_t count_of(const struct secure_dgram *channel, enum secure_verdict verdict)
{
	struct secure_counters counters;

	secure_dgram_counters(channel, &counters);
	return counters.verdicts[verdict];
}

/* ---- what is meant to work ---- */

static void opening_refuses_what_makes_no_channel(void **state)
{
	struct secure_keys none = {0}, many = KEYS(1);
	struct secure_dgram *channel;

	many.count = SECURE_KEYS_MAX + 1;
	assert_int_equal(secure_dgram_open(&channel, "x", &none), -EINVAL);
	assert_int_equal(secure_dgram_open(&channel, "x", &many), -EINVAL);
	many.count = 1;
	assert_int_equal(secure_dgram_open(&channel, "", &many), -EINVAL);
	assert_int_equal(secure_dgram_open(&channel, "seventeen letters", &many), -EINVAL);
	assert_null(channel);
	assert_int_equal(secure_dgram_open(&channel, "sixteen letters!", &many), 0);
	secure_dgram_close(channel);
	secure_dgram_close(NULL);
}

static void a_session_begins_with_a_few_hellos_and_carries_data(void **state)
{
	static uint8_t plain[SECURE_PLAIN_MAX], got[SECURE_PLAIN_MAX];
	static const size_t lengths[] = {0, 1, 63, 1000, SECURE_PLAIN_MAX};
	uint8_t out[SECURE_DGRAM_MAX];
	size_t len;

	assert_false(secure_dgram_is_ready(a));
	assert_true(secure_dgram_wants_hello(a));
	assert_int_equal(secure_dgram_session(a), 0);
	assert_int_equal(secure_dgram_seal(a, plain, 1, out), -ENOTCONN);
	assert_in_range(greet(a, b), 3, 5);
	assert_true(secure_dgram_is_ready(a) && secure_dgram_is_ready(b));
	assert_true(secure_dgram_session(a) && secure_dgram_session(a) != secure_dgram_session(b));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(plain, (int)i + 1, lengths[i]);

		struct datagram d = seal_of(a, plain, lengths[i]);

		assert_int_equal(secure_dgram_receive(b, d.bytes, d.len, got, &len), SECURE_OK);
		assert_int_equal(len, lengths[i]);
		assert_memory_equal(got, plain, len);
		assert_true(len < 63 || memmem(d.bytes, d.len, plain, len) == NULL);
	}
	assert_int_equal(secure_dgram_seal(a, plain, SECURE_PLAIN_MAX + 1, out), -EMSGSIZE);
	assert_int_equal(count_of(b, SECURE_OK), 5);
	assert_talk(b, a);
	assert_false(secure_dgram_wants_hello(a) || secure_dgram_wants_hello(b));
}

static void simultaneous_hellos_meet(void **state)
{
	/* Data could pass after three; the fourth answers what crossed on the way. */
	for (int round = 0; round < 4; round++) {
		struct datagram x = hello_of(a), y = hello_of(b);

		assert_int_equal(give(b, &x), SECURE_HELLO);
		assert_int_equal(give(a, &y), SECURE_HELLO);
	}
	assert_false(secure_dgram_wants_hello(a) || secure_dgram_wants_hello(b));
	assert_talk(a, b);
}

/* The answer is late by several hellos of ours: it counts. */
static void a_round_trip_longer_than_the_pace_of_hellos(void **state)
{
	struct datagram first = hello_of(a), answer;

	assert_int_equal(give(b, &first), SECURE_HELLO);
	answer = hello_of(b);
	for (int i = 0; i < 5; i++)
		hello_of(a);
	assert_int_equal(give(a, &answer), SECURE_HELLO);
	assert_true(secure_dgram_is_ready(a));
}

static void a_restart_of_one_or_both_begins_another_session(void **state)
{
	uint64_t old = secure_dgram_session(a);

	restart(&b);
	assert_in_range(greet(a, b), 2, 6);
	assert_true(secure_dgram_session(a) != old);
	assert_talk(a, b);
	restart(&a);
	restart(&b);
	assert_in_range(greet(b, a), 3, 5);
	assert_talk(a, b);
}

/* ---- forgery and damage ---- */

static void no_bit_can_be_turned(void **state)
{
	struct datagram d = seal_of(a, "payload", 7), h = hello_of(a);
	uint64_t before = secure_dgram_session(b);

	for (size_t bit = 0; bit < 8 * d.len; bit++) {
		struct datagram bad = d;

		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_in_range(give(b, &bad), SECURE_SHORT, SECURE_REPLAY);
	}
	for (size_t bit = 0; bit < 8 * h.len; bit++) {
		struct datagram bad = h;

		bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_in_range(give(b, &bad), SECURE_SHORT, SECURE_REPLAY);
	}
	assert_true(secure_dgram_is_ready(b) && secure_dgram_session(b) == before);
	/* No forged sequence number moved the window. */
	assert_int_equal(give(b, &d), SECURE_OK);
}

static void no_length_does_harm(void **state)
{
	struct datagram d = seal_of(a, "payload", 7);
	uint8_t plain[SECURE_PLAIN_MAX], longer[SECURE_DGRAM_MAX + 1];
	size_t len;

	for (size_t cut = 0; cut < d.len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);
		enum secure_verdict verdict;

		memcpy(exact, d.bytes, cut);
		verdict = secure_dgram_receive(b, exact, cut, plain, &len);
		assert_int_equal(verdict, cut < SECURE_OVERHEAD ? SECURE_SHORT : SECURE_TAG);
		assert_int_equal(len, 0);
		free(exact);
	}
	memset(longer, 0, sizeof(longer));
	memcpy(longer, d.bytes, d.len);
	assert_int_equal(secure_dgram_receive(b, longer, d.len + 1, plain, &len), SECURE_TAG);
	assert_int_equal(secure_dgram_receive(b, longer, sizeof(longer), plain, &len), SECURE_SHORT);
	assert_int_equal(give(b, &d), SECURE_OK);
}

static void each_refusal_has_its_name(void **state)
{
	struct datagram d = seal_of(a, "x", 1);
	struct secure_dgram *other = open_with("test", KEYS(2)), *label = open_with("other", KEYS(1));
	struct datagram h = hello_of(other);
	static const char *const names[] = {
		"ok", "hello", "short", "version", "key", "tag", "stale", "replay", "own"};

	assert_int_equal(give(b, &h), SECURE_KEY);
	h = hello_of(label);
	assert_int_equal(give(b, &h), SECURE_TAG);
	h = hello_of(a);
	h.bytes[0] ^= 1;
	assert_int_equal(give(b, &h), SECURE_SHORT);
	h.bytes[0] ^= 1;
	for (size_t at = 4; at < 8; at++) { /* version, kind, flags, reserved */
		h.bytes[at] ^= 0x40;
		assert_int_equal(give(b, &h), SECURE_VERSION);
		h.bytes[at] ^= 0x40;
	}
	assert_int_equal(give(a, &d), SECURE_OWN);
	assert_int_equal(give(label, &d), SECURE_STALE);
	assert_int_equal(give(b, &d), SECURE_OK);
	assert_int_equal(give(b, &d), SECURE_REPLAY);
	assert_int_equal(count_of(b, SECURE_KEY), 1);
	assert_int_equal(count_of(b, SECURE_TAG), 1);
	assert_int_equal(count_of(b, SECURE_SHORT), 1);
	assert_int_equal(count_of(b, SECURE_VERSION), 4);
	assert_int_equal(count_of(b, SECURE_REPLAY), 1);
	for (int i = 0; i < SECURE_VERDICTS; i++)
		assert_string_equal(secure_verdict_name((enum secure_verdict)i), names[i]);
	assert_string_equal(secure_verdict_name(SECURE_VERDICTS), "unknown");
	secure_dgram_close(other);
	secure_dgram_close(label);
}

/* ---- replay ---- */

static void data_pass_once_in_any_order_within_the_window(void **state)
{
	static struct datagram d[SECURE_WINDOW + 2];
	const size_t last = SECURE_WINDOW + 1;

	assert_true(SECURE_WINDOW >= 1024);
	for (size_t i = 0; i <= last; i++)
		d[i] = seal_of(a, &i, sizeof(i));
	assert_int_equal(give(b, &d[last]), SECURE_OK);
	assert_int_equal(give(b, &d[0]), SECURE_REPLAY); /* too old by two */
	assert_int_equal(give(b, &d[1]), SECURE_REPLAY);
	for (size_t i = 2; i < last; i++) /* in an order of leaps */
		assert_int_equal(give(b, &d[2 + (i * 7) % (last - 2)]), SECURE_OK);
	for (size_t i = 0; i <= last; i++)
		assert_int_equal(give(b, &d[i]), SECURE_REPLAY);
}

static void the_window_leaps(void **state)
{
	struct secure_window w = {0};
	static const uint64_t leaps[] = {
		1, 63, 64, 65, 128, 5000, 5000 + SECURE_WINDOW, 1u << 20, UINT64_MAX - 1, UINT64_MAX};

	assert_false(secure_window_is_new(&w, 0));
	for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++) {
		assert_true(secure_window_is_new(&w, leaps[i]));
		secure_window_mark(&w, leaps[i]);
		for (size_t k = 0; k <= i; k++)
			assert_false(secure_window_is_new(&w, leaps[k]));
		/* What was jumped over is new still, where it is remembered. */
		if (i && leaps[i] - leaps[i - 1] > 1)
			assert_true(secure_window_is_new(&w, leaps[i] - 1));
	}
}

/* An enemy has all of A's earlier boots on tape. */
static void hellos_of_earlier_boots_end_no_session(void **state)
{
	static struct datagram tape[12];
	uint64_t session;

	for (size_t i = 0; i < 12; i += 3) {
		restart(&a);
		tape[i] = hello_of(a);
		greet(a, b);
		tape[i + 1] = hello_of(a);
		tape[i + 2] = seal_of(a, "old", 3);
	}
	restart(&a);
	greet(a, b);
	session = secure_dgram_session(b);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < 12; i++)
			assert_in_range(give(b, &tape[i]), SECURE_HELLO, SECURE_REPLAY);
		assert_int_equal(secure_dgram_session(b), session);
		assert_talk(a, b);
	}
	/* And while B begins anew, with the tape running, A is found in a few hellos. */
	restart(&b);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 12; i++)
			assert_in_range(give(b, &tape[i]), SECURE_HELLO, SECURE_REPLAY);

		struct datagram d = hello_of(b);

		give(a, &d);
		d = hello_of(a);
		give(b, &d);
	}
	assert_talk(a, b);
}

/* The older of two hellos says nothing after the newer one. */
static void a_hello_counts_once(void **state)
{
	struct datagram older = hello_of(a), newer, answer;

	a->challenge[0] ^= 1;
	newer = hello_of(a);
	assert_int_equal(give(b, &newer), SECURE_HELLO);
	assert_int_equal(give(b, &newer), SECURE_REPLAY);
	assert_int_equal(give(b, &older), SECURE_REPLAY);
	answer = hello_of(b);
	assert_int_equal(give(a, &answer), SECURE_HELLO);
	assert_true(secure_dgram_is_ready(a));
	greet(a, b);
	newer = hello_of(a);
	assert_int_equal(give(b, &newer), SECURE_HELLO);
	assert_int_equal(give(b, &newer), SECURE_REPLAY);
}

/* A hello that was held back on the way answered a challenge that another one answered since. */
static void a_challenge_makes_one_change(void **state)
{
	struct datagram hello = hello_of(b), kept, now;

	give(a, &hello);
	kept = hello_of(a); /* answers B's challenge, and is held back */
	restart(&a);
	hello = hello_of(b);
	give(a, &hello);
	now = hello_of(a); /* answers the same challenge */
	assert_int_equal(give(b, &now), SECURE_HELLO);
	assert_true(secure_dgram_is_ready(b));

	uint64_t session = secure_dgram_session(b);

	assert_int_equal(give(b, &kept), SECURE_HELLO);
	assert_int_equal(secure_dgram_session(b), session);
	/* It may have been first, too: then the living one finds its way. */
	greet(a, b);
	assert_talk(a, b);
}

static void a_flood_of_strangers_costs_nothing(void **state)
{
	size_t before = hello_of(b).len;

	for (int i = 0; i < 5000; i++) {
		struct secure_dgram *stranger = open_with("test", KEYS(1));
		struct datagram d = hello_of(stranger);

		assert_int_equal(give(b, &d), SECURE_HELLO);
		secure_dgram_close(stranger);
	}
	assert_int_equal(hello_of(b).len, before);
	assert_talk(a, b);
}

/* ---- the wrong way round, the wrong path ---- */

static void what_is_ours_does_not_fool_us(void **state)
{
	struct datagram h = hello_of(a), d = seal_of(a, "x", 1);

	assert_int_equal(give(a, &h), SECURE_OWN);
	assert_int_equal(give(a, &d), SECURE_OWN);
	assert_int_equal(count_of(a, SECURE_OWN), 2);
	assert_talk(a, b);
}

static void two_paths_of_one_node_are_not_joined(void **state)
{
	struct datagram h = hello_of(a);

	secure_dgram_set_node(a, "lb-a");
	secure_dgram_set_node(b, "lb-a");
	h = hello_of(a);
	assert_int_equal(give(b, &h), SECURE_OWN);
	secure_dgram_set_node(b, "lb-b");
	h = hello_of(a);
	assert_int_equal(give(b, &h), SECURE_HELLO);
	greet(a, b);
	assert_talk(a, b);
	secure_dgram_set_node(b, "");
	secure_dgram_set_node(a, "");
	h = hello_of(a);
	assert_int_equal(give(b, &h), SECURE_HELLO);
}

/* Data that A sent before it knew that B began anew are no forgeries. A wrong tag is one when both are sure. */
static void data_for_a_start_that_is_over_are_stale(void **state)
{
	struct datagram before = seal_of(a, "before", 6), d;

	restart(&b);
	assert_int_equal(give(b, &before), SECURE_STALE);
	d = hello_of(b);
	assert_int_equal(give(a, &d), SECURE_HELLO);
	d = hello_of(a);
	assert_int_equal(give(b, &d), SECURE_HELLO);
	assert_true(secure_dgram_is_ready(b));
	assert_int_equal(give(b, &before), SECURE_STALE);
	d = seal_of(a, "still", 5);
	assert_int_equal(give(b, &d), SECURE_STALE);
	assert_true(secure_dgram_wants_hello(b));
	greet(a, b);
	assert_talk(a, b);
	assert_int_equal(count_of(a, SECURE_TAG) + count_of(b, SECURE_TAG), 0);
	d = seal_of(a, "forged", 6);
	d.bytes[d.len - 1] ^= 1;
	assert_int_equal(give(b, &d), SECURE_TAG);
}

/* Somebody joins A to a second channel of B and lets go again: what A saw of the first stays seen. */
static void mixed_up_paths_find_back_and_forget_nothing(void **state)
{
	struct secure_dgram *other = open_with("test", KEYS(1));
	struct datagram seen = seal_of(b, "once", 4), h;

	assert_int_equal(give(a, &seen), SECURE_OK);
	for (int round = 0; round < 20; round++) {
		h = hello_of(a);
		give(other, &h);
		greet(a, other);
		assert_talk(a, other);
		/* Only data of B's, which believes A still: they are enough to bring A back. */
		h = seal_of(b, "?", 1);
		assert_int_equal(give(a, &h), SECURE_STALE);
		assert_true(secure_dgram_wants_hello(a));
		greet(a, b);
		assert_talk(a, b);
		assert_int_equal(give(a, &seen), SECURE_REPLAY);
	}
	secure_dgram_close(other);
}

/* ... and so do data of A's, which are for the other one. */
static void mixed_up_paths_find_back_from_the_other_side(void **state)
{
	struct secure_dgram *other = open_with("test", KEYS(1));
	struct datagram d = hello_of(a);

	give(other, &d);
	greet(a, other);
	d = seal_of(a, "?", 1);
	assert_int_equal(give(b, &d), SECURE_TAG);
	greet(a, b);
	assert_talk(a, b);
	secure_dgram_close(other);
}

/* ---- keys ---- */

static void set_keys(struct secure_dgram *channel, struct secure_keys keys)
{
	secure_dgram_set_keys(channel, &keys);
	assert_true(secure_dgram_is_ready(channel));
	assert_false(secure_dgram_wants_hello(channel));
}

static void a_rotation_ends_no_session(void **state)
{
	static const uint8_t steps[][3] = {{1, 2}, {2, 1}, {2}};
	uint64_t of_a = secure_dgram_session(a), of_b = secure_dgram_session(b);

	assert_talk(a, b);
	for (size_t i = 0; i < 3; i++) {
		set_keys(a, keys_of(steps[i]));
		assert_talk(a, b);
		set_keys(b, keys_of(steps[i]));
		assert_talk(a, b);
	}
	assert_int_equal(secure_dgram_session(a), of_a);
	assert_int_equal(secure_dgram_session(b), of_b);
	assert_int_equal(count_of(a, SECURE_KEY) + count_of(b, SECURE_KEY), 0);
}

/* The replay window knows of no keys: a number is used once, under whatever key. */
static void a_rotation_opens_no_window(void **state)
{
	struct datagram d = seal_of(a, "x", 1);

	assert_int_equal(give(b, &d), SECURE_OK);
	set_keys(b, KEYS(2, 1));
	assert_int_equal(give(b, &d), SECURE_REPLAY);
	secure_dgram_set_keys(b, &(struct secure_keys){0}); /* says nothing, changes nothing */
	assert_true(secure_dgram_is_ready(b));
	secure_dgram_set_keys(b, &(struct secure_keys){.count = 1, .key = {{9}}});
	assert_false(secure_dgram_is_ready(b));
	secure_dgram_set_keys(b, &(struct secure_keys){.count = 1, .key = {{1, 1}}});
	assert_int_equal(give(b, &d), SECURE_KEY);
}

static void a_key_taken_away_ends_what_it_began(void **state)
{
	struct secure_keys without = KEYS(2);
	struct datagram d = seal_of(a, "x", 1), fresh;

	assert_int_equal(give(b, &d), SECURE_OK);
	fresh = seal_of(a, "y", 1);
	secure_dgram_set_keys(b, &without);
	assert_false(secure_dgram_is_ready(b));
	assert_int_equal(give(b, &fresh), SECURE_KEY);
	/* It comes back: the session must be proved again, and what was seen stays seen. */
	struct secure_keys with = KEYS(1);
	secure_dgram_set_keys(b, &with);
	greet(a, b);
	assert_int_equal(give(b, &d), SECURE_REPLAY);
	assert_talk(a, b);
}

static void each_purpose_has_a_key_of_its_own(void **state)
{
	static const uint8_t x[NONCE_BYTES] = {1}, y[NONCE_BYTES] = {2};
	struct secure_dgram *label = open_with("tesu", KEYS(1));
	uint8_t keys[7][SECURE_KEY_BYTES];

	secure_dgram_set_keys(a, &(struct secure_keys){.count = 2, .key = {{1}, {2}}});
	secure_dgram_set_keys(label, &(struct secure_keys){.count = 2, .key = {{1}, {2}}});
	secure_derive(a, 0, SECURE_KIND_DATA, x, y, keys[0]);
	secure_derive(a, 0, SECURE_KIND_DATA, y, x, keys[1]); /* the other direction */
	secure_derive(a, 0, SECURE_KIND_DATA, x, x, keys[2]);
	secure_derive(a, 0, SECURE_KIND_HELLO, x, NULL, keys[3]);
	secure_derive(a, 0, SECURE_KIND_HELLO, y, NULL, keys[4]);
	secure_derive(a, 1, SECURE_KIND_DATA, x, y, keys[5]);
	secure_derive(label, 0, SECURE_KIND_DATA, x, y, keys[6]);
	for (size_t i = 0; i < 7; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[i], keys[k], SECURE_KEY_BYTES);
	secure_dgram_close(label);
}

/* ---- the end of numbers ---- */

static void numbers_never_begin_again_under_one_nonce(void **state)
{
	uint64_t session = secure_dgram_session(b);
	uint8_t out[SECURE_DGRAM_MAX];
	struct datagram last;

	a->data_sequence = UINT64_MAX - 1;
	last = seal_of(a, "last", 4);
	assert_int_equal(give(b, &last), SECURE_OK);
	assert_int_equal(secure_dgram_seal(a, out, 0, out), -ENOTCONN);
	greet(a, b);
	assert_true(secure_dgram_session(b) != session);
	assert_talk(a, b);
	assert_int_equal(give(b, &last), SECURE_STALE);
	a->hello_sequence = UINT64_MAX;
	give(b, &(struct datagram){.len = 0});
	last = hello_of(a);
	assert_int_equal(give(b, &last), SECURE_HELLO);
	greet(a, b);
	assert_talk(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_refuses_what_makes_no_channel),
		cmocka_unit_test_setup_teardown(
			a_session_begins_with_a_few_hellos_and_carries_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(simultaneous_hellos_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_round_trip_longer_than_the_pace_of_hellos, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_restart_of_one_or_both_begins_another_session, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(
			data_for_a_start_that_is_over_are_stale, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(no_bit_can_be_turned, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(no_length_does_harm, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(each_refusal_has_its_name, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(
			data_pass_once_in_any_order_within_the_window, set_up_session, tear_down),
		cmocka_unit_test(the_window_leaps),
		cmocka_unit_test_setup_teardown(hellos_of_earlier_boots_end_no_session, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hello_counts_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_purpose_has_a_key_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_challenge_makes_one_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_flood_of_strangers_costs_nothing, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(what_is_ours_does_not_fool_us, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(two_paths_of_one_node_are_not_joined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			mixed_up_paths_find_back_and_forget_nothing, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(
			mixed_up_paths_find_back_from_the_other_side, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(a_rotation_ends_no_session, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(a_rotation_opens_no_window, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(
			a_key_taken_away_ends_what_it_began, set_up_session, tear_down),
		cmocka_unit_test_setup_teardown(
			numbers_never_begin_again_under_one_nonce, set_up_session, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
