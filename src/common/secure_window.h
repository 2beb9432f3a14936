/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the newest sequence numbers came already (RFC 6479): a ring of bits that moves with the highest. Pure. Ask
 * before the tag is checked, mark only after it was right: a forged number moves nothing.
 */
#ifndef TANDEM_COMMON_SECURE_WINDOW_H
#define TANDEM_COMMON_SECURE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define SECURE_WINDOW_WORDS 32
#define SECURE_WINDOW       (SECURE_WINDOW_WORDS * 64 - 64) /* numbers; one word is in the making */

struct secure_window {
	uint64_t highest; /* that came; 0: none. Senders count from 1 */
	uint64_t seen[SECURE_WINDOW_WORDS];
};

/* Is it new: neither seen nor older than what is remembered? */
static inline bool secure_window_is_new(const struct secure_window *window, uint64_t sequence)
{
	if (sequence > window->highest)
		return true;
	if (sequence == 0 || window->highest - sequence >= SECURE_WINDOW)
		return false;
	return !(window->seen[sequence / 64 % SECURE_WINDOW_WORDS] >> sequence % 64 & 1);
}

/* Only for one that is new. */
static inline void secure_window_mark(struct secure_window *window, uint64_t sequence)
{
	if (sequence > window->highest) {
		uint64_t from = window->highest / 64, words = sequence / 64 - from;

		for (uint64_t i = 1; i <= words && i <= SECURE_WINDOW_WORDS; i++)
			window->seen[(from + i) % SECURE_WINDOW_WORDS] = 0;
		window->highest = sequence;
	}
	window->seen[sequence / 64 % SECURE_WINDOW_WORDS] |= UINT64_C(1) << sequence % 64;
}

#endif
