/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time_burst_client: sends numbered SNTP queries without waiting in between, and shows in which order the
 * replies come, which get lost and which come twice. burst.c keeps the books; this file has the socket and
 * the clock. With --tries, what has no answer is asked again.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "apps/burst.h"
#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/sntp.h"

#define SOCKET_BUFFER (4 * 1024 * 1024) /* asked for; the kernel cuts it to its limits */
#define LOST_SHOWN    512               /* bytes of the list of lost numbers */

struct client {
	uint64_t count, tries, timeout_ms, interval_ms, settle_ms;
	bool quiet;
	int fd;
	struct burst burst;
	uint64_t arrivals;    /* of replies */
	uint64_t bad;         /* no replies of a time server */
	uint64_t unreachable; /* ICMP errors: port, host or network unreachable */
	int last_error;       /* what the last of them said, an errno */
};

static int64_t now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void show_reply(const struct client *client, enum burst_reply reply, unsigned number, int64_t since_us)
{
	static const char *const remark[BURST_REPLIES] = {
		[BURST_FIRST] = "",
		[BURST_OVERTAKEN] = ", overtaken",
		[BURST_DUPLICATE] = ", a duplicate",
		[BURST_SPARE] = ", answered before (this is another try's)",
	};

	if (!client->quiet)
		printf("reply %llu: query %u at %.1f ms%s\n", (unsigned long long)client->arrivals, number,
			(double)since_us / 1e3, remark[reply]);
}

/* An error of the socket is what ICMP said to an earlier query. */
static void note_error(struct client *client, int error)
{
	if (error == EAGAIN || error == EINTR)
		return;
	client->unreachable++;
	client->last_error = error;
}

/* Take what has arrived. */
static void take_replies(struct client *client, int64_t began_us)
{
	for (;;) {
		struct sntp_packet packet;
		uint8_t wire[512];
		unsigned number = 0;
		enum burst_reply reply;
		ssize_t n = recv(client->fd, wire, sizeof(wire), 0);

		if (n < 0) {
			note_error(client, errno);
			if (errno == EAGAIN || errno == EINTR)
				return;
			continue; /* the error is told once, replies may stand behind it */
		}
		if (sntp_decode(wire, (size_t)n, &packet) != 0 || packet.mode != SNTP_MODE_SERVER) {
			client->bad++;
			continue;
		}
		reply = burst_received(&client->burst, packet.originate, &number);
		if (reply != BURST_FOREIGN) {
			client->arrivals++;
			show_reply(client, reply, number, now_us() - began_us);
		}
	}
}

static bool all_answered(const struct client *client)
{
	return burst_answers(&client->burst) == client->burst.count;
}

/* Take replies for so long; with settle, from the last answer on only settle_ms longer, for duplicates. */
static void take_until(struct client *client, int64_t began_us, int64_t until_us, bool settle)
{
	bool settling = false;

	for (int64_t left; (left = until_us - now_us()) > 0;) {
		struct pollfd wait = {.fd = client->fd, .events = POLLIN};

		if (settle && !settling && all_answered(client)) {
			int64_t settled_us = now_us() + (int64_t)client->settle_ms * 1000;

			settling = true;
			until_us = settled_us < until_us ? settled_us : until_us;
			continue;
		}
		if (poll(&wait, 1, (int)(left / 1000 + 1)) > 0)
			take_replies(client, began_us);
	}
}

/* 0, or the errno of what this machine itself refuses to send. */
static int send_query(struct client *client, unsigned number, unsigned try_index)
{
	const struct sntp_packet query = {.version = 4,
		.mode = SNTP_MODE_CLIENT,
		.transmit = burst_stamp(&client->burst, number, try_index)};
	uint8_t wire[SNTP_PACKET_LEN];

	sntp_encode(&query, wire);
	for (int i = 0; i < 3; i++) { /* an ICMP error of an earlier query is told here, and then is gone */
		if (send(client->fd, wire, sizeof(wire), 0) >= 0) {
			burst_sent(&client->burst, number, try_index);
			return 0;
		}
		if (errno == EAGAIN) {
			struct pollfd wait = {.fd = client->fd, .events = POLLOUT};

			poll(&wait, 1, (int)client->timeout_ms);
		} else {
			note_error(client, errno);
		}
	}
	return errno;
}

static int send_round(struct client *client, unsigned try_index, int64_t began_us)
{
	for (unsigned number = 1; number <= client->burst.count; number++) {
		int error;

		if (burst_answered(&client->burst, number))
			continue;
		error = send_query(client, number, try_index);
		if (error != 0 && error != ECONNREFUSED)
			return error;
		take_replies(client, began_us); /* they must not overrun our own buffer */
		if (client->interval_ms > 0)
			take_until(client, began_us, now_us() + (int64_t)client->interval_ms * 1000, false);
	}
	return 0;
}

