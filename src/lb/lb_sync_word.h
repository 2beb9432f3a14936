/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands before every datagram of connection sync, inside the seal: who sends it and for whom. A session's bytes follow
 * it, or a sign of life. A boot id is drawn when sync is opened, so the two name the pair of processes that talk. Pure.
 *
 * Wire, network byte order: version 1 | kind | 0 0 | sender's boot 8 | receiver's boot 8 (0: not known); then of a sign:
 * config hash 4 | ms since the sender heard the receiver by this path 4 (all ones: never). A later version may append.
 */
#ifndef TANDEM_LB_LB_SYNC_WORD_H
#define TANDEM_LB_LB_SYNC_WORD_H

#include <stddef.h>
#include <stdint.h>

#define LB_SYNC_WORD_BYTES 20
#define LB_SYNC_SIGN_BYTES (LB_SYNC_WORD_BYTES + 8)
#define LB_SYNC_NEVER_MS   UINT32_MAX

enum lb_sync_kind { LB_SYNC_SESSION = 1, LB_SYNC_SIGN };

struct lb_sync_word {
	enum lb_sync_kind kind;
	uint64_t boot;                  /* the sender's, never 0 */
	uint64_t to;                    /* the receiver's, as far as the sender knows; 0: not */
	uint32_t config_hash, heard_ms; /* of a sign */
};

/* Into out, LB_SYNC_SIGN_BYTES at least; its length. */
size_t lb_sync_word_write(const struct lb_sync_word *word, uint8_t *out);

/* 0, and the bytes that follow begin at LB_SYNC_WORD_BYTES; -EBADMSG: too short, another version, a kind that is none. */
int lb_sync_word_read(struct lb_sync_word *word, const uint8_t *bytes, size_t len);

#endif
