/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello_client over a raw socket: ICMP echo requests, which the other machine's kernel answers (RFC 792, RFC 4443). */
#ifndef TANDEM_APPS_HELLO_PING_H
#define TANDEM_APPS_HELLO_PING_H

#include <stdint.h>

struct cli_program;

/* Send that many at once to the host's first address, and show what comes. The exit status: 0 when each was answered. */
int hello_ping(const struct cli_program *program, const char *host, uint64_t count, uint64_t timeout_ms);

#endif
