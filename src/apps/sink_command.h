/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operator of byte_sink may say, a line a command, and the words for what a TCP socket is in. Pure. */
#ifndef TANDEM_APPS_SINK_COMMAND_H
#define TANDEM_APPS_SINK_COMMAND_H

#include <stddef.h>
#include <stdint.h>

enum sink_verb {
	SINK_NOTHING, /* an empty line, or a comment that begins with # */
	SINK_BIND,
	SINK_LISTEN,
	SINK_ACCEPT,
	SINK_READ,
	SINK_USE,
	SINK_SHUTDOWN,
	SINK_CLOSE,
	SINK_RESET,
	SINK_STOP,
	SINK_SHOW,
	SINK_HELP,
	SINK_QUIT,
	SINK_VERBS
};

struct sink_command {
	enum sink_verb verb;
	uint32_t number; /* its argument, or what stands for it when there is none */
};

/* One line, with or without its newline. 0, or -EINVAL with one line of words in error. */
int sink_command_parse(const char *line, struct sink_command *out, char *error, size_t error_size);

/* The commands, one a line, "read [BYTES]  take ...", as long as it returns not NULL. */
const char *sink_command_name(enum sink_verb verb);
const char *sink_command_help(enum sink_verb verb);

/* The name of a state as in tcpi_state ("CLOSE_WAIT"), and what it means for this end; static texts. */
const char *sink_state_name(unsigned state);
const char *sink_state_words(unsigned state);

/* The data as text in quotes, what is not printable as \xNN, "..." where buf is too short. Returns buf. */
const char *sink_quote(const uint8_t *data, size_t len, char *buf, size_t size);

#endif
