/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and answers about sockets as the kernel's headers lay them out, built by hand; and what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "common/sock_view.h"

/* An answer that grows. */
struct answer {
	uint8_t bytes[1024];
	size_t len;
};

static void put(struct answer *a, const void *data, size_t len)
{
	memcpy(a->bytes + a->len, data, len);
	a->len += len;
}

static void attribute(struct answer *a, uint16_t type, const void *data, size_t len)
{
	const uint16_t head[2] = {(uint16_t)(len + 4), type};

	put(a, head, sizeof(head));
	put(a, data, len);
	a->len = (a->len + 3) & ~(size_t)3;
}

/* In memory of its very size, so that one byte too far is seen. */
static int decode(enum sock_kind kind, const struct answer *a, struct sock_row *row)
{
	uint8_t *exact = malloc(a->len ? a->len : 1);
	int rc;

	memcpy(exact, a->bytes, a->len);
	rc = sock_diag_decode(kind, exact, a->len, row);
	free(exact);
	return rc;
}

static struct answer inet_answer(int family, int state)
{
	struct inet_diag_msg m = {.idiag_family = (uint8_t)family,
		.idiag_state = (uint8_t)state,
		.idiag_timer = 1,
		.idiag_retrans = 3,
		.idiag_expires = 1500,
		.idiag_rqueue = 7,
		.idiag_wqueue = 128,
		.idiag_uid = 33,
		.idiag_inode = 4711};
	uint32_t memory[SK_MEMINFO_VARS] = {[SK_MEMINFO_DROPS] = 9};
	struct answer a = {};

	m.id.idiag_sport = htons(8080);
	m.id.idiag_dport = htons(40000);
	inet_pton(family, family == AF_INET ? "10.0.0.1" : "fd00::1", m.id.idiag_src);
	inet_pton(family, family == AF_INET ? "10.0.0.2" : "fd00::2", m.id.idiag_dst);
	put(&a, &m, sizeof(m));
	attribute(&a, INET_DIAG_SKV6ONLY, "\1", 1);
	attribute(&a, 200, "unknown", 7);
	attribute(&a, INET_DIAG_SKMEMINFO, memory, sizeof(memory));
	return a;
}

static void test_tcp(void **state)
{
	struct answer a = inet_answer(AF_INET, SOCK_STATE_ESTABLISHED);
	char text[SOCK_VIEW_TEXT];
	struct sock_row row;

	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), 0);
	assert_int_equal(row.state, SOCK_STATE_ESTABLISHED);
	assert_int_equal(row.type, SOCK_STREAM);
	assert_int_equal(row.inode, 4711);
	assert_int_equal(row.uid, 33);
	assert_int_equal(row.recv_queue, 7);
	assert_int_equal(row.send_queue, 128);
	assert_int_equal(row.drops, 9);
	assert_int_equal(row.timer, 1);
	assert_int_equal(row.timer_ms, 1500);
	assert_int_equal(row.retransmits, 3);
	assert_string_equal(sock_view_local(&row, text), "10.0.0.1:8080");
	assert_string_equal(sock_view_peer(&row, text), "10.0.0.2:40000");
}

static void test_ipv6(void **state)
{
	struct answer a = inet_answer(AF_INET6, SOCK_STATE_CLOSE);
	char text[SOCK_VIEW_TEXT];
	struct sock_row row;

	assert_int_equal(decode(SOCK_KIND_UDP, &a, &row), 0);
	assert_true(row.v6only);
	assert_int_equal(row.type, SOCK_DGRAM);
	assert_int_equal(row.timer, 0);
	assert_string_equal(sock_view_local(&row, text), "[fd00::1]:8080");
	assert_string_equal(sock_view_peer(&row, text), "[fd00::2]:40000");
	assert_string_equal(sock_state_name(row.kind, row.state), "unconnected");
}

