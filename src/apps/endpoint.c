/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket addresses as users write and read them; see endpoint.h. */
#include "apps/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int resolve(const char *host, uint16_t port, int socktype, int flags, struct endpoint *out, int max)
{
	struct addrinfo hints = {.ai_socktype = socktype, .ai_flags = flags | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char service[8];
	int count = 0, rc;

	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return rc < 0 ? rc : -rc;
	for (struct addrinfo *ai = found; ai != NULL && count < max; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		memset(&out[count], 0, sizeof(out[count]));
		memcpy(&out[count].addr, ai->ai_addr, ai->ai_addrlen);
		out[count++].len = ai->ai_addrlen;
	}
	freeaddrinfo(found);
	return count > 0 ? count : EAI_NONAME;
}

static bool have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int endpoint_listen(const char *text, uint16_t port, struct endpoint out[2])
{
	struct in_addr strict;
	int count;

	if (strcmp(text, "*") == 0) {
		count = have_ipv6() ? resolve("::", port, SOCK_STREAM, AI_NUMERICHOST, out, 1) : 0;
		if (count < 0)
			return -EINVAL;
		return resolve("0.0.0.0", port, SOCK_STREAM, AI_NUMERICHOST, out + count, 1) == 1 ? count + 1
												  : -EINVAL;
	}
	/* "1.2.3" is 1.2.0.3 to getaddrinfo(), and a typing error to everybody else. */
	if (strchr(text, ':') == NULL && inet_pton(AF_INET, text, &strict) != 1)
		return -EINVAL;
	count = resolve(text, port, SOCK_STREAM, AI_NUMERICHOST, out, 1);
	return count == 1 ? 1 : -EINVAL;
}

int endpoint_resolve(
	const char *host, uint16_t port, int socktype, struct endpoint out[ENDPOINT_MAX], const char **error)
{
	int count = resolve(host, port, socktype, 0, out, ENDPOINT_MAX);

	if (count > 0)
		return count;
	*error = gai_strerror(count);
	return -1;
}

uint16_t endpoint_port(const struct endpoint *endpoint)
{
	if (endpoint->addr.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&endpoint->addr)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&endpoint->addr)->sin_port);
}

void endpoint_set_port(struct endpoint *endpoint, uint16_t port)
{
	if (endpoint->addr.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&endpoint->addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&endpoint->addr)->sin_port = htons(port);
}

const char *endpoint_text(const struct endpoint *endpoint, char *buf)
{
	char host[ENDPOINT_TEXT_MAX - 10], port[8];

	if (getnameinfo((const struct sockaddr *)&endpoint->addr, endpoint->len, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(buf, ENDPOINT_TEXT_MAX, "?");
	else
		snprintf(buf, ENDPOINT_TEXT_MAX, endpoint->addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
			host, port);
	return buf;
}

int endpoint_connect(const struct endpoint *to, int timeout_ms)
{
	int fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) != 0 && errno != EINPROGRESS)
		error = errno;
	else if (poll(&wait, 1, timeout_ms) <= 0)
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	return -error;
}

int endpoint_dial(const char *host, uint16_t port, int timeout_ms, struct endpoint *peer, char *error,
	size_t error_size)
{
	struct endpoint list[ENDPOINT_MAX];
	char text[ENDPOINT_TEXT_MAX];
	const char *why = NULL;
	int count = endpoint_resolve(host, port, SOCK_STREAM, list, &why);

	if (count < 0) {
		snprintf(error, error_size, "can't resolve '%s': %s", host, why);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		int fd = endpoint_connect(&list[i], timeout_ms);

		if (fd >= 0) {
			*peer = list[i];
			return fd;
		}
		snprintf(error, error_size, "can't connect to %s: %s", endpoint_text(&list[i], text),
			strerror(-fd));
	}
	return -1;
}
