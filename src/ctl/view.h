/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a reply's JSON to text: fields that may be missing or of another type (a daemon of another release),
 * and tables declared as rows of { title, kind, key }. What is missing shows as "-", never as a zero.
 */
#ifndef TANDEM_CTL_VIEW_H
#define TANDEM_CTL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "ctl/command.h"
#include "common/table.h"

#define VIEW_TEXT_MAX 256

enum view_kind {
	VIEW_TEXT,   /* a string, left */
	VIEW_COUNT,  /* a number, right: 12.3k */
	VIEW_EXACT,  /* a number, right: 12345 */
	VIEW_BYTES,  /* a number, right: 12.1 KiB */
	VIEW_AGE,    /* seconds, right: 5m 3s */
	VIEW_MS,     /* milliseconds, right: 60.93 ms; "now" when it is over */
	VIEW_CUSTOM, /* what cell() makes, left */
	VIEW_CUSTOM_RIGHT,
};

struct view_column {
	const char *title;
	enum view_kind kind;
	const char *key;
	void (*cell)(const json_t *row, char out[VIEW_TEXT_MAX]);
	enum table_style (*style)(const json_t *row); /* NULL: plain */
};

#define VIEW_COLUMNS_MAX 20

/* Print an array of objects, a line each; `nothing` instead when it is empty. */
void view_rows(const struct output *output, const struct view_column *columns, size_t count,
	const json_t *rows, const char *nothing);

/* A member's string, or "-"; borrowed from object. */
const char *view_text(const json_t *object, const char *key);

/* A member's number; false when there is none (also when it is negative). */
bool view_number(const json_t *object, const char *key, uint64_t *out);

/* A member's number as kind says, "-" when there is none; returns out. */
const char *view_format(const json_t *object, const char *key, enum view_kind kind, char out[VIEW_TEXT_MAX]);

/* A member's wall clock in ms since 1970: as local time, "2026-01-31 12:00:00.123", and how long ago that is, "5m 3s".
 * "-" when there is none, or it is 0. Both return out. */
const char *view_time(const json_t *object, const char *key, char out[VIEW_TEXT_MAX]);
const char *view_time_ago(const json_t *object, const char *key, char out[VIEW_TEXT_MAX]);
/* The same in seconds, rounded down, 0 for what is to come (the clock was set); false when there is none. */
bool view_age(const json_t *object, const char *key, uint64_t *out);

/* A table of names and values, as status has: a layout for table_new(), and a line of it. */
#define VIEW_PAIRS 2
extern const struct table_column view_pairs[VIEW_PAIRS];
void view_pair(struct table *table, enum table_style style, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A line of its own: what stands below it belongs to it. */
void view_heading(const struct output *output, const char *text);

/* Members "address" and "port" as 10.0.0.1:80 or [fd00::1]:80. */
void view_endpoint(const json_t *row, char out[VIEW_TEXT_MAX]);

#endif
