/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes against real sockets, in a network namespace that this process makes for itself and that ends with it.
 * The servers live in the same loop as the probes. Needs root (the namespace, nft, raw sockets).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lb/lb_probe.h"

#define PORT_CLOSED 7001
#define PORT_DROPPED 7002
#define PORT_REJECTED 7003
#define PORT_SERVER 7004

static struct ev_loop *loop;
static struct lb_prober prober;

/* ---- what a probe reported ---- */

struct asked {
	struct lb_probe probe;
	int reports, wanted;
	bool ok;
	char cause[512];
};

static void on_report(struct lb_probe *probe, bool ok, const char *cause)
{
	struct asked *asked = probe->data;

	asked->reports++;
	asked->ok = ok;
	snprintf(asked->cause, sizeof(asked->cause), "%s", cause);
	if (asked->reports == asked->wanted)
		ev_break(loop, EVBREAK_ALL);
}

static void on_deadline(struct ev_loop *l, ev_timer *timer, int events)
{
	ev_break(l, EVBREAK_ALL);
}

/* Run the loop until something breaks it, for so many seconds at the most. */
static void run(double seconds)
{
	ev_timer deadline;

	ev_now_update(loop);
	ev_timer_init(&deadline, on_deadline, seconds, 0.);
	ev_timer_start(loop, &deadline);
	ev_run(loop, 0);
	ev_timer_stop(loop, &deadline);
}

static void ask(struct asked *asked, const struct lb_check *check, const char *addr, uint16_t port, int wanted)
{
	struct net_addr a;

	memset(asked, 0, sizeof(*asked));
	asked->wanted = wanted;
	assert_int_equal(addr_parse(addr, &a), 0);
	lb_probe_init(&asked->probe, &prober, check, &a, port, on_report, asked);
	lb_probe_start(&asked->probe);
	run(5);
	lb_probe_stop(&asked->probe);
}

static void expect_answer(const struct lb_check *check, const char *addr, uint16_t port, bool ok, const char *cause)
{
	struct asked asked;

	ask(&asked, check, addr, port, 1);
	assert_string_equal(asked.cause, cause);
	assert_int_equal(asked.ok, ok);
	assert_int_equal(asked.reports, 1);
}

static const struct lb_check tcp = {.type = LB_CHECK_TCP, .interval_ms = 100, .timeout_ms = 80};
static const struct lb_check ping = {.type = LB_CHECK_PING, .interval_ms = 100, .timeout_ms = 80};
static struct lb_check pong;

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
		{ERROR, false, "unexpected reply \"-ERR \\\"no\\\" such\\tcommand\\r\\n\" (no \"PONG\" within 80 ms)"},
		{ERROR_CLOSE, false, "unexpected reply \"-ERR \\\"no\\\" such\\tcommand\\r\\n\" (no \"PONG\" before connection closed)"},
		{CLOSE, false, "connection closed without a reply (waiting for \"PONG\")"},
		{RESET, false, "connection reset by peer without a reply (waiting for \"PONG\")"},
		{ENDLESS, false, "unexpected reply \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
			"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"... "
			"(no \"PONG\" in its first 65536 bytes)"},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct lb_check check = pong;

		if (rows[r].behaviour == RESET || rows[r].behaviour == ERROR_CLOSE)
			check.send_len = 0; /* else it is open whether sending or receiving meets the end first */
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
	assert_true(asked.probe.took_ms < 80);
	run(0.05);
	assert_true(server.accepted >= 5);
	assert_int_equal(count_time_wait(), before);
	server_down();
}