/* A connection that nobody accepted yet has a number of its own in the kernel. */
static void test_new_syn_recv(void **state)
{
	struct answer a = inet_answer(AF_INET, 12);
	struct sock_row row;

	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), 0);
	assert_int_equal(row.state, SOCK_STATE_SYN_RECV);
}

static void test_raw(void **state)
{
	struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = SOCK_STATE_CLOSE};
	char text[SOCK_VIEW_TEXT];
	struct answer a = {};
	struct sock_row row;

	m.id.idiag_sport = htons(112);
	put(&a, &m, sizeof(m));
	assert_int_equal(decode(SOCK_KIND_RAW, &a, &row), 0);
	assert_int_equal(row.protocol, 112);
	assert_int_equal(row.local_port, 0);
	assert_string_equal(sock_view_local(&row, text), "0.0.0.0 protocol 112");
	assert_string_equal(sock_view_peer(&row, text), "*");
}

static struct answer unix_answer(const void *name, size_t len)
{
	const struct unix_diag_msg m = {
		.udiag_family = AF_UNIX, .udiag_type = SOCK_SEQPACKET, .udiag_state = 10, .udiag_ino = 5};
	const struct unix_diag_rqlen queues = {2, 64};
	const uint32_t peer = 77, uid = 1000;
	struct answer a = {};

	put(&a, &m, sizeof(m));
	attribute(&a, UNIX_DIAG_NAME, name, len);
	attribute(&a, UNIX_DIAG_PEER, &peer, sizeof(peer));
	attribute(&a, UNIX_DIAG_RQLEN, &queues, sizeof(queues));
	attribute(&a, UNIX_DIAG_UID, &uid, sizeof(uid));
	return a;
}

static void test_unix(void **state)
{
	struct answer a = unix_answer("/run/x\n.sock", 13);
	char text[SOCK_VIEW_TEXT], longest[SOCK_PATH_MAX + 20];
	struct sock_row row;

	assert_int_equal(decode(SOCK_KIND_UNIX, &a, &row), 0);
	assert_int_equal(row.type, SOCK_SEQPACKET);
	assert_int_equal(row.state, SOCK_STATE_LISTEN);
	assert_int_equal(row.inode, 5);
	assert_int_equal(row.recv_queue, 2);
	assert_int_equal(row.send_queue, 64);
	assert_int_equal(row.uid, 1000);
	assert_string_equal(sock_view_local(&row, text), "/run/x?.sock");
	assert_string_equal(sock_view_peer(&row, text), "inode 77");
	a = unix_answer("\0abs\0tract", 10);
	assert_int_equal(decode(SOCK_KIND_UNIX, &a, &row), 0);
	assert_int_equal(row.path_len, 10);
	assert_string_equal(sock_view_local(&row, text), "@abs@tract");
	a = unix_answer("", 0);
	assert_int_equal(decode(SOCK_KIND_UNIX, &a, &row), 0);
	assert_string_equal(sock_view_local(&row, text), "*");
	memset(longest, 'p', sizeof(longest));
	a = unix_answer(longest, sizeof(longest));
	assert_int_equal(decode(SOCK_KIND_UNIX, &a, &row), 0);
	assert_int_equal(row.path_len, SOCK_PATH_MAX);
	assert_int_equal(strlen(sock_view_local(&row, text)), SOCK_PATH_MAX);
}

static void test_packet(void **state)
{
	const struct packet_diag_msg m = {
		.pdiag_family = AF_PACKET, .pdiag_type = SOCK_RAW, .pdiag_num = 3, .pdiag_ino = 6};
	const struct packet_diag_info info = {.pdi_index = 999999};
	const uint32_t memory[SK_MEMINFO_VARS] = {[SK_MEMINFO_RMEM_ALLOC] = 4096, [SK_MEMINFO_DROPS] = 2};
	char text[SOCK_VIEW_TEXT];
	struct answer a = {};
	struct sock_row row;

	put(&a, &m, sizeof(m));
	attribute(&a, PACKET_DIAG_INFO, &info, sizeof(info));
	attribute(&a, PACKET_DIAG_MEMINFO, memory, sizeof(memory));
	assert_int_equal(decode(SOCK_KIND_PACKET, &a, &row), 0);
	assert_int_equal(row.recv_queue, 4096);
	assert_int_equal(row.drops, 2);
	assert_string_equal(sock_view_local(&row, text), "if999999 every protocol");
}

