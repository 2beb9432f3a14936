/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owning, finding, comparing, hashing and naming what stands in a vrrp_model. Pure; see vrrp_model.h. */
#include "vrrp/vrrp_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"

static void clear_command(struct vrrp_command *command)
{
	for (size_t i = 0; i < VRRP_ARGS_MAX && command->argv[i]; i++)
		free(command->argv[i]);
}

static void clear_tracks(struct vrrp_track *tracks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		clear_command(&tracks[i].script);
		free(tracks[i].file);
	}
	free(tracks);
}

void vrrp_model_clear(struct vrrp_model *model)
{
	for (size_t i = 0; i < model->instance_count; i++) {
		free(model->instances[i].addresses);
		clear_tracks(model->instances[i].tracks, model->instances[i].track_count);
	}
	for (size_t i = 0; i < model->unit_count; i++) {
		free(model->units[i].members);
		clear_tracks(model->units[i].tracks, model->units[i].track_count);
	}
	free(model->instances);
	free(model->units);
	clear_command(&model->notify);
	conf_peer_clear(&model->peer);
	memset(model, 0, sizeof(*model));
}

long vrrp_model_find_instance(const struct vrrp_model *model, const char *name)
{
	for (size_t i = 0; i < model->instance_count; i++)
		if (!strcmp(model->instances[i].name, name))
			return (long)i;
	return -1;
}

long vrrp_model_find_unit(const struct vrrp_model *model, const char *name)
{
	for (size_t i = 0; i < model->unit_count; i++)
		if (!strcmp(model->units[i].name, name))
			return (long)i;
	return -1;
}

bool vrrp_command_equal(const struct vrrp_command *a, const struct vrrp_command *b)
{
	for (size_t i = 0; i < VRRP_ARGS_MAX; i++) {
		if (!a->argv[i] || !b->argv[i]) {
			if (a->argv[i] != b->argv[i])
				return false;
			break;
		}
		if (strcmp(a->argv[i], b->argv[i]))
			return false;
	}
	return !strcmp(a->user, b->user) && a->timeout_ms == b->timeout_ms;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool vrrp_track_equal(const struct vrrp_track *a, const struct vrrp_track *b)
{
	return a->kind == b->kind && a->weight == b->weight && !strcmp(a->interface, b->interface) &&
	       vrrp_command_equal(&a->script, &b->script) && a->interval_ms == b->interval_ms &&
	       a->rise == b->rise && a->fall == b->fall && text_equal(a->file, b->file) &&
	       !strcmp(a->pool, b->pool) && a->min_backends == b->min_backends;
}

static bool addresses_equal(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	if (a->ipv4_count != b->ipv4_count || a->ipv6_count != b->ipv6_count)
		return false;
	for (size_t i = 0; i < a->ipv4_count + a->ipv6_count; i++)
		if (a->addresses[i].prefix != b->addresses[i].prefix ||
			!addr_equal(&a->addresses[i].addr, &b->addresses[i].addr))
			return false;
	return true;
}

static bool peers_equal(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	if (a->peer_count != b->peer_count)
		return false;
	for (size_t i = 0; i < a->peer_count; i++)
		if (!addr_equal(&a->peers[i], &b->peers[i]))
			return false;
	return addr_equal(&a->source_ipv4, &b->source_ipv4) && addr_equal(&a->source_ipv6, &b->source_ipv6);
}

static bool tracks_equal(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	if (a->track_count != b->track_count)
		return false;
	for (size_t i = 0; i < a->track_count; i++)
		if (!vrrp_track_equal(&a->tracks[i], &b->tracks[i]))
			return false;
	return true;
}

bool vrrp_witness_equal(const struct vrrp_witness_model *a, const struct vrrp_witness_model *b)
{
	if (a->count != b->count || a->interval_ms != b->interval_ms || a->rise != b->rise ||
		a->fall != b->fall)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!addr_equal(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

bool vrrp_instance_equal(const struct vrrp_instance *a, const struct vrrp_instance *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->interface, b->interface) && a->vrid == b->vrid &&
	       a->version == b->version && a->priority == b->priority && a->interval_ms == b->interval_ms &&
	       a->preempt == b->preempt && a->preempt_delay_ms == b->preempt_delay_ms &&
	       a->accept == b->accept && a->virtual_mac == b->virtual_mac && a->checksum == b->checksum &&
	       a->announce_count == b->announce_count && a->announce_interval_ms == b->announce_interval_ms &&
	       a->announce_refresh_s == b->announce_refresh_s && addresses_equal(a, b) && peers_equal(a, b) &&
	       tracks_equal(a, b) && vrrp_witness_equal(&a->witness, &b->witness);
}

/* ---- what two nodes must have alike ---- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325) /* FNV-1a */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	for (const uint8_t *at = bytes; len--; at++)
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	return hash;
}

/* With its NUL: "ab", "c" is not "a", "bc". */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	return hash_bytes(hash, bytes, sizeof(bytes));
}

static uint64_t hash_instance(const struct vrrp_instance *c)
{
	uint64_t hash = hash_text(HASH_BEGIN, c->name), addresses = 0;

	for (size_t i = 0; i < c->ipv4_count + c->ipv6_count; i++) {
		const struct vrrp_address *a = &c->addresses[i];
		size_t len = i < c->ipv4_count ? 4 : 16;

		addresses += hash_number(hash_bytes(HASH_BEGIN, a->addr.bytes, len), a->prefix);
	}
	hash = hash_number(hash, c->vrid);
	hash = hash_number(hash, c->version);
	hash = hash_number(hash, c->interval_ms);
	return hash_number(hash, addresses);
}

uint32_t vrrp_model_hash(const struct vrrp_model *model)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < model->instance_count; i++)
		sum += hash_instance(&model->instances[i]);
	for (size_t i = 0; i < model->unit_count; i++) {
		const struct vrrp_unit_model *unit = &model->units[i];
		uint64_t hash = hash_text(HASH_BEGIN, unit->name);

		for (size_t m = 0; m < unit->member_count; m++)
			hash = hash_text(hash, model->instances[unit->members[m]].name);
		sum += unit->is_group ? hash : 0;
	}
	sum = hash_number(HASH_BEGIN, sum);
	return (uint32_t)(sum ^ sum >> 32);
}

const char *vrrp_track_label(const struct vrrp_track *track, char *buf, size_t size)
{
	const char *kind = "?", *what = NULL;
	int len;

	switch (track->kind) {
	case VRRP_TRACK_INTERFACE:
		kind = "interface";
		what = track->interface;
		break;
	case VRRP_TRACK_SCRIPT:
		kind = "script";
		what = track->script.argv[0];
		break;
	case VRRP_TRACK_FILE:
		kind = "file";
		what = track->file;
		break;
	case VRRP_TRACK_POOL:
		kind = "pool";
		what = track->pool;
		break;
	}
	len = snprintf(buf, size, "%s ", kind);
	clean_text(buf + len, size - (size_t)len, what);
	return buf;
}
