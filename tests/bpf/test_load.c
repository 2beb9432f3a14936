/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernels ask for that this one may not: a kernel without BTF takes no packet as argument of a global function,
 * one on a processor that must read aligned takes no other access, and one that prunes less looks at more
 * instructions before it gives up at a million.
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "lb_tc.skel.h"

/* What Linux 6.18 counts and a third; 6.1 counts that much too, and no kernel takes more than a million. */
#define INSTRUCTIONS_MAX 370000

static struct lb_tc *skel;

static int open_dataplane(void **state)
{
	skel = lb_tc__open();
	return skel ? 0 : -1;
}

static int close_dataplane(void **state)
{
	lb_tc__destroy(skel);
	return 0;
}

static void it_loads_where_access_must_be_aligned(void **state)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, skel->obj)
	{
		assert_int_equal(
			bpf_program__set_flags(p, bpf_program__flags(p) | BPF_F_STRICT_ALIGNMENT), 0);
	}
	assert_int_equal(lb_tc__load(skel), 0);
}

static void no_global_function_takes_a_pointer(void **state)
{
	struct btf *btf = bpf_object__btf(skel->obj);
	unsigned looked_at = 0;

	assert_non_null(btf);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id), *proto;
		const char *name = btf__name_by_offset(btf, t->name_off);

		/* The entries are global too: the kernel gives them their packet. */
		if (!btf_is_func(t) || btf_vlen(t) != BTF_FUNC_GLOBAL ||
			bpf_object__find_program_by_name(skel->obj, name))
			continue;
		proto = btf__type_by_id(btf, t->type);
		for (unsigned i = 0; i < btf_vlen(proto); i++)
			if (btf_is_ptr(btf__type_by_id(btf, btf_params(proto)[i].type)))
				fail_msg("%s() is global and takes a pointer: make it static", name);
		looked_at++;
	}
	assert_true(looked_at > 10);
}

static void the_verifier_has_room(void **state)
{
	struct bpf_program *p;

	assert_int_equal(lb_tc__load(skel), 0);
	bpf_object__for_each_program(p, skel->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t length = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &length), 0);
		if (info.verified_insns > INSTRUCTIONS_MAX)
			fail_msg("%s: the verifier looked at %u instructions, more than %u",
				bpf_program__name(p), info.verified_insns, INSTRUCTIONS_MAX);
	}
}

#define with_dataplane(test) cmocka_unit_test_setup_teardown(test, open_dataplane, close_dataplane)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_dataplane(it_loads_where_access_must_be_aligned),
		with_dataplane(no_global_function_takes_a_pointer),
		with_dataplane(the_verifier_has_room),
	};

	if (!fixture_enter("bpf_load"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
