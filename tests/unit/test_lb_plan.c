/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan of a reload: what is kept, comes and goes, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_plan.h"

/* "kv:kv1@10.0.0.1,kv2@10.0.0.2/web:" = two pools; services name a pool and have its number as their address. */
static void make_model(struct lb_model *m, const char *pools, const char *services)
{
	char text[400], *save = NULL;

	memset(m, 0, sizeof(*m));
	m->pools = calloc(8, sizeof(*m->pools));
	m->services = calloc(8, sizeof(*m->services));
	snprintf(text, sizeof(text), "%s", pools);
	for (char *p = strtok_r(text, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		struct lb_pool *pool = &m->pools[m->pool_count++];
		char *colon = strchr(p, ':'), *inner = NULL;

		*colon = '\0';
		snprintf(pool->name, sizeof(pool->name), "%s", p);
		pool->backends = calloc(8, sizeof(*pool->backends));
		for (char *b = strtok_r(colon + 1, ",", &inner); b; b = strtok_r(NULL, ",", &inner)) {
			struct lb_backend *backend = &pool->backends[pool->backend_count++];
			char *at = strchr(b, '@');

			*at = '\0';
			snprintf(backend->name, sizeof(backend->name), "%s", b);
			assert_int_equal(addr_parse(at + 1, &backend->addr), 0);
			backend->port = 80;
			backend->weight = 1;
		}
	}
	snprintf(text, sizeof(text), "%s", services);
	for (char *s = strtok_r(text, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		struct lb_service *service = &m->services[m->service_count++];
		char *at = strchr(s, '@');

		*at = '\0';
		snprintf(service->name, sizeof(service->name), "%s", s);
		assert_int_equal(addr_parse(at + 1, &service->addr), 0);
		service->port = 80;
		service->protocol = LB_TCP;
	}
}

/* The steps as text: "P=kv P+web B+web/w1 T:web S+s P-old". */
static const char *as_text(const struct lb_plan *plan, const struct lb_model *from, const struct lb_model *to)
{
	static char out[1000];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		const struct lb_step *s = &plan->steps[i];
		const char *gap = i ? " " : "";
		char *at = out + used;
		size_t room = sizeof(out) - used;

		switch (s->kind) {
		case LB_STEP_POOL_KEEP:
			snprintf(at, room, "%sP=%s", gap, to->pools[s->to].name);
			break;
		case LB_STEP_POOL_ADD:
			snprintf(at, room, "%sP+%s", gap, to->pools[s->to].name);
			break;
		case LB_STEP_POOL_REMOVE:
			snprintf(at, room, "%sP-%s", gap, from->pools[s->from].name);
			break;
		case LB_STEP_TABLE:
			snprintf(at, room, "%sT:%s", gap, to->pools[s->to].name);
			break;
		case LB_STEP_BACKEND_KEEP:
			snprintf(at, room, "%sB=%s/%s", gap, to->pools[s->to_pool].name,
				to->pools[s->to_pool].backends[s->to].name);
			break;
		case LB_STEP_BACKEND_ADD:
			snprintf(at, room, "%sB+%s/%s", gap, to->pools[s->to_pool].name,
				to->pools[s->to_pool].backends[s->to].name);
			break;
		case LB_STEP_BACKEND_REMOVE:
			snprintf(at, room, "%sB-%s/%s", gap, from->pools[s->from_pool].name,
				from->pools[s->from_pool].backends[s->from].name);
			break;
		case LB_STEP_SERVICE_KEEP:
			snprintf(at, room, "%sS=%s", gap, to->services[s->to].name);
			break;
		case LB_STEP_SERVICE_ADD:
			snprintf(at, room, "%sS+%s", gap, to->services[s->to].name);
			break;
		case LB_STEP_SERVICE_REMOVE:
			snprintf(at, room, "%sS-%s", gap, from->services[s->from].name);
			break;
		}
		used += strlen(at);
	}
	return out;
}

static void expect_plan(const char *from_pools, const char *from_services, const char *to_pools,
	const char *to_services, const char *steps, size_t changed)
{
	struct lb_model from, to;
	struct lb_plan plan;

	make_model(&from, from_pools, from_services);
	make_model(&to, to_pools, to_services);
	assert_int_equal(lb_plan_make(&plan, &from, &to), 0);
	assert_string_equal(as_text(&plan, &from, &to), steps);
	assert_int_equal(plan.changed, changed);
	lb_plan_clear(&plan);
	lb_model_clear(&from);
	lb_model_clear(&to);
}

static void first_start_builds_from_the_ground(void **state)
{
	expect_plan("", "", "kv:a@10.0.0.1,b@10.0.0.2", "s@10.1.0.1", "P+kv B+kv/a B+kv/b T:kv S+s", 0);
}

static void nothing_changed_is_nothing_to_do(void **state)
{
	expect_plan("kv:a@10.0.0.1", "s@10.1.0.1", "kv:a@10.0.0.1", "s@10.1.0.1", "P=kv B=kv/a S=s", 0);
}

static void what_goes_goes_last(void **state)
{
	expect_plan("old:x@10.0.0.9/kv:a@10.0.0.1", "s@10.1.0.1,t@10.1.0.2", "kv:b@10.0.0.2", "u@10.1.0.3",
		"P=kv B+kv/b T:kv S+u S-s S-t B-kv/a B-old/x P-old", 0);
}

static void a_renamed_service_is_the_same(void **state)
{
	expect_plan("kv:", "s@10.1.0.1", "kv:", "renamed@10.1.0.1", "P=kv S=renamed", 1);
}

static void a_backend_that_moved_is_another(void **state)
{
	expect_plan("kv:a@10.0.0.1", "", "kv:a@10.0.0.2", "", "P=kv B+kv/a T:kv B-kv/a", 0);
}

static void a_changed_weight_builds_its_pools_table_only(void **state)
{
	struct lb_model from, to;
	struct lb_plan plan;

	make_model(&from, "kv:a@10.0.0.1/web:w@10.0.0.2", "");
	make_model(&to, "kv:a@10.0.0.1/web:w@10.0.0.2", "");
	to.pools[1].backends[0].weight = 5;
	assert_int_equal(lb_plan_make(&plan, &from, &to), 0);
	assert_string_equal(as_text(&plan, &from, &to), "P=kv P=web B=kv/a B=web/w T:web");
	assert_int_equal(plan.changed, 1);
	lb_plan_clear(&plan);

	to.pools[1].backends[0].weight = 1;
	to.pools[0].scheduler = LB_MH;
	assert_int_equal(lb_plan_make(&plan, &from, &to), 0);
	assert_string_equal(as_text(&plan, &from, &to), "P=kv P=web B=kv/a B=web/w T:kv");
	lb_plan_clear(&plan);
	lb_model_clear(&from);
	lb_model_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_start_builds_from_the_ground),
		cmocka_unit_test(nothing_changed_is_nothing_to_do),
		cmocka_unit_test(what_goes_goes_last),
		cmocka_unit_test(a_renamed_service_is_the_same),
		cmocka_unit_test(a_backend_that_moved_is_another),
		cmocka_unit_test(a_changed_weight_builds_its_pools_table_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
