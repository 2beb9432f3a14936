/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operator's lines of byte_sink, and its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/tcp.h>

#include "apps/sink_command.h"

static void commands(void **state)
{
	static const struct {
		const char *line;
		enum sink_verb verb;
		uint32_t number;
	} cases[] = {
		{"", SINK_NOTHING, 0},
		{" \t\n", SINK_NOTHING, 0},
		{"# listen 5\n", SINK_NOTHING, 0},
		{"bind\n", SINK_BIND, 0},
		{"listen", SINK_LISTEN, 4},
		{"  listen  0 \r\n", SINK_LISTEN, 0},
		{"listen 65535\n", SINK_LISTEN, 65535},
		{"accept", SINK_ACCEPT, 0},
		{"read", SINK_READ, 1024},
		{"read 1", SINK_READ, 1},
		{"read 1048576", SINK_READ, 1048576},
		{"use 2\n", SINK_USE, 2},
		{"shutdown", SINK_SHUTDOWN, 0},
		{"close", SINK_CLOSE, 0},
		{"reset", SINK_RESET, 0},
		{"stop", SINK_STOP, 0},
		{"show", SINK_SHOW, 0},
		{"help", SINK_HELP, 0},
		{"quit", SINK_QUIT, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sink_command command;
		char error[160] = "";

		assert_int_equal(sink_command_parse(cases[i].line, &command, error, sizeof(error)), 0);
		assert_int_equal(command.verb, cases[i].verb);
		assert_int_equal(command.number, cases[i].number);
		assert_string_equal(error, "");
	}
}

static void mistakes(void **state)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"lis\n", "'lis' is no command; 'help' lists them"},
		{"Listen\n", "'Listen' is no command; 'help' lists them"},
		{"bind 5\n", "bind takes no argument"},
		{"read 5 6\n", "read takes one argument"},
		{"read x\n", "read: BYTES 'x' is no number from 1 to 1048576"},
		{"read 0\n", "read: BYTES '0' is no number from 1 to 1048576"},
		{"read 1048577\n", "read: BYTES '1048577' is no number from 1 to 1048576"},
		{"read 18446744073709551617\n",
			"read: BYTES '18446744073709551617' is no number from 1 to 1048576"},
		{"listen -1\n", "listen: BACKLOG '-1' is no number from 0 to 65535"},
		{"use\n", "use: its argument N is missing"},
		{"use 0", "use: N '0' is no number from 1 to 1000000"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sink_command command;
		char error[160] = "";

		assert_int_equal(sink_command_parse(cases[i].line, &command, error, sizeof(error)), -EINVAL);
		assert_string_equal(error, cases[i].error);
	}
}

static void each_command_has_its_help(void **state)
{
	for (int i = SINK_NOTHING + 1; i < SINK_VERBS; i++) {
		assert_non_null(sink_command_name((enum sink_verb)i));
		assert_non_null(sink_command_help((enum sink_verb)i));
	}
	assert_null(sink_command_name(SINK_VERBS));
}

static void states(void **state)
{
	for (unsigned i = TCP_ESTABLISHED; i <= TCP_CLOSING; i++) {
		assert_non_null(sink_state_name(i));
		assert_non_null(sink_state_words(i));
		assert_string_not_equal(sink_state_name(i), "UNKNOWN");
	}
	assert_string_equal(sink_state_name(TCP_CLOSE_WAIT), "CLOSE_WAIT");
	assert_string_equal(sink_state_name(TCP_LISTEN), "LISTEN");
	assert_string_equal(sink_state_name(0), "UNKNOWN");
	assert_string_equal(sink_state_name(TCP_CLOSING + 1), "UNKNOWN");
	assert_non_null(sink_state_words(99));
}

static void quotes(void **state)
{
	static const uint8_t data[] = {'a', '"', '\\', '\n', 0, 0xff, ' '};
	uint8_t all[256];
	char text[64];

	assert_string_equal(
		sink_quote(data, sizeof(data), text, sizeof(text)), "\"a\\\"\\\\\\n\\x00\\xff \"");
	assert_string_equal(sink_quote(data, 0, text, sizeof(text)), "\"\"");
	assert_string_equal(sink_quote((const uint8_t *)"abcdefgh", 8, text, 12), "\"abc...\"");
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	for (size_t size = 12; size <= sizeof(text); size++) /* the sanitizer watches the end */
		assert_true(strlen(sink_quote(all, sizeof(all), text, size)) < size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(each_command_has_its_help),
		cmocka_unit_test(states),
		cmocka_unit_test(quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
