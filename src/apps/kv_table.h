/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyspace of kv_store: keys and values are bytes, a key may expire, memory is bounded. Pure: time is an
 * argument (milliseconds of any clock that does not go back), randomness is given once, no I/O.
 * A key whose time has come is as good as gone for every function; its memory goes at the next access or
 * sweep.
 */
#ifndef TANDEM_APPS_KV_TABLE_H
#define TANDEM_APPS_KV_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KV_NEVER 0 /* expires_ms of a key without a time limit */

struct kv_table;

struct kv_text {
	const uint8_t *data;
	size_t len;
};

/* seed: 128 random bits, so that a client can't choose keys that collide. max_bytes bounds keys, values and
 * the table's own memory. NULL: out of memory. */
struct kv_table *kv_table_create(const uint64_t seed[2], size_t max_bytes);
void kv_table_destroy(struct kv_table *table);
void kv_table_clear(struct kv_table *table);

size_t kv_table_count(const struct kv_table *table); /* expired but not yet swept ones included */
size_t kv_table_expiring(const struct kv_table *table);
size_t kv_table_bytes(const struct kv_table *table);
uint64_t kv_table_expired(const struct kv_table *table); /* keys whose time came, ever */

/* The value lives until the next call that changes the table. */
bool kv_table_get(struct kv_table *table, struct kv_text key, uint64_t now_ms, struct kv_text *value);

/* Set the value and the time limit. 0, or -ENOMEM (budget or malloc; then nothing has changed). */
int kv_table_set(struct kv_table *table, struct kv_text key, struct kv_text value, uint64_t expires_ms,
	uint64_t now_ms);

/* Append to the value (an absent key is empty); keeps the time limit. 0 and *len the new length; -ENOMEM;
 * -E2BIG when the value would be longer than max_len. */
int kv_table_append(struct kv_table *table, struct kv_text key, struct kv_text more, size_t max_len,
	uint64_t now_ms, size_t *len);

/* Add to the integer in the value (an absent key is 0); keeps the time limit. 0, -EINVAL: not an integer,
 * -ERANGE: it would overflow, -ENOMEM. */
int kv_table_add(struct kv_table *table, struct kv_text key, int64_t delta, uint64_t now_ms, int64_t *sum);

bool kv_table_delete(struct kv_table *table, struct kv_text key, uint64_t now_ms);

/* Set or (KV_NEVER) take away the time limit. False: no such key. *had: whether it had one before. */
bool kv_table_expire(
	struct kv_table *table, struct kv_text key, uint64_t expires_ms, uint64_t now_ms, bool *had);

/* Milliseconds left, -1: no limit, -2: no such key. */
int64_t kv_table_ttl(struct kv_table *table, struct kv_text key, uint64_t now_ms);

/* Call fn for every live key; fn must not change the table. */
void kv_table_walk(
	const struct kv_table *table, uint64_t now_ms, void (*fn)(void *ctx, struct kv_text key), void *ctx);

/* Free expired keys among the next max_slots slots; every call goes on where the last one stopped. */
void kv_table_sweep(struct kv_table *table, size_t max_slots, uint64_t now_ms);

#endif
