/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of byte_sink; see sink_command.h. */
#include "apps/sink_command.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS     " \t\r\n"
#define WORD_SHOWN 40
#define QUOTED_MAX 9 /* bytes that "\xNN" takes with the end behind it: three dots, a quote and a NUL */

static const struct verb {
	const char *name;
	const char *argument;   /* NULL: takes none */
	bool needed;            /* the argument may not be left out */
	uint32_t min, max, def; /* of the argument */
	const char *help;
} verbs[SINK_VERBS] = {
	[SINK_BIND] = {.name = "bind", .help = "make the socket and bind it to ADDR and PORT"},
	[SINK_LISTEN] = {.name = "listen",
		.argument = "BACKLOG",
		.max = 65535,
		.def = 4,
		.help = "let the kernel complete handshakes and queue connections (4)"},
	[SINK_ACCEPT] = {.name = "accept", .help = "take the first connection of the queue"},
	[SINK_READ] = {.name = "read",
		.argument = "BYTES",
		.min = 1,
		.max = 1 << 20,
		.def = 1024,
		.help = "take bytes out of the connection's receive queue (1024)"},
	[SINK_USE] = {.name = "use",
		.argument = "N",
		.needed = true,
		.min = 1,
		.max = 1000000,
		.help = "connection N is the one that read, shutdown, close and reset mean"},
	[SINK_SHUTDOWN] = {.name = "shutdown", .help = "end our direction (FIN), go on reading: half-closed"},
	[SINK_CLOSE] = {.name = "close", .help = "close the connection: FIN, or RST when bytes are unread"},
	[SINK_RESET] = {.name = "reset", .help = "close the connection with RST"},
	[SINK_STOP] = {.name = "stop", .help = "close the listening socket, connections stay"},
	[SINK_SHOW] = {.name = "show", .help = "the sockets, their states and queues"},
	[SINK_HELP] = {.name = "help", .help = "this list"},
	[SINK_QUIT] = {.name = "quit", .help = "end the program; the kernel closes what is open"},
};

const char *sink_command_name(enum sink_verb verb)
{
	return verb < SINK_VERBS ? verbs[verb].name : NULL;
}

const char *sink_command_help(enum sink_verb verb)
{
	return verb < SINK_VERBS ? verbs[verb].help : NULL;
}

static enum sink_verb find(const char *word, size_t len)
{
	for (int i = SINK_NOTHING + 1; i < SINK_VERBS; i++) {
		if (strlen(verbs[i].name) == len && memcmp(verbs[i].name, word, len) == 0)
			return (enum sink_verb)i;
	}
	return SINK_VERBS;
}

static int shown(size_t len)
{
	return len < WORD_SHOWN ? (int)len : WORD_SHOWN;
}

static bool read_number(const char *word, size_t len, const struct verb *verb, uint32_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9' || value > verb->max)
			return false;
		value = value * 10 + (uint64_t)(word[i] - '0');
	}
	*out = (uint32_t)value;
	return value >= verb->min && value <= verb->max;
}

int sink_command_parse(const char *line, struct sink_command *out, char *error, size_t error_size)
{
	const char *word = line + strspn(line, BLANKS);
	size_t len = strcspn(word, BLANKS);
	const struct verb *verb;

	*out = (struct sink_command){.verb = SINK_NOTHING};
	if (len == 0 || *word == '#')
		return 0;
	out->verb = find(word, len);
	if (out->verb == SINK_VERBS) {
		snprintf(error, error_size, "'%.*s' is no command; 'help' lists them", shown(len), word);
		return -EINVAL;
	}
	verb = &verbs[out->verb];
	out->number = verb->def;
	word += len;
	word += strspn(word, BLANKS);
	len = strcspn(word, BLANKS);
	if (len == 0 && verb->needed) {
		snprintf(error, error_size, "%s: its argument %s is missing", verb->name, verb->argument);
		return -EINVAL;
	}
	if (len == 0)
		return 0;
	if (verb->argument == NULL || word[len + strspn(word + len, BLANKS)] != '\0') {
		snprintf(error, error_size, "%s takes %s", verb->name,
			verb->argument == NULL ? "no argument" : "one argument");
		return -EINVAL;
	}
	if (!read_number(word, len, verb, &out->number)) {
		snprintf(error, error_size, "%s: %s '%.*s' is no number from %u to %u", verb->name,
			verb->argument, shown(len), word, verb->min, verb->max);
		return -EINVAL;
	}
	return 0;
}

static const struct {
	const char *name, *words;
} states[] = {
	[TCP_ESTABLISHED] = {"ESTABLISHED", "both directions are open"},
	[TCP_SYN_SENT] = {"SYN_SENT", "our SYN has no answer yet"},
	[TCP_SYN_RECV] = {"SYN_RECV", "the handshake's last part is missing"},
	[TCP_FIN_WAIT1] = {"FIN_WAIT1", "our FIN is not acknowledged yet"},
	[TCP_FIN_WAIT2] = {"FIN_WAIT2", "we have sent FIN, the peer may still send: half-closed"},
	[TCP_TIME_WAIT] = {"TIME_WAIT", "ended, waits for stray packets"},
	[TCP_CLOSE] = {"CLOSE", "ended on both sides, or reset"},
	[TCP_CLOSE_WAIT] = {"CLOSE_WAIT", "the peer has sent FIN, we may still send"},
	[TCP_LAST_ACK] = {"LAST_ACK", "both have sent FIN, ours is not acknowledged yet"},
	[TCP_LISTEN] = {"LISTEN", "waits for connections"},
	[TCP_CLOSING] = {"CLOSING", "both have sent FIN at the same time"},
};

const char *sink_state_name(unsigned state)
{
	return state > 0 && state < sizeof(states) / sizeof(states[0]) ? states[state].name : "UNKNOWN";
}

const char *sink_state_words(unsigned state)
{
	return state > 0 && state < sizeof(states) / sizeof(states[0]) ? states[state].words
								       : "a state this program does not know";
}

const char *sink_quote(const uint8_t *data, size_t len, char *buf, size_t size)
{
	size_t used = 0;

	buf[used++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (used + QUOTED_MAX > size) {
			memcpy(buf + used, "...", 3);
			used += 3;
			break;
		}
		if (data[i] == '"' || data[i] == '\\') {
			buf[used++] = '\\';
			buf[used++] = (char)data[i];
		} else if (data[i] == '\n') {
			buf[used++] = '\\';
			buf[used++] = 'n';
		} else if (data[i] >= ' ' && data[i] < 127) {
			buf[used++] = (char)data[i];
		} else {
			used += (size_t)snprintf(buf + used, size - used, "\\x%02x", data[i]);
		}
	}
	buf[used++] = '"';
	buf[used] = '\0';
	return buf;
}
