/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables and numbers as people see them, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/human.h"
#include "common/table.h"

static const struct table_column columns[] = {
	{"NAME", TABLE_LEFT, 0}, {"N", TABLE_RIGHT, 4}, {"NOTE", TABLE_LEFT, 0}};

static void expect(struct table *table, bool color, const char *want)
{
	char *got = NULL;
	size_t len;
	FILE *file = open_memstream(&got, &len);

	table_print(table, file, color);
	fclose(file);
	assert_string_equal(got, want);
	free(got);
	table_free(table);
}

static struct table *rows(size_t count, const char *const *cells)
{
	struct table *table = table_new(columns, 3);

	for (size_t i = 0; i < count; i++)
		table_cell(table, TABLE_PLAIN, cells[i]);
	return table;
}

static void columns_are_aligned_and_lines_end_clean(void **state)
{
	static const char *const cells[] = {
		"a", "1", "first", "longer", "12345", "", "", "", "", "b", "", "x"};

	expect(rows(12, cells), false,
		"NAME        N  NOTE\n"
		"a           1  first\n"
		"longer  12345\n"
		"\n"
		"b              x\n");
}

static void an_empty_table_has_titles(void **state)
{
	expect(rows(0, NULL), false, "NAME     N  NOTE\n");
}

static void a_row_cut_short_ends(void **state)
{
	static const char *const cells[] = {"a", "1", "x", "b"};

	expect(rows(4, cells), false, "NAME     N  NOTE\na        1  x\nb\n");
}

static void characters_are_counted_not_bytes(void **state)
{
	static const char *const cells[] = {"\xc3\xa9t\xc3\xa9", "1", "x", "abc", "2", "y"};

	expect(rows(6, cells), false, "NAME     N  NOTE\n\xc3\xa9t\xc3\xa9      1  x\nabc      2  y\n");
}

static void what_a_peer_sent_cannot_steer_the_terminal(void **state)
{
	static const char *const cells[] = {"a\x1b[2J", NULL, "l1\nl2\t\xff"};

	expect(rows(3, cells), false, "NAME      N  NOTE\na?[2J     -  l1?l2??\n");
}

static void long_cells_are_cut(void **state)
{
	char text[2000], want[600];
	const char *cells[] = {"a", "1", text};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(want, sizeof(want), "NAME     N  NOTE\na        1  %.508s...\n", text);
	expect(rows(3, cells), false, want);
}

static void colour_does_not_move_columns(void **state)
{
	struct table *table = table_new(columns, 3);

	table_cell(table, TABLE_GOOD, "up");
	table_cell(table, TABLE_WARN, "7");
	table_cell(table, TABLE_BAD, "x");
	table_cell(table, TABLE_PLAIN, "down");
	table_cell(table, TABLE_FAINT, "8");
	table_cell(table, TABLE_PLAIN, "");
	expect(table, true,
		"\033[1mNAME\033[0m     \033[1mN\033[0m  \033[1mNOTE\033[0m\n"
		"\033[32mup\033[0m       \033[33m7\033[0m  \033[31mx\033[0m\n"
		"down     \033[2m8\033[0m\n");
}

static void no_titles_no_line_of_them(void **state)
{
	static const struct table_column bare[] = {{NULL, TABLE_LEFT, 6}, {NULL, TABLE_LEFT, 0}};
	struct table *table = table_new(bare, 2);

	table_cell(table, TABLE_PLAIN, "node");
	table_cell(table, TABLE_PLAIN, "lb-a");
	expect(table, false, "node    lb-a\n");
}

static void bytes_are_humanised(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1535, "1.4 KiB"}, {102399, "99.9 KiB"},
		{102400, "100 KiB"}, {1048575, "1023 KiB"}, {1048576, "1.0 MiB"}, {3221225472, "3.0 GiB"},
		{UINT64_MAX, "15.9 EiB"}};
	char out[HUMAN_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_bytes(cases[i].value, out), cases[i].text);
}

static void counts_are_humanised(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"}, {9999, "9999"}, {10000, "10.0k"}, {12345, "12.3k"}, {99999, "99.9k"},
		{999999, "999k"}, {1000000, "1.0M"}, {1048576, "1.0M"}, {UINT64_MAX, "18.4E"}};
	char out[HUMAN_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_count(cases[i].value, out), cases[i].text);
}

static void durations_are_humanised(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0s"}, {59, "59s"}, {60, "1m 0s"}, {3599, "59m 59s"}, {3600, "1h 0m"},
		{86399, "23h 59m"}, {86400, "1d 0h"}, {UINT64_MAX, "213503982334601d 7h"}};
	char out[HUMAN_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_duration(cases[i].value, out), cases[i].text);
}

static void milliseconds_are_humanised(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {{0, "0 ms"}, {0.004, "0 ms"}, {6.09375, "6.09 ms"}, {43, "43 ms"}, {60.9375, "60.93 ms"},
		{60.5, "60.5 ms"}, {99.999, "99.99 ms"}, {100, "100 ms"}, {360.9375, "360.9 ms"},
		{360.05, "360 ms"}, {9999.99, "9999.9 ms"}, {10000, "10.00 s"}, {40950, "40.95 s"},
		{59999, "59.99 s"}, {60000, "1m 0s"}, {1e14, "1157407d 9h"}};
	char out[HUMAN_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(human_ms(cases[i].value, out), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_and_lines_end_clean),
		cmocka_unit_test(an_empty_table_has_titles),
		cmocka_unit_test(a_row_cut_short_ends),
		cmocka_unit_test(characters_are_counted_not_bytes),
		cmocka_unit_test(what_a_peer_sent_cannot_steer_the_terminal),
		cmocka_unit_test(long_cells_are_cut),
		cmocka_unit_test(colour_does_not_move_columns),
		cmocka_unit_test(no_titles_no_line_of_them),
		cmocka_unit_test(bytes_are_humanised),
		cmocka_unit_test(counts_are_humanised),
		cmocka_unit_test(durations_are_humanised),
		cmocka_unit_test(milliseconds_are_humanised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
