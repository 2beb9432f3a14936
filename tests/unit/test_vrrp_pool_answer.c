/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tandem-lb answers about a pool, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_pool_answer.h"

static struct vrrp_pool_answer answer;

static void read_body(const char *body)
{
	size_t len = strlen(body);
	uint8_t *copy =
		malloc(len ? len : 1); /* its very size, so that the sanitizer sees one byte too many */

	memcpy(copy, body, len);
	vrrp_pool_answer_read(copy, len, "kv", &answer);
	free(copy);
}

static void counts(const char *body, unsigned up, unsigned total)
{
	read_body(body);
	assert_int_equal(answer.kind, VRRP_POOL_COUNTED);
	assert_int_equal(answer.up, up);
	assert_int_equal(answer.total, total);
}

static void refuses(const char *body, const char *why)
{
	read_body(body);
	assert_int_equal(answer.kind, VRRP_POOL_REFUSED);
	if (!strstr(answer.why, why))
		fail_msg("'%s' does not say '%s'", answer.why, why);
	assert_null(strchr(answer.why, '\n'));
}

static void test_backends_are_counted(void **state)
{
	counts("{\"ok\":true,\"data\":[]}", 0, 0);
	counts("{\"ok\":true,\"data\":["
	       "{\"pool\":\"kv\",\"name\":\"a\",\"state\":\"up\",\"admin\":\"enabled\",\"weight\":1},"
	       "{\"pool\":\"kv\",\"name\":\"b\",\"state\":\"up\",\"admin\":\"drain\",\"new\":{\"x\":[]}},"
	       "{\"pool\":\"kv\",\"name\":\"c\",\"state\":\"up\",\"admin\":\"disabled\"},"
	       "{\"pool\":\"kv\",\"name\":\"d\",\"state\":\"down\",\"admin\":\"enabled\"},"
	       "{\"pool\":\"kv\",\"name\":\"e\",\"state\":\"checking\",\"admin\":\"enabled\"}]}",
		2, 5);
}

static void test_no_such_pool_is_an_answer(void **state)
{
	read_body("{\"ok\":false,\"error\":\"no pool 'kv'; 'tandemctl backends' shows all\"}");
	assert_int_equal(answer.kind, VRRP_POOL_MISSING);
	refuses("{\"ok\":false,\"error\":\"no pool 'kv2'; 'tandemctl backends' shows all\"}",
		"no pool 'kv2'");
	refuses("{\"ok\":false,\"error\":\"busy\"}", "busy");
	refuses("{\"ok\":false,\"error\":\"\"}", "without a reason");
	refuses("{\"ok\":false,\"error\":\"two\\nlines\"}", "two?lines");
}

static void test_what_is_no_answer(void **state)
{
	char deep[20000];

	refuses("", "the reply");
	refuses("{", "the reply");
	refuses("[]", "the reply");
	refuses("{\"ok\":true}", "the reply");
	refuses("{\"ok\":true,\"data\":{}}", "no list");
	refuses("{\"ok\":true,\"data\":[1]}", "a row");
	refuses("{\"ok\":true,\"data\":[{\"pool\":\"kv\",\"state\":\"up\"}]}", "a row");
	refuses("{\"ok\":true,\"data\":[{\"pool\":\"kv\",\"state\":1,\"admin\":\"enabled\"}]}", "a row");
	refuses("{\"ok\":true,\"data\":[{\"pool\":\"ldap\",\"state\":\"up\",\"admin\":\"enabled\"}]}",
		"a row");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	refuses(deep, "the reply");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends_are_counted),
		cmocka_unit_test(test_no_such_pool_is_an_answer),
		cmocka_unit_test(test_what_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
