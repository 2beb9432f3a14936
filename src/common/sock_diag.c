/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about sockets and their answers, as bytes; see sock_diag.h. */
#include "common/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define TCP_NEW_SYN_RECV 12 /* the kernel's other number for SYN_RECV */

_Static_assert(SOCK_DUMP_TYPE == SOCK_DIAG_BY_FAMILY, "the kernel's number");

/* ---- names ---- */

static const char *const kind_names[SOCK_KINDS] = {
	[SOCK_KIND_TCP] = "tcp",
	[SOCK_KIND_UDP] = "udp",
	[SOCK_KIND_RAW] = "raw",
	[SOCK_KIND_MPTCP] = "mptcp",
	[SOCK_KIND_UNIX] = "unix",
	[SOCK_KIND_PACKET] = "packet",
};

static const char *const state_names[SOCK_STATES] = {
	[SOCK_STATE_ESTABLISHED] = "established",
	[SOCK_STATE_SYN_SENT] = "syn-sent",
	[SOCK_STATE_SYN_RECV] = "syn-recv",
	[SOCK_STATE_FIN_WAIT1] = "fin-wait-1",
	[SOCK_STATE_FIN_WAIT2] = "fin-wait-2",
	[SOCK_STATE_TIME_WAIT] = "time-wait",
	[SOCK_STATE_CLOSE] = "close",
	[SOCK_STATE_CLOSE_WAIT] = "close-wait",
	[SOCK_STATE_LAST_ACK] = "last-ack",
	[SOCK_STATE_LISTEN] = "listen",
	[SOCK_STATE_CLOSING] = "closing",
};

const char *sock_kind_name(enum sock_kind kind)
{
	return kind < SOCK_KINDS ? kind_names[kind] : "?";
}

const char *sock_state_name(enum sock_kind kind, enum sock_state state)
{
	if (state == SOCK_STATE_CLOSE && kind != SOCK_KIND_TCP && kind != SOCK_KIND_MPTCP)
		return "unconnected";
	return state >= SOCK_STATE_ESTABLISHED && state < SOCK_STATES ? state_names[state] : "?";
}

const char *sock_type_name(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return "stream";
	case SOCK_DGRAM:
		return "dgram";
	case SOCK_SEQPACKET:
		return "seqpacket";
	case SOCK_RAW:
		return "raw";
	default:
		return "?";
	}
}

enum sock_kind sock_kind_of(const char *name)
{
	enum sock_kind kind = 0;

	while (kind < SOCK_KINDS && strcmp(name, kind_names[kind]) != 0)
		kind++;
	return kind;
}

uint32_t sock_states_of(const char *name)
{
	const uint32_t connected = SOCK_STATES_ALL & ~(1u << SOCK_STATE_LISTEN | 1u << SOCK_STATE_CLOSE);

	for (int i = SOCK_STATE_ESTABLISHED; i < SOCK_STATES; i++)
		if (strcmp(name, state_names[i]) == 0)
			return 1u << i;
	if (strcmp(name, "unconnected") == 0)
		return 1u << SOCK_STATE_CLOSE;
	if (strcmp(name, "all") == 0)
		return SOCK_STATES_ALL;
	if (strcmp(name, "connected") == 0)
		return connected;
	if (strcmp(name, "synchronized") == 0)
		return connected & ~(1u << SOCK_STATE_SYN_SENT | 1u << SOCK_STATE_SYN_RECV);
	return 0;
}

bool sock_listens_at(
	const struct sock_row *row, enum sock_kind kind, const struct net_addr *addr, uint16_t port)
{
	static const uint8_t any[sizeof(addr->bytes)];

	if (row->kind != kind || row->local_port != port ||
		row->state != (kind == SOCK_KIND_TCP ? SOCK_STATE_LISTEN : SOCK_STATE_CLOSE) ||
		(kind != SOCK_KIND_TCP && kind != SOCK_KIND_UDP))
		return false;
	if (memcmp(row->local.bytes, any, sizeof(any)) != 0)
		return addr_equal(&row->local, addr);
	return row->local.family == addr->family || (row->local.family == AF_INET6 && !row->v6only);
}

/* ---- questions ---- */

