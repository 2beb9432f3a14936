/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Make text from outside safe to print; see clean_text.h. UTF-8 is RFC 3629's: no surrogates, no long forms.
 */
#include "common/clean_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t clean_text_char(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t len;

	if (p[0] == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool is_control(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	return (len == 1 && (p[0] < 0x20 || p[0] == 0x7f)) || (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

size_t clean_text(char *out, size_t size, const char *in)
{
	size_t n = 0;
	size_t fits = 0; /* the longest prefix that leaves room for "..." */

	for (const char *s = in ? in : ""; *s;) {
		size_t len = clean_text_char(s);
		bool bad = len == 0 || is_control(s, len);
		size_t width = bad ? 1 : len;

		if (n + width >= size) {
			memcpy(out + fits, "...", 4);
			return fits + 3;
		}
		if (bad)
			out[n] = '?';
		else
			memcpy(out + n, s, len);
		n += width;
		s += len ? len : 1;
		if (n + 4 <= size)
			fits = n;
	}
	out[n] = '\0';
	return n;
}
