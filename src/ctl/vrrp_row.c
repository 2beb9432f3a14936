/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One instance's state, priority and troubles in words; see vrrp_row.h. */
#include "ctl/vrrp_row.h"

#include <string.h>

bool vrrp_row_is(const json_t *row, const char *name)
{
	return strcmp(view_text(row, "name"), name) == 0 || strcmp(view_text(row, "group"), name) == 0;
}

enum table_style vrrp_row_style(const json_t *row)
{
	const char *state = view_text(row, "state");

	if (strcmp(state, "active") == 0)
		return TABLE_GOOD;
	if (strcmp(state, "backup") == 0)
		return TABLE_PLAIN;
	return strcmp(state, "handover") == 0 ? TABLE_WARN : TABLE_BAD;
}

void vrrp_row_priority(const json_t *row, char out[VIEW_TEXT_MAX])
{
	const json_t *priority = json_object_get(row, "priority");
	char now[VIEW_TEXT_MAX], base[VIEW_TEXT_MAX];
	const char *request = json_is_true(json_object_get(priority, "forced")) ? " forced"
			      : json_is_true(json_object_get(priority, "held")) ? " held"
										: "";

	view_format(priority, "effective", VIEW_EXACT, now);
	view_format(priority, "base", VIEW_EXACT, base);
	if (strcmp(now, base) == 0)
		snprintf(out, VIEW_TEXT_MAX, "%.20s%s", now, request);
	else
		snprintf(out, VIEW_TEXT_MAX, "%.20s (%.20s)%s", now, base, request);
}

enum table_style vrrp_row_priority_style(const json_t *row)
{
	const json_t *priority = json_object_get(row, "priority");
	bool plain = json_equal(json_object_get(priority, "effective"), json_object_get(priority, "base")) &&
		     !json_is_true(json_object_get(priority, "forced")) &&
		     !json_is_true(json_object_get(priority, "held"));

	return plain ? TABLE_PLAIN : TABLE_WARN;
}

/* ---- trouble ---- */

/* Was he heard within two of his intervals? What an older advert said may be mended. */
static bool is_recent(const json_t *heard)
{
	const json_t *ago_ms = json_object_get(heard, "ago_ms");
	uint64_t interval_ms;

	return json_is_number(ago_ms) && view_number(heard, "interval_ms", &interval_ms) &&
	       json_number_value(ago_ms) <= 2. * (double)interval_ms;
}

/* Is this node active, and was somebody else heard since? Then both hold the addresses. */
static bool is_contested(const json_t *row, const json_t *heard)
{
	uint64_t since_s, priority;

	if (strcmp(view_text(row, "state"), "active") != 0 || !view_age(row, "since_ms", &since_s))
		return false;
	view_number(heard, "priority", &priority);
	/* Whole seconds, rounded down: what was heard just before is not held against anybody. */
	return priority > 0 && json_number_value(json_object_get(heard, "ago_ms")) < (double)since_s * 1000;
}

static void judge_sending(
	const json_t *router, void (*say)(void *data, enum table_style style, const char *text), void *data)
{
	const char *error = view_text(router, "send_error");
	char text[2 * VIEW_TEXT_MAX];

	if (!*error)
		return;
	snprintf(text, sizeof(text), "%s: adverts cannot be sent: %s", view_text(router, "family"), error);
	say(data, TABLE_BAD, text);
}

static void judge_heard(const json_t *row, const json_t *router,
	void (*say)(void *data, enum table_style style, const char *text), void *data)
{
	const json_t *heard = json_object_get(router, "heard"), *timers = json_object_get(row, "timers");
	const char *from = view_text(heard, "from"), *family = view_text(router, "family");
	char a[VIEW_TEXT_MAX], b[VIEW_TEXT_MAX], text[VIEW_TEXT_MAX * 3];

	if (!is_recent(heard))
		return;
	if (is_contested(row, heard)) {
		snprintf(text, sizeof(text),
			"%s: %s (priority %s) advertises as well, the last time %s ago: two nodes are active",
			family, from, view_format(heard, "priority", VIEW_EXACT, a),
			view_format(heard, "ago_ms", VIEW_MS, b));
		say(data, TABLE_BAD, text);
	}
	view_format(heard, "interval_ms", VIEW_MS, a);
	view_format(timers, "advert_interval_ms", VIEW_MS, b);
	if (json_is_true(json_object_get(heard, "interval_differs")) && strcmp(a, b) != 0) {
		snprintf(text, sizeof(text), "%s: %s advertises every %s, the config here says %s", family,
			from, a, b);
		say(data, TABLE_WARN, text);
	}
	if (json_is_true(json_object_get(heard, "addresses_differ"))) {
		snprintf(text, sizeof(text), "%s: %s advertises other addresses than the config here has",
			family, from);
		say(data, TABLE_WARN, text);
	}
}

void vrrp_row_trouble(
	const json_t *row, void (*say)(void *data, enum table_style style, const char *text), void *data)
{
	const json_t *routers = json_object_get(row, "routers"), *verdict = json_object_get(row, "verdict");
	char text[2 * VIEW_TEXT_MAX];
	const char *error = json_string_value(json_object_get(row, "add_error"));

	if (error && *error)
		say(data, TABLE_BAD, error);
	if (strcmp(view_text(json_object_get(row, "lease"), "state"), "over") == 0)
		say(data, TABLE_BAD, "its lease is over, the dataplane is silent: no advert could be sent");
	if (json_is_number(json_object_get(verdict, "both_active_ms"))) {
		snprintf(text, sizeof(text),
			"both nodes are active, for %.0f s: the peer is heard, and does not hear this node",
			json_number_value(json_object_get(verdict, "both_active_ms")) / 1000);
		say(data, TABLE_BAD, text);
	}
	if (json_is_number(json_object_get(verdict, "waited_ms"))) {
		snprintf(text, sizeof(text), "%s, %.0f s of %.0f s", view_text(verdict, "why"),
			json_number_value(json_object_get(verdict, "waited_ms")) / 1000,
			json_number_value(json_object_get(verdict, "wait_cap_ms")) / 1000);
		say(data, TABLE_WARN, text);
	}
	for (size_t i = 0; i < json_array_size(routers); i++)
		judge_sending(json_array_get(routers, i), say, data);
	for (size_t i = 0; i < json_array_size(routers); i++)
		judge_heard(row, json_array_get(routers, i), say, data);
}
