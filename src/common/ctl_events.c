/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/ctl_events.h"

json_t *ctl_events_reply(const struct event_log *log, const struct ctl_request *request)
{
	const struct event_record *e;
	uint64_t since;
	json_t *reply, *rows;

	if (ctl_arg_number(request, "since", 0, INT64_MAX, 0, &since, &reply))
		return reply;
	rows = json_array();
	for (e = event_log_after(log, since); e; e = event_log_after(log, e->seq))
		json_array_append_new(rows, json_pack("{s:I, s:I, s:s, s:s, s:s}", "seq", (json_int_t)e->seq,
						    "time_ms", (json_int_t)e->time_ms, "subject", e->subject,
						    "event", e->event, "cause", e->cause));
	return ctl_reply_ok(
		json_pack("{s:I, s:o}", "last_seq", (json_int_t)event_log_last(log), "events", rows));
}
