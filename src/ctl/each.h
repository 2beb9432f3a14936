/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One question to both daemons. Who does not run is left out; what the others say becomes one answer: tandem-lb's data
 * stand as they are, tandem-vrrp's members under "vrrp"; rows of lists are put together and carry "daemon", but for
 * tandem-lb's when it is the only one. So what is there for one daemon is at the same place when both run.
 */
#ifndef TANDEM_CTL_EACH_H
#define TANDEM_CTL_EACH_H

#include <stdbool.h>

#include "common/ctl_client.h"
#include "ctl/command.h"

enum each_daemon { EACH_LB, EACH_VRRP, EACH_COUNT };

extern const char *const each_names[EACH_COUNT]; /* "lb", "vrrp": tandem-NAME, RUNDIR/NAME.sock */

/* The option of every command that asks each. */
#define EACH_OPTION                                                                                   \
	{                                                                                             \
		.long_name = "daemon", .type = GRAMMAR_CHOICE, .key = "daemon", .metavar = "lb|vrrp", \
		.help = "ask only tandem-lb or only tandem-vrrp"                                      \
	}

struct each {
	struct ctl_client *client[EACH_COUNT]; /* NULL: does not run, was not chosen, or cannot be asked */
	int status;                            /* EXIT_DONE, or EXIT_REFUSED once something went wrong */
};

/* Was it chosen on the command line? By default each is. */
bool each_is_chosen(const json_t *args, enum each_daemon daemon);

/* Connect to those that are chosen and run; how many there are. Says what is wrong, which is: none runs, or one cannot
 * be asked. Leaves the names of those that do not run in args, for each_is_absent(). each_close() is due in any case. */
unsigned each_open(
	struct each *each, const struct context *context, const struct subcommand *command, json_t *args);
bool each_is_absent(const json_t *args, enum each_daemon daemon);

/* Ask one; its data (a new reference), or NULL: it has no client, or the error was said. Of args the daemon gets what
 * is the daemon's. */
json_t *each_call(struct each *each, enum each_daemon daemon, const char *command, const json_t *args);
void each_close(struct each *each);

/* One answer of several (NULL: none); takes the references. NULL when there was none at all. */
json_t *each_join(json_t *data[EACH_COUNT]);

/* Put "daemon": NAME into each row of an array. */
void each_mark(json_t *rows, enum each_daemon daemon);

/* Ask each and show the joined answer: command_ask() of ASKS_EACH. */
int each_show(const struct context *context, const struct subcommand *command, json_t *args);

#endif
