/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow records and the datagrams that carry them; see sync_wire.h. What is on the wire, big endian:
 *
 *   header   version 1 | type 1 | flags 1 (bit 0 want_bulk, bit 1 in_sync) | 0 | config hash 4 | sequence 8 | sent_ms 4
 *            then DATA: records 2; ACK: missing 8
 *   record   kind 1 | length of the body 1 | body
 *   flow     family 1 (4, 6) | protocol 1 | state 1 (bits 6, 7: hand) | ports of client, service, backend 2 each | their addresses, 4 or 16
 *            each | idle 4 | isn 4
 *   sticky   length of pool 1, pool | family of the source 1 | source | family of the backend 1 | backend | port 2 | idle 4
 *   weight   length of pool 1, pool | length of backend 1, backend  | weight 2 | admin 1 | said 8
 *   table    id 8 | peer 8
 *
 * An IPv4 flow is 31 bytes, so 44 of them are a datagram.
 */
#include "lb/sync_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "common/wire.h"
#include "lb/lb_model.h"

#define VERSION      1
#define FLAG_BULK    1
#define FLAG_IN_SYNC 2
#define AT_RECORDS   20 /* in a DATA header */
#define DATA_HEADER  22
#define BODY_MAX     255
#define ADMIN_MAX    2 /* LB_ADMIN_DISABLED */
#define HAND_SHIFT   6 /* in the byte of a flow's state */

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

/* ---- fields ---- */

/* 0 for a family that is none. */
static size_t address_len(uint8_t family)
{
	if (family == AF_INET)
		return 4;
	return family == AF_INET6 ? 16 : 0;
}

static void put_family(struct wire_out *w, uint8_t family)
{
	wire_put_number(w, family == AF_INET6 ? 6 : 4, 1);
}

static uint8_t get_family(struct wire_in *r)
{
	uint64_t word = wire_get_number(r, 1);

	r->bad |= word != 4 && word != 6;
	return word == 6 ? AF_INET6 : AF_INET;
}

static bool flow_is_fit(const struct sync_flow *flow, bool ended)
{
	if (!address_len(flow->family) || (flow->protocol != PROTOCOL_TCP && flow->protocol != PROTOCOL_UDP))
		return false;
	if (ended)
		return true;
	if (flow->hand > SYNC_OF_OTHER)
		return false;
	if (flow->protocol == PROTOCOL_UDP)
		return flow->state == SYNC_UDP;
	return flow->state >= SYNC_TCP_ESTABLISHED && flow->state <= SYNC_TCP_HALF_CLOSED_BACKEND;
}

static bool sticky_is_fit(const struct sync_sticky *sticky)
{
	return wire_name_is_fit(sticky->pool, sizeof(sticky->pool)) && address_len(sticky->family) &&
	       address_len(sticky->backend.family);
}

static bool weight_is_fit(const struct sync_weight *weight)
{
	return wire_name_is_fit(weight->pool, sizeof(weight->pool)) &&
	       wire_name_is_fit(weight->backend, sizeof(weight->backend)) && weight->weight >= -1 &&
	       weight->weight <= LB_WEIGHT_MAX && weight->admin <= ADMIN_MAX;
}

static bool record_is_fit(const struct sync_record *record)
{
	switch (record->kind) {
	case SYNC_FLOW:
	case SYNC_FLOW_END:
		return flow_is_fit(&record->flow, record->kind == SYNC_FLOW_END);
	case SYNC_STICKY:
		return sticky_is_fit(&record->sticky);
	case SYNC_WEIGHT:
		return weight_is_fit(&record->weight);
	case SYNC_BULK_BEGIN:
	case SYNC_BULK_END:
	case SYNC_TABLE:
		return true;
	}
	return false;
}

/* ---- bodies ---- */

static void put_flow(struct wire_out *w, const struct sync_flow *flow, bool ended)
{
	size_t each = address_len(flow->family);

	put_family(w, flow->family);
	wire_put_number(w, flow->protocol, 1);
	wire_put_number(w, ended ? 0 : flow->state | flow->hand << HAND_SHIFT, 1);
	wire_put_number(w, flow->client_port, 2);
	wire_put_number(w, flow->service_port, 2);
	wire_put_number(w, flow->backend_port, 2);
	wire_put(w, flow->client, each);
	wire_put(w, flow->service, each);
	wire_put(w, flow->backend, each);
	wire_put_number(w, ended ? 0 : flow->idle_s, 4);
	wire_put_number(w, flow->backend_isn, 4);
}

