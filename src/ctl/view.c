/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a reply's JSON to text; see view.h. */
#include "ctl/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clean_text.h"
#include "ctl/human.h"

const char *view_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

bool view_number(const json_t *object, const char *key, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);

	*out = 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0)
		*out = (uint64_t)json_integer_value(value);
	else if (json_is_real(value) && json_real_value(value) >= 0 && json_real_value(value) < 1e18)
		*out = (uint64_t)json_real_value(value);
	else
		return false;
	return true;
}

const char *view_format(const json_t *object, const char *key, enum view_kind kind, char out[VIEW_TEXT_MAX])
{
	char human[HUMAN_MAX];
	uint64_t number;

	if (kind == VIEW_MS && json_is_number(json_object_get(object, key))) {
		double ms = json_number_value(json_object_get(object, key));

		snprintf(out, VIEW_TEXT_MAX, "%s", ms > 0 && ms < 1e15 ? human_ms(ms, human) : "now");
		return out;
	}
	if (!view_number(object, key, &number))
		snprintf(out, VIEW_TEXT_MAX, "-");
	else if (kind == VIEW_COUNT)
		snprintf(out, VIEW_TEXT_MAX, "%s", human_count(number, human));
	else if (kind == VIEW_BYTES)
		snprintf(out, VIEW_TEXT_MAX, "%s", human_bytes(number, human));
	else if (kind == VIEW_AGE)
		snprintf(out, VIEW_TEXT_MAX, "%s", human_duration(number, human));
	else
		snprintf(out, VIEW_TEXT_MAX, "%" PRIu64, number);
	return out;
}

const char *view_time(const json_t *object, const char *key, char out[VIEW_TEXT_MAX])
{
	uint64_t time_ms;
	struct tm tm;

	snprintf(out, VIEW_TEXT_MAX, "-");
	if (!view_number(object, key, &time_ms) || time_ms == 0)
		return out;

	time_t seconds = (time_t)(time_ms / 1000);

	if (!localtime_r(&seconds, &tm))
		return out;

	size_t n = strftime(out, VIEW_TEXT_MAX - 8, "%Y-%m-%d %H:%M:%S", &tm);

	snprintf(out + n, VIEW_TEXT_MAX - n, ".%03u", (unsigned)(time_ms % 1000));
	return out;
}

bool view_age(const json_t *object, const char *key, uint64_t *out)
{
	struct timespec now;
	uint64_t time_ms;

	*out = 0;
	if (!view_number(object, key, &time_ms) || time_ms == 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);

	int64_t age_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)time_ms;

	*out = age_ms > 0 ? (uint64_t)age_ms / 1000 : 0;
	return true;
}

const char *view_time_ago(const json_t *object, const char *key, char out[VIEW_TEXT_MAX])
{
	char human[HUMAN_MAX];
	uint64_t age_s;
	bool known = view_age(object, key, &age_s);

	snprintf(out, VIEW_TEXT_MAX, "%s", known ? human_duration(age_s, human) : "-");
	return out;
}

const struct table_column view_pairs[VIEW_PAIRS] = {{NULL, TABLE_LEFT, 0}, {NULL, TABLE_LEFT, 0}};

void view_pair(struct table *table, enum table_style style, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(table, TABLE_FAINT, name);
	table_cell(table, style, text);
}

void view_heading(const struct output *output, const char *text)
{
	char clean[VIEW_TEXT_MAX];

	clean_text(clean, sizeof(clean), text);
	fprintf(output->file, output->color ? "\033[1m%s\033[0m\n" : "%s\n", clean);
}

void view_endpoint(const json_t *row, char out[VIEW_TEXT_MAX])
{
	const char *address = view_text(row, "address");
	char clean[64], port[VIEW_TEXT_MAX];

	clean_text(clean, sizeof(clean), address);
	view_format(row, "port", VIEW_EXACT, port);
	snprintf(out, VIEW_TEXT_MAX, strchr(clean, ':') ? "[%s]:%.20s" : "%s:%.20s", clean, port);
}

static void add_cell(struct table *table, const struct view_column *column, const json_t *row)
{
	enum table_style style = column->style ? column->style(row) : TABLE_PLAIN;
	char text[VIEW_TEXT_MAX] = "";

	if (column->kind == VIEW_TEXT) {
		table_cell(table, style, view_text(row, column->key));
		return;
	}
	if (column->cell)
		column->cell(row, text);
	else
		view_format(row, column->key, column->kind, text);
	table_cell(table, style, text);
}

void view_rows(const struct output *output, const struct view_column *columns, size_t count,
	const json_t *rows, const char *nothing)
{
	struct table_column layout[VIEW_COLUMNS_MAX] = {0};

	if (json_array_size(rows) == 0) {
		fprintf(output->file, "%s\n", nothing);
		return;
	}
	for (size_t c = 0; c < count; c++) {
		layout[c].title = columns[c].title;
		layout[c].align = columns[c].kind == VIEW_TEXT || columns[c].kind == VIEW_CUSTOM
					  ? TABLE_LEFT
					  : TABLE_RIGHT;
	}

	struct table *table = table_new(layout, count);

	for (size_t i = 0; i < json_array_size(rows); i++)
		for (size_t c = 0; c < count; c++)
			add_cell(table, &columns[c], json_array_get(rows, i));
	table_print(table, output->file, output->color);
	table_free(table);
}
