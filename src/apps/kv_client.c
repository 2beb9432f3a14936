/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kv_client: sends commands to a RESP2 server and shows the replies: one from the command line, or one a line
 * from standard input. Replies are shown as redis-cli does: quoted and numbered on a terminal, raw in a pipe.
 * One command is its own: "fire" sends a burst and hangs up, which a server has to survive.
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

#define FIRE_REQUESTS     1000
#define FIRE_REQUESTS_MAX 1000000
#define FIRE_PAYLOAD      1024 /* bytes that the server would have to send back for each request */

enum outcome { SHOWN, SERVER_ERROR, CONNECTION_LOST, MISTAKE };

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

/* How many requests "fire [N]" shall send; 0 after telling that this is no such number. */
static unsigned fire_count(const struct resp_arg *args, size_t count)
{
	unsigned value = count > 1 ? 0 : FIRE_REQUESTS;

	for (size_t i = 0; count == 2 && i < args[1].len; i++) {
		bool digit = args[1].data[i] >= '0' && args[1].data[i] <= '9';

		value = digit ? value * 10 + (unsigned)(args[1].data[i] - '0') : FIRE_REQUESTS_MAX + 1;
		if (value > FIRE_REQUESTS_MAX)
			break;
	}
	if (value >= 1 && value <= FIRE_REQUESTS_MAX)
		return value;
	fprintf(stderr, "kv_client: fire takes one number of requests, 1 to %d\n", FIRE_REQUESTS_MAX);
	return 0;
}

/* Send the request so often, or until the server takes no more; -1 when it hung up first. */
static int fire_at(const struct client *client, const struct resp_out *request, unsigned count)
{
	struct pollfd wait = {.fd = client->fd, .events = POLLOUT};
	unsigned sent = 0;
	size_t at = 0;

	while (sent < count) {
		ssize_t n = send(client->fd, request->data + at, request->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (poll(&wait, 1, client->timeout_ms) <= 0)
				break; /* it reads no more because we don't: full on both sides */
		} else if (n < 0 && errno != EINTR) {
			lose(client, strerror(errno));
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
		if (at == request->len) {
			at = 0;
			sent++;
		}
	}
	return (int)sent;
}

/* A burst of requests, and away without a look at the replies, so that the server writes to a connection that
 * is no more (EPIPE, ECONNRESET, and SIGPIPE for who did not think of it). */
static enum outcome fire(struct client *client, const struct resp_arg *args, size_t count)
{
	static uint8_t payload[FIRE_PAYLOAD];
	const struct resp_arg words[2] = {
		{.data = (const uint8_t *)"ECHO", .len = 4}, {.data = payload, .len = sizeof(payload)}};
	unsigned requests = fire_count(args, count);
	struct resp_out request;
	int sent = -1;

	if (requests == 0)
		return MISTAKE;
	memset(payload, 'x', sizeof(payload));
	resp_out_init(&request, RESP_REQUEST_MAX);
	resp_request(&request, words, 2);
	if (request.failed)
		lose(client, "out of memory for the request");
	else
		sent = fire_at(client, &request, requests);
	resp_out_free(&request);
	if (sent < 0)
		return CONNECTION_LOST;
	close(client->fd);
	client->fd = -1;
	printf("fired %d of %u requests of %d bytes, hung up without reading a reply\n", sent, requests,
		FIRE_PAYLOAD);
	return SHOWN;
}

static bool word_is(const struct resp_arg *word, const char *text)
{
	return word->len == strlen(text) && strncasecmp((const char *)word->data, text, word->len) == 0;
}

static enum outcome run(struct client *client, const struct resp_arg *args, size_t count)
{
	struct resp_out out;
	size_t size = 0;

	if (word_is(&args[0], "fire"))
		return fire(client, args, count);
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

	while (outcome != CONNECTION_LOST && client->fd >= 0) {
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
		if (word_is(&words[0], "exit"))
			break;
		enum outcome now = run(client, words, (size_t)count);

		outcome = now == SHOWN ? outcome : now; /* one failed command fails the run */
		if (word_is(&words[0], "quit"))
			break;
	}
	free(line);
	return outcome;
}

/* The words of the command line as those of a line; NULL for want of memory. The caller frees it. */
static struct resp_arg *words_of(char *const *argv, int count)
{
	struct resp_arg *args = calloc((size_t)count, sizeof(*args));

	for (int i = 0; args != NULL && i < count; i++)
		args[i] = (struct resp_arg){.data = (const uint8_t *)argv[i], .len = strlen(argv[i])};
	return args;
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
			   "'fire [N]' is none of the server's: it sends N requests (1000) and hangs up.\n"
			   "Exit 0: done, 1: an error reply, or no connection, 2: a mistake.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
		.options_first = true,
	};
	int first = cli_parse(&program, argc, argv), words = argc - first - 2;
	const char *host = cli_host(&program, argv[first]);
	uint16_t port = cli_port(&program, argv[first + 1], 1);
	char peer_text[ENDPOINT_TEXT_MAX], error[256];
	struct endpoint peer;
	struct client client = {
		.fd = -1, .timeout_ms = (int)timeout_ms, .raw = raw || !isatty(STDOUT_FILENO)};
	struct resp_arg *args = words > 0 ? words_of(argv + first + 2, words) : NULL;
	enum outcome outcome = CONNECTION_LOST;

	signal(SIGPIPE, SIG_IGN);
	if (words > 0 && args == NULL) {
		fprintf(stderr, "%s: out of memory for the command\n", program.name);
	} else if (words > 0 && word_is(&args[0], "fire") && fire_count(args, (size_t)words) == 0) {
		outcome = MISTAKE; /* whoever listens there, or nobody */
	} else {
		client.fd = endpoint_dial(host, port, client.timeout_ms, &peer, error, sizeof(error));
		if (client.fd < 0) {
			fprintf(stderr, "%s: %s\n", program.name, error);
		} else {
			client.peer = endpoint_text(&peer, peer_text);
			outcome = words > 0 ? run(&client, args, (size_t)words) : run_lines(&client);
		}
	}
	if (client.fd >= 0)
		close(client.fd);
	free(args);
	free(client.in);
	return outcome == SHOWN ? 0 : outcome == MISTAKE ? 2 : 1;
}
