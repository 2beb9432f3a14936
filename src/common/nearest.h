/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which known word somebody meant: for "did you mean" in error messages. Pure. */
#ifndef TANDEM_COMMON_NEAREST_H
#define TANDEM_COMMON_NEAREST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) that make b out of a, ignoring case; words longer than
 * 63 bytes are as far from everything as can be (64). */
unsigned nearest_distance(const char *a, const char *b);

/* The one of count words nearest to word, or NULL when none is near enough to be what was meant (more than a
 * third of its letters differ). Ties go to the earlier one. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
