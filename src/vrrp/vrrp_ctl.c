/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_ctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ctl_events.h"
#include "vrrp/vrrp_ctl_peers.h"

#define MS 1000000LL

/* ---- status ---- */

static json_t *count_units(const struct vrrp_speaker *s)
{
	int active = 0, backup = 0, other = 0;

	for (size_t i = 0; i < s->unit_count; i++) {
		enum vrrp_state state = s->units[i]->fsm.state;

		active += state == VRRP_ACTIVE;
		backup += state == VRRP_BACKUP;
		other += state != VRRP_ACTIVE && state != VRRP_BACKUP;
	}
	return json_pack("{s:i, s:i, s:i, s:i}", "total", (int)s->unit_count, "active", active, "backup",
		backup, "other", other);
}

static json_t *on_status(void *ctx, const struct ctl_request *request)
{
	struct vrrp_ctl *ctl = ctx;
	struct vrrp_speaker *s = ctl->speaker;
	int64_t now = vrrp_now();
	struct vrrp_notify_counters n;

	vrrp_notify_read(s->notify, &n);
	return ctl_reply_ok(json_pack(
		"{s:s, s:s, s:i, s:I, s:s, s:I, s:s, s:s, s:s, s:o, s:{s:I, s:I, s:I, s:I, s:I}}", "node",
		s->model->node, "version", TANDEM_VERSION, "pid", (int)getpid(), "uptime_s",
		(json_int_t)((now - ctl->started_at) / (1000 * MS)), "config", ctl->config, "config_loaded_s",
		(json_int_t)((now - ctl->loaded_at) / (1000 * MS)), "realtime", ctl->realtime, "accept_error",
		s->accept_error, "peer_error", s->peer_error, "units", count_units(s), "notify", "run",
		(json_int_t)n.run, "failed", (json_int_t)n.failed, "timed_out", (json_int_t)n.timed_out,
		"skipped", (json_int_t)n.skipped, "waiting", (json_int_t)n.waiting));
}

/* ---- vrrp: every instance ---- */

static json_t *ms_until(int64_t at, int64_t now)
{
	return at == VRRP_NEVER ? json_null() : json_real((double)(at - now) / MS);
}

static json_t *ms_since(int64_t at, int64_t now)
{
	return at == VRRP_NEVER ? json_null() : json_real((double)(now - at) / MS);
}

static json_t *list_tracks(const struct vrrp_unit *unit)
{
	static const char *const kinds[] = {"interface", "script", "file", "pool"};
	size_t count = 0;
	const struct vrrp_priority_term *terms =
		unit->tracks ? vrrp_tracks_terms(unit->tracks, &count) : NULL;
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:i, s:s, s:s, s:i}", "kind", kinds[terms[i].kind],
				      "name", terms[i].label, "weight", terms[i].weight, "state",
				      !terms[i].known ? "unknown"
				      : terms[i].good ? "good"
						      : "bad",
				      "detail", terms[i].detail, "adds", vrrp_priority_adds(&terms[i])));
	return rows;
}

static json_t *list_discards(const struct vrrp_router_counters *n)
{
	json_t *out = json_object();

	for (int i = 1; i < VRRP_DISCARD_REASONS; i++)
		if (n->discarded[i])
			json_object_set_new(
				out, vrrp_discard_name(i), json_integer((json_int_t)n->discarded[i]));
	return out;
}

