/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Glob patterns over bytes, as the KEYS command has them: * ? [a-z] [^x] and backslash. */
#ifndef TANDEM_APPS_GLOB_H
#define TANDEM_APPS_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the whole text matches. Time is bounded by pattern_len x text_len, with no recursion; an unclosed
 * '[' runs to the pattern's end. */
bool glob_match(const uint8_t *pattern, size_t pattern_len, const uint8_t *text, size_t text_len);

#endif
