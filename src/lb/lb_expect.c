/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_expect.h"

#include <stdio.h>
#include <string.h>

#include "lb/lb_model.h"

/* border[i]: length of the longest proper prefix of the pattern that also ends its first i + 1 bytes. */
static void find_borders(const uint8_t *pattern, size_t len, uint16_t *border)
{
	uint16_t k = 0;

	border[0] = 0;
	for (size_t i = 1; i < len; i++) {
		while (k > 0 && pattern[i] != pattern[k])
			k = border[k - 1];
		if (pattern[i] == pattern[k])
			k++;
		border[i] = k;
	}
}

static void keep_head(struct lb_expect *expect, const uint8_t *buf, size_t len)
{
	size_t room = LB_EXPECT_HEAD_MAX - expect->head_len;
	size_t take = len < room ? len : room;

	if (!take)
		return;
	memcpy(expect->head + expect->head_len, buf, take);
	expect->head_len = (uint8_t)(expect->head_len + take);
}

/*
 * Knuth, Morris and Pratt. The borders are found anew for each piece, on the stack: a thousand probes then
 * share no table and own none, for about a microsecond a piece with the longest pattern.
 */
enum lb_expect_result lb_expect_feed(
	struct lb_expect *expect, const uint8_t *pattern, size_t pattern_len, const uint8_t *buf, size_t len)
{
	uint16_t border[LB_CHECK_TEXT_MAX];
	size_t room = LB_EXPECT_REPLY_MAX - expect->seen;
	uint16_t k = expect->matched;

	if (pattern_len == 0)
		return LB_EXPECT_FOUND;
	if (pattern_len > LB_CHECK_TEXT_MAX)
		return LB_EXPECT_LIMIT;
	if (len > room)
		len = room;
	keep_head(expect, buf, len);
	find_borders(pattern, pattern_len, border);
	for (size_t i = 0; i < len; i++) {
		while (k > 0 && buf[i] != pattern[k])
			k = border[k - 1];
		if (buf[i] == pattern[k] && ++k == pattern_len)
			return LB_EXPECT_FOUND;
	}
	expect->matched = k;
	expect->seen += (uint32_t)len;
	return expect->seen >= LB_EXPECT_REPLY_MAX ? LB_EXPECT_LIMIT : LB_EXPECT_MORE;
}

/* One byte as text into piece (5 bytes); returns its length. */
static size_t escape_byte(uint8_t byte, char *piece)
{
	static const char plain[] = "\r\n\t\\\"", letter[] = "rnt\\\"";
	const char *at = byte ? strchr(plain, byte) : NULL;

	if (at)
		return (size_t)snprintf(piece, 5, "\\%c", letter[at - plain]);
	if (byte >= 0x20 && byte < 0x7f)
		return (size_t)snprintf(piece, 5, "%c", byte);
	return (size_t)snprintf(piece, 5, "\\x%02x", byte);
}

char *lb_expect_quote(const uint8_t *bytes, size_t len, size_t max, char *out, size_t size)
{
	size_t used = 0, i = 0;

	out[used++] = '"';
	for (; i < len && i < max; i++) {
		char piece[5];
		size_t n = escape_byte(bytes[i], piece);

		if (used + n + sizeof("\"...") > size)
			break;
		memcpy(out + used, piece, n);
		used += n;
	}
	snprintf(out + used, size - used, i < len ? "\"..." : "\"");
	return out;
}
