/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two network namespaces of the test's own, `ours` (where the test and what it tests run) and the `peer`, joined by a veth
 * pair: eth0 (ours, 10.9.0.1/24, fd09::1/64) and peer0 (10.9.0.2/24, fd09::2/64). They and all in them go with the process.
 */
#ifndef TANDEM_TESTS_VRRP_NETNS_H
#define TANDEM_TESTS_VRRP_NETNS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ev.h>

#include "vrrp/vrrp_model.h"

extern struct ev_loop *loop;

/* Make them, once a process; skips the tests (exit status 0, with the reason) without the privilege. */
void netns_make(void);

/* From now on new sockets and commands are the peer's, or ours. */
void netns_in_peer(bool peer);

/* An interface of ours becomes the peer's. */
void netns_give(const char *interface);

/* Run a shell command line that must succeed. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Run the loop until done(data) is true; fails the test after 20 s. Or for so many seconds. */
void until(bool (*done)(void *data), void *data);
bool until_or_late(bool (*done)(void *data), void *data); /* false: it is not */
void run_for(double seconds);

struct vrrp_address address_of(const char *text, unsigned prefix);
struct net_addr addr_of(const char *text);

/* A packet socket for everything on that interface of the namespace that we are in. */
int sniffer(const char *interface);
void send_frame(int fd, const void *frame, size_t len);
/* The next frame for which fits() is true (data is passed on), within timeout_ms: its length, or 0. */
size_t next_frame(int fd, int timeout_ms, bool (*fits)(const uint8_t *frame, size_t len, const void *data),
	const void *data, uint8_t *buf, size_t size);

void mac_of(const char *interface, uint8_t mac[6]);

#endif
