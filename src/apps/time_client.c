/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time_client: asks an SNTP server, tries again, tries every address of the host, and prints how far the
 * clocks are apart. It never sets a clock. The query carries a random number for a transmit time (the real
 * one is kept), so that only who saw the query can answer it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/sntp.h"

struct ask {
	uint64_t timeout_ms, tries;
	char error[128]; /* why the last try failed */
};

static sntp_time wall_clock(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return sntp_from_timespec(at);
}

static int64_t monotonic_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* Wait for the answer to the query; what is not it is passed over until the time is up. */
static bool wait_reply(
	struct ask *ask, int fd, sntp_time nonce, struct sntp_packet *reply, sntp_time *received)
{
	int64_t deadline = monotonic_ms() + (int64_t)ask->timeout_ms, left;

	snprintf(ask->error, sizeof(ask->error), "no answer within %llu ms",
		(unsigned long long)ask->timeout_ms);
	while ((left = deadline - monotonic_ms()) >= 0) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		uint8_t buf[512];
		enum sntp_fault fault;
		ssize_t n;

		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		n = recv(fd, buf, sizeof(buf), 0);
		*received = wall_clock();
		if (n < 0) {
			snprintf(ask->error, sizeof(ask->error), "%s", strerror(errno));
			return false;
		}
		fault = sntp_check_reply(buf, (size_t)n, nonce, reply);
		if (fault == SNTP_GOOD)
			return true;
		snprintf(ask->error, sizeof(ask->error), "%s", sntp_fault_text(fault));
		if (fault == SNTP_KISS || fault == SNTP_UNSYNCHRONIZED)
			return false;
	}
	return false;
}

static bool ask_once(struct ask *ask, int fd, const char *server)
{
	struct sntp_packet query = {.version = 4, .mode = SNTP_MODE_CLIENT}, reply;
	uint8_t wire[SNTP_PACKET_LEN];
	sntp_time sent, received;
	int64_t offset, delay;

	if (getrandom(&query.transmit, sizeof(query.transmit), 0) != sizeof(query.transmit)) {
		snprintf(ask->error, sizeof(ask->error), "no random numbers: %s", strerror(errno));
		return false;
	}
	sntp_encode(&query, wire);
	sent = wall_clock();
	if (send(fd, wire, sizeof(wire), 0) < 0) {
		snprintf(ask->error, sizeof(ask->error), "%s", strerror(errno));
		return false;
	}
	if (!wait_reply(ask, fd, query.transmit, &reply, &received))
		return false;
	sntp_offset(sent, &reply, received, &offset, &delay);
	printf("%s: stratum %u, offset %+.6f s, delay %.6f s\n", server, reply.stratum, (double)offset / 1e9,
		(double)delay / 1e9);
	return true;
}

int main(int argc, char **argv)
{
	struct ask ask = {.timeout_ms = 1000, .tries = 3};
	const struct cli_option options[] = {
		{"timeout-ms", CLI_NUMBER, &ask.timeout_ms, 1, 60000, "MS",
			"how long to wait for an answer (1000)"},
		{"tries", CLI_NUMBER, &ask.tries, 1, 100, "N", "how often each address is asked (3)"},
	};
	const struct cli_program program = {
		.name = "time_client",
		.args = "HOST PORT",
		.args_min = 2,
		.args_max = 2,
		.summary =
			"Asks an SNTP server and prints the offset of its clock and the delay of the path.\n"
			"Exit 0: answered, 1: not.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), count;
	struct endpoint list[ENDPOINT_MAX];
	char text[ENDPOINT_TEXT_MAX];
	const char *why;

	count = endpoint_resolve(cli_host(&program, argv[first]), cli_port(&program, argv[first + 1], 1),
		SOCK_DGRAM, list, &why);
	if (count < 0) {
		fprintf(stderr, "%s: can't resolve '%s': %s\n", program.name, argv[first], why);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		int fd = socket(list[i].addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		bool connected =
			fd >= 0 && connect(fd, (const struct sockaddr *)&list[i].addr, list[i].len) == 0;

		endpoint_text(&list[i], text);
		if (!connected)
			snprintf(ask.error, sizeof(ask.error), "%s", strerror(errno));
		for (uint64_t n = 0; connected && n < ask.tries; n++) {
			if (ask_once(&ask, fd, text)) {
				close(fd);
				return 0;
			}
		}
		if (fd >= 0)
			close(fd);
		fprintf(stderr, "%s: %s: %s\n", program.name, text, ask.error);
	}
	return 1;
}