static json_t *router_row(const struct vrrp_unit *unit, const struct vrrp_router *router, int64_t now)
{
	const struct vrrp_router_counters *n = &router->n;
	char source[ADDR_TEXT_MAX] = "", from[ADDR_TEXT_MAX] = "", mac[18], trouble[200] = "";
	bool heard = router->heard_at != VRRP_NEVER;

	if (router->source.family != AF_UNSPEC)
		addr_format(&router->source, source);
	if (heard)
		addr_format(&router->heard_from, from);
	if (unit->fsm.state == VRRP_ACTIVE) /* who is not sends none */
		vrrp_router_send_trouble(router, trouble, sizeof(trouble));
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", router->mac[0], router->mac[1],
		router->mac[2], router->mac[3], router->mac[4], router->mac[5]);
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i, s:I, s:o, s:b, s:b}, "
			 "s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}",
		"family", router->family == AF_INET ? "ipv4" : "ipv6", "source", source, "mac", mac,
		"send_error", trouble, "heard", "from", from, "priority", router->heard_priority,
		"interval_ms", (json_int_t)router->heard_interval_ms, "ago_ms",
		ms_since(router->heard_at, now), "interval_differs", heard && router->interval_differs,
		"addresses_differ", heard && router->addresses_differ, "counters", "sent",
		(json_int_t)n->sent, "sent_priority_0", (json_int_t)n->sent_zero, "send_failed",
		(json_int_t)n->send_failed, "received", (json_int_t)n->received, "received_priority_0",
		(json_int_t)n->received_zero, "checksum_legacy", (json_int_t)n->received_legacy,
		"checksum_rfc9568", (json_int_t)n->received_rfc, "interval_mismatch",
		(json_int_t)n->interval_mismatch, "address_mismatch", (json_int_t)n->address_mismatch,
		"announced", (json_int_t)n->announced, "announce_failed", (json_int_t)n->announce_failed,
		"discarded", list_discards(n));
}

static json_t *list_addresses(const struct vrrp_instance *c)
{
	json_t *out = json_array();

	for (size_t i = 0; i < c->ipv4_count + c->ipv6_count; i++) {
		char text[ADDR_TEXT_MAX + 8];
		size_t len;

		addr_format(&c->addresses[i].addr, text);
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "/%u", c->addresses[i].prefix);
		json_array_append_new(out, json_string(text));
	}
	return out;
}

/* Who is Active as far as we know: ourselves, or who was heard last. */
static void name_active(const struct vrrp_unit *unit, const struct vrrp_inst *inst, char out[ADDR_TEXT_MAX])
{
	const struct vrrp_router *last = vrrp_inst_last_heard(inst);

	out[0] = 0;
	if (unit->fsm.state == VRRP_ACTIVE) {
		if (inst->routers[0].source.family != AF_UNSPEC)
			addr_format(&inst->routers[0].source, out);
	} else if (unit->fsm.state != VRRP_INITIALIZE && last && last->heard_priority) {
		addr_format(&last->heard_from, out);
	}
}

static json_t *instance_row(
	const struct vrrp_speaker *s, const struct vrrp_unit *unit, const struct vrrp_inst *inst, int64_t now)
{
	const struct vrrp_instance *c = inst->conf;
	const struct vrrp_fsm *f = &unit->fsm;
	char active[ADDR_TEXT_MAX];
	json_t *routers = json_array(), *row;

	name_active(unit, inst, active);
	for (size_t r = 0; r < inst->router_count; r++)
		json_array_append_new(routers, router_row(unit, &inst->routers[r], now));
	row = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:I, s:s, s:s, s:I, s:o}", "name", c->name, "group",
		unit->conf->is_group ? unit->name : "", "interface", c->interface, "vrid", c->vrid, "version",
		c->version, "state", vrrp_unit_state(unit), "since_ms", (json_int_t)unit->since_ms, "cause",
		unit->cause, "active", active, "transitions", (json_int_t)unit->transitions, "addresses",
		list_addresses(c));
	json_object_update_new(row,
		json_pack(
			"{s:{s:i, s:i, s:i, s:b, s:b, s:o}, s:{s:f, s:f, s:f, s:f, s:o, s:o}, s:b, s:s, s:I, s:I, s:I, s:I, s:f, "
			"s:o}",
			"priority", "base", c->priority, "effective", unit->priority.priority, "sent",
			vrrp_fsm_priority(f), "held", f->held, "forced", f->forced, "tracks",
			list_tracks(unit), "timers", "advert_interval_ms", (double)f->config.interval_ns / MS,
			"active_interval_ms", (double)f->active_interval / MS, "skew_ms",
			(double)vrrp_fsm_skew(f) / MS, "down_interval_ms",
			(double)vrrp_fsm_down_interval(f) / MS, "advert_in_ms", ms_until(f->advert_at, now),
			"down_in_ms", ms_until(f->down_at, now), "holds", inst->holds, "add_error",
			inst->add_error, "add_failed", (json_int_t)inst->add_failed, "put_back",
			(json_int_t)inst->put_back, "settings_put_back", (json_int_t)inst->settings_put_back,
			"pauses", (json_int_t)unit->pauses, "longest_pause_ms",
			(double)unit->longest_pause / MS, "routers", routers));
	json_object_update_new(row, vrrp_ctl_pair_row(s, unit, inst));
	return row;
}