/* An attribute of an older kernel may be shorter: what is not there is 0. */
static void test_short_attribute(void **state)
{
	const struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = SOCK_STATE_CLOSE};
	const uint32_t memory[2] = {1, 2};
	struct answer a = {};
	struct sock_row row;

	put(&a, &m, sizeof(m));
	attribute(&a, INET_DIAG_SKMEMINFO, memory, sizeof(memory));
	assert_int_equal(decode(SOCK_KIND_UDP, &a, &row), 0);
	assert_int_equal(row.drops, 0);
}

static void test_broken(void **state)
{
	struct answer a = inet_answer(AF_INET, SOCK_STATE_ESTABLISHED);
	const size_t whole = a.len, head = sizeof(struct inet_diag_msg);
	struct sock_row row;

	for (a.len = 0; a.len < head; a.len++) /* cut in the header */
		assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), -EBADMSG);
	for (a.len = head + 1; a.len < whole; a.len++) { /* cut in an attribute: never read beyond */
		int rc = decode(SOCK_KIND_TCP, &a, &row);

		assert_true(rc == 0 || rc == -EBADMSG);
	}
	a = inet_answer(AF_INET, SOCK_STATE_ESTABLISHED);
	a.bytes[head] = 3; /* shorter than its own header: would loop for ever */
	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), -EBADMSG);
	a.bytes[head] = 255; /* longer than what is there */
	a.bytes[head + 1] = 255;
	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), -EBADMSG);
	for (int bad = 0; bad < 256; bad += bad == 0 ? 13 : 1) {
		a = inet_answer(AF_INET, bad);
		assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), -EBADMSG);
	}
	a = inet_answer(AF_INET, 1);
	a.bytes[0] = AF_UNIX;
	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), -EBADMSG);
	assert_int_equal(decode(SOCK_KINDS, &a, &row), -EBADMSG);
}

static void test_request(void **state)
{
	struct inet_diag_req_v2 inet;
	struct unix_diag_req local;
	uint8_t out[SOCK_REQUEST_MAX];
	uint32_t protocol;

	assert_int_equal(sock_diag_request(SOCK_KIND_UDP, AF_INET6, 0x80, out), sizeof(inet));
	memcpy(&inet, out, sizeof(inet));
	assert_int_equal(inet.sdiag_family, AF_INET6);
	assert_int_equal(inet.sdiag_protocol, IPPROTO_UDP);
	assert_int_equal(inet.idiag_states, 0x80);
	assert_int_equal(sock_diag_request(SOCK_KIND_MPTCP, AF_INET, 2, out), sizeof(inet) + 8);
	memcpy(&protocol, out + sizeof(inet) + 4, sizeof(protocol));
	assert_int_equal(protocol, 262);
	assert_int_equal(sock_diag_request(SOCK_KIND_UNIX, AF_INET, 0x400, out), sizeof(local));
	memcpy(&local, out, sizeof(local));
	assert_int_equal(local.sdiag_family, AF_UNIX);
	assert_int_equal(local.udiag_states, 0x400);
}

static void test_names(void **state)
{
	for (enum sock_kind kind = 0; kind < SOCK_KINDS; kind++)
		assert_int_equal(sock_kind_of(sock_kind_name(kind)), kind);
	for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++)
		assert_int_equal(sock_states_of(sock_state_name(SOCK_KIND_TCP, i)), 1u << i);
	assert_int_equal(sock_kind_of("tpc"), SOCK_KINDS);
	assert_int_equal(sock_states_of("listening"), 0);
	assert_int_equal(sock_states_of("connected"), 0xb7e);
	assert_int_equal(sock_states_of("synchronized"), 0xb72);
	assert_int_equal(sock_states_of("unconnected"), 1u << SOCK_STATE_CLOSE);
}

