/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to both daemons; see each.h. */
#include "ctl/each.h"

#include <errno.h>
#include <string.h>

const char *const each_names[EACH_COUNT] = {"lb", "vrrp"};

#define ABSENT "absent" /* in args: an array of names */

bool each_is_chosen(const json_t *args, enum each_daemon daemon)
{
	const char *only = json_string_value(json_object_get(args, "daemon"));

	return !only || strcmp(only, each_names[daemon]) == 0;
}

bool each_is_absent(const json_t *args, enum each_daemon daemon)
{
	const json_t *absent = json_object_get(args, ABSENT);

	for (size_t i = 0; i < json_array_size(absent); i++)
		if (strcmp(json_string_value(json_array_get(absent, i)), each_names[daemon]) == 0)
			return true;
	return false;
}

/* 0, or -errno with a line in error; -ENOENT whenever it does not run. */
static int open_one(struct each *each, enum each_daemon d, const struct context *context,
	enum ctl_access access, char *error, size_t size)
{
	int rc = ctl_client_open(
		&each->client[d], context->rundir, each_names[d], access, CTL_CLIENT_TIMEOUT_MS, error, size);

	return rc == -ECONNREFUSED || rc == -ENOTDIR ? -ENOENT : rc;
}

unsigned each_open(
	struct each *each, const struct context *context, const struct subcommand *command, json_t *args)
{
	json_t *absent = json_array();
	unsigned chosen = 0, opened = 0;
	char error[1024];

	*each = (struct each){.status = EXIT_DONE};
	for (enum each_daemon d = 0; d < EACH_COUNT; d++) {
		if (!each_is_chosen(args, d))
			continue;
		chosen++;

		int rc = open_one(each, d, context, command->access, error, sizeof(error));

		opened += rc == 0;
		if (rc == -ENOENT) {
			json_array_append_new(absent, json_string(each_names[d]));
		} else if (rc < 0) {
			fprintf(stderr, "tandemctl: %s\n", error);
			each->status = EXIT_REFUSED;
		}
	}
	if (json_array_size(absent) == chosen) {
		each->status = EXIT_REFUSED;
		if (chosen == 1)
			fprintf(stderr, "tandemctl: %s\n", error);
		else
			fprintf(stderr,
				"tandemctl: neither tandem-lb nor tandem-vrrp is running in %s: start them with "
				"'systemctl start tandem-lb tandem-vrrp' or with -c FILE, or name their run "
				"directory with -r\n",
				context->rundir);
	}
	json_object_set_new(args, ABSENT, absent);
	return opened;
}

json_t *each_call(struct each *each, enum each_daemon daemon, const char *command, const json_t *args)
{
	struct ctl_client *client = each->client[daemon];
	json_t *request, *data;
	char error[1024];

	if (!client)
		return NULL;
	request = json_copy((json_t *)args);
	json_object_del(request, ABSENT);
	json_object_del(request, "daemon");
	data = ctl_client_call(client, command, request, error, sizeof(error));
	json_decref(request);
	if (data)
		return data;
	each->status = EXIT_REFUSED;
	/* Where both were asked, a refusal has to say whose it is; why there was no answer says so already. */
	if (each->client[!daemon] && strncmp(error, "tandem-", 7) != 0)
		fprintf(stderr, "tandemctl: tandem-%s: %s\n", each_names[daemon], error);
	else
		fprintf(stderr, "tandemctl: %s\n", error);
	return NULL;
}

void each_close(struct each *each)
{
	for (enum each_daemon d = 0; d < EACH_COUNT; d++)
		ctl_client_close(each->client[d]);
}

void each_mark(json_t *rows, enum each_daemon daemon)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		json_object_set_new(json_array_get(rows, i), "daemon", json_string(each_names[daemon]));
}

json_t *each_join(json_t *data[EACH_COUNT])
{
	json_t *lb = data[EACH_LB], *vrrp = data[EACH_VRRP];

	if (!vrrp)
		return lb;
	if (json_is_array(vrrp)) {
		each_mark(vrrp, EACH_VRRP);
		if (!lb)
			return vrrp;
		each_mark(lb, EACH_LB);
		json_array_extend(lb, vrrp);
		json_decref(vrrp);
		return lb;
	}
	if (!lb)
		lb = json_object();
	json_object_set_new(lb, "vrrp", vrrp);
	return lb;
}

int each_show(const struct context *context, const struct subcommand *command, json_t *args)
{
	json_t *data[EACH_COUNT], *joined;
	struct each each;

	each_open(&each, context, command, args);
	for (enum each_daemon d = 0; d < EACH_COUNT; d++)
		data[d] = each_call(&each, d, command->name, args);
	each_close(&each);
	joined = each_join(data);
	if (joined)
		context->output.format->reply(&context->output, command, args, joined);
	json_decref(joined);
	return each.status;
}