static void get_flow(struct wire_in *r, struct sync_flow *flow)
{
	size_t each;
	uint8_t state;

	flow->family = get_family(r);
	each = address_len(flow->family);
	flow->protocol = (uint8_t)wire_get_number(r, 1);
	state = (uint8_t)wire_get_number(r, 1);
	flow->state = state & ((1 << HAND_SHIFT) - 1);
	flow->hand = state >> HAND_SHIFT;
	flow->client_port = (uint16_t)wire_get_number(r, 2);
	flow->service_port = (uint16_t)wire_get_number(r, 2);
	flow->backend_port = (uint16_t)wire_get_number(r, 2);
	wire_get(r, flow->client, each);
	wire_get(r, flow->service, each);
	wire_get(r, flow->backend, each);
	flow->idle_s = (uint32_t)wire_get_number(r, 4);
	flow->backend_isn = (uint32_t)wire_get_number(r, 4);
}

static void put_sticky(struct wire_out *w, const struct sync_sticky *sticky)
{
	wire_put_name(w, sticky->pool);
	put_family(w, sticky->family);
	wire_put(w, sticky->source, address_len(sticky->family));
	put_family(w, sticky->backend.family);
	wire_put(w, sticky->backend.bytes, address_len(sticky->backend.family));
	wire_put_number(w, sticky->backend_port, 2);
	wire_put_number(w, sticky->idle_s, 4);
}

static void get_sticky(struct wire_in *r, struct sync_sticky *sticky)
{
	wire_get_name(r, sticky->pool, sizeof(sticky->pool));
	sticky->family = get_family(r);
	wire_get(r, sticky->source, address_len(sticky->family));
	sticky->backend.family = get_family(r);
	wire_get(r, sticky->backend.bytes, address_len(sticky->backend.family));
	sticky->backend_port = (uint16_t)wire_get_number(r, 2);
	sticky->idle_s = (uint32_t)wire_get_number(r, 4);
}

static void put_weight(struct wire_out *w, const struct sync_weight *weight)
{
	wire_put_name(w, weight->pool);
	wire_put_name(w, weight->backend);
	wire_put_number(w, (uint16_t)weight->weight, 2);
	wire_put_number(w, weight->admin, 1);
	wire_put_number(w, weight->said_ms, 8);
}

static void get_weight(struct wire_in *r, struct sync_weight *weight)
{
	wire_get_name(r, weight->pool, sizeof(weight->pool));
	wire_get_name(r, weight->backend, sizeof(weight->backend));
	weight->weight = (int16_t)wire_get_number(r, 2);
	weight->admin = (uint8_t)wire_get_number(r, 1);
	weight->said_ms = wire_get_number(r, 8);
}

static void put_table(struct wire_out *w, const struct sync_table *table)
{
	wire_put_number(w, table->id, 8);
	wire_put_number(w, table->peer, 8);
}

static void get_table(struct wire_in *r, struct sync_table *table)
{
	table->id = wire_get_number(r, 8);
	table->peer = wire_get_number(r, 8);
}

/* ---- writing ---- */

void sync_write_begin(struct sync_writer *w, const struct sync_header *header, uint8_t *buf, size_t size)
{
	struct wire_out out = {.buf = buf, .size = size};

	wire_put_number(&out, VERSION, 1);
	wire_put_number(&out, header->type, 1);
	wire_put_number(&out, (header->want_bulk ? FLAG_BULK : 0) | (header->in_sync ? FLAG_IN_SYNC : 0), 1);
	wire_put_number(&out, 0, 1);
	wire_put_number(&out, header->config_hash, 4);
	wire_put_number(&out, header->sequence, 8);
	wire_put_number(&out, header->sent_ms, 4);
	if (header->type == SYNC_DATA)
		wire_put_number(&out, 0, 2);
	else
		wire_put_number(&out, header->missing, 8);
	*w = (struct sync_writer){.buf = buf, .size = size, .at = out.full ? 0 : out.at, .full = out.full};
}

