/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots of the ward's tables: which count, which are free, and the order of writing that makes them so (vrrp_ward_layout.h). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

void *vrrp_ward_slot(const struct vrrp_ward *ward, enum ward_table table, uint32_t i)
{
	return (char *)ward->file + ward_places[table].offset + i * ward_places[table].stride;
}

uint32_t vrrp_ward_used(const struct vrrp_ward *ward, enum ward_table table)
{
	uint32_t count = atomic_load_explicit(&ward->file->header.used[table], memory_order_acquire);

	return count < ward_places[table].max ? count : ward_places[table].max;
}

bool vrrp_ward_is_valid(const struct vrrp_ward *ward, enum ward_table table, uint32_t i)
{
	_Atomic uint32_t *first = vrrp_ward_slot(ward, table, i);
	uint32_t word = atomic_load_explicit(first, memory_order_acquire);

	return word == WARD_VALID || word == WARD_SECOND;
}

void vrrp_ward_set_valid(struct vrrp_ward *ward, enum ward_table table, uint32_t i, uint32_t word)
{
	_Atomic uint32_t *first = vrrp_ward_slot(ward, table, i);

	atomic_store_explicit(first, word, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
}

int vrrp_ward_reserve(struct vrrp_ward *ward, enum ward_table table, uint32_t end)
{
	const struct ward_place *place = &ward_places[table];
	_Atomic uint32_t *used = &ward->file->header.used[table];
	uint32_t now = atomic_load_explicit(used, memory_order_relaxed);

	if (end <= now)
		return 0;
	if (end > place->max)
		return -ENOSPC;
	if (vrrp_ward_allocate(ward->fd, place->offset + now * place->stride, (end - now) * place->stride))
		return -ENOSPC;
	atomic_store_explicit(used, end, memory_order_release);
	return 0;
}

long vrrp_ward_free_slot(struct vrrp_ward *ward, enum ward_table table)
{
	uint32_t end = vrrp_ward_used(ward, table), i = 0;

	while (i < end && vrrp_ward_is_valid(ward, table, i))
		i++;
	if (i == end && vrrp_ward_reserve(ward, table, end + 1))
		return -ENOSPC;
	/* Beyond the used ones of a damaged file there may be anything. */
	vrrp_ward_set_valid(ward, table, i, 0);
	return i;
}

long vrrp_ward_write_slot(struct vrrp_ward *ward, enum ward_table table, const void *from)
{
	const size_t word = sizeof(_Atomic uint32_t);
	long i = vrrp_ward_free_slot(ward, table);

	if (i < 0)
		return i;
	memcpy((char *)vrrp_ward_slot(ward, table, (uint32_t)i) + word, (const char *)from + word,
		ward_places[table].stride - word);
	vrrp_ward_set_valid(ward, table, (uint32_t)i, WARD_VALID);
	return i;
}

bool vrrp_ward_is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return len > 0 && len < size;
}

size_t vrrp_ward_family_bytes(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}
