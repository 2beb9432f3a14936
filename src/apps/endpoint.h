/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses as the programs' users write and read them: ADDR and PORT of a server, HOST and PORT of
 * a client, and "1.2.3.4:80" in a message.
 */
#ifndef TANDEM_APPS_ENDPOINT_H
#define TANDEM_APPS_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ENDPOINT_MAX      8  /* addresses of one host that are tried */
#define ENDPOINT_TEXT_MAX 80 /* room for "[IPv6%zone]:port" and its NUL */

struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* The addresses a server listens on: a literal, or "*" for the wildcard of both families (IPv6 first, where
 * the kernel has it). Returns how many were filled in (1 or 2), or -EINVAL for what is no literal address. */
int endpoint_listen(const char *text, uint16_t port, struct endpoint out[2]);

/* Resolve a host for a client. Returns how many (1..ENDPOINT_MAX), or -1 with *error set to a static text. */
int endpoint_resolve(
	const char *host, uint16_t port, int socktype, struct endpoint out[ENDPOINT_MAX], const char **error);

uint16_t endpoint_port(const struct endpoint *endpoint);
void endpoint_set_port(struct endpoint *endpoint, uint16_t port);

/* Write "1.2.3.4:80" or "[fd00::1]:80" into buf (at least ENDPOINT_TEXT_MAX bytes); returns buf. */
const char *endpoint_text(const struct endpoint *endpoint, char *buf);

/* A TCP connection to this one address within timeout_ms: a non-blocking socket, or -errno (-ETIMEDOUT when no
 * answer came in time). The caller closes it. */
int endpoint_connect(const struct endpoint *to, int timeout_ms);

/* Connect to the host, every address in turn, each with timeout_ms. Returns a non-blocking socket and sets
 * *peer, or -1 after writing one line that says what failed into error. The caller closes the socket. */
int endpoint_dial(const char *host, uint16_t port, int timeout_ms, struct endpoint *peer, char *error,
	size_t error_size);

#endif
