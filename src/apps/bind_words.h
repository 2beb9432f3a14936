/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a bind() came to, in words: why it failed, and what was bound. Pure: the kernel's settings that the
 * words depend on are arguments.
 */
#ifndef TANDEM_APPS_BIND_WORDS_H
#define TANDEM_APPS_BIND_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's settings as read from /proc/sys/net/ipv4; they count for both families. */
struct bind_limits {
	unsigned port_first, port_last; /* ip_local_port_range */
	unsigned unprivileged;          /* ip_unprivileged_port_start */
};

struct bind_question {
	const char *transport; /* "TCP" or "UDP" */
	const char *addr;
	uint16_t port;
	bool wildcard;      /* of its family */
	bool both_families; /* an IPv6 wildcard that takes IPv4 as well */
	bool link_local;    /* IPv6 */
};

/* One line without a newline into buf: why binding failed with the error (positive). */
void bind_words_failure(const struct bind_question *asked, const struct bind_limits *limits, int error,
	char *buf, size_t size);

/* What was bound, where the kernel gave the port: a line for each choice it made; empty when it made none. */
void bind_words_choice(const struct bind_question *asked, const struct bind_limits *limits, uint16_t port,
	char *buf, size_t size);

#endif
