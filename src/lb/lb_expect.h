/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a reply contain the bytes a health check waits for? Reads a stream in pieces of any size, keeps
 * nothing of it but its first bytes for the error message, and stops at a limit. What comes in is a
 * stranger's: nothing here allocates, trusts a length or a NUL, or copies raw bytes into text.
 * Pure: no I/O. The pattern is the caller's and stays the same from start to end.
 */
#ifndef TANDEM_LB_LB_EXPECT_H
#define TANDEM_LB_LB_EXPECT_H

#include <stddef.h>
#include <stdint.h>

#define LB_EXPECT_REPLY_MAX 65536 /* bytes of a reply that are looked at */
#define LB_EXPECT_HEAD_MAX  48    /* bytes kept for the message */

enum lb_expect_result {
	LB_EXPECT_MORE,  /* not there yet */
	LB_EXPECT_FOUND, /* the reply contains the pattern */
	LB_EXPECT_LIMIT, /* LB_EXPECT_REPLY_MAX bytes, and it is not in them */
};

/* All zero is the start of a reply. */
struct lb_expect {
	uint32_t seen;    /* bytes looked at */
	uint16_t matched; /* bytes of the pattern that the end of the stream spells */
	uint8_t head_len;
	uint8_t head[LB_EXPECT_HEAD_MAX];
};

/*
 * Look at the next len bytes of the reply. pattern_len is 1..LB_CHECK_TEXT_MAX; an empty one is found at
 * once, a longer one never. After FOUND or LIMIT start again with a zeroed struct. Linear in len +
 * pattern_len.
 */
enum lb_expect_result lb_expect_feed(
	struct lb_expect *expect, const uint8_t *pattern, size_t pattern_len, const uint8_t *buf, size_t len);

/*
 * Write "bytes" in double quotes, printable ASCII as it is and the rest as \r \n \t \\ \" or \xNN; what does
 * not fit, and anything after max bytes, becomes "..." after the closing quote. Always ends with a NUL; size
 * at least 8. Returns out.
 */
char *lb_expect_quote(const uint8_t *bytes, size_t len, size_t max, char *out, size_t size);

#endif
