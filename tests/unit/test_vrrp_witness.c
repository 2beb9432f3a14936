/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Witnesses in two network namespaces: the peer's kernel answers pings, or does not; and what a forger may try. */
#include "vrrp_netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_timer.h"
#include "vrrp/vrrp_witness.h"

#define MS INT64_C(1000000)

static struct vrrp_witnesses *set;
static int changes;

static void on_change(void *data)
{
	assert_ptr_equal(data, &set);
	changes++;
}

/* Where none is to be missed the interval is longer than a busy machine keeps the peer's kernel waiting. */
static void ask_every(unsigned interval_ms, const char *interface, const char *first, const char *second)
{
	struct vrrp_witness_model model = {.interval_ms = interval_ms, .rise = 2, .fall = 3};

	model.addresses[model.count++] = addr_of(first);
	if (second)
		model.addresses[model.count++] = addr_of(second);
	changes = 0;
	assert_int_equal(vrrp_witnesses_open(&set, loop, interface, &model, on_change, &set), 0);
	assert_int_equal(vrrp_witnesses_state(set), VRRP_WITNESS_UNKNOWN);
	assert_int_equal(changes, 0);
}

static void ask(const char *interface, const char *first, const char *second)
{
	ask_every(20, interface, first, second);
}

static int done(void **state)
{
	vrrp_witnesses_close(set);
	set = NULL;
	return 0;
}

static bool is_in(void *data)
{
	return vrrp_witnesses_state(set) == *(enum vrrp_witness *)data;
}

static void until_it_is(enum vrrp_witness state)
{
	until(is_in, &state);
}

static bool has_changed(void *data)
{
	return changes >= *(int *)data;
}

static enum vrrp_witness state_of(size_t i, int64_t *took_ns, int64_t *answered_at)
{
	return vrrp_witnesses_of(set, i, took_ns, answered_at);
}

/* The peer's kernel answers pings of IPv4, or keeps silent. */
static void answer(bool does)
{
	netns_in_peer(true);
	sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=%d", !does);
	netns_in_peer(false);
}

static void nobody_asked_is_none(void **state)
{
	assert_int_equal(vrrp_witnesses_state(NULL), VRRP_WITNESS_NONE);
}

/* Until the first of them has answered so many requests more. */
struct answers {
	int wanted;
	int64_t last;
};

static bool has_answered(void *data)
{
	struct answers *answers = data;
	int64_t took_ns, answered_at;

	state_of(0, &took_ns, &answered_at);
	answers->wanted -= answered_at != answers->last;
	answers->last = answered_at;
	return answers->wanted <= 0;
}

static void until_answered(int times)
{
	struct answers answers = {.wanted = times};
	int64_t took_ns;

	state_of(0, &took_ns, &answers.last);
	until(has_answered, &answers);
}

static void what_answers_is_reached_over_both_families(void **state)
{
	int64_t took_ns, answered_at, begin = vrrp_now();

	/* The peer's kernel joins the group of its new IPv6 address some ms later; who asks before waits for a second. */
	sh("ping -6 -n -q -c 1 -w 10 fd09::2 > /dev/null");
	ask_every(200, "eth0", "10.9.0.2", "fd09::2");
	until_it_is(VRRP_WITNESS_REACHED);
	until_answered(3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(state_of(i, &took_ns, &answered_at), VRRP_WITNESS_REACHED);
		assert_in_range(took_ns, 1, 5000 * MS);
		assert_in_range(answered_at, begin, vrrp_now());
	}
	assert_int_equal(changes, 2);
}

static void what_never_answers_is_lost(void **state)
{
	int64_t took_ns, answered_at, begin = vrrp_now();

	ask("eth0", "10.9.0.77", NULL);
	until_it_is(VRRP_WITNESS_LOST);
	assert_true(vrrp_now() - begin >= 3 * 20 * MS);
	assert_int_equal(changes, 1);
	assert_int_equal(state_of(0, &took_ns, &answered_at), VRRP_WITNESS_LOST);
	assert_int_equal(answered_at, VRRP_NEVER);
}

static void one_that_answers_is_enough(void **state)
{
	int two = 2;

	ask_every(200, "eth0", "10.9.0.2", "10.9.0.77");
	until_it_is(VRRP_WITNESS_REACHED);
	until(has_changed, &two);
	until_answered(2);
	assert_int_equal(vrrp_witnesses_state(set), VRRP_WITNESS_REACHED);
	assert_int_equal(changes, 2);
}

static void lost_after_misses_and_back_after_answers(void **state)
{
	int64_t from, took_ns, answered_at;

	ask_every(100, "eth0", "10.9.0.2", NULL);
	until_it_is(VRRP_WITNESS_REACHED);
	answer(false);
	from = vrrp_now();
	/* One that is missed is enough not to be sure. */
	until_it_is(VRRP_WITNESS_UNKNOWN);
	assert_int_equal(vrrp_witnesses_of(set, 0, &took_ns, &answered_at), VRRP_WITNESS_REACHED);
	assert_in_range(vrrp_now() - answered_at, 100 * MS, 5000 * MS);
	until_it_is(VRRP_WITNESS_LOST);
	/* Three misses of 100 ms; the first request may have been on its way. */
	assert_in_range(vrrp_now() - from, 2 * 100 * MS - 5 * MS, 5000 * MS);
	answer(true);
	until_it_is(VRRP_WITNESS_REACHED);
	assert_int_equal(changes, 4);
}