int sync_write_record(struct sync_writer *w, const struct sync_record *record)
{
	uint8_t body[BODY_MAX];
	struct wire_out b = {.buf = body, .size = sizeof(body)};
	struct wire_out out = {.buf = w->buf, .size = w->size, .at = w->at};

	if (w->at != 0 && w->buf[1] != SYNC_DATA)
		return -EINVAL;
	if (!record_is_fit(record))
		return -EINVAL;
	if (record->kind == SYNC_FLOW || record->kind == SYNC_FLOW_END)
		put_flow(&b, &record->flow, record->kind == SYNC_FLOW_END);
	else if (record->kind == SYNC_STICKY)
		put_sticky(&b, &record->sticky);
	else if (record->kind == SYNC_WEIGHT)
		put_weight(&b, &record->weight);
	else if (record->kind == SYNC_TABLE)
		put_table(&b, &record->table);
	if (w->full || w->records == UINT16_MAX || w->size - w->at < 2 + b.at) {
		w->full = true;
		return -ENOSPC;
	}
	wire_put_number(&out, record->kind, 1);
	wire_put_number(&out, b.at, 1);
	wire_put(&out, body, b.at);
	w->at = out.at;
	w->records++;
	return 0;
}

size_t sync_write_end(struct sync_writer *w)
{
	struct wire_out out = {.buf = w->buf, .size = w->at, .at = AT_RECORDS};

	if (w->at != 0 && w->buf[1] == SYNC_DATA)
		wire_put_number(&out, w->records, 2);
	return w->at;
}

/* ---- reading ---- */

int sync_read_begin(struct sync_reader *r, struct sync_header *header, const uint8_t *buf, size_t len)
{
	struct wire_in in = {.buf = buf, .len = len};
	uint8_t flags;

	*r = (struct sync_reader){.buf = buf, .len = len};
	memset(header, 0, sizeof(*header));
	if (wire_get_number(&in, 1) != VERSION)
		return -EBADMSG;
	header->type = (uint8_t)wire_get_number(&in, 1);
	flags = (uint8_t)wire_get_number(&in, 1);
	header->want_bulk = flags & FLAG_BULK;
	header->in_sync = flags & FLAG_IN_SYNC;
	wire_get_number(&in, 1);
	header->config_hash = (uint32_t)wire_get_number(&in, 4);
	header->sequence = wire_get_number(&in, 8);
	header->sent_ms = (uint32_t)wire_get_number(&in, 4);
	if (header->type == SYNC_DATA)
		header->records = (uint16_t)wire_get_number(&in, 2);
	else if (header->type == SYNC_ACK)
		header->missing = wire_get_number(&in, 8);
	else
		return -EBADMSG;
	r->at = in.at;
	r->left = header->records;
	return in.bad ? -EBADMSG : 0;
}

/* The body of a known kind: may be longer than we know, not shorter. */
static int read_body(struct wire_in *body, struct sync_record *out)
{
	if (out->kind == SYNC_FLOW || out->kind == SYNC_FLOW_END)
		get_flow(body, &out->flow);
	else if (out->kind == SYNC_STICKY)
		get_sticky(body, &out->sticky);
	else if (out->kind == SYNC_WEIGHT)
		get_weight(body, &out->weight);
	else if (out->kind == SYNC_TABLE)
		get_table(body, &out->table);
	if (body->bad || !record_is_fit(out))
		return -EBADMSG;
	if (out->kind == SYNC_FLOW_END)
		out->flow.state = 0, out->flow.idle_s = 0, out->flow.hand = 0;
	return 1;
}

int sync_read_record(struct sync_reader *r, struct sync_record *out)
{
	while (r->left > 0) {
		struct wire_in in = {.buf = r->buf, .len = r->len, .at = r->at};
		uint8_t kind = (uint8_t)wire_get_number(&in, 1);
		size_t len = (size_t)wire_get_number(&in, 1);
		struct wire_in body = {.buf = r->buf + in.at, .len = len};

		/* `left` stays: whoever asks again is told the same. */
		if (in.bad || len > in.len - in.at)
			return -EBADMSG;
		if (kind < SYNC_FLOW || kind > SYNC_TABLE) {
			r->unknown++;
		} else {
			memset(out, 0, sizeof(*out));
			out->kind = kind;
			if (read_body(&body, out) < 0)
				return -EBADMSG;
		}
		r->at = in.at + len;
		r->left--;
		if (kind >= SYNC_FLOW && kind <= SYNC_TABLE)
			return 1;
	}
	return 0;
}
