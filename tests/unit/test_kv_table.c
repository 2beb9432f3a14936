/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keyspace: expiry, budget, integers, and a long random run against a plain array as the model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/kv_table.h"
#include "apps/siphash.h"

static const uint64_t seed[2] = {1, 2};

static struct kv_text text(const char *s)
{
	return (struct kv_text){(const uint8_t *)s, strlen(s)};
}

static void expect_text(struct kv_table *table, const char *key, uint64_t now, const char *want)
{
	struct kv_text value;

	assert_int_equal(kv_table_get(table, text(key), now, &value), want != NULL);
	if (want == NULL)
		return;
	assert_int_equal(value.len, strlen(want));
	assert_memory_equal(value.data, want, value.len);
}

/* Reference values: CPython 3.11's hash(b"...") with PYTHONHASHSEED=0 is SipHash-1-3 with a zero key. */
static void known_hashes(void **state)
{
	static const uint64_t zero[2] = {0, 0};

	assert_true(siphash13(zero, (const uint8_t *)"a", 1) == 0x407448d2b89b1813);
	assert_true(siphash13(zero, (const uint8_t *)"abcdefgh", 8) == 0x3f7b849c0b8e35ea);
	assert_true(siphash13(zero, (const uint8_t *)"hello, balancer of loads", 24) == 0x1881fa4e498eda11);
}

static void expiry(void **state)
{
	struct kv_table *table = kv_table_create(seed, 1 << 20);
	bool had;

	assert_int_equal(kv_table_set(table, text("a"), text("1"), 100, 10), 0);
	assert_int_equal(kv_table_ttl(table, text("a"), 40), 60);
	expect_text(table, "a", 99, "1");
	expect_text(table, "a", 100, NULL);
	assert_int_equal(kv_table_count(table), 0);
	assert_int_equal(kv_table_ttl(table, text("a"), 100), -2);

	kv_table_set(table, text("b"), text("2"), KV_NEVER, 100);
	assert_int_equal(kv_table_ttl(table, text("b"), 100), -1);
	assert_true(kv_table_expire(table, text("b"), 200, 100, &had));
	assert_false(had);
	assert_true(kv_table_expire(table, text("b"), KV_NEVER, 100, &had));
	assert_true(had);
	expect_text(table, "b", 1000, "2");
	assert_int_equal(kv_table_expiring(table), 0);

	kv_table_set(
		table, text("c"), text("3"), 300, 100); /* SET forgets the limit, APPEND and INCR keep it */
	int64_t sum;
	size_t len;

	kv_table_add(table, text("c"), 1, 150, &sum);
	kv_table_append(table, text("c"), text("x"), 100, 150, &len);
	assert_int_equal(kv_table_ttl(table, text("c"), 150), 150);
	kv_table_set(table, text("c"), text("4"), KV_NEVER, 150);
	expect_text(table, "c", 1000, "4");
	kv_table_destroy(table);
}

static void sweeping(void **state)
{
	struct kv_table *table = kv_table_create(seed, 1 << 24);
	char key[16];

	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		kv_table_set(table, text(key), text("v"), i % 3 == 0 ? KV_NEVER : 50, 0);
	}
	for (int i = 0; i < 200; i++)
		kv_table_sweep(table, 64, 60);
	assert_int_equal(kv_table_count(table), 1000);
	assert_int_equal(kv_table_expired(table), 2000);
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		expect_text(table, key, 60, i % 3 == 0 ? "v" : NULL);
	}
	kv_table_destroy(table);
}

static void sums(void **state)
{
	struct kv_table *table = kv_table_create(seed, 1 << 20);
	int64_t sum;

	assert_int_equal(kv_table_add(table, text("n"), 5, 0, &sum), 0);
	assert_int_equal(kv_table_add(table, text("n"), -7, 0, &sum), 0);
	assert_int_equal(sum, -2);
	kv_table_set(table, text("n"), text("9223372036854775807"), KV_NEVER, 0);
	assert_int_equal(kv_table_add(table, text("n"), 1, 0, &sum), -ERANGE);
	expect_text(table, "n", 0, "9223372036854775807");
	kv_table_set(table, text("n"), text("-9223372036854775808"), KV_NEVER, 0);
	assert_int_equal(kv_table_add(table, text("n"), -1, 0, &sum), -ERANGE);
	kv_table_set(table, text("n"), text("12x"), KV_NEVER, 0);
	assert_int_equal(kv_table_add(table, text("n"), 1, 0, &sum), -EINVAL);
	kv_table_destroy(table);
}

