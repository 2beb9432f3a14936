/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_peer.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_fsm.h"

#define MS           1000000LL
#define READ_TURN    64
#define HELLO_GAP_NS (100 * MS)
#define LISTEN_NS    (1000 * MS) /* until it is tried again where it could not */
#define PAUSE_NS     (250 * MS)  /* what waits in a socket for so long is old */
#define WAITING_MAX  4096        /* more than a socket buffers */

struct path {
	struct vrrp_peer *peer;
	size_t number;
	struct net_addr local, remote;
	int fd, send_error; /* fd -1: nobody listens; why */
	int64_t listen_at;  /* the last try */
	ev_io readable;
	struct secure_dgram *channel;
	int64_t hello_at;
	bool up;
	uint64_t sent, received, malformed, outdated, strangers;
};

struct vrrp_peer {
	struct ev_loop *loop;
	struct conf_peer model; /* its key_file is ours */
	char node[VRRP_NAME_MAX + 1];
	const struct vrrp_peer_ops *ops;
	void *data;
	struct vrrp_timer *due;
	struct path paths[VRRP_PATHS_MAX];
	uint64_t boot, sequence; /* ours */
	uint32_t config_hash;    /* ours */
	int64_t next_at;         /* of the next beacon */
	bool has_news;           /* it does not wait until then */
	bool fresh;
	struct vrrp_said said;
};

static uint32_t ms_since(int64_t at, int64_t now)
{
	return at == VRRP_NEVER || now - at > (int64_t)(UINT32_MAX - 1) * MS ? UINT32_MAX
									     : (uint32_t)((now - at) / MS);
}

/* ---- sending ---- */

static void send_bytes(struct path *path, const uint8_t *bytes, size_t len)
{
	struct sockaddr_storage to;
	socklen_t to_len = addr_to_sockaddr(&path->remote, path->peer->model.port, &to);

	if (path->fd < 0)
		return;
	path->send_error =
		sendto(path->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, to_len) < 0
			? errno
			: 0;
}

static void send_hello(struct path *path, int64_t now)
{
	uint8_t sealed[SECURE_DGRAM_MAX];

	if (path->hello_at != VRRP_NEVER && now - path->hello_at < HELLO_GAP_NS)
		return;
	path->hello_at = now;
	send_bytes(path, sealed, secure_dgram_hello(path->channel, sealed));
}

/* The units from `first` on, as many as fit; how many. */
static size_t fill(struct vrrp_peer *peer, size_t first, struct vrrp_beacon *beacon)
{
	size_t n = 0;

	while (n < VRRP_BEACON_UNITS && peer->ops->unit(peer->data, first + n, &beacon->units[n]))
		n++;
	beacon->unit_count = (uint8_t)n;
	return n;
}

static size_t count_units(struct vrrp_peer *peer)
{
	struct vrrp_beacon_unit any;
	size_t n = 0;

	while (peer->ops->unit(peer->data, n, &any))
		n++;
	return n;
}

static void send_part(struct vrrp_peer *peer, const struct vrrp_beacon *beacon)
{
	uint8_t plain[SECURE_PLAIN_MAX], sealed[SECURE_DGRAM_MAX];
	int len = vrrp_beacon_encode(beacon, plain, sizeof(plain));

	for (size_t i = 0; i < peer->model.path_count && len > 0; i++) {
		struct path *path = &peer->paths[i];
		int sealed_len = secure_dgram_seal(path->channel, plain, (size_t)len, sealed);

		if (sealed_len <= 0)
			continue;
		send_bytes(path, sealed, (size_t)sealed_len);
		path->sent += path->fd >= 0 && path->send_error == 0;
	}
}

static void speak(struct vrrp_peer *peer)
{
	size_t units = count_units(peer);
	size_t parts = units ? (units + VRRP_BEACON_UNITS - 1) / VRRP_BEACON_UNITS : 1;
	int64_t now = vrrp_now();

	peer->has_news = false;
	for (size_t part = 0; part < parts; part++) {
		struct vrrp_beacon beacon = {.boot = peer->boot,
			.sequence = ++peer->sequence,
			.config_hash = peer->config_hash,
			.table = (uint8_t)peer->ops->table(peer->data),
			.path_count = (uint8_t)peer->model.path_count,
			.part = (uint8_t)part,
			.parts = (uint8_t)parts};

		snprintf(beacon.node, sizeof(beacon.node), "%s", peer->node);
		for (size_t i = 0; i < peer->model.path_count; i++)
			beacon.path_heard_ms[i] = ms_since(peer->said.path[i].heard_at, now);
		fill(peer, part * VRRP_BEACON_UNITS, &beacon);
		send_part(peer, &beacon);
	}
}

