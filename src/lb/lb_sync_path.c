/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync_path.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lb/lb_sync_word.h"

#define MS           INT64_C(1000000)
#define HELLO_GAP_NS (50 * MS)
#define LISTEN_NS    (1000 * MS) /* until it is tried again where it could not */
#define BUFFER_BYTES (4 << 20)

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* ---- the socket ---- */

/* A bulk comes faster than it is taken in for a moment. More than the system grants everybody needs privilege. */
static void widen(int fd)
{
	int bytes = BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* 0 or an errno. */
static int open_socket(struct lb_sync_path *path)
{
	struct sockaddr_storage at;
	int one = 1, err;

	path->fd = socket(path->local.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (path->fd < 0)
		return errno;
	widen(path->fd);
	/* The address may come later than we do. */
	if (setsockopt(path->fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) ||
		bind(path->fd, (struct sockaddr *)&at, addr_to_sockaddr(&path->local, path->port, &at))) {
		err = errno;
		close(path->fd);
		path->fd = -1;
		return err;
	}
	ev_io_set(&path->readable, path->fd, EV_READ);
	ev_io_set(&path->writable, path->fd, EV_WRITE);
	ev_io_start(path->loop, &path->readable);
	return 0;
}

/* What one path lacks is not to cost the others: the owner tells it, and it is tried again. */
static void listen_by(struct lb_sync_path *path, int64_t now)
{
	path->listen_at = now;
	path->send_error = open_socket(path);
}

/* ---- sending ---- */

/* What the socket takes at once; the rest stays. What cannot be sent at all is lost, as on any network. */
void lb_sync_path_flush(struct lb_sync_path *path)
{
	struct sockaddr_storage to;
	socklen_t to_len = addr_to_sockaddr(&path->remote, path->port, &to);
	struct mmsghdr messages[LB_SYNC_PATH_BATCH] = {0};
	struct iovec parts[LB_SYNC_PATH_BATCH];

	while (path->gone < path->waiting) {
		unsigned count = (unsigned)(path->waiting - path->gone);
		int sent;

		for (unsigned i = 0; i < count; i++) {
			struct lb_sync_path_datagram *d = &path->outbox[path->gone + i];

			parts[i] = (struct iovec){d->bytes, d->len};
			messages[i].msg_hdr = (struct msghdr){.msg_name = &to,
				.msg_namelen = to_len,
				.msg_iov = &parts[i],
				.msg_iovlen = 1};
		}
		sent = sendmmsg(path->fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			path->send_error = 0;
			path->gone += (size_t)sent;
		} else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			ev_io_start(path->loop, &path->writable);
			return;
		} else if (sent < 0 && errno != EINTR) {
			path->send_error = errno;
			path->counters.send_failed++;
			path->gone++;
		}
	}
	path->waiting = path->gone = 0;
	ev_io_stop(path->loop, &path->writable);
}

bool lb_sync_path_has_room(struct lb_sync_path *path)
{
	if (path->waiting == LB_SYNC_PATH_BATCH)
		lb_sync_path_flush(path);
	return path->waiting < LB_SYNC_PATH_BATCH;
}

static uint8_t *next_place(struct lb_sync_path *path)
{
	return lb_sync_path_has_room(path) ? path->outbox[path->waiting].bytes : NULL;
}

bool lb_sync_path_send(struct lb_sync_path *path, const uint8_t *plain, size_t len)
{
	uint8_t *place = next_place(path);
	int sealed = place ? secure_dgram_seal(path->channel, plain, len, place) : -EAGAIN;

	if (sealed > 0)
		path->outbox[path->waiting++].len = (size_t)sealed;
	return sealed > 0;
}

void lb_sync_path_greet(struct lb_sync_path *path, int64_t now)
{
	uint8_t *place;

	if (path->fd < 0 && now - path->listen_at >= LISTEN_NS)
		listen_by(path, now);
	if (path->fd < 0 || !secure_dgram_wants_hello(path->channel) || now - path->hello_at < HELLO_GAP_NS)
		return;
	place = next_place(path);
	if (!place)
		return;
	path->hello_at = now;
	path->outbox[path->waiting++].len = secure_dgram_hello(path->channel, place);
	lb_sync_path_flush(path);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct lb_sync_path *path = io->data;

	lb_sync_path_flush(path);
	if (!ev_is_active(&path->writable))
		path->ops->turn(path);
}

/* ---- hearing ---- */

bool lb_sync_path_is_alive(const struct lb_sync_path *path, int64_t now)
{
	return path->heard_at != INT64_MIN && now - path->heard_at <= LB_SYNC_ALIVE_NS &&
	       path->word_ms != LB_SYNC_NEVER_MS && secure_dgram_is_ready(path->channel) &&
	       now - path->word_at + (int64_t)path->word_ms * MS <= LB_SYNC_ALIVE_NS;
}

uint32_t lb_sync_path_heard_ms(const struct lb_sync_path *path, int64_t now)
{
	int64_t ms = path->heard_at == INT64_MIN ? INT64_MAX : (now - path->heard_at) / MS;

	return ms >= LB_SYNC_NEVER_MS ? LB_SYNC_NEVER_MS : (uint32_t)ms;
}

static bool is_from(const struct lb_sync_path *path, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET)
		return path->remote.family == AF_INET &&
		       memcmp(&((const struct sockaddr_in *)from)->sin_addr, path->remote.bytes, 4) == 0;
	return path->remote.family == AF_INET6 && from->ss_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)from)->sin6_addr, path->remote.bytes, 16) == 0;
}