static void budget(void **state)
{
	struct kv_table *table = kv_table_create(seed, 65536);
	char key[16], value[100] = {0};
	size_t stored = 0, full, len;
	int rc;

	memset(value, 'v', sizeof(value) - 1);
	do {
		snprintf(key, sizeof(key), "k%zu", stored);
		rc = kv_table_set(table, text(key), text(value), KV_NEVER, 0);
		stored += rc == 0;
	} while (rc == 0);
	assert_int_equal(rc, -ENOMEM);
	assert_in_range(stored, 200, 400);
	assert_true(kv_table_bytes(table) <= 65536);
	full = kv_table_bytes(table);
	assert_int_equal(kv_table_append(table, text("k0"), text(value), 1000, 0, &len), -ENOMEM);
	assert_int_equal(kv_table_append(table, text("k0"), text(value), 150, 0, &len), -E2BIG);
	expect_text(table, "k0", 0, value);
	assert_int_equal(kv_table_bytes(table), full);
	assert_true(kv_table_delete(table, text("k1"), 0));
	assert_int_equal(kv_table_set(table, text("new"), text(value), KV_NEVER, 0), 0);
	kv_table_clear(table);
	assert_int_equal(kv_table_count(table), 0);
	assert_int_equal(kv_table_set(table, text("k0"), text(value), KV_NEVER, 0), 0);
	kv_table_destroy(table);
}

#define MODEL_KEYS 5000

static void count_key(void *ctx, struct kv_text key)
{
	++*(size_t *)ctx;
}

/* Random operations on few keys, so that probing chains are long and deletions fall into them. */
static void against_model(void **state)
{
	static int model[MODEL_KEYS]; /* 0: absent */
	struct kv_table *table = kv_table_create(seed, 1 << 24);
	size_t count = 0, walked = 0;
	char key[16], value[32];

	srand(7);
	for (int step = 0; step < 200000; step++) {
		int i = rand() % MODEL_KEYS;

		snprintf(key, sizeof(key), "key%d", i);
		if (rand() % 2 == 0) {
			count += model[i] == 0;
			model[i] = rand() % 1000000 + 1;
			snprintf(value, sizeof(value), "%d", model[i]);
			assert_int_equal(kv_table_set(table, text(key), text(value), KV_NEVER, 0), 0);
		} else {
			assert_int_equal(kv_table_delete(table, text(key), 0), model[i] != 0);
			count -= model[i] != 0;
			model[i] = 0;
		}
		i = rand() % MODEL_KEYS;
		snprintf(key, sizeof(key), "key%d", i);
		snprintf(value, sizeof(value), "%d", model[i]);
		expect_text(table, key, 0, model[i] != 0 ? value : NULL);
	}
	assert_int_equal(kv_table_count(table), count);
	kv_table_walk(table, 0, count_key, &walked);
	assert_int_equal(walked, count);
	for (int i = 0; i < MODEL_KEYS; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		kv_table_delete(table, text(key), 0);
	}
	struct kv_table *empty = kv_table_create(seed, 1 << 24);

	assert_int_equal(kv_table_count(table), 0);
	kv_table_clear(table);
	assert_int_equal(kv_table_bytes(table), kv_table_bytes(empty));
	kv_table_destroy(empty);
	kv_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hashes),
		cmocka_unit_test(expiry),
		cmocka_unit_test(sweeping),
		cmocka_unit_test(sums),
		cmocka_unit_test(budget),
		cmocka_unit_test(against_model),
	};

	return cmocka_run_group_tests_name("kv_table", tests, NULL, NULL);
}
