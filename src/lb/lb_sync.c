/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_sync_inside.h"

#define MS            INT64_C(1000000)
#define FLAP_NS       (500 * MS) /* out of sync for a moment is no event */
#define ON_ITS_WAY_NS (20 * MS)
#define MISSED_NS     (1000 * MS)  /* between two wishes for the whole table: what fails may fail again */
#define FULL_NS       (60000 * MS) /* likewise: room is not made so soon */

/* ---- the board ---- */

static void say(struct lb_sync *s, uint32_t table, bool alone, bool peer_holds, int64_t now)
{
	struct lease_board *board = (struct lease_board *)s->live->bpf->view.leases;

	if (!board)
		return;
	__atomic_store_n(&board->alone, alone, __ATOMIC_RELAXED);
	__atomic_store_n(&board->table, table, __ATOMIC_RELEASE);
	__atomic_store_n(&board->peer_holds, peer_holds, __ATOMIC_RELAXED);
	__atomic_store_n(&board->said_ns, (uint64_t)now, __ATOMIC_RELEASE);
}

/* ---- what people want to know ---- */

static void on_tell(void *data, const char *event, const char *cause)
{
	struct lb_sync *s = data;

	s->report(s->data, s->subject, event, cause);
}

static void tell_sync(struct lb_sync *s, const struct lb_sync_link_status *status)
{
	char cause[200];

	snprintf(cause, sizeof(cause), "its connections here: %s; ours there: %s", sync_why_name(status->in),
		sync_why_name(status->out));
	on_tell(s, s->in_sync ? "in sync" : "out of sync", cause);
}

static void look_at_sync(struct lb_sync *s, const struct lb_sync_link_status *status, int64_t now)
{
	bool in_sync = status->in == SYNC_WHY_IN_SYNC && status->out == SYNC_WHY_IN_SYNC;

	if (s->told && in_sync == s->in_sync) {
		s->differs_since = 0;
		return;
	}
	if (!s->differs_since)
		s->differs_since = now;
	if (!in_sync && now - s->differs_since < (s->told ? FLAP_NS : LB_SYNC_NOBODY_NS))
		return;
	s->told = true;
	s->in_sync = in_sync;
	s->differs_since = 0;
	tell_sync(s, status);
}

void lb_sync_look(const struct lb_sync *s, int64_t now, struct lb_sync_link_status *out)
{
	lb_sync_link_status(s->link, now, out);
	if (out->in == SYNC_WHY_IN_SYNC && lb_sync_table_is_short(s->table))
		out->in = SYNC_WHY_FULL;
}

/* There may be room now for what found none. */
static void look_for_room(struct lb_sync *s, const struct lb_sync_link_status *status, int64_t now)
{
	if (status->in != SYNC_WHY_FULL) {
		s->full_at = now;
	} else if (now - s->full_at >= FULL_NS) {
		s->full_at = now;
		lb_sync_link_want_bulk(s->link);
	}
}

static void on_turned(void *data, int64_t now)
{
	struct lb_sync_link_status status;
	struct lb_sync *s = data;

	if (!s->link)
		return;
	if (now - s->missed_at >= MISSED_NS && lb_sync_table_missed(s->table)) {
		s->missed_at = now;
		lb_sync_link_want_bulk(s->link);
	}
	lb_sync_look(s, now, &status);
	look_for_room(s, &status, now);
	say(s, lb_sync_board_table(&status, lb_live_is_checked(s->live), now), status.in != SYNC_WHY_IN_SYNC,
		status.out == SYNC_WHY_IN_SYNC && status.lag_ns < ON_ITS_WAY_NS, now);
	look_at_sync(s, &status, now);
	if (status.other_config != s->other_config) {
		s->other_config = status.other_config;
		on_tell(s, s->other_config ? "another config" : "the same config",
			s->other_config
				? "its pools, backends or services differ; what this node does not have is refused"
				: "pools, backends and services are the same");
	}
}

static const struct lb_sync_link_ops link_ops = {.tell = on_tell, .turned = on_turned};

/* ---- the tables ---- */

static int table_fd(const void *data)
{
	return lb_sync_table_fd(data);
}

static int table_read(void *data, int64_t now)
{
	return lb_sync_table_read(data, now);
}

static void table_commit(void *data)
{
	lb_sync_table_commit(data);
}

static void on_lost(void *data)
{
	struct lb_sync *s = data;

	if (s->link)
		lb_sync_link_send_bulk(s->link);
}

static void refresh(struct lb_sync *s)
{
	lb_sync_table_refresh(s->table);
	lb_sync_link_set_config(s->link, lb_sync_config_hash(&s->live->model));
}

static void on_stale(struct ev_loop *loop, ev_timer *timer, int events)
{
	refresh(timer->data);
}

/* A word of the peer about weights is carried out while the session waits: then it is too early. */
void lb_sync_refresh(struct lb_sync *s)
{
	if (!lb_sync_link_is_busy(s->link))
		refresh(s);
	else if (!ev_is_active(&s->stale)) {
		ev_timer_set(&s->stale, 0., 0.);
		ev_timer_start(s->loop, &s->stale);
	}
}

/* ---- life ---- */

int lb_sync_open(struct lb_sync **out, struct ev_loop *loop, struct lb_live *live, struct lb_age *age,
	const struct conf_peer *peer, const char *node, lb_sync_report_fn *report, void *data, char *error,
	size_t error_size)
{
	struct lb_sync *s = calloc(1, sizeof(*s));
	struct lb_sync_tables tables = {.source = &lb_sync_table_source,
		.target = &lb_sync_table_target,
		.fd = table_fd,
		.read = table_read,
		.commit = table_commit};
	int err;

	*out = NULL;
	if (!s) {
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	s->loop = loop;
	s->live = live;
	s->report = report;
	s->data = data;
	snprintf(s->subject, sizeof(s->subject), "peer %s", peer->node);
	ev_init(&s->stale, on_stale);
	s->stale.data = s;
	err = lb_sync_table_open(&s->table, live, age, on_lost, s);
	if (err)
		snprintf(error, error_size, "peer: cannot read what the dataplane tells: %s", strerror(-err));
	tables.data = s->table;
	if (!err)
		err = lb_sync_link_open(&s->link, loop, peer, node, lb_sync_config_hash(&live->model),
			&tables, &link_ops, s, error, error_size);
	if (err) {
		lb_sync_close(s);
		return err;
	}
	on_turned(s, lb_sync_link_now());
	*out = s;
	return 0;
}

void lb_sync_close(struct lb_sync *s)
{
	if (!s)
		return;
	ev_timer_stop(s->loop, &s->stale);
	lb_sync_link_close(s->link);
	lb_sync_table_close(s->table);
	say(s, LEASE_TABLE_NONE, false, false, 0);
	free(s);
}

int lb_sync_reload(
	struct lb_sync *s, const struct conf_peer *peer, const char *node, char *error, size_t error_size)
{
	return lb_sync_link_reload(s->link, peer, node, error, error_size);
}
