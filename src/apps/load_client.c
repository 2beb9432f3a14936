/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load_client: many clients in one process, every answer checked, failures told by cause. What it found is
 * one JSON object, written at the end, on SIGINT and SIGTERM, and (a snapshot) on SIGUSR1. SIGUSR2 begins the recent
 * gap anew: the longest time without an answer since then.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "apps/cli.h"
#include "apps/load_run.h"
#include "apps/server.h"

#define FILES_BESIDES_LANES 32
#define ECHO_UDP_MIN        16 /* room for the numbers an echo begins with */
#define UDP_MAX             65507
#define TCP_MAX             (1u << 20)

struct load_client {
	struct load_run run;
	const char *report;
	bool broken_report;
	uint64_t last_answers;
	ev_signal term, intr, usr1, usr2;
	ev_timer progress;
};

static const char *const mode_names[LOAD_MODES] = {"kv", "kv-connect", "echo", "echo-udp", "sntp", "hold"};

/* To standard output, or to a file that is whole at every moment. */
static void write_report(struct load_client *client)
{
	struct load_run *run = &client->run;
	uint64_t elapsed = load_run_now_us(run);
	char part[4096];
	FILE *to = stdout;

	if (client->report != NULL) {
		snprintf(part, sizeof(part), "%s.part", client->report);
		to = fopen(part, "w");
		if (to == NULL) {
			fprintf(stderr, "load_client: can't write %s: %s\n", part, strerror(errno));
			client->broken_report = true;
			return;
		}
	}
	load_stats_report(&run->stats, run->mode_name, elapsed, to);
	if (fflush(to) != 0)
		client->broken_report = true;
	if (client->report == NULL)
		return;
	if (fclose(to) != 0 || rename(part, client->report) != 0) {
		fprintf(stderr, "load_client: can't write %s: %s\n", client->report, strerror(errno));
		client->broken_report = true;
	}
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct load_client *client = w->data;

	load_stats_gap(&client->run.stats, load_run_now_us(&client->run));
	client->run.sending = false;
	ev_break(loop, EVBREAK_ALL);
}

static void on_snapshot(struct ev_loop *loop, ev_signal *w, int revents)
{
	write_report(w->data);
}

static void on_mark(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct load_client *client = w->data;

	client->run.stats.recent_gap_us = 0;
}

static void on_progress(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct load_client *client = w->data;
	const struct load_stats *stats = &client->run.stats;

	fprintf(stderr, "%6.1f s  %8llu answers/s  %llu answers  %llu failures  %llu open\n",
		(double)load_run_now_us(&client->run) / 1e6,
		(unsigned long long)(stats->answers - client->last_answers),
		(unsigned long long)stats->answers, (unsigned long long)load_stats_failures(stats),
		(unsigned long long)stats->open_now);
	client->last_answers = stats->answers;
}

static void read_mode(const struct cli_program *program, struct load_run *run, const char *text)
{
	if (text == NULL)
		cli_fail(program, "--mode is missing: kv, kv-connect, echo, echo-udp, sntp or hold");
	for (int i = 0; i < LOAD_MODES; i++)
		if (strcmp(text, mode_names[i]) == 0) {
			run->mode = (enum load_mode)i;
			run->mode_name = mode_names[i];
			run->udp = i == LOAD_ECHO_UDP || i == LOAD_SNTP;
			run->keep_alive = i != LOAD_KV_CONNECT;
			return;
		}
	cli_fail(program, "--mode: '%s' is none of kv, kv-connect, echo, echo-udp, sntp, hold", text);
}

static void read_addresses(const struct cli_program *program, struct load_run *run, const char *host,
	const char *port, const struct cli_list *local)
{
	uint16_t number = cli_port(program, port, 1);
	const char *why;
	struct endpoint found[2];

	for (size_t i = 0; i < local->count; i++) {
		if (strcmp(local->items[i], "*") == 0 || endpoint_listen(local->items[i], 0, found) != 1)
			cli_fail(
				program, "--local-address: '%s' is no IPv4 or IPv6 address", local->items[i]);
		run->local[run->local_count++] = found[0];
	}
	run->to_count = endpoint_resolve(
		cli_host(program, host), number, run->udp ? SOCK_DGRAM : SOCK_STREAM, run->to, &why);
	if (run->to_count < 0) {
		fprintf(stderr, "%s: can't resolve '%s': %s\n", program->name, host, why);
		exit(1);
	}
}

static void check_sizes(const struct cli_program *program, struct load_run *run)
{
	if (run->mode == LOAD_ECHO_UDP && (run->payload_len < ECHO_UDP_MIN || run->payload_len > UDP_MAX))
		cli_fail(program, "--data: %zu bytes; with echo-udp it is %d to %d", run->payload_len,
			ECHO_UDP_MIN, UDP_MAX);
	if (run->mode != LOAD_ECHO && run->mode != LOAD_ECHO_UDP)
		run->payload_len = 0;
	size_t want = run->lane_count + FILES_BESIDES_LANES, files = server_raise_file_limit(want);

	if (files < want) {
		fprintf(stderr,
			"%s: %llu connections need %zu open files, the limit is %zu; raise 'ulimit -n'\n",
			program->name, (unsigned long long)run->lane_count, want, files);
		exit(1);
	}
}

