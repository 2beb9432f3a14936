/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a reply's JSON to text; see view.h. */
#include "ctl/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
