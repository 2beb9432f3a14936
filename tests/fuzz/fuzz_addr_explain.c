/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text: what addrconv takes for an address is one for getaddrinfo() too, with the same bytes, and no other. */
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/addr_explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	struct addr_explained addr;
	char text[300];
	int rc;

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	rc = addr_explain(text, &addr);
	if (addr.words[0] == '\0' || (rc == 0 && addr_explain_use(&addr)[0] == '\0'))
		abort();
	/* A zone is looked up on the machine, and the empty text is the local host for the library. */
	if (text[0] == '\0' || strchr(text, '%') != NULL)
		return 0;
	if ((getaddrinfo(text, NULL, &hints, &found) == 0) != (rc == 0))
		abort();
	if (rc != 0)
		return 0;
	if (addr.family == 4
			? memcmp(addr.bytes, &((struct sockaddr_in *)found->ai_addr)->sin_addr, 4) != 0
			: memcmp(addr.bytes, &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr, 16) != 0)
		abort();
	freeaddrinfo(found);
	return 0;
}
