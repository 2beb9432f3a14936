/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two cursors over a datagram, one that writes and one that reads, in network byte order. Their errors stick: go straight
 * through, look at the error once, at the end. What was read after an error is zero. Pure.
 */
#ifndef TANDEM_COMMON_WIRE_H
#define TANDEM_COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wire_out {
	uint8_t *buf;
	size_t size, at;
	bool full; /* it did not fit; nothing was written since */
};

struct wire_in {
	const uint8_t *buf;
	size_t len, at;
	bool bad; /* it ended too soon, or said what it must not */
};

static inline void wire_put(struct wire_out *w, const void *bytes, size_t count)
{
	w->full |= count > w->size - w->at;
	if (w->full)
		return;
	memcpy(w->buf + w->at, bytes, count);
	w->at += count;
}

/* The lowest `count` bytes of a number, 1..8. */
static inline void wire_put_number(struct wire_out *w, uint64_t value, size_t count)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(value >> 8 * (count - 1 - i));
	wire_put(w, bytes, count);
}

static inline void wire_get(struct wire_in *r, void *bytes, size_t count)
{
	r->bad |= count > r->len - r->at;
	if (r->bad) {
		memset(bytes, 0, count);
		return;
	}
	memcpy(bytes, r->buf + r->at, count);
	r->at += count;
}

static inline uint64_t wire_get_number(struct wire_in *r, size_t count)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	wire_get(r, bytes, count);
	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Is it a name that may stand in a line for people: 1..size-1 characters of printable ASCII without blanks? */
static inline bool wire_name_is_fit(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	if (len == 0 || len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

/* A length in one byte, then the name; it must be fit. */
static inline void wire_put_name(struct wire_out *w, const char *name)
{
	size_t len = strlen(name);

	wire_put_number(w, len, 1);
	wire_put(w, name, len);
}

/* Into a field of size bytes. An unfit name is an error. */
static inline void wire_get_name(struct wire_in *r, char *name, size_t size)
{
	size_t len = (size_t)wire_get_number(r, 1);

	memset(name, 0, size);
	if (len >= size)
		r->bad = true;
	else
		wire_get(r, name, len);
	r->bad |= !wire_name_is_fit(name, size) || strlen(name) != len;
	if (r->bad)
		memset(name, 0, size);
}

#endif
