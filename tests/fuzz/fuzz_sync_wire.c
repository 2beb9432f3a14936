/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a datagram of flow records, read to its end. Every record that is accepted keeps to its ranges; all of them
 * written again read the same, and no longer than they came.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "lb/sync_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void check_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	must(len > 0 && len < size);
	for (size_t i = 0; i < len; i++)
		must(name[i] > ' ' && name[i] <= '~');
}

static bool is_family(unsigned family)
{
	return family == AF_INET || family == AF_INET6;
}

static void check(const struct sync_record *r)
{
	switch (r->kind) {
	case SYNC_FLOW:
		must(r->flow.state >= SYNC_TCP_ESTABLISHED && r->flow.state <= SYNC_UDP);
		must((r->flow.state == SYNC_UDP) == (r->flow.protocol == 17));
		/* fall through */
	case SYNC_FLOW_END:
		must(is_family(r->flow.family) && (r->flow.protocol == 6 || r->flow.protocol == 17));
		break;
	case SYNC_STICKY:
		check_name(r->sticky.pool, sizeof(r->sticky.pool));
		must(is_family(r->sticky.family) && is_family(r->sticky.backend.family));
		break;
	case SYNC_WEIGHT:
		check_name(r->weight.pool, sizeof(r->weight.pool));
		check_name(r->weight.backend, sizeof(r->weight.backend));
		must(r->weight.weight >= -1 && r->weight.weight <= 256 && r->weight.admin <= 2);
		break;
	default:
		must(r->kind == SYNC_TABLE || r->kind == SYNC_BULK_BEGIN || r->kind == SYNC_BULK_END);
	}
}

/* The records of a datagram into out, which has room for size bytes; its length. */
static size_t copy(const uint8_t *data, size_t len, uint8_t *out, size_t size)
{
	struct sync_header header;
	struct sync_record record;
	struct sync_reader reader;
	struct sync_writer writer;
	size_t count = 0;
	int rc;

	if (sync_read_begin(&reader, &header, data, len) != 0)
		return 0;
	sync_write_begin(&writer, &header, out, size);
	while ((rc = sync_read_record(&reader, &record)) == 1) {
		check(&record);
		must(++count <= header.records);
		must(sync_write_record(&writer, &record) == 0);
	}
	must(rc == 0 || (rc < 0 && sync_read_record(&reader, &record) == rc));
	must(rc < 0 || count + reader.unknown == header.records);
	return sync_write_end(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t once[SYNC_DATAGRAM_MAX], twice[SYNC_DATAGRAM_MAX];
	size_t len;

	if (size > SYNC_DATAGRAM_MAX)
		return 0;
	len = copy(data, size, once, sizeof(once));
	if (!len)
		return 0;
	must(len <= size);
	must(copy(once, len, twice, sizeof(twice)) == len && memcmp(once, twice, len) == 0);
	return 0;
}
