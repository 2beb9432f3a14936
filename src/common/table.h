/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in aligned columns. Knows no JSON and no command. Cells are cleaned of control characters (a failed
 * check's answer may hold anything) and measured in characters, not bytes. No line ends in blanks.
 */
#ifndef TANDEM_COMMON_TABLE_H
#define TANDEM_COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_align { TABLE_LEFT, TABLE_RIGHT };
enum table_style { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_FAINT }; /* colours, when wanted */

struct table_column {
	const char *title; /* NULL in the first column: the table has no line of titles */
	enum table_align align;
	unsigned min_width; /* characters */
};

struct table;

/* columns must outlive the table. Ends the program with a message when memory is out, as all of these do. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Add the next cell, left to right, row after row; NULL is "-". The text is copied (at most 511 bytes). */
void table_cell(struct table *table, enum table_style style, const char *text);

/* A line outside a table, in a style of its cells; cleaned, and at most 511 bytes, as they are. */
void table_line(enum table_style style, const char *text, FILE *file, bool color);

/* Print the rows so far; a row that is not whole is filled up with empty cells. */
void table_print(const struct table *table, FILE *file, bool color);

#endif