static int ask_all(struct client *client)
{
	int64_t began_us = now_us();

	for (unsigned i = 0; i < client->tries && !all_answered(client); i++) {
		int error;

		if (i > 0 && !client->quiet)
			printf("try %u: %u of %u have no answer and are asked again\n", i + 1,
				client->burst.count - burst_answers(&client->burst), client->burst.count);
		error = send_round(client, i, began_us);
		if (error != 0)
			return error;
		take_until(client, began_us, now_us() + (int64_t)client->timeout_ms * 1000, true);
	}
	return 0;
}

static void show_summary(const struct client *client)
{
	const struct burst *burst = &client->burst;
	unsigned answers = burst_answers(burst), lost = burst->count - answers;
	char numbers[LOST_SHOWN];

	if (lost > 0) {
		burst_lost_text(burst, numbers, sizeof(numbers));
		printf("no answer: %s\n", numbers);
	}
	printf("queries %u, datagrams %llu, answered %u, lost %u (%.1f %%), overtaken %llu, duplicates %llu, "
	       "spare %llu, foreign %llu, unreachable %llu\n",
		burst->count, (unsigned long long)burst->sent, answers, lost, 100. * lost / burst->count,
		(unsigned long long)burst->replies[BURST_OVERTAKEN],
		(unsigned long long)burst->replies[BURST_DUPLICATE],
		(unsigned long long)burst->replies[BURST_SPARE],
		(unsigned long long)(burst->replies[BURST_FOREIGN] + client->bad),
		(unsigned long long)client->unreachable);
}

/* A socket connected to the first of the host's addresses to which there is a route; else -1 with the error. */
static int open_socket(const struct endpoint *list, int count, char text[ENDPOINT_TEXT_MAX])
{
	int error = 0, size = SOCKET_BUFFER;

	for (int i = 0; i < count; i++) {
		int fd = socket(list[i].addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		endpoint_text(&list[i], text);
		if (fd >= 0 && connect(fd, (const struct sockaddr *)&list[i].addr, list[i].len) == 0) {
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
			return fd;
		}
		error = errno;
		if (fd >= 0)
			close(fd);
	}
	errno = error;
	return -1;
}

static int run(struct client *client, const char *program, const char *text)
{
	struct burst_query *queries = calloc(client->count, sizeof(*queries));
	uint32_t cookie;
	int error = ENOMEM;

	if (queries != NULL && getrandom(&cookie, sizeof(cookie), 0) == sizeof(cookie)) {
		burst_init(&client->burst, queries, (unsigned)client->count, cookie);
		error = ask_all(client);
	}
	if (error != 0) {
		fprintf(stderr, "%s: can't send to %s: %s\n", program, text, strerror(error));
	} else {
		show_summary(client);
		fflush(stdout);
		if (client->unreachable > 0)
			fprintf(stderr, "%s: %s: %s (told by ICMP)\n", program, text,
				strerror(client->last_error));
		error = !all_answered(client);
	}
	free(queries);
	return error != 0;
}

int main(int argc, char **argv)
{
	struct client client = {.count = 20, .tries = 1, .timeout_ms = 1000, .settle_ms = 200};
	const struct cli_option options[] = {
		{"count", CLI_NUMBER, &client.count, 1, BURST_QUERIES_MAX, "N", "queries in the burst (20)"},
		{"tries", CLI_NUMBER, &client.tries, 1, BURST_TRIES_MAX, "N",
			"how often a query without an answer is asked at most (1)"},
		{"timeout-ms", CLI_NUMBER, &client.timeout_ms, 1, 60000, "MS",
			"how long to wait for answers after each round (1000)"},
		{"interval-ms", CLI_NUMBER, &client.interval_ms, 0, 60000, "MS",
			"pause between two queries (0)"},
		{"settle-ms", CLI_NUMBER, &client.settle_ms, 0, 60000, "MS",
			"how long to wait for duplicates after the last answer (200)"},
		{"quiet", CLI_FLAG, &client.quiet, 0, 0, NULL, "only the summary"},
	};
	const struct cli_program program = {
		.name = "time_burst_client",
		.args = "HOST PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Sends numbered queries to an SNTP server (time_server) at once and shows in which order\n"
			"the replies come, which are lost and which come twice.\n"
			"Exit 0: each query was answered, 1: some were not.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), count, rc;
	struct endpoint list[ENDPOINT_MAX];
	char text[ENDPOINT_TEXT_MAX];
	const char *why;

	count = endpoint_resolve(cli_host(&program, argv[first]), cli_port(&program, argv[first + 1], 1),
		SOCK_DGRAM, list, &why);
	if (count < 0) {
		fprintf(stderr, "%s: can't resolve '%s': %s\n", program.name, argv[first], why);
		return 1;
	}
	client.fd = open_socket(list, count, text);
	if (client.fd < 0) {
		fprintf(stderr, "%s: can't reach %s: %s\n", program.name, text, strerror(errno));
		return 1;
	}
	if (!client.quiet)
		printf("asking %s, %llu queries\n", text, (unsigned long long)client.count);
	rc = run(&client, program.name, text);
	close(client.fd);
	return rc;
}