static void take(struct lb_sync_path *path, const uint8_t *sealed, size_t len, int64_t now)
{
	uint8_t plain[SECURE_PLAIN_MAX];
	size_t plain_len;

	if (secure_dgram_receive(path->channel, sealed, len, plain, &plain_len) == SECURE_OK) {
		path->heard_at = now;
		path->ops->take(path, plain, plain_len, now);
	}
	lb_sync_path_greet(path, now);
}

/* At most one batch; false: nothing waits any more. */
static bool read_batch(struct lb_sync_path *path)
{
	static uint8_t bytes[LB_SYNC_PATH_BATCH][SECURE_DGRAM_MAX + 1];
	struct sockaddr_storage from[LB_SYNC_PATH_BATCH];
	struct mmsghdr messages[LB_SYNC_PATH_BATCH];
	struct iovec parts[LB_SYNC_PATH_BATCH];
	int64_t now;
	int count;

	for (size_t i = 0; i < LB_SYNC_PATH_BATCH; i++) {
		parts[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &parts[i],
			.msg_iovlen = 1};
	}
	count = recvmmsg(path->fd, messages, LB_SYNC_PATH_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EINTR || errno == ECONNREFUSED;
	now = now_ns();
	for (int i = 0; i < count; i++) {
		if (messages[i].msg_hdr.msg_namelen && is_from(path, &from[i]))
			take(path, bytes[i], messages[i].msg_len, now);
		else
			path->counters.strangers++;
	}
	return count == LB_SYNC_PATH_BATCH;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct lb_sync_path *path = io->data;

	for (int i = 0; i < LB_SYNC_PATH_TURN / LB_SYNC_PATH_BATCH && read_batch(path); i++)
		;
	path->ops->turn(path);
}

/* ---- life ---- */

int lb_sync_path_open(struct lb_sync_path *path, const char *node, const struct secure_keys *keys)
{
	int err;

	path->fd = -1;
	path->heard_at = path->hello_at = path->sign_at = path->stuck_until = INT64_MIN / 2;
	path->heard_at = INT64_MIN;
	path->word_ms = LB_SYNC_NEVER_MS;
	ev_init(&path->readable, on_readable);
	ev_init(&path->writable, on_writable);
	path->readable.data = path->writable.data = path;
	err = secure_dgram_open(&path->channel, "sync", keys);
	if (err)
		return err;
	secure_dgram_set_node(path->channel, node);
	listen_by(path, now_ns());
	return 0;
}

void lb_sync_path_close(struct lb_sync_path *path)
{
	if (path->fd >= 0) {
		ev_io_stop(path->loop, &path->readable);
		ev_io_stop(path->loop, &path->writable);
		close(path->fd);
		path->fd = -1;
	}
	secure_dgram_close(path->channel);
	path->channel = NULL;
}
