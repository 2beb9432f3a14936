/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The asking side of the control socket; see ctl_client.h. Every wait is a poll() up to one deadline a call.
 */
#include "common/ctl_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clean_text.h"
#include "common/ctl_rundir.h"
#include "common/ctl_wire.h"

#define IN_START 16384 /* bytes of the first reply buffer */
#define IN_MAX   ((size_t)CTL_WIRE_HEADER + CTL_WIRE_REPLY_MAX)

struct ctl_client {
	int fd;
	int timeout_ms;
	char name[32]; /* the daemon's, without "tandem-": for messages */
	bool broken;   /* the stream is out of step */
	uint8_t *in;
	size_t in_size;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0 when the socket is ready, -ETIMEDOUT at the deadline. */
static int wait_ready(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* A connected, non-blocking socket, or -errno. */
static int dial(const char *rundir, const char *name, bool read_only, int timeout_ms)
{
	struct sockaddr_un address;
	/* poll() cannot wait for room in a Unix listener's queue; the send timeout can. */
	struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	int rc = ctl_socket_address(rundir, name, read_only, &address);

	if (rc < 0)
		return rc;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static void explain_dial(int rc, const char *rundir, const char *name, char *error, size_t error_size)
{
	if (rc == -ENOENT || rc == -ECONNREFUSED || rc == -ENOTDIR)
		snprintf(error, error_size,
			"tandem-%s is not running in %s: start it with 'systemctl start tandem-%s' or "
			"'tandem-%s -c FILE', or name its run directory with -r",
			name, rundir, name, name);
	else if (rc == -EACCES || rc == -EPERM)
		snprintf(error, error_size,
			"no permission for tandem-%s's control socket in %s: run as root, or as a user of "
			"its group",
			name, rundir);
	else if (rc == -ETIMEDOUT)
		snprintf(error, error_size,
			"tandem-%s in %s does not accept connections: it is hung or stopped", name, rundir);
	else if (rc == -ENAMETOOLONG)
		snprintf(error, error_size,
			"run directory %.60s... is too long for a socket's path (107 bytes)", rundir);
	else
		snprintf(error, error_size, "cannot reach tandem-%s in %s: %s", name, rundir, strerror(-rc));
}

int ctl_client_open(struct ctl_client **out, const char *rundir, const char *name, enum ctl_access access,
	int timeout_ms, char *error, size_t error_size)
{
	int fd = dial(rundir, name, false, timeout_ms);

	*out = NULL;
	if (fd == -EACCES && access == CTL_READ)
		fd = dial(rundir, name, true, timeout_ms);
	if (fd < 0) {
		explain_dial(fd, rundir, name, error, error_size);
		return fd;
	}

	struct ctl_client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	client->fd = fd;
	client->timeout_ms = timeout_ms;
	snprintf(client->name, sizeof(client->name), "%s", name);
	*out = client;
	return 0;
}

static int send_all(struct ctl_client *client, const void *data, size_t len, int64_t deadline_ms)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = send(client->fd, p, len, MSG_NOSIGNAL);

		if (n >= 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* A daemon that is full answers and closes before it has read anything: its answer counts. */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN)
			return -errno;

		int rc = wait_ready(client->fd, POLLOUT, deadline_ms);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Read until one reply frame is whole. 0, -errno, or -EPROTO with *result set. */
static int receive(struct ctl_client *client, struct ctl_wire_frame *frame, enum ctl_wire_result *result,
	int64_t deadline_ms)
{
	size_t len = 0;

	for (;;) {
		*result = ctl_wire_decode(client->in, len, CTL_WIRE_REPLY_MAX, frame);
		if (*result == CTL_WIRE_DONE)
			return len == frame->frame_len ? 0 : -EPROTO;
		if (*result != CTL_WIRE_MORE)
			return -EPROTO;
		if (len == client->in_size) {
			size_t size = len ? len * 2 : IN_START;
			uint8_t *grown = realloc(client->in, size < IN_MAX ? size : IN_MAX);

			if (!grown)
				return -ENOMEM;
			client->in = grown;
			client->in_size = size < IN_MAX ? size : IN_MAX;
		}

		int rc = wait_ready(client->fd, POLLIN, deadline_ms);

		if (rc < 0)
			return rc;

		ssize_t n = recv(client->fd, client->in + len, client->in_size - len, 0);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0)
			len += (size_t)n;
	}
}

static json_t *broken(
	struct ctl_client *client, int rc, enum ctl_wire_result result, char *error, size_t error_size)
{
	client->broken = true;
	if (rc == -ETIMEDOUT)
		snprintf(error, error_size,
			"tandem-%s did not answer within %d s: it is hung, stopped or very busy",
			client->name, (client->timeout_ms + 999) / 1000);
	else if (rc == -ECONNRESET || rc == -EPIPE)
		snprintf(error, error_size, "tandem-%s closed the connection without an answer: see its log",
			client->name);
	else if (rc == -EPROTO)
		snprintf(error, error_size, "tandem-%s's answer: %s", client->name,
			result == CTL_WIRE_DONE ? "more than one frame" : ctl_wire_explain(result));
	else
		snprintf(error, error_size, "asking tandem-%s: %s", client->name, strerror(-rc));
	return NULL;
}

/* Take the data out of a reply, or its refusal's text. */
static json_t *unwrap(json_t *reply, char *error, size_t error_size)
{
	json_t *data = NULL;

	if (json_is_true(json_object_get(reply, "ok")))
		data = json_incref(json_object_get(reply, "data"));
	else
		clean_text(error, error_size, json_string_value(json_object_get(reply, "error")));
	json_decref(reply);
	return data;
}

json_t *ctl_client_call(
	struct ctl_client *client, const char *command, json_t *args, char *error, size_t error_size)
{
	int64_t deadline_ms = now_ms() + client->timeout_ms;
	uint8_t head[CTL_WIRE_HEADER];
	struct ctl_wire_frame frame;
	enum ctl_wire_result result = CTL_WIRE_MORE;

	if (client->broken) {
		snprintf(error, error_size, "the connection to tandem-%s has failed before", client->name);
		return NULL;
	}

	json_t *request = ctl_request_build(command, args);
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	if (!body || strlen(body) > CTL_WIRE_REQUEST_MAX) {
		snprintf(error, error_size, body ? "the request is longer than 64 KiB" : "out of memory");
		free(body);
		return NULL;
	}
	ctl_wire_header(head, (uint32_t)strlen(body));

	int rc = send_all(client, head, sizeof(head), deadline_ms);

	if (rc == 0)
		rc = send_all(client, body, strlen(body), deadline_ms);
	free(body);
	if (rc == 0)
		rc = receive(client, &frame, &result, deadline_ms);
	if (rc < 0)
		return broken(client, rc, result, error, error_size);

	json_t *reply = ctl_reply_parse(frame.body, frame.body_len, error, error_size);

	if (!reply) {
		client->broken = true;
		return NULL;
	}
	return unwrap(reply, error, error_size);
}

void ctl_client_close(struct ctl_client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->in);
	free(client);
}