static json_t *on_vrrp(void *ctx, const struct ctl_request *request)
{
	const struct vrrp_speaker *s = ((struct vrrp_ctl *)ctx)->speaker;
	json_t *rows = json_array();
	int64_t now = vrrp_now();

	for (size_t i = 0; i < s->unit_count; i++)
		for (size_t m = 0; m < s->units[i]->member_count; m++)
			json_array_append_new(
				rows, instance_row(s, s->units[i], &s->units[i]->members[m], now));
	return ctl_reply_ok(rows);
}

/* ---- counters: over all instances, and what no instance was asked about ---- */

static void add_counter(json_t *rows, const char *name, uint64_t value, const char *kind, const char *text)
{
	json_array_append_new(rows, json_pack("{s:s, s:I, s:s, s:s}", "name", name, "value",
					    (json_int_t)value, "kind", kind, "description", text));
}

static void add_discards(json_t *rows, const uint64_t discarded[VRRP_DISCARD_REASONS])
{
	static const char *const texts[VRRP_DISCARD_REASONS] = {
		[VRRP_DISCARD_TTL] = "TTL or hop limit is not 255",
		[VRRP_DISCARD_LENGTH] = "shorter than it says",
		[VRRP_DISCARD_VERSION] = "neither version 2 nor 3, or 2 over IPv6",
		[VRRP_DISCARD_TYPE] = "not an advertisement",
		[VRRP_DISCARD_CHECKSUM] = "neither form of the checksum fits",
		[VRRP_DISCARD_COUNT] = "no address in it",
		[VRRP_DISCARD_INTERVAL] = "advert interval 0",
		[VRRP_DISCARD_LINK_LOCAL] = "the first IPv6 address is not link-local",
		[VRRP_DISCARD_AUTH] = "version 2 with authentication",
		[VRRP_DISCARD_VRID] = "a virtual router that is not configured on this interface",
		[VRRP_DISCARD_OTHER_VERSION] = "another version than the instance's",
		[VRRP_DISCARD_DESTINATION] =
			"unicast for an instance without peers, or multicast for one with",
		[VRRP_DISCARD_PEER] = "from an address that is not among the peers",
		[VRRP_DISCARD_OWN] = "our own advert came back"};
	char name[64];

	for (int i = 1; i < VRRP_DISCARD_REASONS; i++) {
		snprintf(name, sizeof(name), "discarded_%s", vrrp_discard_name(i));
		add_counter(rows, name, discarded[i], "drop", texts[i]);
	}
}

