/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets with names, and without ports; see hello_socket.h. */
#include "apps/hello_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"

int hello_type(const struct cli_program *program, const char *text)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {{"stream", SOCK_STREAM}, {"datagram", SOCK_DGRAM}, {"seqpacket", SOCK_SEQPACKET},
		{"raw", SOCK_RAW}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(text, types[i].name) == 0)
			return types[i].type;
	cli_fail(program, "TYPE: '%s' is none of stream, datagram, seqpacket and raw", text);
}

struct hello_name hello_name_read(const struct cli_program *program, const char *text)
{
	struct hello_name name = {.addr.sun_family = AF_UNIX};
	bool abstract = text[0] == '@';
	size_t len = strlen(text), room = sizeof(name.addr.sun_path) - !abstract;

	if (len == 0 || (abstract && len == 1))
		cli_fail(program, "WHERE: '%s' is no name; a path or @NAME is", text);
	if (len > room)
		cli_fail(program, "WHERE: a name of %zu bytes is too long, %zu would do", len, room);
	memcpy(name.addr.sun_path, text, len);
	if (abstract)
		name.addr.sun_path[0] = '\0';
	name.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
	return name;
}

const char *hello_name_text(const struct hello_name *name, char out[HELLO_NAME_MAX])
{
	const size_t before = offsetof(struct sockaddr_un, sun_path);
	size_t len = name->len > before ? name->len - before : 0;

	if (len > 0 && name->addr.sun_path[0] != '\0')
		len = strnlen(name->addr.sun_path, len);
	memcpy(out, name->addr.sun_path, len);
	out[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (out[i] == '\0')
			out[i] = '@';
		else if (out[i] < ' ' || out[i] > '~')
			out[i] = '?';
	}
	if (len == 0)
		strcpy(out, "no name");
	return out;
}

const char *hello_address_text(const struct endpoint *endpoint, char out[HELLO_NAME_MAX])
{
	if (getnameinfo((const struct sockaddr *)&endpoint->addr, endpoint->len, out, HELLO_NAME_MAX, NULL, 0,
		    NI_NUMERICHOST) != 0)
		strcpy(out, "?");
	return out;
}

int hello_raw_open(int family, uint8_t icmp6_type)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	struct icmp6_filter filter;
	int rc = 0;

	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(icmp6_type, &filter);
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

int64_t hello_now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}