static uint16_t ip_protocol(enum sock_kind kind)
{
	return kind == SOCK_KIND_TCP   ? IPPROTO_TCP
	       : kind == SOCK_KIND_UDP ? IPPROTO_UDP
	       : kind == SOCK_KIND_RAW ? IPPROTO_RAW
				       : IPPROTO_MPTCP;
}

static size_t inet_request(enum sock_kind kind, int family, uint32_t states, uint8_t *out)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = (uint8_t)ip_protocol(kind),
		.idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
		.idiag_states = states,
	};
	/* A number that has no room in a byte comes as an attribute. */
	const struct {
		uint16_t len, type;
		uint32_t protocol;
	} wide = {sizeof(wide), INET_DIAG_REQ_PROTOCOL, IPPROTO_MPTCP};

	memcpy(out, &request, sizeof(request));
	if (kind != SOCK_KIND_MPTCP)
		return sizeof(request);
	memcpy(out + sizeof(request), &wide, sizeof(wide));
	return sizeof(request) + sizeof(wide);
}

size_t sock_diag_request(enum sock_kind kind, int family, uint32_t states, uint8_t out[SOCK_REQUEST_MAX])
{
	const struct unix_diag_req local = {
		.sdiag_family = AF_UNIX,
		.udiag_states = states,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO |
			      UDIAG_SHOW_UID,
	};
	const struct packet_diag_req packet = {
		.sdiag_family = AF_PACKET,
		.pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MEMINFO,
	};

	_Static_assert(sizeof(struct inet_diag_req_v2) + 8 <= SOCK_REQUEST_MAX, "the longest question");
	memset(out, 0, SOCK_REQUEST_MAX);
	if (kind == SOCK_KIND_UNIX) {
		memcpy(out, &local, sizeof(local));
		return sizeof(local);
	}
	if (kind == SOCK_KIND_PACKET) {
		memcpy(out, &packet, sizeof(packet));
		return sizeof(packet);
	}
	return inet_request(kind, family, states, out);
}

/* ---- answers ---- */

struct attribute {
	uint16_t type;
	const uint8_t *data;
	size_t len;
};

/* Take the next attribute (netlink(7): length with its header of 4, type, data, filled up to 4) off the front. 1, 0 at
 * the end, -EBADMSG when its length is a lie. */
static int next_attribute(const uint8_t **at, size_t *left, struct attribute *out)
{
	uint16_t head[2];
	size_t whole;

	if (*left == 0)
		return 0;
	if (*left < sizeof(head))
		return -EBADMSG;
	memcpy(head, *at, sizeof(head));
	if (head[0] < sizeof(head) || head[0] > *left)
		return -EBADMSG;
	out->type = head[1] & 0x3fff; /* without the flags "nested" and "network order" */
	out->data = *at + sizeof(head);
	out->len = head[0] - sizeof(head);
	whole = (head[0] + 3u) & ~3u;
	if (whole > *left)
		whole = *left;
	*at += whole;
	*left -= whole;
	return 1;
}

static uint32_t number_at(const struct attribute *a, size_t index)
{
	uint32_t value = 0;

	if (a->len >= (index + 1) * sizeof(value))
		memcpy(&value, a->data + index * sizeof(value), sizeof(value));
	return value;
}

static bool set_state(struct sock_row *out, unsigned state)
{
	if (state == TCP_NEW_SYN_RECV)
		state = SOCK_STATE_SYN_RECV;
	out->state = state;
	return state >= SOCK_STATE_ESTABLISHED && state < SOCK_STATES;
}

static struct net_addr take_address(int family, const uint32_t words[4])
{
	struct net_addr addr = {.family = (uint8_t)family};

	memcpy(addr.bytes, words, family == AF_INET ? 4 : 16);
	return addr;
}