static void write_sysctl(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(value, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* With one port to choose from, the kernel connects the socket to itself. */
static void talking_to_oneself_is_refused(void **state)
{
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41000");
	expect_answer(&tcp, "127.0.0.1", 41000, false, "connection refused");
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
}

static void spin(double seconds)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((double)(now.tv_sec - from.tv_sec) + (double)(now.tv_nsec - from.tv_nsec) / 1e9 < seconds);
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

/* ---- faults of our own ---- */

/* Standard error into a file of ours; returns the old one. */
static int capture_stderr(FILE **file)
{
	int old = dup(2);

	*file = tmpfile();
	assert_non_null(*file);
	dup2(fileno(*file), 2);
	return old;
}

static int count_lines(FILE *file, int old_stderr, const char *with)
{
	char line[1024];
	int found = 0;

	dup2(old_stderr, 2);
	close(old_stderr);
	rewind(file);
	while (fgets(line, sizeof(line), file))
		found += strstr(line, with) != NULL;
	fclose(file);
	return found;
}

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
	lb_probe_init(&asked.probe, &prober, &tcp, &(struct net_addr){AF_INET, {127, 0, 0, 1}}, PORT_SERVER, on_report, &asked);
	lb_probe_start(&asked.probe);
	run(0.6);
	setrlimit(RLIMIT_NOFILE, &full);
	assert_int_equal(asked.reports, 0);
	assert_in_range(prober.local_faults, 3, 7);
	run(5);
	lb_probe_stop(&asked.probe);
	assert_int_equal(asked.reports, 1);
	assert_true(asked.ok);
	assert_int_equal(count_lines(log, old, "cannot open a socket for 127.0.0.1: too many open files"), 1);
	server_down();
}

/* No report at all, and the log says the words. */
static void expect_local_fault(const struct lb_check *check, const char *addr, uint16_t port, const char *words)
{
	struct asked asked;
	struct net_addr a;
	FILE *log;
	int old = capture_stderr(&log);

	prober.faults_told = 0;
	prober.local_faults = 0;
	addr_parse(addr, &a);
	memset(&asked, 0, sizeof(asked));
	lb_probe_init(&asked.probe, &prober, check, &a, port, on_report, &asked);
	lb_probe_start(&asked.probe);
	run(0.35);
	lb_probe_stop(&asked.probe);
	assert_int_equal(count_lines(log, old, words), 1);
	assert_int_equal(asked.reports, 0);
	assert_in_range(prober.local_faults, 2, 5);
}

static void no_ping_permission_names_the_capability(void **state)
{
	lb_prober_close(&prober);
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", "1 0");
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(lb_prober_open_ping(&prober, AF_INET), -EPERM);
	assert_int_equal(lb_prober_open_ping(&prober, AF_INET6), -EPERM);
	expect_local_fault(&ping, "127.0.0.1", 0, "cannot open a ping socket for 127.0.0.1: operation not permitted");
	expect_local_fault(&ping, "::1", 0, "needs CAP_NET_RAW, or our group within net.ipv4.ping_group_range");
	assert_int_equal(seteuid(0), 0);
}

static void no_local_port_is_no_verdict(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(41000)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41000");
	expect_local_fault(&tcp, "127.0.0.1", PORT_CLOSED, "cannot connect for 127.0.0.1: cannot assign requested address");
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
	close(fd);
}

/* ---- ping ---- */

static void use_ping_sockets(bool datagram)
{
	lb_prober_close(&prober);
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", datagram ? "0 0" : "1 0");
}

static void ping_up_and_down(void **state)
{
	for (int datagram = 0; datagram < 2; datagram++) {
		struct asked asked;

		use_ping_sockets(datagram);
		expect_answer(&ping, "127.0.0.1", 0, true, "echo reply");
		expect_answer(&ping, "::1", 0, true, "echo reply");
		assert_int_equal(prober.ping[0].raw, !datagram);
		assert_int_equal(prober.ping[1].raw, !datagram);
		expect_answer(&ping, "127.0.0.8", 0, false, "timed out after 80 ms (no echo reply)");
		expect_answer(&ping, "fd00::8", 0, false, "timed out after 80 ms (no echo reply)");
		expect_answer(&ping, "127.0.0.9", 0, false, "no route to host (by ICMP)");
		expect_answer(&ping, "fd00::9", 0, false, "no route to host (by ICMP)");
		expect_answer(&ping, "192.0.2.1", 0, false, "network is unreachable");
		/* An error for one leaves the other alone, and the numbers go on. */
		ask(&asked, &ping, "127.0.0.1", 0, 5);
		assert_int_equal(asked.reports, 5);
		assert_true(asked.ok);
	}
}

/* Forge a reply as the asked host, or another, would send it. */
static void send_reply(const char *from, uint16_t ident, uint16_t sequence, const uint8_t *cookie)
{
	struct sockaddr_in to = {.sin_family = AF_INET}, source = {.sin_family = AF_INET};
	struct lb_echo echo = {.ident = ident, .sequence = sequence};
	struct net_addr a;
	uint8_t message[LB_ECHO_LEN];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	assert_true(fd >= 0);
	addr_parse(from, &a);
	memcpy(&source.sin_addr, a.bytes, 4);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
	memcpy(echo.cookie, cookie, LB_ECHO_COOKIE);
	lb_echo_build(AF_INET, &echo, message);
	/* From request (type 8) to reply (type 0): the checksum, in ones' complement, grows by 0x0800. */
	unsigned sum = (unsigned)(message[2] << 8 | message[3]) + 0x800;

	sum = (sum & 0xffff) + (sum >> 16);
	message[0] = 0;
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
	assert_int_equal(sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(message));
	close(fd);
}

static const char *forge_from;
static int forge_cookie_xor, forge_late, forge_times;
static uint16_t forged_sequence;
static uint8_t forged_cookie[LB_ECHO_COOKIE];

static void forge(struct ev_loop *l, ev_prepare *prepare, int events)
{
	struct lb_probe *probe = &paused->probe;

	if (!probe->asking)
		return;
	if (forge_late) {
		/* The second request is answered with what answers the first. */
		if (paused->reports == 0) {
			forged_sequence = probe->echo.sequence;
			memcpy(forged_cookie, probe->echo.cookie, LB_ECHO_COOKIE);
			return;
		}
	} else {
		forged_sequence = probe->echo.sequence;
		memcpy(forged_cookie, probe->echo.cookie, LB_ECHO_COOKIE);
		forged_cookie[7] ^= (uint8_t)forge_cookie_xor;
	}
	ev_prepare_stop(l, prepare);
	for (int i = 0; i < forge_times; i++) {
		send_reply(forge_from, prober.ping[0].ident, forged_sequence, forged_cookie);
		if (forge_late)
			send_reply(forge_from, prober.ping[0].ident, probe->echo.sequence, forged_cookie);
	}
}

static void only_our_answer_counts(void **state)
{
	static const struct {
		const char *from;
		int cookie_xor, late, times;
		bool ok;
	} rows[] = {
		{"127.0.0.8", 0, 0, 1, true},   /* the forging itself works */
		{"127.0.0.8", 0, 0, 3, true},   /* and thrice is once */
		{"127.0.0.8", 1, 0, 1, false},  /* another cookie */
		{"127.0.0.10", 0, 0, 1, false}, /* another host */
		{"127.0.0.8", 0, 1, 1, false},  /* the answer to the request before */
	};

	use_ping_sockets(false);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct asked asked;
		ev_prepare prepare;

		paused = &asked;
		forge_from = rows[r].from;
		forge_cookie_xor = rows[r].cookie_xor;
		forge_late = rows[r].late;
		forge_times = rows[r].times;
		ev_prepare_init(&prepare, forge);
		ev_prepare_start(loop, &prepare);
		ask(&asked, &ping, "127.0.0.8", 0, 1 + forge_late);
		ev_prepare_stop(loop, &prepare);
		assert_int_equal(asked.reports, 1 + forge_late);
		assert_int_equal(asked.ok, rows[r].ok);
		run(0.02);
		assert_int_equal(asked.reports, 1 + forge_late);
	}
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
		while (!asked.probe.asking || (ports[i] == PORT_SERVER && asked.probe.stage != LB_PROBE_READING))
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
	} rows[] = {{&tcp, {AF_INET, {127, 0, 0, 1}}}, {&tcp, {AF_INET, {192, 0, 2, 1}}}, {&ping, {AF_INET, {127, 0, 0, 1}}},
		{&ping, {AF_INET, {127, 0, 0, 9}}}, {&ping, {AF_INET, {127, 0, 0, 8}}}};

	use_ping_sockets(false);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct lb_probe *probe = malloc(sizeof(*probe));

		assert_non_null(probe);
		lb_probe_init(probe, &prober, rows[r].check, &rows[r].addr, PORT_CLOSED, free_in_callback, NULL);
		lb_probe_start(probe);
		run(5);
	}
	run(0.15);
}

