/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sync session whose peer, source and applier are the test: it says datagrams, and hears what the session says. One
 * session, one clock, one memory of what the callbacks saw, made anew for each test.
 */
#ifndef TANDEM_TESTS_SYNC_WORDS_H
#define TANDEM_TESTS_SYNC_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lb/sync_session_inside.h"

#define MS     INT64_C(1000000)
#define WINDOW 16

/* What the callbacks saw, and what they give. */
struct sync_seen {
	uint32_t applied[256], applied_count, begins, ends, broken;
	uint32_t waiting, asked, bulk_left, bulk_begins;
	int64_t since;
	enum sync_fate fate;
};
extern struct sync_seen seen;
extern struct sync_session *s;
extern int64_t now; /* ns; begins at 1 s */
extern const struct sync_source source;
extern const struct sync_target target;

int set_up(void **state);
int tear_down(void **state);

/* A datagram with this header, the mark (0: none), and count flows from number first on, is given to the session. */
int give(const struct sync_header *header, uint32_t first, uint32_t count, enum sync_kind mark);
/* A datagram with this sequence, and with a record that is the same number. */
int data(uint64_t sequence, enum sync_kind mark, bool record);
int ack(uint64_t sequence, uint64_t came, bool want_bulk);

/* The next word of the session; false: it has none. kinds: of the records, as letters: B E begin and end of the bulk, c a
 * change, b a flow of the bulk. */
bool says(struct sync_header *header, char *kinds, size_t size);
void expect_nothing(void);
/* What every session says first: no bulk yet, and it wants one. */
void say_hello(void);

#define expect_ack(seq, bits, want)                     \
	do {                                            \
		struct sync_header h_;                  \
		char k_[64];                            \
		assert_true(says(&h_, k_, sizeof(k_))); \
		assert_int_equal(h_.type, SYNC_ACK);    \
		assert_int_equal(h_.sequence, seq);     \
		assert_int_equal(h_.missing, bits);     \
		assert_int_equal(h_.want_bulk, want);   \
	} while (0)

#define expect_data(seq, records, sync)                 \
	do {                                            \
		struct sync_header h_;                  \
		char k_[64];                            \
		assert_true(says(&h_, k_, sizeof(k_))); \
		assert_int_equal(h_.type, SYNC_DATA);   \
		assert_int_equal(h_.sequence, seq);     \
		assert_string_equal(k_, records);       \
		assert_int_equal(h_.in_sync, sync);     \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
