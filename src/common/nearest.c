/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edit distance with swaps (optimal string alignment) on short words; see nearest.h. */
#include "common/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 63

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned nearest_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][WORD_MAX + 1]; /* the row before the last, the last, this one */
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX + 1;
	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		int ca = tolower((unsigned char)a[i - 1]);

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			int cb = tolower((unsigned char)b[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
				cb == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}

		unsigned *spare = before;

		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
	size_t letters = strlen(word);
	const char *best = NULL;
	unsigned best_distance = 0;

	for (size_t i = 0; i < count; i++) {
		size_t longest = strlen(words[i]) > letters ? strlen(words[i]) : letters;
		unsigned distance = nearest_distance(word, words[i]);

		if (distance > (longest + 2) / 3 || distance >= longest)
			continue;
		if (!best || distance < best_distance) {
			best = words[i];
			best_distance = distance;
		}
	}
	return best;
}
