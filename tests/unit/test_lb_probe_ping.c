/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ping check with raw and with ping sockets, over IPv4 and IPv6, and answers that are not for us. */
#include "probe_harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static void no_ping_permission_names_the_capability(void **state)
{
	lb_prober_close(&prober);
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", "1 0");
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(lb_prober_open_ping(&prober, AF_INET), -EPERM);
	assert_int_equal(lb_prober_open_ping(&prober, AF_INET6), -EPERM);
	expect_local_fault(
		&ping, "127.0.0.1", 0, "cannot open a ping socket for 127.0.0.1: operation not permitted");
	expect_local_fault(
		&ping, "::1", 0, "needs CAP_NET_RAW, or our group within net.ipv4.ping_group_range");
	assert_int_equal(seteuid(0), 0);
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
	struct icmp_echo echo = {.ident = ident, .sequence = sequence};
	struct net_addr a;
	uint8_t message[ICMP_ECHO_LEN];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	assert_true(fd >= 0);
	addr_parse(from, &a);
	memcpy(&source.sin_addr, a.bytes, 4);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
	memcpy(echo.cookie, cookie, ICMP_ECHO_COOKIE);
	icmp_echo_build(AF_INET, &echo, message);
	/* From request (type 8) to reply (type 0): the checksum, in ones' complement, grows by 0x0800. */
	unsigned sum = (unsigned)(message[2] << 8 | message[3]) + 0x800;

	sum = (sum & 0xffff) + (sum >> 16);
	message[0] = 0;
	message[2] = (uint8_t)(sum >> 8);
	message[3] = (uint8_t)sum;
	assert_int_equal(
		sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(message));
	close(fd);
}

static struct asked *paused;

static const char *forge_from;
static int forge_cookie_xor, forge_late, forge_times;
static uint16_t forged_sequence;
static uint8_t forged_cookie[ICMP_ECHO_COOKIE];

static void forge(struct ev_loop *l, ev_prepare *prepare, int events)
{
	struct lb_probe *probe = &paused->probe;

	if (!probe->asking)
		return;
	if (forge_late) {
		/* The second request is answered with what answers the first. */
		if (paused->reports == 0) {
			forged_sequence = probe->echo.sequence;
			memcpy(forged_cookie, probe->echo.cookie, ICMP_ECHO_COOKIE);
			return;
		}
	} else {
		forged_sequence = probe->echo.sequence;
		memcpy(forged_cookie, probe->echo.cookie, ICMP_ECHO_COOKIE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ping_up_and_down),
		cmocka_unit_test(only_our_answer_counts),
		cmocka_unit_test(no_ping_permission_names_the_capability),
	};

	if (!harness_enter())
		return 0;
	return cmocka_run_group_tests(tests, harness_up, harness_down);
}
