/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One argument with a host and a port in it; see host_port.h. */
#include "apps/host_port.h"

#include <string.h>

const char *host_port_split(const char *text, char host[HOST_PORT_HOST_MAX], uint16_t *port)
{
	const char *colon = strrchr(text, ':'), *from = text;
	uint32_t value = 0;
	size_t len;

	if (colon == NULL)
		return "has no ':PORT'";
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (len < 3 || colon[-1] != ']')
			return "has a '[' without an address and ']:' after it";
		from++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return "has an IPv6 address without brackets; write [ADDR]:PORT";
	}
	if (len == 0)
		return "has no address before the ':'";
	if (len >= HOST_PORT_HOST_MAX)
		return "has too long a name";
	for (const char *c = colon + 1; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return "has a port that is not a number";
		value = value * 10 + (uint32_t)(*c - '0');
		if (value > 65535)
			return "has a port above 65535";
	}
	if (colon[1] == '\0')
		return "has no port after the ':'";
	memcpy(host, from, len);
	host[len] = '\0';
	*port = (uint16_t)value;
	return NULL;
}
