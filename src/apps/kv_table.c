/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyspace: open addressing with linear probing; a slot holds the hash beside the pointer, so that
 * growing and probing touch no entry. Deletion shifts back, so there are no tombstones. See kv_table.h.
 */
#include "apps/kv_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/resp.h"
#include "apps/siphash.h"

#define SLOTS_MIN      1024
#define ALLOC_OVERHEAD 16 /* what malloc adds to a block */

struct entry {
	uint64_t expires_ms;
	uint32_t key_len, value_len, value_cap;
	uint8_t bytes[]; /* the key, then the value */
};

struct slot {
	uint64_t hash;
	struct entry *entry; /* NULL: free */
};

struct kv_table {
	struct slot *slots;
	size_t mask; /* slots - 1 */
	size_t count, expiring, bytes, max_bytes, cursor;
	uint64_t expired;
	uint64_t seed[2];
};

static size_t entry_size(size_t key_len, size_t value_cap)
{
	return sizeof(struct entry) + key_len + value_cap + ALLOC_OVERHEAD;
}

struct kv_table *kv_table_create(const uint64_t seed[2], size_t max_bytes)
{
	struct kv_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->slots = calloc(SLOTS_MIN, sizeof(*table->slots));
	if (table->slots == NULL) {
		free(table);
		return NULL;
	}
	table->mask = SLOTS_MIN - 1;
	table->bytes = SLOTS_MIN * sizeof(*table->slots);
	table->max_bytes = max_bytes;
	memcpy(table->seed, seed, sizeof(table->seed));
	return table;
}

void kv_table_clear(struct kv_table *table)
{
	struct slot *small;

	for (size_t i = 0; i <= table->mask; i++)
		free(table->slots[i].entry);
	small = table->mask >= SLOTS_MIN ? calloc(SLOTS_MIN, sizeof(*small)) : NULL;
	if (small != NULL) {
		free(table->slots);
		table->slots = small;
		table->mask = SLOTS_MIN - 1;
	} else {
		memset(table->slots, 0, (table->mask + 1) * sizeof(*table->slots));
	}
	table->count = table->expiring = table->cursor = 0;
	table->bytes = (table->mask + 1) * sizeof(*table->slots);
}

void kv_table_destroy(struct kv_table *table)
{
	if (table == NULL)
		return;
	kv_table_clear(table);
	free(table->slots);
	free(table);
}

size_t kv_table_count(const struct kv_table *table)
{
	return table->count;
}

size_t kv_table_expiring(const struct kv_table *table)
{
	return table->expiring;
}

size_t kv_table_bytes(const struct kv_table *table)
{
	return table->bytes;
}

uint64_t kv_table_expired(const struct kv_table *table)
{
	return table->expired;
}

static bool is_over(const struct entry *entry, uint64_t now_ms)
{
	return entry->expires_ms != KV_NEVER && entry->expires_ms <= now_ms;
}

/* The key's slot, or the free one where it would go. */
static size_t probe(const struct kv_table *table, uint64_t hash, struct kv_text key)
{
	size_t i = hash & table->mask;

	while (table->slots[i].entry != NULL) {
		const struct entry *entry = table->slots[i].entry;

		if (table->slots[i].hash == hash && entry->key_len == key.len &&
			memcmp(entry->bytes, key.data, key.len) == 0)
			break;
		i = (i + 1) & table->mask;
	}
	return i;
}

static void remove_slot(struct kv_table *table, size_t i)
{
	struct entry *entry = table->slots[i].entry;
	size_t hole = i;

	table->bytes -= entry_size(entry->key_len, entry->value_cap);
	table->count--;
	table->expiring -= entry->expires_ms != KV_NEVER;
	free(entry);
	table->slots[hole].entry = NULL;
	for (;;) { /* close the hole with what was probed past it */
		i = (i + 1) & table->mask;
		if (table->slots[i].entry == NULL)
			return;
		size_t home = table->slots[i].hash & table->mask;

		if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
			table->slots[hole] = table->slots[i];
			table->slots[i].entry = NULL;
			hole = i;
		}
	}
}