static void an_interface_that_is_not_there_is_no_error(void **state)
{
	ask("late0", "10.9.0.2", NULL);
	until_it_is(VRRP_WITNESS_LOST);
}

static void an_interface_that_is_made_anew_is_asked_by(void **state)
{
	ask("eth1", "10.9.1.2", NULL);
	for (int i = 0; i < 2; i++) {
		sh("ip link add eth1 type veth peer name peer1 && ip addr add 10.9.1.1/24 dev eth1 && ip link set eth1 up");
		netns_give("peer1");
		netns_in_peer(true);
		sh("ip addr add 10.9.1.2/24 dev peer1 && ip link set peer1 up");
		netns_in_peer(false);
		until_it_is(VRRP_WITNESS_REACHED);
		sh("ip link del eth1");
		until_it_is(VRRP_WITNESS_LOST);
	}
}

/* ---- who forges ---- */

static int forger;
static enum { HONEST, OTHER_COOKIE, OTHER_ADDRESS } forges;
static int forged;

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void on_request(struct ev_loop *l, ev_io *io, int events)
{
	uint8_t buf[256], *icmp = buf + 20;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(forger, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
	uint16_t sum;

	if (len < 20 + 16 || icmp[0] != ICMP_ECHO)
		return;
	icmp[0] = ICMP_ECHOREPLY;
	if (forges == OTHER_COOKIE)
		icmp[15] ^= 1;
	icmp[2] = icmp[3] = 0;
	sum = checksum(icmp, (size_t)len - 20);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	assert_int_equal(
		sendto(forger, icmp, (size_t)len - 20, 0, (struct sockaddr *)&from, from_len), len - 20);
	forged++;
}

static void begin_forging(int how, ev_io *readable)
{
	forges = how;
	forged = 0;
	answer(false);
	netns_in_peer(true);
	forger = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	/* Bound, a raw socket hears only what is for its address: the sender is chosen by the route instead. */
	if (how == OTHER_ADDRESS)
		sh("ip addr add 10.9.0.3/24 dev peer0 && ip route replace 10.9.0.0/24 dev peer0 src 10.9.0.3");
	netns_in_peer(false);
	assert_true(forger >= 0);
	ev_io_init(readable, on_request, forger, EV_READ);
	ev_io_start(loop, readable);
}

static void end_forging(int how, ev_io *readable)
{
	ev_io_stop(loop, readable);
	close(forger);
	if (how == OTHER_ADDRESS) {
		netns_in_peer(true);
		sh("ip addr del 10.9.0.3/24 dev peer0 && ip route replace 10.9.0.0/24 dev peer0 src 10.9.0.2");
		netns_in_peer(false);
	}
	answer(true);
}

static bool has_forged(void *data)
{
	return forged >= *(int *)data;
}

static void forge(int how)
{
	int enough = how == HONEST ? 1 : 5;
	ev_io readable;

	begin_forging(how, &readable);
	ask("eth0", "10.9.0.2", NULL);
	until_it_is(how == HONEST ? VRRP_WITNESS_REACHED : VRRP_WITNESS_LOST);
	until(has_forged, &enough);
	until_it_is(how == HONEST ? VRRP_WITNESS_REACHED : VRRP_WITNESS_LOST);
	end_forging(how, &readable);
}

/* The forger's tool is good: with nothing changed it passes. */
static void an_answer_from_any_program_of_the_witness_counts(void **state)
{
	forge(HONEST);
}

static void another_cookie_is_no_answer(void **state)
{
	forge(OTHER_COOKIE);
}

static void another_address_is_no_answer(void **state)
{
	forge(OTHER_ADDRESS);
}

/* The forger answers in its turn of the loop, so not at once as a kernel does. */
static void after_a_pause_the_next_answer_has_its_time(void **state)
{
	ev_io readable;

	begin_forging(HONEST, &readable);
	ask_every(200, "eth0", "10.9.0.2", NULL);
	until_it_is(VRRP_WITNESS_REACHED);
	until_answered(1);
	usleep(3 * 200 * 1000); /* the pause */
	until_answered(2);
	assert_int_equal(changes, 1);
	end_forging(HONEST, &readable);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_asked_is_none),
		cmocka_unit_test_teardown(what_answers_is_reached_over_both_families, done),
		cmocka_unit_test_teardown(what_never_answers_is_lost, done),
		cmocka_unit_test_teardown(one_that_answers_is_enough, done),
		cmocka_unit_test_teardown(lost_after_misses_and_back_after_answers, done),
		cmocka_unit_test_teardown(an_interface_that_is_not_there_is_no_error, done),
		cmocka_unit_test_teardown(an_interface_that_is_made_anew_is_asked_by, done),
		cmocka_unit_test_teardown(an_answer_from_any_program_of_the_witness_counts, done),
		cmocka_unit_test_teardown(another_cookie_is_no_answer, done),
		cmocka_unit_test_teardown(another_address_is_no_answer, done),
		cmocka_unit_test_teardown(after_a_pause_the_next_answer_has_its_time, done),
	};

	netns_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
