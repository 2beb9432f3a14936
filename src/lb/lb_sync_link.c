/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lb/lb_sync_word.h"

#define MS          INT64_C(1000000)
#define SIGN_NS     (250 * MS)
#define SIGN_GAP_NS (20 * MS)  /* between signs that something asked for */
#define PAUSE_NS    (250 * MS) /* a tick that is so late: this process stood still */
#define RING_S      0.001      /* changes are gathered for so long: a wake-up for each would cost a core */
#define BOOTS_PAST  8
#define STUCK_NS    (2000 * MS)  /* what is sent is not acknowledged for so long, though signs come and go */
#define SHUN_NS     (30000 * MS) /* then another path carries for so long */

struct lb_sync_link {
	struct ev_loop *loop;
	char node[CONF_PEER_NAME_MAX + 1];
	struct conf_peer peer; /* its key_file is ours */
	struct lb_sync_tables tables;
	const struct lb_sync_link_ops *ops;
	void *data;
	struct sync_session *session;
	uint64_t boot, peer_boot;
	uint64_t past[BOOTS_PAST]; /* of the peer's starts that are over; a ring */
	size_t past_next;
	uint64_t bulks_before; /* whole bulks before this session */
	uint32_t config_hash, peer_config_hash;
	bool peer_config_known, busy;
	int64_t opened_at, tick_at;
	const struct lb_sync_path *carries; /* since then with the same datagram on its way: */
	uint64_t oldest;
	int64_t oldest_at;
	ev_timer due, tick, ring_again;
	ev_io ring;
	size_t path_count;
	struct lb_sync_path paths[CONF_PEER_PATHS_MAX];
};

int64_t lb_sync_link_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* ---- sending ---- */

static void send_sign(struct lb_sync_path *path, int64_t now)
{
	struct lb_sync_link *link = path->owner;
	struct lb_sync_word word = {.kind = LB_SYNC_SIGN,
		.boot = link->boot,
		.to = link->peer_boot,
		.config_hash = link->config_hash,
		.heard_ms = lb_sync_path_heard_ms(path, now)};
	uint8_t plain[LB_SYNC_SIGN_BYTES];

	path->sign_due = true;
	if (!secure_dgram_is_ready(path->channel) || now - path->sign_at < SIGN_GAP_NS)
		return;
	path->sign_due = false;
	path->sign_at = now;
	if (lb_sync_path_send(path, plain, lb_sync_word_write(&word, plain)))
		path->counters.signs_sent++;
	lb_sync_path_flush(path);
}

/* The first that works; one where datagrams got stuck only if there is no other. Its number, path_count: none. */
static size_t number_of_carrier(const struct lb_sync_link *link, int64_t now)
{
	size_t any = link->path_count;

	for (size_t i = link->path_count; i-- > 0;)
		if (lb_sync_path_is_alive(&link->paths[i], now) &&
			(now >= link->paths[i].stuck_until || any == link->path_count ||
				now < link->paths[any].stuck_until))
			any = i;
	return any;
}

static struct lb_sync_path *carrier(struct lb_sync_link *link, int64_t now)
{
	size_t i = number_of_carrier(link, now);

	return i < link->path_count ? &link->paths[i] : NULL;
}

/* All that the session wants to say now. False: the path is full, or there is none. */
static bool say_all(struct lb_sync_link *link, struct lb_sync_path *path, int64_t now)
{
	struct lb_sync_word word = {.kind = LB_SYNC_SESSION, .boot = link->boot, .to = link->peer_boot};
	uint8_t plain[LB_SYNC_WORD_BYTES + SYNC_DATAGRAM_MAX];
	const uint8_t *bytes;
	size_t len;

	if (!path)
		return false;
	lb_sync_word_write(&word, plain);
	while (lb_sync_path_has_room(path)) {
		bytes = sync_session_next(link->session, now, &len);
		if (!bytes) {
			lb_sync_path_flush(path);
			return !ev_is_active(&path->writable);
		}
		memcpy(plain + LB_SYNC_WORD_BYTES, bytes, len);
		if (lb_sync_path_send(path, plain, LB_SYNC_WORD_BYTES + len))
			path->counters.sent++;
	}
	return false;
}

/* Whoever cannot speak waits for a path: a tick, or a socket that can be written, comes back. */
static void pump(struct lb_sync_link *link)
{
	int64_t now = lb_sync_link_now(), at;
	bool goes_on;

	link->busy = true;
	goes_on = say_all(link, carrier(link, now), now);
	at = goes_on ? sync_session_deadline(link->session, now) : SYNC_NEVER;
	link->busy = false;
	ev_timer_stop(link->loop, &link->due);
	if (at != SYNC_NEVER) {
		ev_timer_set(&link->due, at > now ? (double)(at - now) / 1e9 : 0., 0.);
		ev_timer_start(link->loop, &link->due);
	}
	link->ops->turned(link->data, now);
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	pump(timer->data);
}

