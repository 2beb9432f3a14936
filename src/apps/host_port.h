/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "HOST:PORT" and "[IPv6]:PORT" as one argument of a command line, taken apart. Pure: whether there is such
 * a host is the resolver's to say.
 */
#ifndef TANDEM_APPS_HOST_PORT_H
#define TANDEM_APPS_HOST_PORT_H

#include <stddef.h>
#include <stdint.h>

#define HOST_PORT_HOST_MAX 256 /* a name of DNS (RFC 1035: 253 characters) and its NUL */

/* Fills host (without brackets) and port (host order, 0..65535). NULL, or why it is none as a static text. */
const char *host_port_split(const char *text, char host[HOST_PORT_HOST_MAX], uint16_t *port);

#endif