static json_t *on_counters(void *ctx, const struct ctl_request *request)
{
	const struct vrrp_speaker *s = ((struct vrrp_ctl *)ctx)->speaker;
	uint64_t discarded[VRRP_DISCARD_REASONS] = {}, sent = 0, failed = 0, good = 0, arrived = 0,
		 announced = 0, unannounced = 0, back = 0, settings = 0, lost = 0;
	json_t *rows = json_array();

	for (const struct vrrp_port *port = s->ports; port; port = port->next) {
		arrived += port->received;
		lost += port->rx ? vrrp_rx_lost(port->rx) : 0;
		for (int k = 0; k < VRRP_DISCARD_REASONS; k++)
			discarded[k] += port->discarded[k];
	}
	for (size_t i = 0; i < s->unit_count; i++)
		for (size_t m = 0; m < s->units[i]->member_count; m++) {
			const struct vrrp_inst *inst = &s->units[i]->members[m];

			back += inst->put_back;
			settings += inst->settings_put_back;
			for (size_t r = 0; r < inst->router_count; r++) {
				const struct vrrp_router_counters *n = &inst->routers[r].n;

				sent += n->sent;
				failed += n->send_failed;
				good += n->received;
				announced += n->announced;
				unannounced += n->announce_failed;
				for (int k = 0; k < VRRP_DISCARD_REASONS; k++)
					discarded[k] += n->discarded[k];
			}
		}
	add_counter(rows, "adverts_sent", sent, "info", "adverts sent");
	add_counter(rows, "adverts_send_failed", failed, "drop", "adverts that could not be sent");
	add_counter(
		rows, "announcements_sent", announced, "info", "gratuitous ARP and unsolicited NA frames");
	add_counter(rows, "announcements_send_failed", unannounced, "drop",
		"announcements that could not be sent");
	add_counter(rows, "packets_received", arrived, "info", "packets of protocol 112");
	add_counter(rows, "adverts_received", good, "info", "adverts that passed every check");
	add_discards(rows, discarded);
	add_counter(
		rows, "receive_overflow", lost, "drop", "packets lost because the socket's buffer was full");
	add_counter(rows, "addresses_put_back", back, "info", "addresses that another program had removed");
	add_counter(rows, "settings_put_back", settings, "info",
		"kernel settings of virtual MACs that another program had changed");
	return ctl_reply_ok(rows);
}

static json_t *on_peers(void *ctx, const struct ctl_request *request)
{
	return ctl_reply_ok(vrrp_ctl_peers(((struct vrrp_ctl *)ctx)->speaker));
}

static json_t *on_events(void *ctx, const struct ctl_request *request)
{
	return ctl_events_reply(((struct vrrp_ctl *)ctx)->speaker->events, request);
}

/* ---- what changes something ---- */

static json_t *on_failover(void *ctx, const struct ctl_request *request)
{
	struct vrrp_ctl *ctl = ctx;
	const char *name;
	struct vrrp_unit *unit;
	json_t *reply;
	char text[512];

	if (ctl_arg_text(request, "instance", "", &name, &reply))
		return reply;
	unit = vrrp_speaker_find(ctl->speaker, name);
	if (!unit)
		return ctl_reply_error(
			"no instance or group is named '%s'; 'tandemctl vrrp' shows all", name);
	snprintf(text, sizeof(text), "%s %s", unit->conf->is_group ? "group" : "instance", unit->name);
	vrrp_speaker_event(ctl->speaker, text, "failover", "asked for on the control socket");
	if (vrrp_unit_failover(unit, text, sizeof(text)))
		return ctl_reply_error("%s", text);
	return ctl_reply_ok(json_pack(
		"{s:s, s:s, s:s}", "message", text, "unit", unit->name, "state", vrrp_unit_state(unit)));
}

static json_t *on_reload(void *ctx, const struct ctl_request *request)
{
	struct vrrp_ctl *ctl = ctx;
	char text[1200];

	return ctl->reload(ctl->data, text, sizeof(text)) ? ctl_reply_error("%s", text)
							  : ctl_reply_message("%s", text);
}

json_t *vrrp_ctl_handle(void *ctx, const struct ctl_request *request)
{
	static const struct ctl_command commands[] = {
		{"status", CTL_READ, on_status},
		{"vrrp", CTL_READ, on_vrrp},
		{"peers", CTL_READ, on_peers},
		{"counters", CTL_READ, on_counters},
		{"events", CTL_READ, on_events},
		{"failover", CTL_WRITE, on_failover},
		{"reload", CTL_WRITE, on_reload},
	};

	return ctl_dispatch(commands, sizeof(commands) / sizeof(commands[0]), ctx, request);
}
