/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Escapes to bytes; see lb_escape.h. */
#include "lb/lb_escape.h"

#include <errno.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte of the escape after a backslash, and how many characters it took; -1: none. */
static int one_escape(const char *after, size_t *taken)
{
	*taken = 1;
	switch (after[0]) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return '\0';
	case '\\':
		return '\\';
	case 'x':
		if (hex_digit(after[1]) < 0 || hex_digit(after[2]) < 0)
			return -1;
		*taken = 3;
		return hex_digit(after[1]) << 4 | hex_digit(after[2]);
	default:
		return -1;
	}
}

long lb_unescape(const char *text, uint8_t *out, const char **bad)
{
	uint8_t *to = out;

	while (*text) {
		size_t taken;
		int byte;

		if (*text != '\\') {
			*to++ = (uint8_t)*text++;
			continue;
		}
		byte = one_escape(text + 1, &taken);
		if (byte < 0) {
			*bad = text;
			return -EINVAL;
		}
		*to++ = (uint8_t)byte;
		text += 1 + taken;
	}
	return to - out;
}
