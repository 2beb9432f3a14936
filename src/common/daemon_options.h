/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line that both daemons have in common. What is one daemon's own is a flag that it names. */
#ifndef TANDEM_COMMON_DAEMON_OPTIONS_H
#define TANDEM_COMMON_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "common/ctl_rundir.h"

#define DAEMON_CONFIG_DEFAULT "/etc/tandem/tandem.conf"

/* For the usage of each, between its first line and its own flags. */
#define DAEMON_OPTIONS_USAGE                                                    \
	"  -c FILE    config (default " DAEMON_CONFIG_DEFAULT ")\n"             \
	"  -n NODE    this node's name in the config (default: the hostname)\n" \
	"  -r RUNDIR  sockets and state (default " CTL_RUNDIR_DEFAULT ")\n"     \
	"  -t         check the config and exit\n"                              \
	"  -v         say more\n"

struct daemon_options {
	const char *config, *node, *run_dir; /* borrowed from argv; node NULL: the hostname */
	bool test, verbose;
};

/* A long option without a value. */
struct daemon_flag {
	const char *name;
	bool *set;
};

/*
 * Read the command line into *out and the flags, and open the log of the program with it. 0, or -EINVAL with a line on
 * stderr (exit status 2). --help and --version are answered here, and exit.
 */
int daemon_options_read(const char *program, const char *usage, const struct daemon_flag *flags,
	int flag_count, int argc, char **argv, struct daemon_options *out);

#endif