void lb_sync_link_kick(struct lb_sync_link *link)
{
	ev_feed_event(link->loop, &link->due, EV_TIMER);
}

void lb_sync_link_send_bulk(struct lb_sync_link *link)
{
	sync_session_send_bulk(link->session);
	lb_sync_link_kick(link);
}

void lb_sync_link_want_bulk(struct lb_sync_link *link)
{
	sync_session_want_bulk(link->session, lb_sync_link_now());
	lb_sync_link_kick(link);
}

/* ---- the source's changes ---- */

static int read_ring(struct lb_sync_link *link)
{
	int count;

	link->busy = true;
	count = link->tables.read(link->tables.data, lb_sync_link_now());
	link->busy = false;
	if (count > 0)
		pump(link);
	return count;
}

static void on_ring(struct ev_loop *loop, ev_io *io, int events)
{
	struct lb_sync_link *link = io->data;

	read_ring(link);
	ev_io_stop(loop, &link->ring);
	ev_timer_again(loop, &link->ring_again);
}

static void on_ring_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_sync_link *link = timer->data;

	if (read_ring(link) > 0)
		return;
	ev_timer_stop(loop, &link->ring_again);
	ev_io_start(loop, &link->ring);
}

/* ---- hearing ---- */

static bool is_past(const struct lb_sync_link *link, uint64_t boot)
{
	for (size_t i = 0; i < BOOTS_PAST; i++)
		if (link->past[i] == boot)
			return true;
	return false;
}

/* The peer's process is that one. False: it is one that was over already, or it says that it is us. */
static bool meet(struct lb_sync_link *link, uint64_t boot, int64_t now)
{
	if (boot == link->peer_boot)
		return true;
	if (boot == link->boot || is_past(link, boot))
		return false;
	if (link->peer_boot) {
		link->past[link->past_next] = link->peer_boot;
		link->past_next = (link->past_next + 1) % BOOTS_PAST;
		link->ops->tell(link->data, "peer restarted", "its connection sync is of another start");
	}
	link->peer_boot = boot;
	link->bulks_before = sync_session_bulks(link->session);
	sync_session_reset(link->session, boot, now);
	return true;
}

static void hear_sign(struct lb_sync_path *path, const struct lb_sync_word *word, int64_t now)
{
	struct lb_sync_link *link = path->owner;
	bool was_alive = lb_sync_path_is_alive(path, now);

	path->counters.signs_received++;
	path->word_at = now;
	path->word_ms = word->heard_ms;
	if (!link->peer_config_known || link->peer_config_hash != word->config_hash) {
		link->peer_config_known = true;
		link->peer_config_hash = word->config_hash;
	}
	/* The peer is to know at once, not with the next sign. */
	if (word->to != link->boot || word->heard_ms == LB_SYNC_NEVER_MS ||
		(!was_alive && lb_sync_path_is_alive(path, now)))
		send_sign(path, now);
}

static void on_take(struct lb_sync_path *path, const uint8_t *plain, size_t len, int64_t now)
{
	struct lb_sync_link *link = path->owner;
	struct lb_sync_word word;

	if (lb_sync_word_read(&word, plain, len)) {
		path->counters.malformed++;
		return;
	}
	link->busy = true;
	if (!meet(link, word.boot, now)) {
		path->counters.outdated++;
	} else if (word.kind == LB_SYNC_SIGN) {
		hear_sign(path, &word, now);
	} else if (word.to != link->boot) {
		path->counters.outdated++;
		send_sign(path, now);
	} else {
		path->counters.received++;
		sync_session_input(link->session, plain + LB_SYNC_WORD_BYTES, len - LB_SYNC_WORD_BYTES, now);
	}
	link->busy = false;
}

static void tell_path(struct lb_sync_path *path, const char *event)
{
	struct lb_sync_link *link = path->owner;
	char cause[200], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	snprintf(cause, sizeof(cause), "path %zu, %s to %s", path->number + 1,
		addr_format(&path->local, local), addr_format(&path->remote, remote));
	link->ops->tell(link->data, event, cause);
}

static void look_at_socket(struct lb_sync_path *path)
{
	struct lb_sync_link *link = path->owner;
	int error = path->fd < 0 ? path->send_error : 0;
	char cause[200], local[ADDR_TEXT_MAX];

	if (error == path->told_error)
		return;
	path->told_error = error;
	if (!error)
		return;
	snprintf(cause, sizeof(cause), "path %zu: cannot listen on %s: %s", path->number + 1,
		addr_format_port(&path->local, path->port, local), strerror(error));
	link->ops->tell(link->data, "failed", cause);
}