static int decode_inet(const uint8_t *payload, size_t len, struct sock_row *out)
{
	struct inet_diag_msg m;
	struct attribute a;
	int more;

	if (len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, payload, sizeof(m));
	if ((m.idiag_family != AF_INET && m.idiag_family != AF_INET6) || !set_state(out, m.idiag_state))
		return -EBADMSG;
	out->type = out->kind == SOCK_KIND_UDP   ? SOCK_DGRAM
		    : out->kind == SOCK_KIND_RAW ? SOCK_RAW
						 : SOCK_STREAM;
	out->inode = m.idiag_inode;
	out->uid = m.idiag_uid;
	out->recv_queue = m.idiag_rqueue;
	out->send_queue = m.idiag_wqueue;
	out->interface = m.id.idiag_if;
	out->local = take_address(m.idiag_family, m.id.idiag_src);
	out->peer = take_address(m.idiag_family, m.id.idiag_dst);
	out->local_port = ntohs(m.id.idiag_sport);
	out->peer_port = ntohs(m.id.idiag_dport);
	if (out->kind == SOCK_KIND_RAW) { /* what would be the port is the protocol */
		out->protocol = out->local_port;
		out->local_port = out->peer_port = 0;
	}
	if (out->kind == SOCK_KIND_TCP) {
		out->timer = m.idiag_timer;
		out->timer_ms = m.idiag_timer ? m.idiag_expires : 0;
		out->retransmits = m.idiag_retrans;
	}
	payload += sizeof(m);
	len -= sizeof(m);
	while ((more = next_attribute(&payload, &len, &a)) > 0) {
		if (a.type == INET_DIAG_SKMEMINFO)
			out->drops = number_at(&a, SK_MEMINFO_DROPS);
		else if (a.type == INET_DIAG_SKV6ONLY && a.len >= 1)
			out->v6only = a.data[0] != 0;
	}
	return more;
}

static int decode_unix(const uint8_t *payload, size_t len, struct sock_row *out)
{
	struct unix_diag_msg m;
	struct attribute a;
	int more;

	if (len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, payload, sizeof(m));
	if (m.udiag_family != AF_UNIX || !set_state(out, m.udiag_state))
		return -EBADMSG;
	out->type = m.udiag_type;
	out->inode = m.udiag_ino;
	payload += sizeof(m);
	len -= sizeof(m);
	while ((more = next_attribute(&payload, &len, &a)) > 0) {
		if (a.type == UNIX_DIAG_NAME) {
			out->path_len = (uint8_t)(a.len < SOCK_PATH_MAX ? a.len : SOCK_PATH_MAX);
			memcpy(out->path, a.data, out->path_len);
		} else if (a.type == UNIX_DIAG_PEER) {
			out->peer_inode = number_at(&a, 0);
		} else if (a.type == UNIX_DIAG_RQLEN) {
			out->recv_queue = number_at(&a, 0);
			out->send_queue = number_at(&a, 1);
		} else if (a.type == UNIX_DIAG_MEMINFO) {
			out->drops = number_at(&a, SK_MEMINFO_DROPS);
		} else if (a.type == UNIX_DIAG_UID) {
			out->uid = number_at(&a, 0);
		}
	}
	return more;
}

static int decode_packet(const uint8_t *payload, size_t len, struct sock_row *out)
{
	struct packet_diag_msg m;
	struct attribute a;
	int more;

	if (len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, payload, sizeof(m));
	if (m.pdiag_family != AF_PACKET)
		return -EBADMSG;
	out->state = SOCK_STATE_CLOSE;
	out->type = m.pdiag_type;
	out->inode = m.pdiag_ino;
	out->protocol = m.pdiag_num;
	payload += sizeof(m);
	len -= sizeof(m);
	while ((more = next_attribute(&payload, &len, &a)) > 0) {
		if (a.type == PACKET_DIAG_INFO) {
			out->interface = number_at(&a, 0);
		} else if (a.type == PACKET_DIAG_UID) {
			out->uid = number_at(&a, 0);
		} else if (a.type == PACKET_DIAG_MEMINFO) {
			out->recv_queue = number_at(&a, SK_MEMINFO_RMEM_ALLOC);
			out->send_queue = number_at(&a, SK_MEMINFO_WMEM_ALLOC);
			out->drops = number_at(&a, SK_MEMINFO_DROPS);
		}
	}
	return more;
}

int sock_diag_decode(enum sock_kind kind, const uint8_t *payload, size_t len, struct sock_row *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = kind;
	switch (kind) {
	case SOCK_KIND_UNIX:
		return decode_unix(payload, len, out);
	case SOCK_KIND_PACKET:
		return decode_packet(payload, len, out);
	case SOCK_KIND_TCP:
	case SOCK_KIND_UDP:
	case SOCK_KIND_RAW:
	case SOCK_KIND_MPTCP:
		return decode_inet(payload, len, out);
	case SOCK_KINDS:
		break;
	}
	return -EBADMSG;
}