/* The next beacon, or the end of the time that a path may be silent: whoever waits for that learns it at once. */
static void arm(struct vrrp_peer *peer)
{
	int64_t at = peer->has_news ? 0 : peer->next_at;

	for (size_t i = 0; i < peer->model.path_count; i++) {
		int64_t silent_at = peer->said.path[i].heard_at + peer->said.timeout_ns;

		if (peer->paths[i].up && silent_at < at)
			at = silent_at;
	}
	vrrp_timer_set(peer->due, at);
}

void vrrp_peer_speak(struct vrrp_peer *peer)
{
	peer->has_news = true;
	arm(peer);
}

/* ---- hearing ---- */

static void tell_path(struct path *path, const char *event)
{
	char cause[160], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	snprintf(cause, sizeof(cause), "path %zu, %s to %s", path->number + 1,
		addr_format(&path->local, local), addr_format(&path->remote, remote));
	path->peer->ops->tell(path->peer->data, event, cause);
}

static void look_at_age(struct vrrp_peer *peer, int64_t now)
{
	bool fresh = false;

	for (size_t i = 0; i < peer->model.path_count; i++) {
		struct path *path = &peer->paths[i];
		bool up = vrrp_said_path_is_fresh(&peer->said, i, now);

		if (up != path->up) {
			path->up = up;
			tell_path(path, up ? "path up" : "path silent");
		}
		fresh |= up;
	}
	if (fresh == peer->fresh)
		return;
	peer->fresh = fresh;
	peer->ops->tell(peer->data, fresh ? "peer heard" : "peer silent",
		fresh ? "a beacon came" : "no beacon by any path within the timeout");
	peer->ops->heard(peer->data);
}

static void take(struct path *path, const uint8_t *plain, size_t len, int64_t now)
{
	struct vrrp_peer *peer = path->peer;
	static struct vrrp_beacon beacon;
	enum vrrp_said_what what;
	bool restarted;

	if (vrrp_beacon_decode(plain, len, &beacon) || !beacon.boot) {
		path->malformed++;
		return;
	}
	what = vrrp_said_beacon(&peer->said, path->number, &beacon, now, &restarted);
	if (what == VRRP_SAID_OUTDATED) {
		path->outdated++;
		return;
	}
	path->received++;
	if (restarted)
		peer->ops->tell(peer->data, "peer restarted", "its beacons are of another start");
	look_at_age(peer, now);
	if (what == VRRP_SAID_NEWS)
		peer->ops->heard(peer->data);
}

static bool is_from(const struct path *path, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET)
		return path->remote.family == AF_INET &&
		       memcmp(&((const struct sockaddr_in *)from)->sin_addr, path->remote.bytes, 4) == 0;
	return path->remote.family == AF_INET6 && from->ss_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)from)->sin6_addr, path->remote.bytes, 16) == 0;
}

