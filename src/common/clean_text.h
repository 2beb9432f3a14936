/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from outside (a peer's answer, a daemon's reply) made fit for one line on a terminal and in JSON:
 * valid UTF-8 without control characters. Pure.
 */
#ifndef TANDEM_COMMON_CLEAN_TEXT_H
#define TANDEM_COMMON_CLEAN_TEXT_H

#include <stddef.h>

/* Copy in (NULL is "") into out, at most size bytes with the NUL, size >= 4. Each byte that is not UTF-8 and
 * each control character (C0, DEL, C1) becomes '?'. What does not fit is cut at a character and ends in
 * "...". Returns the length written. */
size_t clean_text(char *out, size_t size, const char *in);

/* Bytes of the valid UTF-8 character at s, 1..4; 0 when there is none (the NUL counts as none). */
size_t clean_text_char(const char *s);

#endif
