/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_ctl_peers.h"

#include <stdio.h>
#include <string.h>

#define MS 1000000LL

static json_t *ms_ago(int64_t at, int64_t now)
{
	return at == VRRP_NEVER ? json_null() : json_real((double)(now - at) / MS);
}

static json_t *ms_or_never(uint32_t ms)
{
	return ms == UINT32_MAX ? json_null() : json_integer(ms);
}

/* ---- peers ---- */

/* By reason, those that occurred. */
static json_t *list_refused(const struct secure_counters *n)
{
	json_t *out = json_object();

	for (int i = SECURE_SHORT; i < SECURE_VERDICTS; i++)
		if (n->verdicts[i])
			json_object_set_new(out, secure_verdict_name((enum secure_verdict)i),
				json_integer((json_int_t)n->verdicts[i]));
	return out;
}

static json_t *path_row(const struct vrrp_peer *peer, size_t i, int64_t now)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	struct vrrp_peer_path p;

	vrrp_peer_path(peer, i, &p);
	return json_pack(
		"{s:I, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:s, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}",
		"path", (json_int_t)(i + 1), "local", addr_format(&p.local, local), "remote",
		addr_format(&p.remote, remote), "up", p.up, "listens", p.listens, "session", p.session,
		"heard_ago_ms", ms_ago(p.heard_at, now), "peer_heard_ago_ms", ms_or_never(p.heard_us_ms),
		"send_error", p.send_error ? strerror(p.send_error) : "", "counters", "beacons_sent",
		(json_int_t)p.beacons_sent, "beacons_received", (json_int_t)p.beacons_received, "hellos_sent",
		(json_int_t)p.secure.hellos_sent, "hellos_received",
		(json_int_t)p.secure.verdicts[SECURE_HELLO], "malformed", (json_int_t)p.malformed, "outdated",
		(json_int_t)p.outdated, "strangers", (json_int_t)p.strangers, "refused",
		list_refused(&p.secure));
}

static const char *table_name(uint8_t table)
{
	static const char *const names[] = {"none", "behind", "in sync", "alone"};

	return table < sizeof(names) / sizeof(names[0]) ? names[table] : "unknown";
}

json_t *vrrp_ctl_peers(const struct vrrp_speaker *s)
{
	const struct conf_peer *model = &s->model->peer;
	struct vrrp_peer_status status = {.node = model->node};
	json_t *paths = json_array();
	char boot[20] = "";

	if (s->peer)
		vrrp_peer_status(s->peer, &status);
	if (status.boot)
		snprintf(boot, sizeof(boot), "%016llx", (unsigned long long)status.boot);
	for (size_t i = 0; i < status.paths; i++)
		json_array_append_new(paths, path_row(s->peer, i, vrrp_now()));
	return json_pack("{s:b, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:o}",
		"configured", model->configured, "error", s->peer_error, "node", model->node, "says_node",
		status.says_node, "boot", boot, "heard", status.boot != 0, "fresh",
		s->peer && vrrp_said_is_fresh(vrrp_peer_said(s->peer), vrrp_now()), "same_config",
		status.boot ? json_boolean(status.same_config) : json_null(), "table",
		table_name(status.table), "our_table",
		table_name((uint8_t)vrrp_lease_table(s->shared.lease, vrrp_now())), "on_isolation",
		model->fenced ? "fenced" : "take", "port", (json_int_t)model->port, "beacon_interval_ms",
		(json_int_t)model->beacon_interval_ms, "beacon_timeout_ms",
		(json_int_t)model->beacon_timeout_ms, "paths", paths);
}

/* ---- of an instance ---- */

static json_t *list_witnesses(const struct vrrp_inst *inst, int64_t now)
{
	json_t *rows = json_array();

	for (size_t i = 0; inst->witnesses && i < inst->witness_model.count; i++) {
		int64_t took_ns, answered_at;
		enum vrrp_witness state = vrrp_witnesses_of(inst->witnesses, i, &took_ns, &answered_at);
		char address[ADDR_TEXT_MAX];

		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:o, s:o}", "address",
				addr_format(&inst->witness_model.addresses[i], address), "state",
				vrrp_witness_name(state), "answered_ago_ms", ms_ago(answered_at, now),
				"took_ms",
				answered_at == VRRP_NEVER ? json_null() : json_real((double)took_ns / MS)));
	}
	return rows;
}

