/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the small programs; see cli.h. */
#include "apps/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/endpoint.h"

#define OPTIONS_MAX 24   /* the longest table of any program, with room */
#define LONG_BASE   1000 /* getopt value of the table's first row: above every character */

void cli_fail(const struct cli_program *program, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see %s --help\n", program->name);
	exit(2);
}

static void print_help(const struct cli_program *program)
{
	printf("usage: %s%s%s%s%s\n\n%s\noptions:\n", program->name,
		program->options_first ? " [OPTIONS]" : "", *program->args ? " " : "", program->args,
		program->options_first ? "" : " [OPTIONS]", program->summary);
	for (size_t i = 0; i < program->option_count; i++) {
		const struct cli_option *option = &program->options[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", option->name, option->arg ? " " : "",
			option->arg ? option->arg : "");
		printf("  %-26s %s\n", left, option->help);
	}
	printf("  %-26s %s\n  %-26s %s\n", "--help", "show this text", "--version", "show the version");
}

static uint64_t read_number(const struct cli_program *program, const char *what, const char *text,
	bool suffix, uint64_t min, uint64_t max)
{
	char *end = NULL;
	unsigned long long value;
	uint64_t unit = 1;
	bool good = text[0] >= '0' && text[0] <= '9';

	errno = 0;
	value = strtoull(text, &end, 10);
	good = good && errno == 0;
	if (suffix && *end != '\0' && strchr("kKmMgG", *end) != NULL) {
		unit = *end == 'k' || *end == 'K'   ? 1ull << 10
		       : *end == 'm' || *end == 'M' ? 1ull << 20
						    : 1ull << 30;
		end++;
	}
	if (!good || *end != '\0' || value > UINT64_MAX / unit || value * unit < min || value * unit > max)
		cli_fail(program, "%s: '%s' is not a number from %llu to %llu%s", what, text,
			(unsigned long long)min, (unsigned long long)max,
			suffix ? " (suffix k, m or g allowed)" : "");
	return value * unit;
}

static void store(const struct cli_program *program, const struct cli_option *option, const char *text)
{
	char what[64];

	snprintf(what, sizeof(what), "--%s", option->name);
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)option->value = true;
		break;
	case CLI_TEXT:
		if (text[0] == '\0')
			cli_fail(program, "%s: an empty value makes no sense", what);
		*(const char **)option->value = text;
		break;
	case CLI_NUMBER:
	case CLI_BYTES:
		*(uint64_t *)option->value =
			read_number(program, what, text, option->kind == CLI_BYTES, option->min, option->max);
		break;
	case CLI_LIST: {
		struct cli_list *list = option->value;

		if (list->count == CLI_LIST_MAX)
			cli_fail(program, "%s: given more than %d times", what, CLI_LIST_MAX);
		list->items[list->count++] = text;
		break;
	}
	}
}

int cli_parse(const struct cli_program *program, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX + 3] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}};
	int args, got;

	if (program->option_count > OPTIONS_MAX)
		abort();
	for (size_t i = 0; i < program->option_count; i++)
		longs[i + 2] = (struct option){program->options[i].name,
			program->options[i].kind == CLI_FLAG ? no_argument : required_argument, NULL,
			LONG_BASE + (int)i};
	opterr = 0;
	while ((got = getopt_long(argc, argv, program->options_first ? "+:hV" : ":hV", longs, NULL)) != -1) {
		if (got == 'h') {
			print_help(program);
			exit(0);
		}
		if (got == 'V') {
			printf("%s %s\n", program->name, TANDEM_VERSION);
			exit(0);
		}
		if (got == ':')
			cli_fail(program, "%s needs a value", argv[optind - 1]);
		if (got < LONG_BASE)
			cli_fail(program, "unknown option '%s'", argv[optind - 1]);
		store(program, &program->options[got - LONG_BASE], optarg);
	}
	args = argc - optind;
	if (args < program->args_min)
		cli_fail(
			program, "%s wanted, %d argument%s given", program->args, args, args == 1 ? "" : "s");
	if (program->args_max >= 0 && args > program->args_max)
		cli_fail(program, "'%s' is one argument too many (%s wanted)",
			argv[optind + program->args_max], *program->args ? program->args : "none");
	return optind;
}

uint16_t cli_port(const struct cli_program *program, const char *text, uint16_t min)
{
	return (uint16_t)read_number(program, "PORT", text, false, min, 65535);
}

const char *cli_listen_addr(const struct cli_program *program, const char *text)
{
	struct endpoint unused[2];

	if (endpoint_listen(text, 1, unused) < 0)
		cli_fail(
			program, "ADDR: '%s' is neither an IPv4 or IPv6 address nor '*' (all of both)", text);
	return text;
}

const char *cli_host(const struct cli_program *program, const char *text)
{
	if (text[0] == '\0')
		cli_fail(program, "HOST: '' is neither a name nor an address");
	return text;
}
