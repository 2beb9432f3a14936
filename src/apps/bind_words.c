/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a bind() came to; see bind_words.h. */
#include "apps/bind_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void bind_words_failure(const struct bind_question *asked, const struct bind_limits *limits, int error,
	char *buf, size_t size)
{
	switch (error) {
	case EADDRINUSE:
		snprintf(buf, size,
			"in use: another %s socket has port %u on this address or on the wildcard, or an ended "
			"connection still has it (TIME_WAIT); 'ss -anp sport = :%u' shows which",
			asked->transport, asked->port, asked->port);
		return;
	case EADDRNOTAVAIL:
		snprintf(buf, size,
			"not local: no interface of this machine (this network namespace) has the address %s; "
			"'ip addr' shows those there are",
			asked->addr);
		return;
	case EACCES:
		if (asked->port != 0 && asked->port < limits->unprivileged)
			snprintf(buf, size,
				"privileged port: below %u (net.ipv4.ip_unprivileged_port_start) it takes root "
				"or the capability CAP_NET_BIND_SERVICE",
				limits->unprivileged);
		else
			snprintf(buf, size,
				"not allowed: a broadcast address, or a security policy forbids it");
		return;
	case EINVAL:
	case ENODEV:
		if (asked->link_local) {
			snprintf(buf, size,
				"link-local: each link has such addresses, say which: %s%%INTERFACE",
				asked->addr);
			return;
		}
		break;
	case EAFNOSUPPORT:
		snprintf(buf, size, "this kernel has no such family of addresses");
		return;
	default:
		break;
	}
	snprintf(buf, size, "%s", strerror(error));
}

void bind_words_choice(const struct bind_question *asked, const struct bind_limits *limits, uint16_t port,
	char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	if (asked->port == 0)
		used = (size_t)snprintf(buf, size,
			"ephemeral port: asked for 0, the kernel chose %u of %u to %u "
			"(net.ipv4.ip_local_port_range)\n",
			port, limits->port_first, limits->port_last);
	if (asked->wildcard && used < size)
		snprintf(buf + used, size - used,
			"wildcard: every %s address of this machine, those it gets later too\n",
			asked->both_families       ? "IPv6 and IPv4"
			: strchr(asked->addr, ':') ? "IPv6"
						   : "IPv4");
}
