/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in aligned columns; see table.h. */
#include "common/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"

#define CELL_MAX 512
#define GAP      2 /* blanks between columns */

struct cell {
	char *text;
	unsigned width;
	enum table_style style;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct cell *cells;
	size_t cell_count, cell_room;
};

static void *must(void *memory)
{
	if (!memory) {
		fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
		exit(1);
	}
	return memory;
}

/* Characters in clean UTF-8: the bytes that do not continue one. */
static unsigned width_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *table = must(calloc(1, sizeof(*table)));

	table->columns = columns;
	table->column_count = count;
	return table;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_cell(struct table *table, enum table_style style, const char *text)
{
	char clean[CELL_MAX];

	clean_text(clean, sizeof(clean), text ? text : "-");
	if (table->cell_count == table->cell_room) {
		table->cell_room = table->cell_room ? table->cell_room * 2 : 64;
		table->cells = must(reallocarray(table->cells, table->cell_room, sizeof(*table->cells)));
	}
	table->cells[table->cell_count++] =
		(struct cell){.text = must(strdup(clean)), .width = width_of(clean), .style = style};
}

static const char *color_of(enum table_style style)
{
	switch (style) {
	case TABLE_GOOD:
		return "\033[32m";
	case TABLE_WARN:
		return "\033[33m";
	case TABLE_BAD:
		return "\033[31m";
	case TABLE_FAINT:
		return "\033[2m";
	case TABLE_PLAIN:
		break;
	}
	return NULL;
}

void table_line(enum table_style style, const char *text, FILE *file, bool color)
{
	const char *begin = color ? color_of(style) : NULL;
	char clean[CELL_MAX];

	clean_text(clean, sizeof(clean), text);
	fprintf(file, "%s%s%s\n", begin ? begin : "", clean, begin ? "\033[0m" : "");
}

struct line {
	FILE *file;
	unsigned owed; /* blanks that are due before the next text: none at a line's end */
};

static void put(struct line *line, const char *text, unsigned text_width, unsigned width,
	enum table_align align, const char *color)
{
	unsigned fill = width > text_width ? width - text_width : 0;

	if (align == TABLE_RIGHT)
		line->owed += fill;
	if (text_width > 0) {
		fprintf(line->file, "%*s", (int)line->owed, "");
		if (color)
			fprintf(line->file, "%s%s\033[0m", color, text);
		else
			fputs(text, line->file);
		line->owed = 0;
	}
	line->owed += (align == TABLE_LEFT ? fill : 0) + GAP;
}

void table_print(const struct table *table, FILE *file, bool color)
{
	size_t n = table->column_count;
	unsigned *widths = must(calloc(n, sizeof(*widths)));
	bool titles = table->columns[0].title != NULL;
	struct line line = {.file = file};

	for (size_t c = 0; c < n; c++) {
		widths[c] = table->columns[c].min_width;
		if (titles && width_of(table->columns[c].title) > widths[c])
			widths[c] = width_of(table->columns[c].title);
	}
	for (size_t i = 0; i < table->cell_count; i++)
		if (table->cells[i].width > widths[i % n])
			widths[i % n] = table->cells[i].width;
	for (size_t c = 0; titles && c < n; c++) {
		const struct table_column *column = &table->columns[c];

		put(&line, column->title, width_of(column->title), widths[c], column->align,
			color ? "\033[1m" : NULL);
	}
	if (titles)
		fputc('\n', file);
	for (size_t i = 0; i < table->cell_count; i++) {
		const struct cell *cell = &table->cells[i];

		if (i % n == 0)
			line.owed = 0;
		put(&line, cell->text, cell->width, widths[i % n], table->columns[i % n].align,
			color ? color_of(cell->style) : NULL);
		if (i % n == n - 1 || i == table->cell_count - 1)
			fputc('\n', file);
	}
	free(widths);
}
