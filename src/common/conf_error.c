/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collection of config errors. See conf_error.h.
 */
#include "common/conf_error.h"

#include <stdarg.h>

#include "common/clean_text.h"

void conf_errors_init(struct conf_errors *errors)
{
	errors->count = 0;
	errors->shown = 0;
}

int conf_errors_full(const struct conf_errors *errors)
{
	return errors->shown == CONF_ERRORS_MAX;
}

void conf_errors_add(struct conf_errors *errors, unsigned position, const char *fmt, ...)
{
	char text[CONF_ERROR_TEXT];
	struct conf_error *e;
	va_list args;

	errors->count++;
	if (conf_errors_full(errors))
		return;
	e = &errors->error[errors->shown++];
	e->position = position;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* The text quotes the file: an escape sequence in it must not reach a terminal. */
	clean_text(e->text, sizeof(e->text), text);
}

void conf_errors_sort(struct conf_errors *errors)
{
	for (size_t i = 1; i < errors->shown; i++) {
		struct conf_error e = errors->error[i];
		size_t at = i;

		while (at > 0 && errors->error[at - 1].position > e.position) {
			errors->error[at] = errors->error[at - 1];
			at--;
		}
		errors->error[at] = e;
	}
}

void conf_errors_write(const struct conf_errors *errors, FILE *out, const char *prefix)
{
	for (size_t i = 0; i < errors->shown; i++)
		fprintf(out, "%s%s\n", prefix, errors->error[i].text);
	if (errors->count > errors->shown)
		fprintf(out, "%s%zu more errors are not shown; correct these first\n", prefix,
			errors->count - errors->shown);
}
