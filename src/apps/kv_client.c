/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kv_client: sends commands to a RESP2 server and shows the replies: one from the command line, or one a line
 * from standard input. Replies are shown as redis-cli does: quoted and numbered on a terminal, raw in a pipe.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/resp_reply.h"

#define WORDS_MAX 1024
#define READ_SIZE 65536

enum outcome { SHOWN, SERVER_ERROR, CONNECTION_LOST };

struct client {
	int fd;
	int timeout_ms;
	bool raw;
	const char *peer;
	uint8_t *in; /* owned */
	size_t len, cap;
};

static bool lose(const struct client *client, const char *why)
{
	fprintf(stderr, "kv_client: %s: %s\n", client->peer, why);
	return false;
}

static bool wait_for(const struct client *client, short events)
{
	struct pollfd wait = {.fd = client->fd, .events = events};
	int n = poll(&wait, 1, client->timeout_ms);

	return n > 0 ? true : lose(client, n == 0 ? "no answer in time" : strerror(errno));
}

static bool send_all(const struct client *client, const struct resp_out *out)
{
	size_t sent = 0;

	while (sent < out->len) {
		ssize_t n = send(client->fd, out->data + sent, out->len - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return lose(client, strerror(errno));
		else if (!wait_for(client, POLLOUT))
			return false;
	}
	return true;
}

/* Read until one whole reply stands at in; its length, or 0 after telling what went wrong. */
static size_t read_reply(struct client *client)
{
	for (;;) {
		long size = resp_reply_size(client->in, client->len);
		ssize_t n;

		if (size > 0)
			return (size_t)size;
		if (size < 0)
			return lose(client, "this is no RESP server: its reply makes no sense");
		if (client->cap - client->len < READ_SIZE) {
			uint8_t *more = realloc(client->in, client->cap * 2 + READ_SIZE);

			if (more == NULL)
				return lose(client, "out of memory for the reply");
			client->in = more;
			client->cap = client->cap * 2 + READ_SIZE;
		}
		n = recv(client->fd, client->in + client->len, client->cap - client->len, 0);
		if (n == 0)
			return lose(client, "the server closed the connection");
		if (n > 0)
			client->len += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return lose(client, strerror(errno));
		else if (!wait_for(client, POLLIN))
			return 0;
	}
}

static void show_quoted(const uint8_t *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			printf("\\%c", text[i]);
		else if (text[i] >= ' ' && text[i] < 127)
			putchar(text[i]);
		else
			printf(text[i] == '\n' ? "\\n" : text[i] == '\r' ? "\\r" : "\\x%02x", text[i]);
	}
	puts("\"");
}

static void show_value(const struct client *client, const struct resp_value *value)
{
	switch (value->type) {
	case '$':
		if (!client->raw) {
			show_quoted(value->text, value->len);
			return;
		}
		/* fall through */
	case '+':
		fwrite(value->text, 1, value->len, stdout);
		putchar('\n');
		return;
	case '-':
		printf("%s%.*s\n", client->raw ? "" : "(error) ", (int)value->len, (const char *)value->text);
		return;
	case ':':
		printf("%s%lld\n", client->raw ? "" : "(integer) ", (long long)value->number);
		return;
	case '*':
		if (value->number == 0 && !client->raw)
			puts("(empty array)");
		return;
	default:
		puts(client->raw ? "" : "(nil)");
	}
}

/* Print the reply of size bytes and take it off; elements of arrays come one a line, whatever their depth. */
static enum outcome show_reply(struct client *client, size_t size)
{
	enum outcome outcome = client->in[0] == '-' ? SERVER_ERROR : SHOWN;
	bool numbered = client->in[0] == '*' && !client->raw;

	for (size_t pos = 0, i = 0; pos < size; i++) {
		struct resp_value value;
		long used = resp_reply_value(client->in + pos, size - pos, &value);

		if (numbered && i > 0)
			printf("%zu) ", i);
		show_value(client, &value);
		pos += (size_t)used;
	}
	memmove(client->in, client->in + size, client->len - size);
	client->len -= size;
	return outcome;
}