/* The key's slot; *entry is NULL where there is none (one that is over is removed here). */
static size_t find(
	struct kv_table *table, uint64_t hash, struct kv_text key, uint64_t now_ms, struct entry **entry)
{
	size_t i = probe(table, hash, key);

	if (table->slots[i].entry != NULL && is_over(table->slots[i].entry, now_ms)) {
		remove_slot(table, i);
		table->expired++;
		i = probe(table, hash, key);
	}
	*entry = table->slots[i].entry;
	return i;
}

static bool grow(struct kv_table *table)
{
	size_t slots = (table->mask + 1) * 2;
	struct slot *bigger;

	if (table->bytes + (slots / 2) * sizeof(*bigger) > table->max_bytes)
		return false;
	bigger = calloc(slots, sizeof(*bigger));
	if (bigger == NULL)
		return false;
	for (size_t i = 0; i <= table->mask; i++) {
		size_t at = table->slots[i].hash & (slots - 1);

		if (table->slots[i].entry == NULL)
			continue;
		while (bigger[at].entry != NULL)
			at = (at + 1) & (slots - 1);
		bigger[at] = table->slots[i];
	}
	free(table->slots);
	table->slots = bigger;
	table->mask = slots - 1;
	table->bytes += (slots / 2) * sizeof(*bigger);
	return true;
}

/* Make the key's entry hold value_len bytes (those that were there stay, new ones are not set): a new entry,
 * the old one, or the old one moved. keep: a hint that the value grows again, so leave room. NULL: -ENOMEM.
 */
static struct entry *hold(
	struct kv_table *table, struct kv_text key, size_t value_len, bool growing, uint64_t now_ms)
{
	uint64_t hash = siphash13(table->seed, key.data, key.len);
	struct entry *old, *entry;
	size_t at = find(table, hash, key, now_ms, &old);
	size_t cap = value_len, had = old != NULL ? entry_size(key.len, old->value_cap) : 0;

	if (old != NULL && old->value_cap >= value_len && (growing || old->value_cap <= 2 * value_len + 64)) {
		old->value_len = (uint32_t)value_len;
		return old;
	}
	if (old != NULL && growing)
		cap += value_len / 2;
	if (table->bytes - had + entry_size(key.len, cap) > table->max_bytes)
		cap = value_len; /* no spare room then */
	if (table->bytes - had + entry_size(key.len, cap) > table->max_bytes)
		return NULL;
	if (old == NULL && (table->count + 1) * 4 > (table->mask + 1) * 3) {
		if (!grow(table) &&
			(table->count + 1) * 16 > (table->mask + 1) * 15) /* fuller and slower, up to here */
			return NULL;
		if (table->bytes + entry_size(key.len, cap) > table->max_bytes)
			return NULL;
		at = probe(table, hash, key);
	}
	entry = realloc(old, sizeof(*entry) + key.len + cap);
	if (entry == NULL)
		return NULL;
	if (old == NULL) {
		entry->expires_ms = KV_NEVER;
		entry->key_len = (uint32_t)key.len;
		memcpy(entry->bytes, key.data, key.len);
		table->count++;
	}
	entry->value_len = (uint32_t)value_len;
	entry->value_cap = (uint32_t)cap;
	table->bytes += entry_size(key.len, cap) - had;
	table->slots[at] = (struct slot){.hash = hash, .entry = entry};
	return entry;
}

static struct entry *lookup(struct kv_table *table, struct kv_text key, uint64_t now_ms, size_t *at)
{
	struct entry *entry;

	*at = find(table, siphash13(table->seed, key.data, key.len), key, now_ms, &entry);
	return entry;
}

