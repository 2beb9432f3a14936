/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tokens of a libconfig text. libconfig's own scanner lets some mistakes pass in silence (an integer that
 * does not fit wraps around, \x00 vanishes from a string, an open comment eats the rest) and ends the process
 * when an @include names a directory; so tandem reads the tokens itself, refuses those, and hands
 * libconfig a clean text. Pure: (buf, len) in, tokens out.
 */
#ifndef TANDEM_COMMON_CONF_LEX_H
#define TANDEM_COMMON_CONF_LEX_H

#include <stddef.h>

enum conf_token_type {
	CONF_TOKEN_END,
	CONF_TOKEN_NAME,
	CONF_TOKEN_STRING, /* with its quotes */
	CONF_TOKEN_NUMBER,
	CONF_TOKEN_BOOL,
	CONF_TOKEN_MARK,    /* one of = : ; , { } ( ) [ ] */
	CONF_TOKEN_INCLUDE, /* text is the file name, without quotes */
	CONF_TOKEN_ERROR,   /* the lexer's error says why; there is nothing after it */
};

struct conf_token {
	enum conf_token_type type;
	const char *text; /* in the text that is read, not terminated */
	size_t len;
	unsigned line; /* where it begins, from 1 */
};

struct conf_lex {
	const char *next, *end;
	unsigned line;
	char error[160]; /* what is wrong and what would do, when a token is CONF_TOKEN_ERROR */
};

void conf_lex_init(struct conf_lex *lex, const char *buf, size_t len);
struct conf_token conf_lex_next(struct conf_lex *lex);

/* The longest that conf_lex_clean() makes of a token of len bytes. */
size_t conf_lex_clean_max(size_t len);

/*
 * Write a token so that libconfig reads what the author meant: integers in decimal with an L where they need
 * 64 bits, floats normalised, backslashes that libconfig does not know doubled and \x00 as \\0 (so both
 * reach the schema). Returns the length (no NUL is written), or -ERANGE for a number that fits no type.
 */
long conf_lex_clean(const struct conf_token *token, char *out);

#endif
