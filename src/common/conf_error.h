/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a config file: a bounded collection of one-line errors "FILE:LINE: what, where, what
 * would do", so that one pass shows all mistakes. Knows no syntax and no schema.
 */
#ifndef TANDEM_COMMON_CONF_ERROR_H
#define TANDEM_COMMON_CONF_ERROR_H

#include <stddef.h>
#include <stdio.h>

#define CONF_ERRORS_MAX 20   /* errors that are kept; the rest is counted */
#define CONF_ERROR_TEXT 1024 /* bytes of one, NUL counted; longer ones are cut */

struct conf_error {
	unsigned position; /* where in the text, for the order; 0 = the file as a whole */
	char text[CONF_ERROR_TEXT];
};

struct conf_errors {
	size_t count; /* errors found */
	size_t shown; /* of these, in error[] */
	struct conf_error error[CONF_ERRORS_MAX];
};

void conf_errors_init(struct conf_errors *errors);

/* Add one line, without a line break at its end. What is no printable UTF-8 becomes '?'. */
void conf_errors_add(struct conf_errors *errors, unsigned position, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* True when a further error would only be counted: its text need not be made. */
int conf_errors_full(const struct conf_errors *errors);

/* Order the kept errors by position; equal ones keep the order they came in. */
void conf_errors_sort(struct conf_errors *errors);

/* Print one error a line, each after prefix (may be ""), and at the end how many were not kept. */
void conf_errors_write(const struct conf_errors *errors, FILE *out, const char *prefix);

#endif
