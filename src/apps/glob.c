/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Glob patterns over bytes; see glob.h. */
#include "apps/glob.h"

/* Match c against the set at pattern[*p] (behind its '['); moves *p behind the set. */
static bool match_set(const uint8_t *pattern, size_t len, size_t *p, uint8_t c)
{
	bool negate = *p < len && pattern[*p] == '^', found = false;

	*p += negate;
	while (*p < len && pattern[*p] != ']') {
		if (pattern[*p] == '\\' && *p + 1 < len)
			++*p;
		uint8_t low = pattern[(*p)++], high = low;

		if (*p + 1 < len && pattern[*p] == '-' && pattern[*p + 1] != ']') {
			high = pattern[*p + 1];
			*p += 2;
		}
		if (low > high) {
			uint8_t swap = low;

			low = high;
			high = swap;
		}
		found = found || (c >= low && c <= high);
	}
	if (*p < len)
		++*p;
	return found != negate;
}

/* Match one byte against the element at pattern[*p], which is no star; moves *p behind the element. */
static bool match_one(const uint8_t *pattern, size_t len, size_t *p, uint8_t c)
{
	uint8_t element = pattern[(*p)++];

	if (element == '?')
		return true;
	if (element == '[')
		return match_set(pattern, len, p, c);
	if (element == '\\' && *p < len)
		element = pattern[(*p)++];
	return element == c;
}

bool glob_match(const uint8_t *pattern, size_t pattern_len, const uint8_t *text, size_t text_len)
{
	size_t p = 0, t = 0, star = 0,
	       mark = 0; /* star: behind the last star; mark: where its tail was tried */
	bool have_star = false;

	while (t < text_len) {
		if (p < pattern_len && pattern[p] == '*') {
			have_star = true;
			star = ++p;
			mark = t;
			continue;
		}
		if (p < pattern_len && match_one(pattern, pattern_len, &p, text[t])) {
			t++;
			continue;
		}
		if (!have_star)
			return false;
		p = star; /* the star takes one byte more */
		t = ++mark;
	}
	while (p < pattern_len && pattern[p] == '*')
		p++;
	return p == pattern_len;
}
