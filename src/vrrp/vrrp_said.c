/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peer's last word; see vrrp_said.h. */
#include "vrrp/vrrp_said.h"

#include <string.h>

void vrrp_said_init(struct vrrp_said *said, size_t path_count, int64_t timeout_ns, int64_t now)
{
	memset(said, 0, sizeof(*said));
	said->timeout_ns = timeout_ns;
	said->since = now;
	said->path_count = path_count;
	said->refused_since = said->forgiven_at = VRRP_NEVER;
	for (size_t i = 0; i < VRRP_PATHS_MAX; i++)
		said->path[i] = (struct vrrp_said_path){VRRP_NEVER, UINT32_MAX};
}

/* ---- a beacon ---- */

static bool take_words(struct vrrp_said *said, const struct vrrp_beacon *beacon, int64_t now)
{
	bool news = false;

	for (size_t i = 0; i < beacon->unit_count; i++) {
		size_t at = 0;

		while (at < said->word_count && said->words[at].unit.name_hash != beacon->units[i].name_hash)
			at++;
		if (at == VRRP_INSTANCES_MAX ||
			(at < said->word_count && beacon->sequence <= said->words[at].sequence))
			continue;
		said->words[at] = (struct vrrp_said_word){beacon->units[i], beacon->sequence, now};
		said->word_count += at == said->word_count;
		news = true;
	}
	return news;
}

static void take_head(struct vrrp_said *said, const struct vrrp_beacon *beacon)
{
	if (beacon->parts != said->parts) {
		said->parts = beacon->parts;
		memset(said->parts_heard, 0, sizeof(said->parts_heard));
	}
	said->parts_heard[beacon->part] = 1;
	said->sequence = beacon->sequence;
	memcpy(said->node, beacon->node, sizeof(said->node));
	said->table = beacon->table;
	said->config_hash = beacon->config_hash;
}

static bool is_past(const struct vrrp_said *said, uint64_t boot)
{
	for (size_t i = 0; i < VRRP_PAST_BOOTS; i++)
		if (said->past_boots[i] == boot)
			return true;
	return false;
}

/* Something of a past start came: has nothing else come for a whole timeout, in which it came all the time? What waited
 * for us while we did not read is one moment. */
static bool lives_on(struct vrrp_said *said, int64_t now)
{
	if (said->refused_since == VRRP_NEVER || now - said->refused_at > said->timeout_ns * 3 / 4)
		said->refused_since = now;
	said->refused_at = now;
	return now - said->refused_since >= said->timeout_ns;
}

static void begin_anew(struct vrrp_said *said, uint64_t boot)
{
	if (said->boot)
		said->past_boots[said->past_next++ % VRRP_PAST_BOOTS] = said->boot;
	said->boot = boot;
	said->sequence = 0;
	said->word_count = 0;
	said->parts = 0;
}

enum vrrp_said_what vrrp_said_beacon(
	struct vrrp_said *said, size_t path, const struct vrrp_beacon *beacon, int64_t now, bool *restarted)
{
	*restarted = false;
	if (!beacon->boot)
		return VRRP_SAID_OUTDATED;
	if (beacon->boot != said->boot) {
		if (is_past(said, beacon->boot) && !lives_on(said, now))
			return VRRP_SAID_OUTDATED;
		*restarted = said->boot != 0;
		begin_anew(said, beacon->boot);
	}
	said->refused_since = VRRP_NEVER;
	said->path[path] = (struct vrrp_said_path){
		now, path < beacon->path_count ? beacon->path_heard_ms[path] : UINT32_MAX};
	if (beacon->sequence > said->sequence)
		take_head(said, beacon);
	return take_words(said, beacon, now) ? VRRP_SAID_NEWS : VRRP_SAID_NOTHING;
}

/* Nothing is heard in the future: what was read already after the pause is not that old. */
static int64_t later(int64_t at, int64_t ns, int64_t now)
{
	return at >= now - ns ? now : at + ns;
}