static enum outcome run(struct client *client, const struct resp_arg *args, size_t count)
{
	struct resp_out out;
	size_t size = 0;

	resp_out_init(&out, RESP_REQUEST_MAX);
	resp_request(&out, args, count);
	if (out.failed)
		lose(client, "the command is too long");
	else if (send_all(client, &out))
		size = read_reply(client);
	resp_out_free(&out);
	return size > 0 ? show_reply(client, size) : CONNECTION_LOST;
}

static enum outcome run_lines(struct client *client)
{
	enum outcome outcome = SHOWN;
	bool prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	char *line = NULL;
	size_t cap = 0;

	while (outcome != CONNECTION_LOST) {
		struct resp_arg words[WORDS_MAX];
		ssize_t len;
		long count;

		if (prompt)
			printf("%s> ", client->peer);
		fflush(stdout);
		len = getline(&line, &cap, stdin);
		if (len < 0)
			break;
		count = resp_split((uint8_t *)line, (size_t)len, words, WORDS_MAX);
		if (count < 0) {
			fprintf(stderr, "kv_client: unbalanced quotes, or more than %d words\n", WORDS_MAX);
			outcome = SERVER_ERROR;
			continue;
		}
		if (count == 0)
			continue;
		if (words[0].len == 4 && strncasecmp((const char *)words[0].data, "exit", 4) == 0)
			break;
		enum outcome now = run(client, words, (size_t)count);

		outcome = now == SHOWN ? outcome : now; /* one failed command fails the run */
		if (words[0].len == 4 && strncasecmp((const char *)words[0].data, "quit", 4) == 0)
			break;
	}
	free(line);
	return outcome;
}

int main(int argc, char **argv)
{
	uint64_t timeout_ms = 5000;
	bool raw = false;
	const struct cli_option options[] = {
		{"timeout-ms", CLI_NUMBER, &timeout_ms, 1, 3600000, "MS",
			"how long to wait for anything (5000)"},
		{"raw", CLI_FLAG, &raw, 0, 0, NULL, "plain replies on a terminal too"},
	};
	const struct cli_program program = {
		.name = "kv_client",
		.args = "HOST PORT [COMMAND ARGS...]",
		.args_min = 2,
		.args_max = -1,
		.summary = "Sends a command to a RESP2 server; without one, reads them from standard input, "
			   "one a line.\n"
			   "Exit 0: done, 1: an error reply, or no connection.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
		.options_first = true,
	};
	int first = cli_parse(&program, argc, argv), words = argc - first - 2;
	uint16_t port = cli_port(&program, argv[first + 1], 1);
	char peer_text[ENDPOINT_TEXT_MAX], error[256];
	struct endpoint peer;
	struct client client = {.timeout_ms = (int)timeout_ms, .raw = raw || !isatty(STDOUT_FILENO)};
	enum outcome outcome;

	signal(SIGPIPE, SIG_IGN);
	client.fd = endpoint_dial(argv[first], port, client.timeout_ms, &peer, error, sizeof(error));
	if (client.fd < 0) {
		fprintf(stderr, "%s: %s\n", program.name, error);
		return 1;
	}
	client.peer = endpoint_text(&peer, peer_text);
	if (words > 0) {
		struct resp_arg *args = calloc((size_t)words, sizeof(*args));

		for (int i = 0; args != NULL && i < words; i++)
			args[i] = (struct resp_arg){.data = (const uint8_t *)argv[first + 2 + i],
				.len = strlen(argv[first + 2 + i])};
		outcome = args != NULL ? run(&client, args, (size_t)words) : CONNECTION_LOST;
		free(args);
	} else {
		outcome = run_lines(&client);
	}
	close(client.fd);
	free(client.in);
	return outcome == SHOWN ? 0 : 1;
}