static void look_at_paths(struct lb_sync_link *link, int64_t now)
{
	for (size_t i = 0; i < link->path_count; i++) {
		struct lb_sync_path *path = &link->paths[i];
		bool up = lb_sync_path_is_alive(path, now), ready = secure_dgram_is_ready(path->channel);

		if (ready && !path->was_ready)
			send_sign(path, now);
		path->was_ready = ready;
		look_at_socket(path);
		if (up == path->up)
			continue;
		path->up = up;
		tell_path(path, up ? "path up" : "path silent");
	}
}

static void on_turn(struct lb_sync_path *path)
{
	struct lb_sync_link *link = path->owner;

	link->busy = true;
	link->tables.commit(link->tables.data);
	link->busy = false;
	look_at_paths(link, lb_sync_link_now());
	pump(link);
}

static const struct lb_sync_path_ops path_ops = {.take = on_take, .turn = on_turn};

/* ---- time ---- */

/* Time in which this process stood still is not held against the peer. */
static void forgive_pause(struct lb_sync_link *link, int64_t now)
{
	int64_t late = now - link->tick_at - LB_SYNC_TICK_MS * MS;

	for (size_t i = 0; i < link->path_count && late > PAUSE_NS; i++) {
		struct lb_sync_path *path = &link->paths[i];

		if (path->heard_at != INT64_MIN)
			path->heard_at = path->heard_at + late < now ? path->heard_at + late : now;
		path->word_at = path->word_at + late < now ? path->word_at + late : now;
	}
	if (late > PAUSE_NS)
		link->oldest_at = now;
	link->tick_at = now;
}

/* Signs are short. A path that drops what is long, or most of what comes, works by their measure. */
static void look_at_progress(struct lb_sync_link *link, int64_t now)
{
	uint64_t oldest = sync_session_oldest(link->session);
	struct lb_sync_path *path = carrier(link, now);

	if (!path || !oldest || path != link->carries || oldest != link->oldest) {
		link->carries = path;
		link->oldest = oldest;
		link->oldest_at = now;
		return;
	}
	if (now - link->oldest_at < STUCK_NS)
		return;
	link->oldest_at = now;
	path->stuck_until = now + SHUN_NS;
	if (carrier(link, now) != path)
		tell_path(path, "path does not carry");
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_sync_link *link = timer->data;
	int64_t now = lb_sync_link_now();

	forgive_pause(link, now);
	for (size_t i = 0; i < link->path_count; i++) {
		lb_sync_path_greet(&link->paths[i], now);
		if (link->paths[i].sign_due || now - link->paths[i].sign_at >= SIGN_NS)
			send_sign(&link->paths[i], now);
	}
	look_at_paths(link, now);
	look_at_progress(link, now);
	pump(link);
}

static void start_timers(struct lb_sync_link *link)
{
	int fd = link->tables.fd(link->tables.data);

	ev_init(&link->due, on_due);
	ev_timer_init(&link->tick, on_tick, 0., LB_SYNC_TICK_MS / 1000.);
	ev_timer_init(&link->ring_again, on_ring_again, RING_S, RING_S);
	link->due.data = link->tick.data = link->ring_again.data = link->ring.data = link;
	link->tick_at = link->opened_at;
	ev_timer_start(link->loop, &link->tick);
	if (fd < 0)
		return;
	ev_io_set(&link->ring, fd, EV_READ);
	ev_io_start(link->loop, &link->ring);
}

/* ---- life ---- */

static int open_session(struct lb_sync_link *link, uint32_t config_hash)
{
	struct sync_session_config config;

	sync_session_defaults(&config, config_hash);
	return sync_session_open(
		&link->session, &config, link->tables.source, link->tables.target, link->tables.data);
}

static int open_paths(struct lb_sync_link *link, const struct secure_keys *keys, char *error, size_t size)
{
	int err = 0;

	for (size_t i = 0; i < link->peer.path_count && !err; i++) {
		struct lb_sync_path *path = &link->paths[i];

		path->ops = &path_ops;
		path->owner = link;
		path->loop = link->loop;
		path->number = i;
		path->local = link->peer.local[i];
		path->remote = link->peer.remote[i];
		path->port = (uint16_t)(link->peer.port + 1);
		link->path_count++;
		err = lb_sync_path_open(path, link->node, keys);
	}
	if (err)
		snprintf(error, size, "peer: %s", strerror(-err));
	return err;
}

