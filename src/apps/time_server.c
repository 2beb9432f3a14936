/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time_server: the system clock as an SNTP server over UDP (RFC 4330) and as a time server over TCP (RFC
 * 868), on one port. What is no client's query gets no answer, so that nobody can be flooded through it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/server.h"
#include "apps/sntp.h"
#include "apps/tcp_listener.h"
#include "apps/udp_listener.h"

struct time_server {
	struct tcp_listener tcp;
	struct udp_listener udp;
	struct sntp_server sntp;
	uint64_t answers[SNTP_FAULTS]; /* by what the query was */
	uint64_t unsendable, tcp_answers;
};

static sntp_time now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return sntp_from_timespec(at);
}

static void on_datagram(void *ctx, struct udp_datagram *datagram)
{
	struct time_server *server = ctx;
	struct sntp_packet reply;
	uint8_t wire[SNTP_PACKET_LEN];
	enum sntp_fault fault = sntp_answer(
		datagram->data, datagram->len, &server->sntp, sntp_from_timespec(datagram->received), &reply);

	server->answers[fault]++;
	if (fault != SNTP_GOOD)
		return;
	reply.transmit = now();
	sntp_encode(&reply, wire);
	if (udp_reply(datagram, wire, sizeof(wire)) != 0)
		server->unsendable++;
}

static void on_connection(void *ctx, int fd)
{
	struct time_server *server = ctx;
	uint32_t seconds = (uint32_t)(now() >> 32);
	uint8_t wire[4] = {(uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16), (uint8_t)(seconds >> 8),
		(uint8_t)seconds};

	/* Four bytes always fit into a fresh connection's buffer. */
	if (send(fd, wire, sizeof(wire), MSG_NOSIGNAL) == (ssize_t)sizeof(wire))
		server->tcp_answers++;
	close(fd);
}

static void tell_counts(const struct server *server, const struct time_server *time)
{
	fprintf(stderr,
		"%s %s: %llu queries answered, %llu over TCP, %llu could not be sent; ignored: "
		"%llu too short, %llu of another mode, %llu of an unknown version\n",
		server->program, server->name, (unsigned long long)time->answers[SNTP_GOOD],
		(unsigned long long)time->tcp_answers, (unsigned long long)time->unsendable,
		(unsigned long long)time->answers[SNTP_SHORT], (unsigned long long)time->answers[SNTP_MODE],
		(unsigned long long)time->answers[SNTP_VERSION]);
}

/* Up to four characters, the first in the highest byte. */
static uint32_t reference_id(const struct cli_program *program, const char *text)
{
	uint32_t id = 0;

	if (strlen(text) > 4)
		cli_fail(program, "--reference-id: '%s' is longer than 4 characters", text);
	for (int i = 0; i < 4; i++)
		id = id << 8 | (uint8_t)(*text != '\0' ? *text++ : 0);
	return id;
}

int main(int argc, char **argv)
{
	static struct time_server time;
	const char *name = NULL, *reference = "LOCL";
	uint64_t stratum = 1;
	const struct cli_option options[] = {
		{"name", CLI_TEXT, &name, 0, 0, "NAME",
			"the server's name in its messages (the host's name)"},
		{"stratum", CLI_NUMBER, &stratum, 1, 15, "N", "stratum it claims (1)"},
		{"reference-id", CLI_TEXT, &reference, 0, 0, "TEXT",
			"reference id, up to 4 characters (LOCL)"},
	};
	const struct cli_program program = {
		.name = "time_server",
		.args = "ADDR PORT",
		.args_min = 2,
		.args_max = 2,
		.summary = "Serves the system clock: SNTP over UDP (RFC 4330), RFC 868 over TCP.\n"
			   "ADDR is an IPv4 or IPv6 address, or '*' for all of both; PORT 0 lets the kernel "
			   "choose.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv), rc = 1;
	const char *addr = cli_listen_addr(&program, argv[first]);
	uint16_t port = cli_port(&program, argv[first + 1], 0);
	struct server server;

	time.sntp = (struct sntp_server){
		.stratum = (uint8_t)stratum, .reference_id = reference_id(&program, reference)};
	server_open(&server, program.name, name);
	if (tcp_listener_open(&time.tcp, server.loop, program.name, addr, port, on_connection, &time) == 0) {
		port = endpoint_port(&time.tcp.at[0]);
		if (udp_listener_open(&time.udp, server.loop, program.name, addr, port, on_datagram, &time) ==
			0) {
			server_run(&server, time.tcp.at, time.tcp.count);
			udp_listener_close(&time.udp);
			rc = 0;
		}
		tcp_listener_close(&time.tcp);
	}
	if (rc == 0)
		tell_counts(&server, &time);
	server_close(&server);
	return rc;
}
