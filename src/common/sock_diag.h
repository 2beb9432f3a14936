/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of its sockets (netlink family SOCK_DIAG; the layouts are linux/inet_diag.h,
 * unix_diag.h and packet_diag.h): questions to bytes, answers to structs in host order. Pure; believes no
 * length. Asking is sock_dump.h's, whose process has a socket is sock_owner.h's.
 */
#ifndef TANDEM_COMMON_SOCK_DIAG_H
#define TANDEM_COMMON_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum sock_kind {
	SOCK_KIND_TCP,
	SOCK_KIND_UDP,
	SOCK_KIND_RAW,
	SOCK_KIND_MPTCP,
	SOCK_KIND_UNIX,
	SOCK_KIND_PACKET,
	SOCK_KINDS
};

/* Numbered as the kernel numbers TCP's states; the other kinds use ESTABLISHED, CLOSE and LISTEN. */
enum sock_state {
	SOCK_STATE_ESTABLISHED = 1,
	SOCK_STATE_SYN_SENT,
	SOCK_STATE_SYN_RECV,
	SOCK_STATE_FIN_WAIT1,
	SOCK_STATE_FIN_WAIT2,
	SOCK_STATE_TIME_WAIT,
	SOCK_STATE_CLOSE,
	SOCK_STATE_CLOSE_WAIT,
	SOCK_STATE_LAST_ACK,
	SOCK_STATE_LISTEN,
	SOCK_STATE_CLOSING,
	SOCK_STATES
};
#define SOCK_STATES_ALL 0xffeu /* a bit for each, 1 << state */

#define SOCK_PATH_MAX    108 /* of an AF_UNIX name */
#define SOCK_REQUEST_MAX 80  /* bytes of a question */
#define SOCK_DUMP_TYPE   20  /* SOCK_DIAG_BY_FAMILY: the type of questions and answers */

struct sock_row {
	enum sock_kind kind;
	enum sock_state state;
	int type;                    /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW */
	uint32_t inode;              /* 0: no process has it any more, or not yet */
	uint32_t uid;                /* of who made it; 0 where it is not known */
	uint32_t recv_queue;         /* a listener: connections that wait for accept(); else bytes */
	uint32_t send_queue;         /* a listener: how many may wait (backlog); else bytes */
	uint32_t drops;              /* what it had no room for, since it was made */
	uint32_t interface;          /* bound to that one; 0: to none */
	struct net_addr local, peer; /* TCP, UDP, RAW, MPTCP; the family is that of the socket */
	uint16_t local_port, peer_port;
	uint16_t protocol; /* RAW: of IP; PACKET: of Ethernet, 3: every one */
	bool v6only;       /* IPv6: takes no IPv4 */
	uint8_t timer;     /* TCP: 0 none, 1 retransmit, 2 keepalive, 3 time-wait, 4 probe of a zero window */
	uint8_t retransmits;         /* TCP: without an answer, now */
	uint32_t timer_ms;           /* until the timer */
	uint32_t peer_inode;         /* UNIX: of the other end */
	uint8_t path_len;            /* UNIX: 0 for none */
	uint8_t path[SOCK_PATH_MAX]; /* UNIX: any bytes; the first one is 0 for an abstract name */
};

/* A name of SOCK_KINDS ("tcp"), of a state ("time-wait"; for UDP and the like "unconnected" instead of "close"), of
 * an AF_UNIX socket's type. Static texts. */
const char *sock_kind_name(enum sock_kind kind);
const char *sock_state_name(enum sock_kind kind, enum sock_state state);
const char *sock_type_name(int type);

/* The kind of that name; SOCK_KINDS for none. */
enum sock_kind sock_kind_of(const char *name);

/* The bits of that state's name, or of a group's: "all", "connected" (neither listen nor close), "synchronized" (connected,
 * without syn-sent and syn-recv); 0 for none. */
uint32_t sock_states_of(const char *name);

/* Does this socket of TCP or UDP take what new clients send to that address and port (host order)? It listens there, or at
 * every address of the machine. */
bool sock_listens_at(
	const struct sock_row *row, enum sock_kind kind, const struct net_addr *addr, uint16_t port);

/* What follows the netlink header of a question for every socket of a kind (and of AF_INET or AF_INET6, where the kind
 * is of IP) that is in one of the states. Returns its length. */
size_t sock_diag_request(enum sock_kind kind, int family, uint32_t states, uint8_t out[SOCK_REQUEST_MAX]);

/* What follows the netlink header of an answer to it. 0, or -EBADMSG: not one of this kind, or broken; *out is
 * then not to be used. */
int sock_diag_decode(enum sock_kind kind, const uint8_t *payload, size_t len, struct sock_row *out);

#endif