void vrrp_said_forgive(struct vrrp_said *said, int64_t ns, int64_t now)
{
	said->refused_since = VRRP_NEVER;
	said->forgiven_at = now;
	for (size_t i = 0; i < said->path_count; i++)
		if (said->path[i].heard_at != VRRP_NEVER)
			said->path[i].heard_at = later(said->path[i].heard_at, ns, now);
	for (size_t i = 0; i < said->word_count; i++)
		said->words[i].heard_at = later(said->words[i].heard_at, ns, now);
}

/* ---- how old ---- */

bool vrrp_said_path_is_fresh(const struct vrrp_said *said, size_t path, int64_t now)
{
	int64_t at = said->path[path].heard_at;

	return at != VRRP_NEVER && now - at < said->timeout_ns;
}

bool vrrp_said_is_fresh(const struct vrrp_said *said, int64_t now)
{
	for (size_t i = 0; i < said->path_count; i++)
		if (vrrp_said_path_is_fresh(said, i, now))
			return true;
	return false;
}

int64_t vrrp_said_deadline(const struct vrrp_said *said, int64_t now)
{
	int64_t first = VRRP_NEVER;

	for (size_t i = 0; i < said->path_count; i++)
		if (vrrp_said_path_is_fresh(said, i, now) &&
			said->path[i].heard_at + said->timeout_ns < first)
			first = said->path[i].heard_at + said->timeout_ns;
	return first;
}

/* ---- what of a unit ---- */

static bool heard_all_parts(const struct vrrp_said *said)
{
	return said->parts && !memchr(said->parts_heard, 0, said->parts);
}

enum vrrp_said_of vrrp_said_unit(const struct vrrp_said *said, uint64_t name_hash, int64_t now,
	struct vrrp_beacon_unit *out, int64_t *heard_at)
{
	for (size_t i = 0; i < said->word_count; i++) {
		const struct vrrp_said_word *word = &said->words[i];

		if (word->unit.name_hash != name_hash)
			continue;
		if (now - word->heard_at < said->timeout_ns) {
			*out = word->unit;
			*heard_at = word->heard_at;
			return VRRP_SAID_NAMES_IT;
		}
		/* A slower path may have brought it once more, and is fresh for longer. */
		if (said->sequence < word->sequence + said->parts)
			return VRRP_SAID_NO_MORE;
	}
	return heard_all_parts(said) ? VRRP_SAID_DOES_NOT : VRRP_SAID_NOT_YET;
}

bool vrrp_said_is_source(const struct vrrp_said *said, uint64_t name_hash, const uint8_t source[16])
{
	for (size_t i = 0; i < said->word_count; i++)
		if (said->words[i].unit.name_hash == name_hash)
			return memcmp(said->words[i].unit.source, source, 16) == 0;
	return false;
}

void vrrp_said_facts(const struct vrrp_said *said, uint64_t name_hash, const struct vrrp_fsm *fsm,
	int64_t now, struct vrrp_facts *facts)
{
	enum vrrp_said_of of;
	int64_t heard_at = VRRP_NEVER;

	facts->paired = true;
	facts->peer_table = (enum vrrp_table)said->table;
	facts->peer_fresh = vrrp_said_is_fresh(said, now);
	facts->peer_ever = said->boot != 0;
	facts->peer = (struct vrrp_beacon_unit){.state = VRRP_INITIALIZE};
	of = vrrp_said_unit(said, name_hash, now, &facts->peer, &heard_at);
	facts->peer_forgiven = said->forgiven_at != VRRP_NEVER && heard_at <= said->forgiven_at;
	facts->peer_ns = of == VRRP_SAID_NAMES_IT ? now - heard_at : VRRP_NEVER;
	if (of == VRRP_SAID_NOT_YET)
		facts->peer_ever = false;
	if (of == VRRP_SAID_NOT_YET || of == VRRP_SAID_NO_MORE)
		facts->peer_fresh = false;
	if (of == VRRP_SAID_NAMES_IT && fsm->left && heard_at <= fsm->heard_at)
		facts->peer.priority = 0;
	if (now - said->since < facts->begun_ns)
		facts->begun_ns = now - said->since;
}
