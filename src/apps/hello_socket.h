/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of hello_client and hello_server: AF_UNIX ones with a name, and raw ones for ICMP echo. */
#ifndef TANDEM_APPS_HELLO_SOCKET_H
#define TANDEM_APPS_HELLO_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct cli_program;
struct endpoint;

#define HELLO_NAME_MAX 120 /* room for a name as text, and its NUL */

struct hello_name {
	struct sockaddr_un addr;
	socklen_t len; /* counts, for an abstract name every byte of which is part of it */
};

/* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW for "stream", "datagram", "seqpacket", "raw"; exit 2 for another. */
int hello_type(const struct cli_program *program, const char *text);

/* A path, or "@NAME" for the abstract name; exit 2 when it is too long or empty. */
struct hello_name hello_name_read(const struct cli_program *program, const char *text);

/* "path", "@name", "no name"; returns out. */
const char *hello_name_text(const struct hello_name *name, char out[HELLO_NAME_MAX]);

/* An address without a port; returns out. */
const char *hello_address_text(const struct endpoint *endpoint, char out[HELLO_NAME_MAX]);

/* A raw socket for ICMP or ICMPv6; of ICMPv6 it hears that type only. -errno. */
int hello_raw_open(int family, uint8_t icmp6_type);

/* Milliseconds of a clock that only goes forward. */
int64_t hello_now_ms(void);

#endif
