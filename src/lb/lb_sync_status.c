/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `tandemctl peers` shows of connection sync; docs/CONTROL.md describes it. */
#include "lb/lb_sync.h"

#include <stdio.h>
#include <string.h>

#include "lb/lb_sync_inside.h"
#include "lb/lb_sync_word.h"

#define MS INT64_C(1000000)

static json_t *count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *ms_ago(int64_t at, int64_t now)
{
	return at == INT64_MIN ? json_null() : json_real((double)(now - at) / MS);
}

/* Microseconds; 0 is not known. */
static json_t *ms_of(uint32_t us)
{
	return us ? json_real(us / 1000.) : json_null();
}

/* ---- paths ---- */

/* By reason, those that occurred. */
static json_t *refused(const struct secure_counters *n)
{
	json_t *out = json_object();

	for (int i = SECURE_SHORT; i < SECURE_VERDICTS; i++)
		if (n->verdicts[i])
			json_object_set_new(
				out, secure_verdict_name((enum secure_verdict)i), count(n->verdicts[i]));
	return out;
}

static json_t *path_counters(const struct lb_sync_path *path, const struct secure_counters *secure)
{
	const struct lb_sync_path_counters *n = &path->counters;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "datagrams_sent",
		count(n->sent), "datagrams_received", count(n->received), "signs_sent", count(n->signs_sent),
		"signs_received", count(n->signs_received), "hellos_sent", count(secure->hellos_sent),
		"hellos_received", count(secure->verdicts[SECURE_HELLO]), "send_failed",
		count(n->send_failed), "strangers", count(n->strangers), "malformed", count(n->malformed),
		"outdated", count(n->outdated));
}

static json_t *path_row(const struct lb_sync_path *path, bool carries, int64_t now)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	struct secure_counters secure;

	secure_dgram_counters(path->channel, &secure);
	return json_pack("{s:o, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:o, s:o}", "path",
		count(path->number + 1), "local", addr_format(&path->local, local), "remote",
		addr_format(&path->remote, remote), "up", lb_sync_path_is_alive(path, now), "stuck",
		now < path->stuck_until, "listens", path->fd >= 0, "session",
		secure_dgram_is_ready(path->channel), "carries", carries, "heard_ago_ms",
		ms_ago(path->heard_at, now), "peer_heard_ago_ms",
		path->word_ms == LB_SYNC_NEVER_MS ? json_null() : json_integer(path->word_ms), "send_error",
		path->send_error ? strerror(path->send_error) : "", "counters", path_counters(path, &secure),
		"refused", refused(&secure));
}

static json_t *list_paths(const struct lb_sync_link *link, int64_t now)
{
	const struct lb_sync_path *path;
	json_t *out = json_array();
	bool carries;

	for (size_t i = 0; (path = lb_sync_link_path(link, i, now, &carries)); i++)
		json_array_append_new(out, path_row(path, carries, now));
	return out;
}

/* ---- the session ---- */

static json_t *sent(const struct sync_status *s)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "changes", count(s->sent.changes),
		"bulk", count(s->sent.bulk), "bulks", count(s->sent.bulks), "keepalives",
		count(s->sent.keepalives), "datagrams", count(s->window.sent), "acknowledged",
		count(s->window.acknowledged), "repaired_early", count(s->window.repaired_early),
		"repaired_late", count(s->window.repaired_late), "silences", count(s->window.silences));
}

static json_t *received(const struct sync_status *s)
{
	const struct sync_in_counters *n = &s->received;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "datagrams", count(n->datagrams),
		"duplicates", count(n->duplicates), "early", count(n->early), "bulks", count(n->bulks),
		"breaks", count(n->breaks), "damaged", count(n->damaged), "bad", count(s->bad), "unknown",
		count(n->unknown));
}

/* What became of the peer's records: how many were applied, and the other fates that occurred. */
static json_t *fates(const struct sync_in_counters *n)
{
	json_t *out = json_object();

	for (int i = 0; i < SYNC_FATES; i++)
		if (n->fate[i] || i == SYNC_APPLIED)
			json_object_set_new(out, sync_fate_name((enum sync_fate)i), count(n->fate[i]));
	return out;
}

static json_t *copies(const struct lb_sync_table *table)
{
	struct lb_sync_table_counters n;

	lb_sync_table_counters(table, &n);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "made", count(n.made),
		"updated", count(n.updated), "ended", count(n.ended), "dropped", count(n.dropped), "ours",
		count(n.ours), "unknown", count(n.unknown), "full", count(n.full), "clash", count(n.clash),
		"changes_lost", count(n.changes_lost), "waiting", count(n.waiting));
}

static json_t *sync_object(
	const struct lb_sync *s, const struct lb_sync_link_status *link, const struct sync_status *session)
{
	return json_pack("{s:s, s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "in", sync_why_name(link->in),
		"out", sync_why_name(link->out), "lag_ms", (double)link->lag_ns / MS, "lag_longest_ms",
		ms_of(session->lag_longest_us), "lag_p99_ms", ms_of(session->lag_p99_us), "round_trip_ms",
		ms_of(session->round_trip_us), "sent", sent(session), "received", received(session),
		"records", fates(&session->received), "copies", copies(s->table));
}

static const char *table_name(uint32_t table)
{
	static const char *const names[] = {"none", "behind", "in sync"};

	return names[table];
}

static json_t *none(const struct conf_peer *peer, const char *error)
{
	return json_pack("{s:b, s:s, s:s, s:i, s:o}", "configured", peer->configured, "error", error, "node",
		peer->node, "port", peer->port ? peer->port + 1 : 0, "paths", json_array());
}

json_t *lb_sync_status(const struct lb_sync *s, const struct conf_peer *peer, const char *error)
{
	int64_t now = lb_sync_link_now();
	struct lb_sync_link_status link;
	struct sync_status session;
	json_t *out = none(peer, error);
	char boot[20] = "";

	if (!s)
		return out;
	lb_sync_look(s, now, &link);
	sync_session_status(lb_sync_link_session(s->link), now, &session);
	if (link.peer_boot)
		snprintf(boot, sizeof(boot), "%016llx", (unsigned long long)link.peer_boot);
	json_object_update_new(
		out, json_pack("{s:s, s:b, s:b, s:o, s:s, s:o, s:o, s:o}", "boot", boot, "heard",
			     link.peer_boot != 0, "fresh", link.alive, "same_config",
			     link.peer_boot ? json_boolean(!link.other_config) : json_null(), "table",
			     table_name(lb_sync_board_table(&link, lb_live_is_checked(s->live), now)),
			     "heard_ago_ms", ms_ago(link.heard_at, now), "sync",
			     sync_object(s, &link, &session), "paths", list_paths(s->link, now)));
	return out;
}
