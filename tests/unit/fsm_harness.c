/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One state machine under test: events in, actions out as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fsm_harness.h"

struct vrrp_fsm f;
char done[256];

const struct vrrp_fsm_config plain = {.priority = 100,
	.version = 3,
	.preempt = true,
	.interval_ns = S,
	.announce_count = 1,
	.announce_interval_ns = 500 * MS};

static void describe(const struct vrrp_action *action, char *out, size_t size)
{
	static const char letters[] = "IBAH";

	switch (action->type) {
	case VRRP_DO_ADVERTISE:
		snprintf(out, size, "A%d", action->priority);
		break;
	case VRRP_DO_TRANSITION:
		assert_int_equal(action->cause, f.cause);
		snprintf(out, size, "%c>%c", letters[action->from], letters[action->to]);
		break;
	default:
		snprintf(out, size, "%c",
			action->type == VRRP_DO_ACQUIRE   ? '+'
			: action->type == VRRP_DO_RELEASE ? '-'
							  : 'N');
	}
}

const char *feed(const struct vrrp_event *event, int64_t now)
{
	struct vrrp_actions actions;

	vrrp_fsm_step(&f, event, now, &actions);
	done[0] = '\0';
	for (size_t i = 0; i < actions.count; i++) {
		char text[32];

		describe(&actions.list[i], text, sizeof(text));
		if (i)
			strcat(done, " ");
		strcat(done, text);
	}
	return done;
}

const char *step(enum vrrp_event_type type, int64_t now)
{
	return feed(&(struct vrrp_event){.type = type}, now);
}

const char *hear_on(uint8_t priority, int tie, bool leading, int64_t now)
{
	return feed(
		&(struct vrrp_event){.type = VRRP_EVENT_ADVERT,
			.heard = {.priority = priority, .interval_ns = S, .tie = tie, .leading = leading}},
		now);
}

const char *hear(uint8_t priority, int64_t now)
{
	return hear_on(priority, -1, true, now);
}

const char *answer_to(uint8_t priority, int tie, int64_t now)
{
	assert_string_equal(hear_on(priority, tie, true, now), nothing);
	assert_true(vrrp_fsm_deadline(&f) <= now);
	return step(VRRP_EVENT_TIMER, now);
}

const char *hear_interval(uint8_t priority, int64_t interval_ns, int64_t now)
{
	return feed(&(struct vrrp_event){.type = VRRP_EVENT_ADVERT,
			    .heard = {.priority = priority,
				    .interval_ns = interval_ns,
				    .tie = -1,
				    .leading = true}},
		now);
}

const char *configure(const struct vrrp_fsm_config *config, int64_t now)
{
	return feed(&(struct vrrp_event){.type = VRRP_EVENT_CONFIG, .config = config}, now);
}

struct vrrp_fsm_config with_priority(uint8_t priority)
{
	struct vrrp_fsm_config config = plain;

	config.priority = priority;
	return config;
}

/* Backup since 0. */
void backup_of(const struct vrrp_fsm_config *config)
{
	vrrp_fsm_init(&f, config);
	assert_string_equal(step(VRRP_EVENT_STARTUP, 0), "I>B");
}

/* Active since *now, its last advert and announcement long ago enough for an answer at once. */
int64_t active_of(const struct vrrp_fsm_config *config)
{
	backup_of(config);
	step(VRRP_EVENT_TIMER, vrrp_fsm_deadline(&f));
	assert_int_equal(f.state, VRRP_ACTIVE);
	return f.since + 10 * MS;
}
