/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a config says: found by name, compared field by field, named, and given back without a leak (the sanitizer's). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_model.h"

static struct vrrp_command command_of(const char *path, const char *argument)
{
	struct vrrp_command command = {.user = "nobody", .timeout_ms = 500};

	command.argv[0] = strdup(path);
	command.argv[1] = strdup(argument);
	return command;
}

/* One of each kind. */
static struct vrrp_track *tracks_of(void)
{
	struct vrrp_track *tracks = calloc(4, sizeof(*tracks));

	assert_non_null(tracks);
	tracks[0] = (struct vrrp_track){.kind = VRRP_TRACK_INTERFACE, .interface = "eth1"};
	tracks[1] = (struct vrrp_track){
		.kind = VRRP_TRACK_SCRIPT, .weight = -20, .interval_ms = 1000, .rise = 2, .fall = 3};
	tracks[1].script = command_of("/usr/lib/x", "-v");
	tracks[2] = (struct vrrp_track){.kind = VRRP_TRACK_FILE, .weight = 1, .file = strdup("/run/x")};
	tracks[3] = (struct vrrp_track){
		.kind = VRRP_TRACK_POOL, .pool = "kv", .interval_ms = 1000, .min_backends = 2};
	return tracks;
}

static void fill_instance(struct vrrp_instance *instance, const char *name)
{
	*instance = (struct vrrp_instance){
		.interface = "eth0",
		.vrid = 51,
		.version = 3,
		.priority = 100,
		.interval_ms = 1000,
		.preempt = true,
		.accept = true,
		.ipv4_count = 2,
		.ipv6_count = 1,
		.peer_count = 2,
		.announce_count = 5,
		.announce_interval_ms = 500,
		.track_count = 4,
	};
	strcpy(instance->name, name);
	instance->addresses = calloc(3, sizeof(*instance->addresses));
	assert_non_null(instance->addresses);
	addr_parse("10.0.1.100", &instance->addresses[0].addr);
	addr_parse("10.0.1.101", &instance->addresses[1].addr);
	addr_parse("fe80::1", &instance->addresses[2].addr);
	instance->addresses[0].prefix = instance->addresses[1].prefix = 24;
	instance->addresses[2].prefix = 64;
	addr_parse("10.0.1.2", &instance->peers[0]);
	addr_parse("10.0.1.3", &instance->peers[1]);
	addr_parse("10.0.1.1", &instance->source_ipv4);
	instance->tracks = tracks_of();
}

/* Two instances, in one group. */
static void fill(struct vrrp_model *model)
{
	memset(model, 0, sizeof(*model));
	model->instances = calloc(2, sizeof(*model->instances));
	model->units = calloc(1, sizeof(*model->units));
	assert_true(model->instances && model->units);
	model->instance_count = 2;
	model->unit_count = 1;
	fill_instance(&model->instances[0], "front");
	fill_instance(&model->instances[1], "back");
	strcpy(model->units[0].name, "edge");
	model->units[0].members = calloc(2, sizeof(*model->units[0].members));
	model->units[0].member_count = 2;
	model->units[0].tracks = tracks_of();
	model->units[0].track_count = 4;
	model->notify = command_of("/usr/lib/notify", "now");
}

static void cleared_it_is_empty(void **state)
{
	static const struct vrrp_model empty;
	struct vrrp_model model;

	fill(&model);
	vrrp_model_clear(&model);
	assert_memory_equal(&model, &empty, sizeof(empty));
	vrrp_model_clear(&model);
}

static void all_words_of_a_command_are_freed(void **state)
{
	struct vrrp_model model = {0};

	for (size_t i = 0; i < VRRP_ARGS_MAX; i++)
		model.notify.argv[i] = strdup("word");
	vrrp_model_clear(&model);
}

static void found_by_name(void **state)
{
	struct vrrp_model model;

	fill(&model);
	assert_int_equal(vrrp_model_find_instance(&model, "front"), 0);
	assert_int_equal(vrrp_model_find_instance(&model, "back"), 1);
	assert_int_equal(vrrp_model_find_instance(&model, "edge"), -1);
	assert_int_equal(vrrp_model_find_instance(&model, ""), -1);
	assert_int_equal(vrrp_model_find_unit(&model, "edge"), 0);
	assert_int_equal(vrrp_model_find_unit(&model, "front"), -1);
	vrrp_model_clear(&model);
	assert_int_equal(vrrp_model_find_instance(&model, "front"), -1);
	assert_int_equal(vrrp_model_find_unit(&model, "edge"), -1);
}

static void commands_compare(void **state)
{
	static char path[] = "/bin/a", same[] = "/bin/a", other[] = "/bin/b", word[] = "x";
	struct vrrp_command a = {.argv = {path, word}, .user = "u", .timeout_ms = 10}, b = a;

	b.argv[0] = same;
	assert_true(vrrp_command_equal(&a, &b));
	b.argv[2] = word;
	assert_false(vrrp_command_equal(&a, &b));
	assert_false(vrrp_command_equal(&b, &a));
	b = a, b.argv[0] = other;
	assert_false(vrrp_command_equal(&a, &b));
	b = a, b.argv[1] = NULL;
	assert_false(vrrp_command_equal(&a, &b));
	b = a, b.user[0] = 'v';
	assert_false(vrrp_command_equal(&a, &b));
	b = a, b.timeout_ms++;
	assert_false(vrrp_command_equal(&a, &b));
	for (size_t i = 0; i < VRRP_ARGS_MAX; i++)
		a.argv[i] = word;
	b = a;
	assert_true(vrrp_command_equal(&a, &b));
	b.argv[VRRP_ARGS_MAX - 1] = other;
	assert_false(vrrp_command_equal(&a, &b));
}

static void tracks_compare(void **state)
{
	static char file[] = "/run/x", same[] = "/run/x", other[] = "/run/y";
	struct vrrp_track a = {.kind = VRRP_TRACK_FILE, .file = file, .pool = "kv"}, b = a;

	b.file = same;
	assert_true(vrrp_track_equal(&a, &b));
#define DIFFERS(change)                                 \
	do {                                            \
		b = a;                                  \
		change;                                 \
		assert_false(vrrp_track_equal(&a, &b)); \
		assert_false(vrrp_track_equal(&b, &a)); \
	} while (0)
	DIFFERS(b.kind = VRRP_TRACK_POOL);
	DIFFERS(b.weight = -1);
	DIFFERS(b.interface[0] = 'e');
	DIFFERS(b.script.timeout_ms = 10);
	DIFFERS(b.script.argv[0] = file);
	DIFFERS(b.interval_ms = 100);
	DIFFERS(b.rise = 2);
	DIFFERS(b.fall = 2);
	DIFFERS(b.file = other);
	DIFFERS(b.file = NULL);
	DIFFERS(b.pool[1] = 'w');
	DIFFERS(b.min_backends = 2);
#undef DIFFERS
}

/* Two that were made alike; each change of one is seen, and taken back. */
static void instances_compare(void **state)
{
	struct vrrp_model model, other;
	struct vrrp_instance *a, *b, was;

	fill(&model);
	fill(&other);
	a = &model.instances[0];
	b = &other.instances[0];
	was = *b;
	assert_true(vrrp_instance_equal(a, b));
	assert_false(vrrp_instance_equal(a, &model.instances[1])); /* the name */
#define DIFFERS(change, back)                            \
	do {                                             \
		change;                                  \
		assert_false(vrrp_instance_equal(a, b)); \
		assert_false(vrrp_instance_equal(b, a)); \
		back;                                    \
		assert_true(vrrp_instance_equal(a, b));  \
	} while (0)
	DIFFERS(b->interface[3] = '1', *b = was);
	DIFFERS(b->vrid++, *b = was);
	DIFFERS(b->version = 2, *b = was);
	DIFFERS(b->priority++, *b = was);
	DIFFERS(b->interval_ms = 100, *b = was);
	DIFFERS(b->preempt = false, *b = was);
	DIFFERS(b->preempt_delay_ms = 1, *b = was);
	DIFFERS(b->accept = false, *b = was);
	DIFFERS(b->virtual_mac = true, *b = was);
	DIFFERS(b->checksum = VRRP_CHECKSUM_RFC9568, *b = was);
	DIFFERS(b->ipv4_count--, *b = was);
	DIFFERS(b->ipv6_count--, *b = was);
	DIFFERS((b->ipv4_count--, b->ipv6_count++), *b = was);
	DIFFERS(b->addresses[2].prefix = 128, b->addresses[2].prefix = 64);
	DIFFERS(b->addresses[1].addr.bytes[3]++, b->addresses[1].addr.bytes[3]--);
	DIFFERS(b->peer_count--, *b = was);
	DIFFERS(b->peers[1].bytes[3]++, *b = was);
	DIFFERS(b->source_ipv4.bytes[3]++, *b = was);
	DIFFERS(b->source_ipv6.family = AF_INET6, *b = was);
	DIFFERS(b->announce_count++, *b = was);
	DIFFERS(b->announce_interval_ms++, *b = was);
	DIFFERS(b->announce_refresh_s++, *b = was);
	DIFFERS(b->track_count--, *b = was);
	DIFFERS(b->tracks[3].min_backends++, b->tracks[3].min_backends--);
	DIFFERS(b->witness.count++, *b = was);
	DIFFERS(b->witness.interval_ms++, *b = was);
	DIFFERS(b->witness.rise++, *b = was);
	DIFFERS(b->witness.fall++, *b = was);
	a->witness.count = was.witness.count = b->witness.count = 1;
	DIFFERS(b->witness.addresses[0].bytes[3]++, *b = was);
#undef DIFFERS
	vrrp_model_clear(&model);
	vrrp_model_clear(&other);
}

/* ---- what two nodes must have alike ---- */

static void swap(struct vrrp_instance *a, struct vrrp_instance *b)
{
	struct vrrp_instance was = *a;

	*a = *b;
	*b = was;
}

static void what_both_nodes_must_have_alike_makes_the_hash(void **state)
{
	struct vrrp_model model;
	struct vrrp_instance *a, was;
	size_t members[] = {0, 1}, one[] = {0};
	struct vrrp_unit_model *unit, unit_was;
	struct vrrp_address first;
	uint32_t hash;

	fill(&model);
	a = &model.instances[0];
	unit = &model.units[0];
	was = *a;
	unit_was = *unit;
	hash = vrrp_model_hash(&model);
#define COUNTS(change)                                               \
	do {                                                         \
		change;                                              \
		assert_int_not_equal(vrrp_model_hash(&model), hash); \
		*a = was;                                            \
		*unit = unit_was;                                    \
		assert_int_equal(vrrp_model_hash(&model), hash);     \
	} while (0)
	COUNTS(a->name[0]++);
	COUNTS(a->vrid++);
	COUNTS(a->version = 2);
	COUNTS(a->interval_ms += 10);
	COUNTS(a->ipv6_count--);
	model.instance_count--;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	model.instance_count++;
	first = a->addresses[0];
	a->addresses[0].prefix--;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	a->addresses[0] = first;
	a->addresses[0].addr.bytes[3]++;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	a->addresses[0] = first;
	/* A node has its own of these. */
	a->priority++;
	a->interface[0]++;
	a->source_ipv4.bytes[3]++;
	a->preempt = !a->preempt;
	assert_int_equal(vrrp_model_hash(&model), hash);
	*a = was;
	/* The order in the file is nothing. */
	a->addresses[0] = a->addresses[1];
	a->addresses[1] = first;
	assert_int_equal(vrrp_model_hash(&model), hash);
	/* A group: its name, its members and their order, for the first one leads. */
	*unit = (struct vrrp_unit_model){
		.name = "g", .is_group = true, .members = members, .member_count = 2};
	hash = vrrp_model_hash(&model);
	unit->name[0] = 'h';
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	unit->name[0] = 'g';
	members[0] = 1;
	members[1] = 0;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	/* The same with the instances in another order in the file. */
	swap(&model.instances[0], &model.instances[1]);
	assert_int_equal(vrrp_model_hash(&model), hash);
	swap(&model.instances[0], &model.instances[1]);
	unit->members = one;
	unit->member_count = 1;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	unit->is_group = false;
	assert_int_not_equal(vrrp_model_hash(&model), hash);
	*unit = unit_was;
	vrrp_model_clear(&model);
}

/* To what unit an instance belongs is the model's business: its index says nothing about the instance. */
static void an_index_is_no_difference(void **state)
{
	struct vrrp_model model, other;

	fill(&model);
	fill(&other);
	other.instances[0].unit = 7;
	assert_true(vrrp_instance_equal(&model.instances[0], &other.instances[0]));
	vrrp_model_clear(&model);
	vrrp_model_clear(&other);
}

static void labels(void **state)
{
	static const char *const want[] = {"interface eth1", "script /usr/lib/x", "file /run/x", "pool kv"};
	struct vrrp_model model;
	struct vrrp_track odd = {.kind = VRRP_TRACK_FILE};
	char buf[160], small[16];

	fill(&model);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(vrrp_track_label(&model.units[0].tracks[i], buf, sizeof(buf)), want[i]);
	assert_string_equal(
		vrrp_track_label(&model.units[0].tracks[1], small, sizeof(small)), "script /usr/...");
	vrrp_model_clear(&model);
	assert_string_equal(vrrp_track_label(&odd, buf, sizeof(buf)), "file ");
	odd.file = (char[]){"/run/\xff\n"};
	assert_string_equal(vrrp_track_label(&odd, buf, sizeof(buf)), "file /run/?\?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleared_it_is_empty),
		cmocka_unit_test(all_words_of_a_command_are_freed),
		cmocka_unit_test(found_by_name),
		cmocka_unit_test(commands_compare),
		cmocka_unit_test(tracks_compare),
		cmocka_unit_test(instances_compare),
		cmocka_unit_test(what_both_nodes_must_have_alike_makes_the_hash),
		cmocka_unit_test(an_index_is_no_difference),
		cmocka_unit_test(labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