static size_t beats[12];
static double beats_from;

static void on_beat(struct lb_probe *probe, bool ok, const char *cause)
{
	double interval = probe->next_at - probe->began_at;
	size_t tenth = (size_t)((probe->began_at - beats_from) * 10);

	assert_true(interval >= 0.9 && interval <= 1.1);
	if (tenth < 12)
		beats[tenth]++;
}

static void a_thousand_checks_spread_out(void **state)
{
	static struct lb_probe probes[1000];
	struct lb_check check = {.type = LB_CHECK_TCP, .interval_ms = 1000, .timeout_ms = 500};
	struct timespec now;

	for (size_t i = 0; i < 1000; i++) {
		lb_probe_init(&probes[i], &prober, &check, &(struct net_addr){AF_INET, {127, 0, 0, 1}}, PORT_CLOSED, on_beat, NULL);
		lb_probe_start(&probes[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	beats_from = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	run(1.15);
	for (size_t i = 0; i < 1000; i++)
		lb_probe_stop(&probes[i]);
	/* 100 expected in each tenth of the first 0.9 s; 60 to 140 is four standard deviations. */
	for (size_t t = 0; t < 9; t++)
		assert_in_range(beats[t], 60, 140);
}

/* ---- echo messages ---- */

static void echo_messages(void **state)
{
	struct lb_echo echo = {.ident = 0x1234, .sequence = 0xfffe, .cookie = {1, 2, 3, 4, 5, 6, 7, 8}}, got;
	uint8_t packet[60 + LB_ECHO_LEN] = {0x4f}, message[LB_ECHO_LEN];
	uint32_t sum = 0;

	lb_echo_build(AF_INET, &echo, message);
	for (size_t i = 0; i < LB_ECHO_LEN; i += 2)
		sum += (uint32_t)(message[i] << 8 | message[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	memcpy(packet + 60, message, LB_ECHO_LEN);
	for (size_t len = 0; len <= sizeof(packet); len++)
		assert_int_equal(lb_echo_parse(AF_INET, LB_ECHO_REQUEST, true, packet, len, &got), len == sizeof(packet));
	assert_int_equal(got.ident, echo.ident);
	assert_int_equal(got.sequence, echo.sequence);
	assert_memory_equal(got.cookie, echo.cookie, LB_ECHO_COOKIE);
	assert_false(lb_echo_parse(AF_INET, LB_ECHO_REPLY, true, packet, sizeof(packet), &got));
	packet[0] = 0x44; /* a header shorter than a header */
	assert_false(lb_echo_parse(AF_INET, LB_ECHO_REQUEST, true, packet, sizeof(packet), &got));
	lb_echo_build(AF_INET6, &echo, message);
	assert_true(lb_echo_parse(AF_INET6, LB_ECHO_REQUEST, false, message, sizeof(message), &got));
	assert_false(lb_echo_parse(AF_INET6, LB_ECHO_REQUEST, false, message, sizeof(message) - 1, &got));
	message[1] = 1;
	assert_false(lb_echo_parse(AF_INET6, LB_ECHO_REQUEST, false, message, sizeof(message), &got));
}

/* ---- the namespace ---- */

static int group_up(void **state)
{
	static const char setup[] =
		"set -e; ip link set lo up; ip addr add fd00::8/128 dev lo nodad; ip addr add fd00::9/128 dev lo nodad\n"
		"nft -f - <<'END'\n"
		"table inet probe { chain in { type filter hook input priority 0;\n"
		"tcp dport 7002 drop\n"
		"tcp dport 7003 reject with icmp type host-unreachable\n"
		"ip daddr 127.0.0.8 icmp type echo-request drop\n"
		"ip6 daddr fd00::8 icmpv6 type echo-request drop\n"
		"ip daddr 127.0.0.9 icmp type echo-request reject with icmp type host-unreachable\n"
		"ip6 daddr fd00::9 icmpv6 type echo-request reject with icmpv6 type addr-unreachable\n"
		"}\n}\nEND\n";

	if (unshare(CLONE_NEWNET) != 0) {
		print_error("test_lb_probe: cannot make a network namespace: %s; run it as root\n", strerror(errno));
		return -1;
	}
	if (system(setup) != 0)
		return -1;
	pong = tcp;
	pong.send = (uint8_t *)"PING\r\n";
	pong.send_len = 6;
	pong.expect = (uint8_t *)"PONG";
	pong.expect_len = 4;
	loop = ev_default_loop(0);
	lb_prober_init(&prober, loop);
	return loop ? 0 : -1;
}

static int group_down(void **state)
{
	lb_prober_close(&prober);
	ev_loop_destroy(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_messages),
		cmocka_unit_test(refused),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(check_port_wins),
		cmocka_unit_test(replies),
		cmocka_unit_test(connects_leave_no_time_wait),
		cmocka_unit_test(talking_to_oneself_is_refused),
		cmocka_unit_test(our_own_pause_is_not_the_backends),
		cmocka_unit_test(no_descriptors_is_not_the_backends_fault),
		cmocka_unit_test(no_local_port_is_no_verdict),
		cmocka_unit_test(no_ping_permission_names_the_capability),
		cmocka_unit_test(ping_up_and_down),
		cmocka_unit_test(only_our_answer_counts),
		cmocka_unit_test(reconfigured_on_the_way),
		cmocka_unit_test(stopped_on_the_way),
		cmocka_unit_test(freed_by_its_own_report),
		cmocka_unit_test(a_thousand_checks_spread_out),
	};

	return cmocka_run_group_tests(tests, group_up, group_down);
}