static void test_listens_at(void **state)
{
	struct sock_row row = {.kind = SOCK_KIND_TCP, .state = SOCK_STATE_LISTEN, .local_port = 80};
	struct net_addr v4, other, v6;

	addr_parse("10.0.0.1", &v4);
	addr_parse("10.0.0.2", &other);
	addr_parse("fd00::1", &v6);
	row.local = v4;
	assert_true(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 80));
	assert_false(sock_listens_at(&row, SOCK_KIND_TCP, &other, 80));
	assert_false(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 81));
	assert_false(sock_listens_at(&row, SOCK_KIND_UDP, &v4, 80));
	row.state = SOCK_STATE_ESTABLISHED;
	assert_false(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 80));
	row.state = SOCK_STATE_LISTEN;
	addr_parse("0.0.0.0", &row.local);
	assert_true(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 80));
	assert_false(sock_listens_at(&row, SOCK_KIND_TCP, &v6, 80));
	addr_parse("::", &row.local);
	assert_true(sock_listens_at(&row, SOCK_KIND_TCP, &v6, 80));
	assert_true(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 80));
	row.v6only = true;
	assert_false(sock_listens_at(&row, SOCK_KIND_TCP, &v4, 80));
	row.kind = SOCK_KIND_UDP;
	assert_false(sock_listens_at(&row, SOCK_KIND_UDP, &v6, 80));
	row.state = SOCK_STATE_CLOSE;
	assert_true(sock_listens_at(&row, SOCK_KIND_UDP, &v6, 80));
	row.kind = SOCK_KIND_RAW;
	assert_false(sock_listens_at(&row, SOCK_KIND_RAW, &v6, 80));
}

static void test_owners(void **state)
{
	struct sock_owner rows[] = {{10, 1, 3, "a"}, {20, 2, 4, "b"}, {20, 2, 9, "b"}, {20, 3, 4, "c\x1b"},
		{20, 4, 4, "d"}, {20, 5, 4, "e"}, {30, 6, 1, "f"}};
	const struct sock_owners owners = {.rows = rows, .count = sizeof(rows) / sizeof(rows[0])};
	struct sock_row row = {.inode = 20};
	char text[SOCK_VIEW_TEXT];
	size_t count;

	assert_ptr_equal(sock_owners_of(&owners, 10, &count), &rows[0]);
	assert_int_equal(count, 1);
	assert_ptr_equal(sock_owners_of(&owners, 20, &count), &rows[1]);
	assert_int_equal(count, 5);
	assert_null(sock_owners_of(&owners, 25, &count));
	assert_null(sock_owners_of(&owners, 0, &count));
	assert_int_equal(count, 0);
	assert_string_equal(sock_view_owners(&row, &owners, text), "b(2) c?(3) d(4) and 1 more");
	row.inode = 11;
	assert_string_equal(sock_view_owners(&row, &owners, text), "-");
}

static void test_json(void **state)
{
	struct answer a = inet_answer(AF_INET, SOCK_STATE_LISTEN);
	struct sock_owner rows[] = {{4711, 12, 3, "kv_store"}};
	const struct sock_owners owners = {.rows = rows, .count = 1};
	struct sock_row row;
	json_t *object;

	assert_int_equal(decode(SOCK_KIND_TCP, &a, &row), 0);
	object = sock_view_json(&row, &owners);
	assert_int_equal(json_integer_value(json_object_get(object, "backlog")), 7);
	assert_int_equal(json_integer_value(json_object_get(object, "backlog_max")), 128);
	assert_null(json_object_get(object, "recv_queue"));
	assert_string_equal(json_string_value(json_object_get(object, "state")), "listen");
	assert_int_equal(json_array_size(json_object_get(object, "processes")), 1);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_new_syn_recv),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_short_attribute),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_listens_at),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
