/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pair with somebody on path 1 who reads, plays back, changes and makes up datagrams, and has no key. */
#include "peer_harness.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAUGHT_MAX  64
#define KIND_AT     5
#define KIND_DATA   2
#define SEQUENCE_AT 32 /* in a datagram; secure_dgram.h */

static struct caught {
	size_t len;
	uint8_t bytes[2048];
} caught[CAUGHT_MAX];
static size_t caught_count;

static bool is_to_a(const uint8_t *frame, size_t len, const void *data)
{
	static const uint8_t from_b_to_a[] = {127, 0, 0, 3, 127, 0, 0, 2};

	return len > 14 + 28 && frame[12] == 8 && frame[13] == 0 && frame[14 + 9] == IPPROTO_UDP &&
	       memcmp(frame + 14 + 12, from_b_to_a, sizeof(from_b_to_a)) == 0 && len > 14 + 28 + KIND_AT &&
	       frame[14 + 28 + KIND_AT] == KIND_DATA;
}

/* What b says to a for a while. */
static void catch_some(void)
{
	int fd = sniffer("lo");
	uint8_t frame[2048];
	size_t len;

	caught_count = 0;
	run_for(.6);
	/* On lo each frame is seen going and coming. */
	while (caught_count < CAUGHT_MAX && (len = next_frame(fd, 0, is_to_a, NULL, frame, sizeof(frame)))) {
		caught[caught_count].len = len - 14 - 28;
		memcpy(caught[caught_count++].bytes, frame + 14 + 28, len - 14 - 28);
	}
	close(fd);
	assert_true(caught_count >= 5);
}

static void inject(const char *from, const struct caught *what)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t bytes[2048];
	} packet = {};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.2")};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	size_t len = 28 + what->len;

	assert_true(fd >= 0);
	packet.ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = inet_addr(from),
		.daddr = to.sin_addr.s_addr};
	packet.udp = (struct udphdr){
		.source = htons(PORT), .dest = htons(PORT), .len = htons((uint16_t)(8 + what->len))};
	memcpy(packet.bytes, what->bytes, what->len);
	assert_int_equal(sendto(fd, &packet, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
	close(fd);
}

static void what_is_played_back_is_refused(void **state)
{
	uint64_t before, sequence;

	b.units = 1;
	begin_both();
	catch_some();
	stop(&b); /* so that nothing else comes */
	run_for(1.25 * TIMEOUT / 1000);
	before = verdicts(&a, 0, SECURE_REPLAY);
	sequence = vrrp_peer_said(a.peer)->sequence;
	a.told[0] = 0;
	for (size_t i = 0; i < caught_count; i++)
		inject("127.0.0.3", &caught[i]);
	run_for(.1);
	assert_int_equal(verdicts(&a, 0, SECURE_REPLAY) - before, caught_count);
	assert_true(vrrp_peer_said(a.peer)->sequence == sequence);
	assert_string_equal(a.told, "");
	assert_false(is_fresh(&a));
}

static void what_was_said_before_a_restart_is_refused_after_it(void **state)
{
	struct vrrp_peer_status before, after;
	uint64_t stale;

	begin_both();
	catch_some();
	stop(&b);
	begin(&b, INTERVAL);
	until(a_was_told, "peer restarted");
	until(all_up, NULL);
	vrrp_peer_status(a.peer, &before);
	stale = verdicts(&a, 0, SECURE_STALE) + verdicts(&a, 0, SECURE_REPLAY) + verdicts(&a, 0, SECURE_TAG);
	a.told[0] = 0;
	for (size_t i = 0; i < caught_count; i++)
		inject("127.0.0.3", &caught[i]);
	run_for(.1);
	vrrp_peer_status(a.peer, &after);
	assert_true(after.boot == before.boot);
	assert_string_equal(a.told, "");
	assert_true(verdicts(&a, 0, SECURE_STALE) + verdicts(&a, 0, SECURE_REPLAY) +
			    verdicts(&a, 0, SECURE_TAG) >=
		    stale + caught_count);
	assert_true(is_fresh(&a) && is_fresh(&b));
}

static void what_is_changed_or_made_up_is_refused(void **state)
{
	struct caught junk = {.len = 300};
	uint64_t tag, short_ones;

	begin_both();
	catch_some();
	tag = verdicts(&a, 0, SECURE_TAG);
	short_ones = verdicts(&a, 0, SECURE_SHORT);
	caught[0].bytes[SEQUENCE_AT] ^= 1; /* to come, so that it is not refused as a replay */
	inject("127.0.0.3", &caught[0]);
	caught[1].bytes[SEQUENCE_AT] ^= 1;
	caught[1].bytes[caught[1].len - 1] ^= 1;
	inject("127.0.0.3", &caught[1]);
	memset(junk.bytes, 0xa5, junk.len);
	inject("127.0.0.3", &junk);
	junk.len = 0;
	inject("127.0.0.3", &junk);
	run_for(.1);
	assert_int_equal(verdicts(&a, 0, SECURE_TAG), tag + 2);
	assert_int_equal(verdicts(&a, 0, SECURE_SHORT), short_ones + 2);
	assert_true(is_fresh(&a) && is_fresh(&b));
}

static void another_address_is_not_looked_at(void **state)
{
	struct caught junk = {.len = 300};
	struct vrrp_peer_path before, after;

	begin(&a, 3000); /* nobody there */
	run_for(.05);
	vrrp_peer_path(a.peer, 0, &before);
	for (int i = 0; i < 100; i++)
		inject("127.0.0.9", &junk);
	run_for(.1);
	vrrp_peer_path(a.peer, 0, &after);
	for (int i = 0; i < SECURE_VERDICTS; i++)
		assert_int_equal(after.secure.verdicts[i], before.secure.verdicts[i]);
	assert_int_equal(after.secure.hellos_sent, before.secure.hellos_sent);
}

/* A flood causes ten answers a second at most. */
static void a_flood_is_hardly_answered(void **state)
{
	struct vrrp_peer_path before, after;

	begin_both();
	catch_some();
	stop(&b);
	begin(&b, INTERVAL);
	until(a_was_told, "peer restarted");
	until(all_up, NULL);
	vrrp_peer_path(a.peer, 0, &before);
	for (int i = 0; i < 500; i++) {
		inject("127.0.0.3", &caught[i % caught_count]);
		if (i % 50 == 0)
			run_for(.02);
	}
	run_for(.1);
	vrrp_peer_path(a.peer, 0, &after);
	assert_in_range(after.secure.hellos_sent - before.secure.hellos_sent, 0, 8);
	assert_true(is_fresh(&a) && is_fresh(&b));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_played_back_is_refused, stop_both),
		cmocka_unit_test_teardown(what_was_said_before_a_restart_is_refused_after_it, stop_both),
		cmocka_unit_test_teardown(what_is_changed_or_made_up_is_refused, stop_both),
		cmocka_unit_test_teardown(another_address_is_not_looked_at, stop_both),
		cmocka_unit_test_teardown(a_flood_is_hardly_answered, stop_both),
	};

	netns_make();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
