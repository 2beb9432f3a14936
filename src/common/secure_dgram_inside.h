/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What secure_dgram.c (keys, sessions, data), secure_hello.c (how a session begins) and their tests share; nobody else.
 *
 * How a hello is read. Sealed in it: "answer me", who the sender is, its challenge, whom it believes, and echoes of the
 * challenges that it got. A challenge stands until it was answered with success, then another one takes its place: so
 * answers to earlier hellos of ours count when they are late, and each challenge makes at most one change.
 *
 * - Whoever sent a hello is a candidate first: its challenge is echoed from now on, in every hello, beside the present
 *   peer's. There are few candidates, and a new one takes the place of any: a flood of old hellos costs no memory.
 * - A hello that echoes our challenge is from somebody who lives: its sender becomes the peer, if it is not yet.
 * - We say hello until we have a peer that has said that it believes us (or sent data, which says the same); and when we are
 *   asked: by "answer me", by a stranger, by data that do not fit our session.
 *
 * A peer that is replaced is remembered with its replay window for a while. It is dead as a rule; but when paths are mixed
 * up, two live senders may take turns, and what was seen of one must not count as new again.
 */
#ifndef TANDEM_COMMON_SECURE_DGRAM_INSIDE_H
#define TANDEM_COMMON_SECURE_DGRAM_INSIDE_H

#include "common/secure_dgram.h"

#include "common/secure_window.h"

#define SECURE_MAGIC   "TDSD"
#define SECURE_FORMAT  1 /* the version on the wire */
#define KEY_ID_BYTES   8
#define NONCE_BYTES    16
#define HEADER_BYTES   40
#define LABEL_MAX      16
#define ECHOES_MAX     4 /* the peer's, and the candidates' */
#define CANDIDATES_MAX (ECHOES_MAX - 1)
#define PAST_MAX       8 /* as many as paths can be mixed up */

enum secure_kind { SECURE_KIND_HELLO = 1, SECURE_KIND_DATA = 2 };

struct secure_header {
	uint8_t kind;
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t nonce[NONCE_BYTES];
	uint64_t sequence;
};

/* Somebody who said hello. */
struct secure_candidate {
	bool used;
	uint8_t nonce[NONCE_BYTES];
	uint8_t challenge[NONCE_BYTES];
	uint64_t sequence; /* of its newest hello */
};

/* A peer of before. */
struct secure_past {
	uint8_t nonce[NONCE_BYTES];
	struct secure_window window;
};

struct secure_dgram {
	uint8_t label[LABEL_MAX];
	struct secure_keys keys;
	uint8_t key_ids[SECURE_KEYS_MAX][KEY_ID_BYTES];
	uint64_t node; /* a hash of our name, 0: none */

	uint8_t nonce[NONCE_BYTES];     /* ours */
	uint8_t challenge[NONCE_BYTES]; /* ours, that nobody has answered with success */
	uint64_t hello_sequence, data_sequence;
	bool asked; /* a hello is wanted of us */
	struct secure_candidate candidates[CANDIDATES_MAX];

	struct secure_candidate peer;          /* used: its nonce is proved */
	bool confirmed;                        /* the peer believes our nonce, too */
	uint8_t session_key[SECURE_KEY_BYTES]; /* the shared key that the peer used last */
	uint8_t send_key[SECURE_KEY_BYTES];    /* by keys.key[0] */
	uint8_t receive_keys[SECURE_KEYS_MAX][SECURE_KEY_BYTES];
	struct secure_window window;
	uint64_t session;

	struct secure_past past[PAST_MAX]; /* a ring; an empty place is all zero */
	size_t past_next;

	struct secure_counters counters;
};

/* ---- secure_dgram.c ---- */

/* A key made of the shared key of that index for a kind of datagram, its sender and its receiver (NULL for a hello). */
void secure_derive(const struct secure_dgram *channel, size_t index, enum secure_kind kind,
	const uint8_t sender[NONCE_BYTES], const uint8_t *receiver, uint8_t out[SECURE_KEY_BYTES]);
/* Header and sealed plaintext into out, under our first key; the whole length. */
size_t secure_close_envelope(const struct secure_dgram *channel, enum secure_kind kind, uint64_t sequence,
	const uint8_t key[SECURE_KEY_BYTES], const uint8_t *plain, size_t len, uint8_t out[SECURE_DGRAM_MAX]);
/* Is the tag right? Then the plaintext, len - SECURE_OVERHEAD bytes, is in plain. */
bool secure_open_envelope(const struct secure_header *header, const uint8_t key[SECURE_KEY_BYTES],
	const uint8_t *in, size_t len, uint8_t plain[SECURE_PLAIN_MAX]);
/* The proved peer from now on, whose hello came under the shared key of that index. */
void secure_believe(struct secure_dgram *channel, const struct secure_candidate *who, size_t key_index);
/* No peer any more. */
void secure_disbelieve(struct secure_dgram *channel);
/* Another nonce of ours: whatever was sealed under the old one is worth nothing any more. */
void secure_begin_anew(struct secure_dgram *channel);

/* ---- secure_hello.c ---- */

/* A datagram of kind hello under the shared key of that index. */
enum secure_verdict secure_hello_receive(struct secure_dgram *channel, const struct secure_header *header,
	size_t key_index, const uint8_t *in, size_t len);

#endif
