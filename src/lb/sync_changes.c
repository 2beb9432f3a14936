/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/sync_changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sync_changes_open(struct sync_changes *q, uint32_t size, const uint32_t numbers[SYNC_CHANGE_TABLES])
{
	bool failed;

	memset(q, 0, sizeof(*q));
	if (!size || size > SYNC_CHANGES_MAX)
		return -EINVAL;
	q->size = size;
	q->places = calloc(size, sizeof(*q->places));
	failed = !q->places;
	for (int i = 0; i < SYNC_CHANGE_TABLES; i++) {
		q->numbers[i] = numbers[i];
		q->newest[i] = calloc((size_t)numbers[i] + 1, sizeof(*q->newest[i]));
		failed |= !q->newest[i];
	}
	if (failed)
		sync_changes_close(q);
	return failed ? -ENOMEM : 0;
}

void sync_changes_close(struct sync_changes *q)
{
	free(q->places);
	for (int i = 0; i < SYNC_CHANGE_TABLES; i++)
		free(q->newest[i]);
	memset(q, 0, sizeof(*q));
}

/* The next free place; NULL: it was full. */
static struct sync_change *add(struct sync_changes *q, int64_t born)
{
	struct sync_change *c;

	if (q->count == q->size) {
		q->overflows++;
		sync_changes_forget(q);
		return NULL;
	}
	if (!q->count)
		q->first = 0; /* the same few pages again and again while little waits */
	c = &q->places[(q->first + q->count++) % q->size];
	c->born = born;
	return c;
}

int sync_changes_put(
	struct sync_changes *q, enum sync_change_kind kind, uint32_t id, uint32_t generation, int64_t born)
{
	struct sync_change *c;

	if ((unsigned)kind >= SYNC_CHANGE_TABLES || id >= q->numbers[kind])
		return -ERANGE;
	if (!generation)
		generation = 1;
	if (q->newest[kind][id] == generation)
		return 0;
	c = add(q, born);
	if (!c)
		return -EOVERFLOW;
	c->kind = (uint8_t)kind;
	c->id = id;
	c->generation = generation;
	q->newest[kind][id] = generation;
	return 0;
}

int sync_changes_put_end(struct sync_changes *q, const struct sync_change_end *end, int64_t born)
{
	struct sync_change *c = add(q, born);

	if (!c)
		return -EOVERFLOW;
	c->kind = SYNC_CHANGE_END;
	c->end = *end;
	return 0;
}

int sync_changes_put_sticky(struct sync_changes *q, const struct sync_change_sticky *sticky, int64_t born)
{
	struct sync_change *c = add(q, born);

	if (!c)
		return -EOVERFLOW;
	c->kind = SYNC_CHANGE_STICKY;
	c->sticky = *sticky;
	return 0;
}

const struct sync_change *sync_changes_first(const struct sync_changes *q)
{
	return q->count ? &q->places[q->first] : NULL;
}

void sync_changes_drop(struct sync_changes *q)
{
	const struct sync_change *c = &q->places[q->first];

	if (!q->count)
		return;
	if (c->kind < SYNC_CHANGE_TABLES && q->newest[c->kind][c->id] == c->generation)
		q->newest[c->kind][c->id] = 0;
	q->first = (q->first + 1) % q->size;
	q->count--;
}

void sync_changes_forget(struct sync_changes *q)
{
	while (q->count)
		sync_changes_drop(q);
}
