/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addrconv: an address's text to its binary form and back. addr_explain.c says how a text is read; the
 * conversions themselves are the library's: getaddrinfo(), with inet_pton() and inet_aton() beside it, and
 * getnameinfo() for the way back.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "apps/addr_explain.h"
#include "apps/cli.h"

static void row(const char *what, const char *value)
{
	printf("%-9s %s\n", what, value);
}

static void show_bytes(const uint8_t *bytes, int count)
{
	char hex[16 * 3 + 1], dotted[16 * 9 + 1];
	int hex_len = 0, dotted_len = 0;

	for (int i = 0; i < count; i++) {
		hex_len += snprintf(
			hex + hex_len, sizeof(hex) - (size_t)hex_len, "%s%02x", i > 0 ? " " : "", bytes[i]);
		dotted[dotted_len] = '.';
		dotted_len += i > 0;
		for (int bit = 7; bit >= 0; bit--)
			dotted[dotted_len++] = bytes[i] >> bit & 1 ? '1' : '0';
	}
	dotted[dotted_len] = '\0';
	printf("%-9s %s (in network byte order, the first byte goes first)\n", "binary", hex);
	if (count == 4)
		row("bits", dotted);
}

/* The 32 bits as the number that people mean, and as this machine's memory holds them. */
static void show_number(const uint8_t bytes[4])
{
	uint32_t stored;

	memcpy(&stored, bytes, sizeof(stored));
	printf("%-9s %u (0x%08x) after ntohl(); s_addr itself reads 0x%08x here\n", "number", ntohl(stored),
		ntohl(stored), stored);
}

static void show_groups(const uint8_t bytes[16])
{
	printf("%-9s ", "in full");
	for (int i = 0; i < 16; i += 2)
		printf("%s%02x%02x", i > 0 ? ":" : "", bytes[i], bytes[i + 1]);
	printf("\n");
}

static void show_readers(const char *text, int family)
{
	struct in6_addr binary;
	struct in_addr v4;

	printf("%-9s getaddrinfo: yes, inet_pton: %s, inet_aton: %s\n", "read by",
		inet_pton(family, text, &binary) == 1 ? "yes" : "no", inet_aton(text, &v4) ? "yes" : "no");
}

static void show(const char *text, const struct addr_explained *addr, const struct addrinfo *ai)
{
	char back[NI_MAXHOST];
	int rc = getnameinfo(ai->ai_addr, ai->ai_addrlen, back, sizeof(back), NULL, 0, NI_NUMERICHOST);

	row("text", text);
	row("family", addr->family == 4 ? "IPv4 (AF_INET), 4 bytes" : "IPv6 (AF_INET6), 16 bytes");
	row("form", addr->words);
	if (addr->family == 4) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)ai->ai_addr;

		show_bytes((const uint8_t *)&sin->sin_addr, 4);
		show_number((const uint8_t *)&sin->sin_addr);
	} else {
		const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ai->ai_addr;

		show_bytes(sin6->sin6_addr.s6_addr, 16);
		show_groups(sin6->sin6_addr.s6_addr);
		if (addr->zone[0] != '\0')
			printf("%-9s '%s' is interface %u of this machine\n", "zone", addr->zone,
				sin6->sin6_scope_id);
	}
	row("use", addr_explain_use(addr));
	row("back", rc == 0 ? back : gai_strerror(rc));
	show_readers(text, ai->ai_family);
}

int main(int argc, char **argv)
{
	const struct cli_program program = {
		.name = "addrconv",
		.args = "ADDR",
		.args_min = 1,
		.args_max = 1,
		.summary =
			"Converts the text of an IPv4 or IPv6 address to binary and back, and says how it is read:\n"
			"  192.168.1.100  10.1  0x7f.1  012.0.0.1  3232235876  fd00::1  ::ffff:10.0.0.1  fe80::1%eth0\n"
			"No name is looked up. Exit 0: an address, 2: none, with the reason.\n",
	};
	int first = cli_parse(&program, argc, argv), rc;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *found = NULL;
	struct addr_explained addr;
	const char *text = argv[first];

	if (addr_explain(text, &addr) != 0) {
		fprintf(stderr, "%s: '%s' is no address: %s\n", program.name, text, addr.words);
		return 2;
	}
	rc = getaddrinfo(text, NULL, &hints, &found);
	if (rc != 0) {
		if (addr.zone[0] != '\0')
			fprintf(stderr,
				"%s: '%s' is no address here: '%s' is no interface, or a name behind an address "
				"that is not link-local, where only its number may stand\n",
				program.name, text, addr.zone);
		else
			fprintf(stderr, "%s: '%s' is no address: getaddrinfo: %s\n", program.name, text,
				gai_strerror(rc));
		return 2;
	}
	show(text, &addr, found);
	freeaddrinfo(found);
	return 0;
}
