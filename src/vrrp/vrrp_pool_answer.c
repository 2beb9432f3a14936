/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See vrrp_pool_answer.h. Pure. */
#include "vrrp/vrrp_pool_answer.h"

#include <stdio.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/ctl_message.h"

static void refused(struct vrrp_pool_answer *out, const char *why)
{
	out->kind = VRRP_POOL_REFUSED;
	clean_text(out->why, sizeof(out->why), why[0] ? why : "it refuses, without a reason");
}

/* Tell "there is no such pool", which is an answer, from "busy" and the like, which is none. */
static void read_error(const char *error, const char *pool, struct vrrp_pool_answer *out)
{
	char missing[96];

	snprintf(missing, sizeof(missing), "no pool '%s'", pool);
	if (!strncmp(error, missing, strlen(missing)))
		out->kind = VRRP_POOL_MISSING;
	else
		refused(out, error);
}

static void count(const json_t *rows, const char *pool, struct vrrp_pool_answer *out)
{
	const json_t *row;
	size_t i;

	if (!json_is_array(rows)) {
		refused(out, "the reply is no list of backends");
		return;
	}
	json_array_foreach(rows, i, row)
	{
		const char *of = json_string_value(json_object_get(row, "pool"));
		const char *state = json_string_value(json_object_get(row, "state"));
		const char *admin = json_string_value(json_object_get(row, "admin"));

		if (!of || !state || !admin || strcmp(of, pool)) {
			refused(out, "the reply has a row that is no backend of this pool");
			return;
		}
		out->total++;
		out->up += !strcmp(state, "up") && strcmp(admin, "disabled");
	}
	out->kind = VRRP_POOL_COUNTED;
}

void vrrp_pool_answer_read(const uint8_t *body, size_t len, const char *pool, struct vrrp_pool_answer *out)
{
	char error[200];
	json_t *reply = ctl_reply_parse(body, len, error, sizeof(error));

	memset(out, 0, sizeof(*out));
	if (!reply)
		refused(out, error);
	else if (json_is_true(json_object_get(reply, "ok")))
		count(json_object_get(reply, "data"), pool, out);
	else
		read_error(json_string_value(json_object_get(reply, "error")), pool, out);
	json_decref(reply);
}