/* What the peer said of the unit, while it is fresh. */
static json_t *peer_word(const struct vrrp_speaker *s, const struct vrrp_unit *unit, int64_t now)
{
	struct vrrp_beacon_unit word;
	int64_t heard_at;

	if (!s->peer || vrrp_said_unit(vrrp_peer_said(s->peer), vrrp_beacon_hash(unit->name), now, &word,
				&heard_at) != VRRP_SAID_NAMES_IT)
		return json_null();
	return json_pack("{s:s, s:i, s:b, s:s, s:o, s:o}", "state",
		vrrp_state_name((enum vrrp_state)word.state), "priority", word.priority, "lan_well",
		word.lan_well, "witness", vrrp_witness_name((enum vrrp_witness)word.witness),
		"advert_heard_ago_ms", ms_or_never(word.heard_ms), "ago_ms", ms_ago(heard_at, now));
}

/* The verdict; while it waits for the connection table: how long, of how long; and how long both nodes have been active. */
static json_t *verdict_row(const struct vrrp_speaker *s, const struct vrrp_unit *unit, int64_t now)
{
	const struct vrrp_judgement *j = &unit->judge.last;
	json_t *row = json_pack("{s:s, s:s, s:I, s:I}", "name", j->why ? vrrp_verdict_name(j->verdict) : "",
		"why", j->why ? j->why : "", "holds", (json_int_t)unit->holds, "yields",
		(json_int_t)unit->yields);

	if (unit->both_told)
		json_object_set_new(row, "both_active_ms", ms_ago(unit->both_since, now));
	if (!j->for_table || !unit->judge.waits_since || unit->fsm.state != VRRP_BACKUP)
		return row;
	json_object_update_new(row, json_pack("{s:o, s:I}", "waited_ms", ms_ago(unit->judge.waits_since, now),
					    "wait_cap_ms", (json_int_t)s->model->peer.sync_cap_s * 1000));
	return row;
}

/* "fresh", "over": the dataplane is silent; "released"; "none", and why. */
static json_t *lease_row(const struct vrrp_speaker *s, const struct vrrp_unit *unit, int64_t now)
{
	int64_t until = vrrp_lease_until(s->shared.lease, unit->slot);
	struct vrrp_lease_status status;
	const char *state;

	vrrp_lease_status(s->shared.lease, &status);
	state = !status.there || !unit->slot ? "none"
		: !unit->leased              ? "released"
		: until > now                ? "fresh"
					     : "over";
	return json_pack("{s:s, s:s, s:o, s:i}", "state", state, "why",
		!status.there ? status.error
		: !unit->slot ? "there are more units than leases"
			      : "",
		"fresh_ms", unit->leased ? json_real((double)(until - now) / MS) : json_null(), "slot",
		(int)unit->slot);
}

static json_t *ms_after(int64_t at, int64_t begin)
{
	return at ? json_real((double)(at - begin) / MS) : json_null();
}

/* The last takeover: what was done how long after it was decided. */
static json_t *takeover_row(const struct vrrp_takeover *t)
{
	if (!t->decided)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "table", table_name((uint8_t)t->table), "lease_ms",
		ms_after(t->leased, t->decided), "addresses_ms", ms_after(t->there, t->decided),
		"announced_ms", ms_after(t->announced, t->decided), "told_ms", ms_after(t->told, t->decided));
}

json_t *vrrp_ctl_pair_row(
	const struct vrrp_speaker *s, const struct vrrp_unit *unit, const struct vrrp_inst *inst)
{
	int64_t now = vrrp_now();

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "verdict", verdict_row(s, unit, now), "lease",
		lease_row(s, unit, now), "takeover", takeover_row(&unit->takeover), "witness",
		vrrp_witness_name(vrrp_witnesses_state(inst->witnesses)), "witnesses",
		list_witnesses(inst, now), "peer", peer_word(s, unit, now));
}
