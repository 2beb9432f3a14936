/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See vrrp_conf_harness.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vrrp_conf_harness.h"

void check_rows_as(const char *node, const struct row *rows, size_t count)
{
	static struct conf_errors errors;
	static const struct vrrp_model empty;

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct vrrp_model model;
		size_t lines = 0;
		int err;

		while (lines < LINES_MAX && row->lines[lines])
			lines++;
		err = vrrp_conf_load_memory("t", row->text, strlen(row->text), node, &model, &errors);
		for (size_t j = 0; j < errors.shown || j < lines; j++) {
			const char *got = j < errors.shown ? errors.error[j].text : "(no more lines)";
			const char *want = j < lines ? row->lines[j] : "(no more lines)";

			if (strcmp(got, want))
				fail_msg("row %zu:\n%s\ngave  %s\nwants %s", i, row->text, got, want);
		}
		assert_int_equal(errors.count, lines);
		assert_int_equal(err, lines ? -EINVAL : 0);
		if (err)
			assert_memory_equal(&model, &empty, sizeof(model));
		vrrp_model_clear(&model);
	}
}

void check_rows(const struct row *rows, size_t count)
{
	check_rows_as(NULL, rows, count);
}

struct vrrp_model good(const char *text, const char *node)
{
	static struct conf_errors errors;
	struct vrrp_model model;

	if (vrrp_conf_load_memory("t", text, strlen(text), node, &model, &errors))
		fail_msg("%s\ngave %s", text, errors.shown ? errors.error[0].text : "no error");
	assert_int_equal(errors.count, 0);
	return model;
}
