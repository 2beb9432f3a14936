/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer_harness.h"

#include <sys/stat.h>
#include <unistd.h>

struct end a = {.name = "a", .other = "b"}, b = {.name = "b", .other = "a", .reversed = true};
struct vrrp_timers *timers;
char a_keys[64], b_keys[64];

static char dir[] = "/tmp/tandem-test-XXXXXX";
static const char *const pairs[][2] = {{"127.0.0.2", "127.0.0.3"}, {"fd0a::1", "fd0a::2"}};

/* ---- the ends ---- */

const char *unit_name(size_t i)
{
	static char name[24];

	snprintf(name, sizeof(name), "u%zu", i);
	return name;
}

static bool on_unit(void *data, size_t i, struct vrrp_beacon_unit *out)
{
	const struct end *end = data;

	if (i >= end->units)
		return false;
	*out = (struct vrrp_beacon_unit){.name_hash = vrrp_beacon_hash(unit_name(i)),
		.state = (uint8_t)end->state,
		.priority = (uint8_t)(i + 1),
		.lan_well = true,
		.heard_ms = UINT32_MAX};
	return true;
}

static void on_heard(void *data)
{
	((struct end *)data)->heard++;
}

static void on_tell(void *data, const char *event, const char *cause)
{
	struct end *end = data;
	size_t len = strlen(end->told);

	snprintf(end->told + len, sizeof(end->told) - len, "%s; ", event);
	end->told_at = vrrp_now();
	end->heard_when_told = end->heard;
}

static enum vrrp_table on_table(void *data)
{
	return VRRP_TABLE_BEHIND;
}

const struct vrrp_peer_ops peer_ops = {
	.unit = on_unit, .table = on_table, .heard = on_heard, .tell = on_tell};

void write_keys(const char *path, const char *numbers)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	for (; *numbers; numbers++) {
		for (int i = 0; i < 64; i++)
			fputc(*numbers, file);
		fputc('\n', file);
	}
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
}

struct conf_peer model_of(const struct end *end, size_t paths, uint32_t interval_ms)
{
	struct conf_peer model = {.configured = true,
		.key_file = end->reversed ? b_keys : a_keys,
		.port = PORT,
		.beacon_interval_ms = interval_ms,
		.beacon_timeout_ms = 4 * interval_ms,
		.path_count = paths};

	snprintf(model.node, sizeof(model.node), "%s", end->other);
	for (size_t i = 0; i < paths; i++) {
		model.local[i] = addr_of(pairs[i][end->reversed]);
		model.remote[i] = addr_of(pairs[i][!end->reversed]);
	}
	return model;
}

void begin(struct end *end, uint32_t interval_ms)
{
	struct conf_peer model = model_of(end, 2, interval_ms);
	char error[256] = "";

	end->told[0] = 0;
	end->heard = 0;
	if (vrrp_peer_open(&end->peer, loop, timers, &model, end->name, &peer_ops, end, error, sizeof(error)))
		fail_msg("%s", error);
}

void stop(struct end *end)
{
	vrrp_peer_close(end->peer);
	end->peer = NULL;
	end->units = 0;
	end->state = VRRP_BACKUP;
}

int stop_both(void **state)
{
	stop(&a);
	stop(&b);
	write_keys(a_keys, "1");
	write_keys(b_keys, "1");
	sh("nft flush ruleset");
	return 0;
}

bool is_fresh(const struct end *end)
{
	return vrrp_said_is_fresh(vrrp_peer_said(end->peer), vrrp_now());
}

bool is_up(const struct end *end, size_t i)
{
	struct vrrp_peer_path path;

	vrrp_peer_path(end->peer, i, &path);
	return path.up;
}

bool all_up(void *data)
{
	return is_up(&a, 0) && is_up(&a, 1) && is_up(&b, 0) && is_up(&b, 1);
}

void begin_both(void)
{
	begin(&a, INTERVAL);
	begin(&b, INTERVAL);
	until(all_up, NULL);
}

void begin_slow(void)
{
	begin(&a, 3000);
	begin(&b, 3000);
	run_for(.2); /* for hellos */
	vrrp_peer_speak(a.peer);
	vrrp_peer_speak(b.peer);
	until(all_up, NULL);
}

bool a_was_told(void *event)
{
	return strstr(a.told, event) != NULL;
}

enum vrrp_said_of word(const struct end *end, size_t unit, struct vrrp_beacon_unit *out)
{
	int64_t heard_at;

	return vrrp_said_unit(
		vrrp_peer_said(end->peer), vrrp_beacon_hash(unit_name(unit)), vrrp_now(), out, &heard_at);
}

uint64_t verdicts(const struct end *end, size_t path, enum secure_verdict verdict)
{
	struct vrrp_peer_path status;

	vrrp_peer_path(end->peer, path, &status);
	return status.secure.verdicts[verdict];
}

/* ---- of the group ---- */

int set_up(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(a_keys, sizeof(a_keys), "%s/keys", dir);
	snprintf(b_keys, sizeof(b_keys), "%s/more", dir);
	write_keys(a_keys, "1");
	write_keys(b_keys, "1");
	sh("ip addr add fd0a::1/128 dev lo nodad && ip addr add fd0a::2/128 dev lo nodad");
	a.state = b.state = VRRP_BACKUP;
	return vrrp_timers_open(&timers, loop);
}

int tear_down(void **state)
{
	vrrp_timers_close(timers);
	unlink(a_keys);
	unlink(b_keys);
	rmdir(dir);
	return 0;
}