static void watch_signals(struct load_client *client, bool progress)
{
	struct ev_loop *loop = client->run.loop;

	ev_signal_init(&client->term, on_stop, SIGTERM);
	ev_signal_init(&client->intr, on_stop, SIGINT);
	ev_signal_init(&client->usr1, on_snapshot, SIGUSR1);
	ev_signal_init(&client->usr2, on_mark, SIGUSR2);
	ev_timer_init(&client->progress, on_progress, 1., 1.);
	client->term.data = client->intr.data = client->usr1.data = client->usr2.data =
		client->progress.data = client;
	ev_signal_start(loop, &client->term);
	ev_signal_start(loop, &client->intr);
	ev_signal_start(loop, &client->usr1);
	ev_signal_start(loop, &client->usr2);
	if (progress)
		ev_timer_start(loop, &client->progress);
}

static int run_load(struct load_client *client, bool progress)
{
	struct load_run *run = &client->run;
	bool started;

	signal(SIGPIPE, SIG_IGN);
	run->loop = ev_default_loop(0);
	if (getrandom(&run->random, sizeof(run->random), 0) != sizeof(run->random) || run->random == 0)
		run->random = 88172645463325252ull;
	started = load_run_start(run) == 0;
	if (started) {
		watch_signals(client, progress);
		ev_run(run->loop, 0);
		write_report(client);
	} else {
		fprintf(stderr, "load_client: out of memory for %llu connections\n",
			(unsigned long long)run->lane_count);
	}
	load_run_free(run);
	ev_loop_destroy(run->loop);
	return started && !client->broken_report && load_stats_failures(&run->stats) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct load_client client = {
		.run = {.lane_count = 1,
			.timeout_ms = 1000,
			.interval_ms = 3000,
			.open_rate = 5000,
			.duration_s = 10},
	};
	struct load_run *run = &client.run;
	static struct cli_list local;
	const char *mode = NULL;
	uint64_t data = 64;
	bool progress = false;
	const struct cli_option options[] = {
		{"mode", CLI_TEXT, &mode, 0, 0, "MODE", "kv, kv-connect, echo, echo-udp, sntp or hold"},
		{"connections", CLI_NUMBER, &run->lane_count, 1, 1000000, "N", "clients at once (1)"},
		{"rate", CLI_NUMBER, &run->rate, 0, 100000000, "R",
			"requests/s of all together, 0: as fast as answers come (0); hold: connections "
			"opened a second"},
		{"duration", CLI_NUMBER, &run->duration_s, 1, 31536000, "SECONDS", "length of the run (10)"},
		{"requests", CLI_NUMBER, &run->requests_max, 1, UINT64_MAX, "N",
			"end after so many requests"},
		{"timeout-ms", CLI_NUMBER, &run->timeout_ms, 1, 3600000, "MS",
			"for a connection or an answer (1000)"},
		{"interval-ms", CLI_NUMBER, &run->interval_ms, 1, 3600000, "MS",
			"hold: time between two requests on a connection (3000)"},
		{"open-rate", CLI_NUMBER, &run->open_rate, 1, 1000000, "N",
			"connections opened a second (5000)"},
		{"local-address", CLI_LIST, &local, 0, 0, "ADDR",
			"source address, may be repeated: they take turns"},
		{"data", CLI_BYTES, &data, 1, TCP_MAX, "BYTES", "echo, echo-udp: size of a payload (64)"},
		{"report", CLI_TEXT, &client.report, 0, 0, "FILE", "where the JSON goes (standard output)"},
		{"progress", CLI_FLAG, &progress, 0, 0, NULL, "a line a second on standard error"},
	};
	const struct cli_program program = {
		.name = "load_client",
		.args = "HOST PORT",
		.args_min = 2,
		.args_max = 2,
		.summary = "Puts load on a server, checks every answer, reports one JSON object.\n"
			   "kv: WHOAMI on kept connections; kv-connect: a connection for each; echo, "
			   "echo-udp: random\n"
			   "payloads; sntp: queries; hold: open connections, one WHOAMI on each every few "
			   "seconds.\n"
			   "SIGUSR1 writes a snapshot, SIGINT and SIGTERM end the run. Exit 0: no failure, "
			   "1: some.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	int first = cli_parse(&program, argc, argv);

	read_mode(&program, run, mode);
	run->payload_len = data;
	read_addresses(&program, run, argv[first], argv[first + 1], &local);
	check_sizes(&program, run);
	return run_load(&client, progress);
}