static bool read_one(struct path *path)
{
	uint8_t sealed[SECURE_DGRAM_MAX + 1], plain[SECURE_PLAIN_MAX];
	struct sockaddr_storage from = {};
	socklen_t from_len = sizeof(from);
	ssize_t n =
		recvfrom(path->fd, sealed, sizeof(sealed), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	size_t len = 0;

	if (n < 0)
		return errno == EINTR || errno == ECONNREFUSED;
	if (!is_from(path, &from)) {
		path->strangers++;
		return true;
	}
	if (secure_dgram_receive(path->channel, sealed, (size_t)n, plain, &len) == SECURE_OK)
		take(path, plain, len, vrrp_now());
	if (secure_dgram_wants_hello(path->channel))
		send_hello(path, vrrp_now());
	return true;
}

/* What waits in the sockets came while this process stood still, nobody knows when, and the newest of it may be lost. */
static void forget_waiting(struct vrrp_peer *peer)
{
	uint8_t any[1];

	for (size_t i = 0; i < peer->model.path_count; i++)
		for (int n = 0;
			n < WAITING_MAX && recv(peer->paths[i].fd, any, sizeof(any), MSG_DONTWAIT) >= 0;)
			n++;
}

/* Time in which we did not listen is not held against the peer: it is silent when nothing comes from now on. */
static void forgive_pause(struct vrrp_peer *peer)
{
	int64_t now = vrrp_now(), late = now - peer->next_at;

	if (late <= PAUSE_NS)
		return;
	peer->next_at = now;
	forget_waiting(peer);
	vrrp_said_forgive(&peer->said, late, now);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct path *path = io->data;

	forgive_pause(path->peer);
	for (int i = 0; i < READ_TURN && read_one(path); i++)
		;
}

void vrrp_peer_drain(struct vrrp_peer *peer)
{
	forgive_pause(peer);
	for (size_t i = 0; i < peer->model.path_count; i++)
		for (int n = 0; n < WAITING_MAX && read_one(&peer->paths[i]);)
			n++;
}

/* By a socket of the path's own; 0 or an errno. */
static int open_socket(struct path *path)
{
	struct sockaddr_storage at;
	socklen_t len = addr_to_sockaddr(&path->local, path->peer->model.port, &at);
	int one = 1, err;

	path->fd = socket(path->local.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (path->fd < 0)
		return errno;
	/* The address may come later than we do. */
	if (setsockopt(path->fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) ||
		bind(path->fd, (struct sockaddr *)&at, len)) {
		err = errno;
		close(path->fd);
		path->fd = -1;
		return err;
	}
	ev_io_init(&path->readable, on_readable, path->fd, EV_READ);
	path->readable.data = path;
	ev_io_start(path->peer->loop, &path->readable);
	return 0;
}

/* What one path lacks is not to cost the others: told, shown, and tried again. */
static void listen_by(struct path *path, int64_t now)
{
	char cause[160], local[ADDR_TEXT_MAX];
	int before = path->send_error;

	path->listen_at = now;
	path->send_error = open_socket(path);
	if (!path->send_error || path->send_error == before)
		return;
	snprintf(cause, sizeof(cause), "path %zu: cannot listen on %s: %s", path->number + 1,
		addr_format_port(&path->local, path->peer->model.port, local), strerror(path->send_error));
	path->peer->ops->tell(path->peer->data, "failed", cause);
}

static void on_due(void *data)
{
	struct vrrp_peer *peer = data;
	int64_t now, interval = (int64_t)peer->model.beacon_interval_ms * MS;

	/* What has come is heard before silence is believed. */
	vrrp_peer_drain(peer);
	now = vrrp_now();
	look_at_age(peer, now);
	if (now >= peer->next_at) {
		for (size_t i = 0; i < peer->model.path_count; i++) {
			if (peer->paths[i].fd < 0 && now - peer->paths[i].listen_at >= LISTEN_NS)
				listen_by(&peer->paths[i], now);
			if (secure_dgram_wants_hello(peer->paths[i].channel))
				send_hello(&peer->paths[i], now);
		}
		peer->next_at = peer->next_at + interval > now ? peer->next_at + interval : now + interval;
		peer->has_news = true;
		/* Who became Active without being asked (the owner, an operator's wish) is asked now. */
		peer->ops->heard(peer->data);
	}
	if (peer->has_news)
		speak(peer);
	arm(peer);
}

/* ---- life ---- */

static int open_path(struct vrrp_peer *peer, size_t i, const struct secure_keys *keys)
{
	struct path *path = &peer->paths[i];
	int err;

	path->peer = peer;
	path->number = i;
	path->local = peer->model.local[i];
	path->remote = peer->model.remote[i];
	path->hello_at = VRRP_NEVER;
	err = secure_dgram_open(&path->channel, "beacon", keys);
	if (err)
		return err;
	secure_dgram_set_node(path->channel, peer->node);
	listen_by(path, vrrp_now());
	return 0;
}

int vrrp_peer_open(struct vrrp_peer **out, struct ev_loop *loop, struct vrrp_timers *timers,
	const struct conf_peer *model, const char *node, const struct vrrp_peer_ops *ops, void *data,
	char *error, size_t error_size)
{
	struct vrrp_peer *peer = calloc(1, sizeof(*peer));
	struct secure_keys keys;
	int err = peer ? secure_keys_load(model->key_file, &keys, error, error_size) : -ENOMEM;

	*out = NULL;
	if (err) {
		if (!peer)
			snprintf(error, error_size, "out of memory");
		free(peer);
		return err;
	}
	peer->loop = loop;
	peer->model = *model;
	peer->model.key_file = strdup(model->key_file);
	peer->ops = ops;
	peer->data = data;
	snprintf(peer->node, sizeof(peer->node), "%s", node);
	for (size_t i = 0; i < VRRP_PATHS_MAX; i++)
		peer->paths[i].fd = -1;
	if (getrandom(&peer->boot, sizeof(peer->boot), 0) != sizeof(peer->boot) || !peer->boot)
		peer->boot = (uint64_t)vrrp_boottime();
	err = peer->model.key_file ? vrrp_timer_open(&peer->due, timers, on_due, peer) : -ENOMEM;
	for (size_t i = 0; i < model->path_count && !err; i++)
		err = open_path(peer, i, &keys);
	if (err)
		snprintf(error, error_size, "peer: %s", strerror(-err));
	secure_keys_forget(&keys);
	if (err) {
		vrrp_peer_close(peer);
		return err;
	}
	peer->next_at = vrrp_now();
	vrrp_said_init(&peer->said, model->path_count, (int64_t)model->beacon_timeout_ms * MS, peer->next_at);
	arm(peer);
	*out = peer;
	return 0;
}

void vrrp_peer_close(struct vrrp_peer *peer)
{
	if (!peer)
		return;
	vrrp_timer_close(peer->due);
	for (size_t i = 0; i < VRRP_PATHS_MAX; i++) {
		struct path *path = &peer->paths[i];

		if (path->fd >= 0) {
			ev_io_stop(peer->loop, &path->readable);
			close(path->fd);
		}
		secure_dgram_close(path->channel);
	}
	free(peer->model.key_file);
	free(peer);
}

void vrrp_peer_end(struct vrrp_peer *peer)
{
	if (peer)
		speak(peer);
	vrrp_peer_close(peer);
}

bool vrrp_peer_is_as(const struct vrrp_peer *peer, const struct conf_peer *m, const char *node)
{
	const struct conf_peer *is = &peer->model;

	return strcmp(peer->node, node) == 0 && strcmp(is->key_file, m->key_file) == 0 &&
	       is->beacon_interval_ms == m->beacon_interval_ms &&
	       is->beacon_timeout_ms == m->beacon_timeout_ms && conf_peer_is_same_way(is, m);
}

int vrrp_peer_rekey(struct vrrp_peer *peer, char *error, size_t error_size)
{
	struct secure_keys keys;
	int err = secure_keys_load(peer->model.key_file, &keys, error, error_size);

	if (err)
		return err;
	for (size_t i = 0; i < peer->model.path_count; i++)
		secure_dgram_set_keys(peer->paths[i].channel, &keys);
	secure_keys_forget(&keys);
	return 0;
}

/* ---- what is known ---- */

const struct vrrp_said *vrrp_peer_said(const struct vrrp_peer *peer)
{
	return &peer->said;
}

void vrrp_peer_set_config_hash(struct vrrp_peer *peer, uint32_t hash)
{
	peer->config_hash = hash;
}

void vrrp_peer_status(const struct vrrp_peer *peer, struct vrrp_peer_status *out)
{
	*out = (struct vrrp_peer_status){.node = peer->model.node,
		.boot = peer->said.boot,
		.same_config = peer->config_hash == peer->said.config_hash,
		.table = peer->said.table,
		.paths = peer->model.path_count};
	memcpy(out->says_node, peer->said.node, sizeof(out->says_node));
}

void vrrp_peer_path(const struct vrrp_peer *peer, size_t i, struct vrrp_peer_path *out)
{
	const struct path *path = &peer->paths[i];

	*out = (struct vrrp_peer_path){.local = path->local,
		.remote = path->remote,
		.up = path->up,
		.listens = path->fd >= 0,
		.session = secure_dgram_is_ready(path->channel),
		.heard_at = peer->said.path[i].heard_at,
		.heard_us_ms = peer->said.path[i].heard_us_ms,
		.send_error = path->send_error,
		.beacons_sent = path->sent,
		.beacons_received = path->received,
		.malformed = path->malformed,
		.outdated = path->outdated,
		.strangers = path->strangers};
	secure_dgram_counters(path->channel, &out->secure);
}
