/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tcp check and the life of a probe against real sockets; the servers live in the same loop as the
 * probes. */
#include "probe_harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PORT_SERVER 7004

static const struct lb_check pong = {.type = LB_CHECK_TCP,
	.interval_ms = 100,
	.timeout_ms = 80,
	.send = (uint8_t *)"PING\r\n",
	.send_len = 6,
	.expect = (uint8_t *)"PONG",
	.expect_len = 4};

/* ---- a server that misbehaves as told, one connection at a time ---- */

enum behaviour { SILENT, SPLIT, ENDLESS, ERROR, ERROR_CLOSE, CLOSE, RESET };

static struct {
	enum behaviour behaviour;
	ev_io listener, conn;
	ev_timer later;
	unsigned part;
	size_t accepted, got;
} server;

static void server_drop(bool reset)
{
	struct linger linger = {.l_onoff = reset};

	ev_io_stop(loop, &server.conn);
	ev_timer_stop(loop, &server.later);
	if (server.conn.fd < 0)
		return;
	setsockopt(server.conn.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(server.conn.fd);
	server.conn.fd = -1;
}

static void server_say(const char *text)
{
	if (send(server.conn.fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		server_drop(false);
}

/* "PONG" in pieces that come apart, with a false start. */
static void on_server_later(struct ev_loop *l, ev_timer *timer, int events)
{
	static const char *const parts[] = {"+P", "PO", "N", "G\r\n"};

	if (server.part == sizeof(parts) / sizeof(parts[0]))
		ev_timer_stop(l, timer);
	else
		server_say(parts[server.part++]);
}

static void on_server_conn(struct ev_loop *l, ev_io *io, int events)
{
	static char noise[65536];
	char in[256];

	if (events & EV_READ) {
		ssize_t n = recv(io->fd, in, sizeof(in), 0);

		if (n <= 0) {
			server_drop(false);
			return;
		}
		server.got += (size_t)n;
	}
	if (events & EV_WRITE)
		if (send(io->fd, noise, sizeof(noise), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			server_drop(false);
}

static void on_server_accept(struct ev_loop *l, ev_io *io, int events)
{
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	server_drop(false);
	server.accepted++;
	server.part = 0;
	ev_io_set(&server.conn, fd, server.behaviour == ENDLESS ? EV_READ | EV_WRITE : EV_READ);
	ev_io_start(l, &server.conn);
	switch (server.behaviour) {
	case SPLIT:
		ev_timer_set(&server.later, 0.005, 0.005);
		ev_timer_start(l, &server.later);
		break;
	case ERROR:
	case ERROR_CLOSE:
		server_say("-ERR \"no\" such\tcommand\r\n");
		if (server.behaviour == ERROR_CLOSE)
			server_drop(false);
		break;
	case CLOSE:
	case RESET:
		server_drop(server.behaviour == RESET);
		break;
	default:
		break;
	}
}

static void server_up(enum behaviour behaviour)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(PORT_SERVER)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 64), 0);
	memset(&server, 0, sizeof(server));
	server.behaviour = behaviour;
	ev_io_init(&server.conn, on_server_conn, -1, 0);
	ev_init(&server.later, on_server_later);
	ev_io_init(&server.listener, on_server_accept, fd, EV_READ);
	ev_io_start(loop, &server.listener);
}

static void server_down(void)
{
	server_drop(false);
	ev_io_stop(loop, &server.listener);
	close(server.listener.fd);
}

/* ---- tcp ---- */

static void refused(void **state)
{
	expect_answer(&tcp, "127.0.0.1", PORT_CLOSED, false, "connection refused");
	expect_answer(&tcp, "::1", PORT_CLOSED, false, "connection refused");
}

static void unreachable(void **state)
{
	expect_answer(&tcp, "127.0.0.1", PORT_DROPPED, false, "timed out after 80 ms (connecting)");
	expect_answer(&tcp, "127.0.0.1", PORT_REJECTED, false, "no route to host");
	expect_answer(&tcp, "192.0.2.1", 80, false, "network is unreachable");
}

static void check_port_wins(void **state)
{
	struct lb_check other = tcp;

	other.port = PORT_CLOSED;
	expect_answer(&other, "127.0.0.1", PORT_DROPPED, false, "connection refused");
}

static void replies(void **state)
{
	static const struct {
		enum behaviour behaviour;
		bool ok;
		const char *cause;
	} rows[] = {
		{SPLIT, true, "answered as expected"},
		{SILENT, false, "timed out after 80 ms (waiting for \"PONG\")"},
		{ERROR, false,
			"unexpected reply \"-ERR \\\"no\\\" such\\tcommand\\r\\n\" (no \"PONG\" within 80 "
			"ms)"},
		{ERROR_CLOSE, false,
			"unexpected reply \"-ERR \\\"no\\\" such\\tcommand\\r\\n\" (no \"PONG\" before "
			"connection closed)"},
		{CLOSE, false, "connection closed without a reply (waiting for \"PONG\")"},
		{RESET, false, "connection reset by peer without a reply (waiting for \"PONG\")"},
		{ENDLESS, false,
			"unexpected reply "
			"\"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\"
			"x00"
			"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"... "
			"(no \"PONG\" in its first 65536 bytes)"},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct lb_check check = pong;

		if (rows[r].behaviour == RESET || rows[r].behaviour == ERROR_CLOSE)
			check.send_len =
				0; /* else it is open whether sending or receiving meets the end first */
		if (rows[r].behaviour == SPLIT)
			check.timeout_ms = 3000; /* its pieces take time, on a busy machine more */
		server_up(rows[r].behaviour);
		expect_answer(&check, "127.0.0.1", PORT_SERVER, rows[r].ok, rows[r].cause);
		if (rows[r].behaviour == SPLIT)
			assert_int_equal(server.got, check.send_len);
		server_down();
	}
}

static int count_time_wait(void)
{
	FILE *f = fopen("/proc/net/tcp", "r");
	char line[256];
	int found = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		found += strstr(line, " 06 ") != NULL;
	fclose(f);
	return found;
}

static void connects_leave_no_time_wait(void **state)
{
	struct asked asked;
	int before;

	server_up(SILENT);
	before = count_time_wait();
	ask(&asked, &tcp, "127.0.0.1", PORT_SERVER, 5);
	assert_int_equal(asked.reports, 5);
	assert_true(asked.ok);
	assert_string_equal(asked.cause, "connected");
	assert_true(asked.probe.took_ms > 0);
	run(0.05);
	assert_true(server.accepted >= 5);
	assert_int_equal(count_time_wait(), before);
	server_down();
}

/* With one port to choose from, the kernel connects the socket to itself. */
static void talking_to_oneself_is_refused(void **state)
{
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41000");
	expect_answer(&tcp, "127.0.0.1", 41000, false, "connection refused");
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
}

static struct asked *paused;

static void pause_while_asking(struct ev_loop *l, ev_prepare *prepare, int events)
{
	if (!paused->probe.asking)
		return;
	ev_prepare_stop(l, prepare);
	spin(0.12);
}

/* The process stops for longer than the time limit; the answer is there when it goes on. */
static void our_own_pause_is_not_the_backends(void **state)
{
	static const struct lb_check *const checks[] = {&tcp, &ping};

	for (size_t c = 0; c < 2; c++) {
		struct asked asked;
		ev_prepare prepare;

		server_up(SILENT);
		paused = &asked;
		ev_prepare_init(&prepare, pause_while_asking);
		ev_prepare_start(loop, &prepare);
		ask(&asked, checks[c], "127.0.0.1", PORT_SERVER, 1);
		ev_prepare_stop(loop, &prepare);
		assert_true(asked.ok);
		assert_true(asked.probe.took_ms >= 120);
		server_down();
	}
}

static int late_spins;

/* Runs after the loop read its clock and before any callback: what a slow callback of another's does to us.
 */
static void spin_before_it_begins(struct ev_loop *l, ev_check *check, int events)
{
	if (late_spins && !paused->probe.asking && ev_is_pending(&paused->probe.timer)) {
		late_spins--;
		spin(1.1);
	}
}

/* The time limit counts from the question, not from when the loop last looked at its clock. */
static void a_slow_neighbour_takes_no_time_from_the_answer(void **state)
{
	struct lb_check patient = pong;
	struct asked asked;
	ev_check check;

	patient.timeout_ms = 1000;
	server_up(SPLIT);
	paused = &asked;
	late_spins = 1;
	ev_check_init(&check, spin_before_it_begins);
	ev_set_priority(&check, EV_MAXPRI);
	ev_check_start(loop, &check);
	ask(&asked, &patient, "127.0.0.1", PORT_SERVER, 1);
	ev_check_stop(loop, &check);
	assert_int_equal(late_spins, 0);
	assert_string_equal(asked.cause, "answered as expected");
	server_down();
}

/* ---- faults of our own ---- */

static void no_descriptors_is_not_the_backends_fault(void **state)
{
	struct rlimit full, none;
	struct asked asked;
	FILE *log;
	int old = capture_stderr(&log);

	server_up(SILENT);
	prober.faults_told = 0;
	prober.local_faults = 0;
	getrlimit(RLIMIT_NOFILE, &full);
	none = full;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	memset(&asked, 0, sizeof(asked));
	asked.wanted = 1;
	lb_probe_init(&asked.probe, &prober, &tcp, &(struct net_addr){AF_INET, {127, 0, 0, 1}}, PORT_SERVER,
		on_report, &asked);
	lb_probe_start(&asked.probe);
	run_until_faults(3);
	setrlimit(RLIMIT_NOFILE, &full);
	assert_int_equal(asked.reports, 0);
	assert_int_equal(count_lines(log, old, "cannot open a socket for 127.0.0.1: too many open files"), 1);

	/* That it is over is said once it has been over for a while. */
	old = capture_stderr(&log);
	prober.last_fault_at -= 11;
	run(5);
	lb_probe_stop(&asked.probe);
	assert_int_equal(count_lines(log, old, "health checks: all are made again"), 1);
	assert_int_equal(prober.faults_told, 0);
	assert_int_equal(asked.reports, 1);
	assert_true(asked.ok);
	server_down();
}

static void no_local_port_is_no_verdict(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(41000)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41000");
	expect_local_fault(&tcp, "127.0.0.1", PORT_CLOSED,
		"cannot connect for 127.0.0.1: cannot assign requested address");
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
	close(fd);
}

/* ---- life of a probe ---- */

static void reconfigured_on_the_way(void **state)
{
	struct lb_check copy = tcp, ping_copy = ping, none = {.type = LB_CHECK_NONE};
	struct net_addr a = {AF_INET, {127, 0, 0, 1}};
	struct asked asked = {.wanted = 1};
	double next_at;

	server_up(SILENT);
	lb_probe_init(&asked.probe, &prober, &tcp, &a, PORT_SERVER, on_report, &asked);
	lb_probe_start(&asked.probe);
	run(5);
	assert_true(asked.ok);

	next_at = asked.probe.next_at;
	copy.fall = 9; /* nothing that the probe does changes: it keeps its turn */
	lb_probe_reconfigure(&asked.probe, &copy, &a, PORT_SERVER);
	assert_ptr_equal(asked.probe.check, &copy);
	assert_true(asked.probe.next_at == next_at && ev_is_active(&asked.probe.timer));

	asked.wanted = asked.reports + 1;
	lb_probe_reconfigure(&asked.probe, &copy, &a, PORT_CLOSED);
	run(5);
	assert_string_equal(asked.cause, "connection refused");

	asked.wanted = asked.reports + 1;
	lb_probe_reconfigure(&asked.probe, &ping_copy, &a, PORT_CLOSED);
	run(5);
	assert_string_equal(asked.cause, "echo reply");

	asked.wanted = asked.reports + 1;
	lb_probe_reconfigure(&asked.probe, &none, &a, PORT_CLOSED);
	run(0.3);
	assert_int_equal(asked.reports, asked.wanted - 1);

	lb_probe_reconfigure(&asked.probe, &copy, &a, PORT_SERVER);
	run(5);
	assert_int_equal(asked.reports, asked.wanted);
	assert_true(asked.ok);
	lb_probe_stop(&asked.probe);
	asked.wanted = asked.reports + 1;
	run(0.3);
	assert_int_equal(asked.reports, asked.wanted - 1);
	server_down();
}

/* Stopped with a connect, a reply and a ping under way: no report, nothing left (the sanitizer looks). */
static void stopped_on_the_way(void **state)
{
	static const uint16_t ports[] = {PORT_DROPPED, PORT_SERVER, 0};
	const struct lb_check *checks[] = {&tcp, &pong, &ping};

	use_ping_sockets(false);
	server_up(SILENT);
	for (size_t i = 0; i < 3; i++) {
		struct asked asked = {.wanted = 1};
		struct net_addr a = {AF_INET, {127, 0, 0, ports[i] ? 1 : 8}};

		lb_probe_init(&asked.probe, &prober, checks[i], &a, ports[i], on_report, &asked);
		lb_probe_start(&asked.probe);
		while (!asked.probe.asking ||
			(ports[i] == PORT_SERVER && asked.probe.stage != LB_PROBE_READING))
			ev_run(loop, EVRUN_ONCE);
		lb_probe_stop(&asked.probe);
		run(0.15);
		assert_int_equal(asked.reports, 0);
	}
	server_down();
}

static void free_in_callback(struct lb_probe *probe, bool ok, const char *cause)
{
	lb_probe_stop(probe);
	free(probe);
	ev_break(loop, EVBREAK_ALL);
}

static void freed_by_its_own_report(void **state)
{
	static const struct {
		const struct lb_check *check;
		struct net_addr addr;
	} rows[] = {{&tcp, {AF_INET, {127, 0, 0, 1}}}, {&tcp, {AF_INET, {192, 0, 2, 1}}},
		{&ping, {AF_INET, {127, 0, 0, 1}}}, {&ping, {AF_INET, {127, 0, 0, 9}}},
		{&ping, {AF_INET, {127, 0, 0, 8}}}};

	use_ping_sockets(false);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct lb_probe *probe = malloc(sizeof(*probe));

		assert_non_null(probe);
		lb_probe_init(
			probe, &prober, rows[r].check, &rows[r].addr, PORT_CLOSED, free_in_callback, NULL);
		lb_probe_start(probe);
		run(5);
	}
	run(0.15);
}

static size_t beats;

static void on_beat(struct lb_probe *probe, bool ok, const char *cause)
{
	double interval = probe->next_at - probe->began_at;

	assert_true(interval >= 0.9 && interval <= 1.1);
	beats++;
}

/* 100 expected in each tenth of what is spread out; 50 to 150 is five standard deviations. */
static void assert_even(const size_t tenths[10])
{
	for (size_t t = 0; t < 10; t++)
		assert_in_range(tenths[t], 50, 150);
}

static void a_thousand_checks_spread_out(void **state)
{
	static struct lb_probe probes[1000];
	struct lb_check check = {.type = LB_CHECK_TCP, .interval_ms = 1000, .timeout_ms = 500};
	struct net_addr a = {AF_INET, {127, 0, 0, 1}};
	size_t first[10] = {0}, later[10] = {0};

	beats = 0;
	for (size_t i = 0; i < 1000; i++) {
		lb_probe_init(&probes[i], &prober, &check, &a, PORT_CLOSED, on_beat, NULL);
		lb_probe_start(&probes[i]);
		double delay = ev_timer_remaining(loop, &probes[i].timer);

		assert_true(delay >= 0 && delay < 1);
		first[(size_t)(delay * 10)]++;
	}
	assert_even(first);
	for (int turns = 0; turns < 100 && beats < 1000; turns++)
		run(0.1);
	for (size_t i = 0; i < 1000; i++) {
		assert_true(probes[i].next_at > 0);
		later[(size_t)((probes[i].next_at - probes[i].began_at - 0.9) / 0.2 * 10) % 10]++;
		lb_probe_stop(&probes[i]);
	}
	assert_even(later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(check_port_wins),
		cmocka_unit_test(replies),
		cmocka_unit_test(connects_leave_no_time_wait),
		cmocka_unit_test(talking_to_oneself_is_refused),
		cmocka_unit_test(our_own_pause_is_not_the_backends),
		cmocka_unit_test(a_slow_neighbour_takes_no_time_from_the_answer),
		cmocka_unit_test(no_descriptors_is_not_the_backends_fault),
		cmocka_unit_test(no_local_port_is_no_verdict),
		cmocka_unit_test(reconfigured_on_the_way),
		cmocka_unit_test(stopped_on_the_way),
		cmocka_unit_test(freed_by_its_own_report),
		cmocka_unit_test(a_thousand_checks_spread_out),
	};

	if (!harness_enter())
		return 0;
	return cmocka_run_group_tests(tests, harness_up, harness_down);
}