static void set_expiry(struct kv_table *table, struct entry *entry, uint64_t expires_ms)
{
	table->expiring += (size_t)(expires_ms != KV_NEVER) - (size_t)(entry->expires_ms != KV_NEVER);
	entry->expires_ms = expires_ms;
}

bool kv_table_get(struct kv_table *table, struct kv_text key, uint64_t now_ms, struct kv_text *value)
{
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);

	if (entry != NULL)
		*value = (struct kv_text){entry->bytes + entry->key_len, entry->value_len};
	return entry != NULL;
}

int kv_table_set(struct kv_table *table, struct kv_text key, struct kv_text value, uint64_t expires_ms,
	uint64_t now_ms)
{
	struct entry *entry = hold(table, key, value.len, false, now_ms);

	if (entry == NULL)
		return -ENOMEM;
	memcpy(entry->bytes + entry->key_len, value.data, value.len);
	set_expiry(table, entry, expires_ms);
	return 0;
}

int kv_table_append(struct kv_table *table, struct kv_text key, struct kv_text more, size_t max_len,
	uint64_t now_ms, size_t *len)
{
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);
	size_t before = entry != NULL ? entry->value_len : 0;

	if (more.len > max_len || before > max_len - more.len)
		return -E2BIG;
	entry = hold(table, key, before + more.len, true, now_ms);
	if (entry == NULL)
		return -ENOMEM;
	memcpy(entry->bytes + entry->key_len + before, more.data, more.len);
	*len = entry->value_len;
	return 0;
}

int kv_table_add(struct kv_table *table, struct kv_text key, int64_t delta, uint64_t now_ms, int64_t *sum)
{
	char text[24];
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);
	int64_t value = 0;
	int len;

	if (entry != NULL && !resp_to_int(entry->bytes + entry->key_len, entry->value_len, &value))
		return -EINVAL;
	if (__builtin_add_overflow(value, delta, &value))
		return -ERANGE;
	len = snprintf(text, sizeof(text), "%lld", (long long)value);
	entry = hold(table, key, (size_t)len, false, now_ms);
	if (entry == NULL)
		return -ENOMEM;
	memcpy(entry->bytes + entry->key_len, text, (size_t)len);
	*sum = value;
	return 0;
}

bool kv_table_delete(struct kv_table *table, struct kv_text key, uint64_t now_ms)
{
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);

	if (entry != NULL)
		remove_slot(table, at);
	return entry != NULL;
}

bool kv_table_expire(
	struct kv_table *table, struct kv_text key, uint64_t expires_ms, uint64_t now_ms, bool *had)
{
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);

	if (entry == NULL)
		return false;
	*had = entry->expires_ms != KV_NEVER;
	set_expiry(table, entry, expires_ms);
	return true;
}

int64_t kv_table_ttl(struct kv_table *table, struct kv_text key, uint64_t now_ms)
{
	size_t at;
	struct entry *entry = lookup(table, key, now_ms, &at);

	if (entry == NULL)
		return -2;
	return entry->expires_ms == KV_NEVER ? -1 : (int64_t)(entry->expires_ms - now_ms);
}

void kv_table_walk(
	const struct kv_table *table, uint64_t now_ms, void (*fn)(void *ctx, struct kv_text key), void *ctx)
{
	for (size_t i = 0; i <= table->mask; i++) {
		const struct entry *entry = table->slots[i].entry;

		if (entry != NULL && !is_over(entry, now_ms))
			fn(ctx, (struct kv_text){entry->bytes, entry->key_len});
	}
}

void kv_table_sweep(struct kv_table *table, size_t max_slots, uint64_t now_ms)
{
	if (table->expiring == 0)
		return;
	while (max_slots-- > 0) {
		struct entry *entry = table->slots[table->cursor & table->mask].entry;

		if (entry != NULL && is_over(entry, now_ms)) {
			remove_slot(
				table, table->cursor & table->mask); /* what shifts in is looked at next */
			table->expired++;
		} else {
			table->cursor = (table->cursor + 1) & table->mask;
		}
	}
}
