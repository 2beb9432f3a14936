/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of tokens in a libconfig text: which may follow which, and which bracket closes which. libconfig
 * knows it too, but says no more than "syntax error"; this says what was expected, and it bounds nesting and
 * keys in a group (libconfig looks a duplicate up in quadratic time). Pure.
 */
#ifndef TANDEM_COMMON_CONF_SYNTAX_H
#define TANDEM_COMMON_CONF_SYNTAX_H

#include "common/conf_lex.h"

struct conf_syntax;

struct conf_fault { /* what is wrong and where; the place may be an earlier one than the token's */
	unsigned file, line;
	char text[256];
};

/* NULL: no memory. */
struct conf_syntax *conf_syntax_new(void);
void conf_syntax_free(struct conf_syntax *syntax);

/*
 * Take the next token, of that file (a number of the caller's). 0, or -EINVAL with the fault filled. Token
 * texts must stay where they are until the syntax is freed.
 */
int conf_syntax_step(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault);

#endif
