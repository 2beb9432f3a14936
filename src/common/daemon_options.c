/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/daemon_options.h"
#include "common/log.h"

#define FLAGS_MAX 8

enum { HELP = 256, VERSION, FIRST_FLAG };

/* False: not one of ours. */
static bool take(int c, const char *program, const char *usage, struct daemon_options *o)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		break;
	case 'n':
		o->node = optarg;
		break;
	case 'r':
		o->run_dir = optarg;
		break;
	case 't':
		o->test = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	case 'h':
	case HELP:
		fputs(usage, stdout);
		exit(0);
	case VERSION:
		printf("%s " TANDEM_VERSION "\n", program);
		exit(0);
	default:
		return false;
	}
	return true;
}

int daemon_options_read(const char *program, const char *usage, const struct daemon_flag *flags,
	int flag_count, int argc, char **argv, struct daemon_options *out)
{
	struct option longs[2 + FLAGS_MAX + 1] = {
		{"help", no_argument, NULL, HELP}, {"version", no_argument, NULL, VERSION}};
	int c, at = 1;

	if (flag_count > FLAGS_MAX)
		return -EINVAL;
	for (int i = 0; i < flag_count; i++)
		longs[2 + i] = (struct option){flags[i].name, no_argument, NULL, FIRST_FLAG + i};
	*out = (struct daemon_options){.config = DAEMON_CONFIG_DEFAULT, .run_dir = CTL_RUNDIR_DEFAULT};
	opterr = 0; /* what is wrong is said here, in one line */
	for (; (c = getopt_long(argc, argv, ":c:n:r:tvh", longs, NULL)) != -1; at = optind) {
		if (c >= FIRST_FLAG) {
			*flags[c - FIRST_FLAG].set = true;
		} else if (!take(c, program, usage, out)) {
			fprintf(stderr, "%s: '%s' %s; try '%s --help'\n", program, argv[at],
				c == ':' ? "wants a value" : "is not an option", program);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'; try '%s --help'\n", program, argv[optind],
			program);
		return -EINVAL;
	}
	log_open(program, out->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	return 0;
}