static uint64_t draw_boot(void)
{
	uint64_t boot;

	if (getrandom(&boot, sizeof(boot), 0) != sizeof(boot) || !boot)
		boot = (uint64_t)lb_sync_link_now();
	return boot;
}

int lb_sync_link_open(struct lb_sync_link **out, struct ev_loop *loop, const struct conf_peer *peer,
	const char *node, uint32_t config_hash, const struct lb_sync_tables *tables,
	const struct lb_sync_link_ops *ops, void *data, char *error, size_t error_size)
{
	struct lb_sync_link *link = calloc(1, sizeof(*link));
	struct secure_keys keys = {.count = 0};
	int err;

	*out = NULL;
	snprintf(error, error_size, "out of memory");
	if (!link)
		return -ENOMEM;
	link->loop = loop;
	link->tables = *tables;
	link->ops = ops;
	link->data = data;
	link->boot = draw_boot();
	link->config_hash = config_hash;
	link->opened_at = lb_sync_link_now();
	snprintf(link->node, sizeof(link->node), "%s", node);
	ev_init(&link->ring, on_ring);
	err = conf_peer_copy(&link->peer, peer);
	if (!err)
		err = open_session(link, config_hash);
	if (!err)
		err = secure_keys_load(peer->key_file, &keys, error, error_size);
	if (!err)
		err = open_paths(link, &keys, error, error_size);
	secure_keys_forget(&keys);
	if (err) {
		lb_sync_link_close(link);
		return err;
	}
	error[0] = 0;
	start_timers(link);
	*out = link;
	return 0;
}

void lb_sync_link_close(struct lb_sync_link *link)
{
	if (!link)
		return;
	ev_timer_stop(link->loop, &link->due);
	ev_timer_stop(link->loop, &link->tick);
	ev_timer_stop(link->loop, &link->ring_again);
	ev_io_stop(link->loop, &link->ring);
	for (size_t i = 0; i < link->path_count; i++)
		lb_sync_path_close(&link->paths[i]);
	sync_session_close(link->session);
	conf_peer_clear(&link->peer);
	free(link);
}

int lb_sync_link_reload(struct lb_sync_link *link, const struct conf_peer *peer, const char *node,
	char *error, size_t error_size)
{
	struct secure_keys keys;
	struct conf_peer copy;
	int err;

	if (strcmp(node, link->node) != 0 || !conf_peer_is_same_way(peer, &link->peer))
		return -ENOTUNIQ;
	err = secure_keys_load(peer->key_file, &keys, error, error_size);
	if (err)
		return err;
	for (size_t i = 0; i < link->path_count; i++)
		secure_dgram_set_keys(link->paths[i].channel, &keys);
	secure_keys_forget(&keys);
	if (conf_peer_copy(&copy, peer) == 0) {
		conf_peer_clear(&link->peer);
		link->peer = copy;
	}
	return 0;
}

void lb_sync_link_set_config(struct lb_sync_link *link, uint32_t config_hash)
{
	link->config_hash = config_hash;
	sync_session_set_config(link->session, config_hash, lb_sync_link_now());
	lb_sync_link_kick(link);
}

/* ---- what is known ---- */

bool lb_sync_link_is_busy(const struct lb_sync_link *link)
{
	return link->busy;
}

void lb_sync_link_status(const struct lb_sync_link *link, int64_t now, struct lb_sync_link_status *out)
{
	*out = (struct lb_sync_link_status){.boot = link->boot,
		.peer_boot = link->peer_boot,
		.opened_at = link->opened_at,
		.heard_at = INT64_MIN,
		.whole = link->peer_boot && sync_session_bulks(link->session) > link->bulks_before,
		.other_config = link->peer_config_known && link->peer_config_hash != link->config_hash};
	out->lag_ns = sync_session_why(link->session, now, &out->out, &out->in);
	for (size_t i = 0; i < link->path_count; i++) {
		if (link->paths[i].heard_at > out->heard_at)
			out->heard_at = link->paths[i].heard_at;
		out->alive |= lb_sync_path_is_alive(&link->paths[i], now);
	}
	/* Without a path the session does not even try. */
	if (!out->alive && link->peer_boot)
		out->out = out->in = SYNC_WHY_SILENT;
}

const struct sync_session *lb_sync_link_session(const struct lb_sync_link *link)
{
	return link->session;
}

const struct lb_sync_path *lb_sync_link_path(
	const struct lb_sync_link *link, size_t i, int64_t now, bool *carries)
{
	if (i >= link->path_count)
		return NULL;
	*carries = i == number_of_carrier(link, now);
	return &link->paths[i];
}
