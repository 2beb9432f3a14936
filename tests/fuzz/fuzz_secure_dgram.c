/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair's channel before its tag and behind it. The input is a row of orders to two ends, a and b; each is one byte, some
 * are followed by a length (one byte) and as many bytes:
 *
 *   0  raw bytes to b                    4  a sends them as data to b (what is read out of them is tried, too)
 *   1  likewise, behind a header that    5  the last datagram again, to a (even length of the rest) or b
 *      is right but for its tag          6  the last datagram with one byte changed: offset, difference
 *   2  a says hello to b, or b to a      7  a begins anew, or b
 *   3  a hello with these bytes sealed in it, from somebody who has the key
 *
 * What is accepted as data was sent as data, once. No hello of a stranger ends the session of a and b.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "../sim/sim_random.h"
#include "common/secure_dgram_inside.h"
#include "lb/sync_wire.h"
#include "vrrp/vrrp_beacon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static uint64_t random_state;
static struct secure_dgram *ends[2], *stranger;
static uint8_t last[SECURE_DGRAM_MAX];
static size_t last_len;
static bool last_is_new; /* data to b that b did not see */

static const char *seed_name(void)
{
	return "seeded";
}

static uint32_t seed_random(void)
{
	return (uint32_t)sim_random(&random_state);
}

static void seed_buf(void *const buf, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)sim_random(&random_state);
}

static randombytes_implementation seeded = {
	.implementation_name = seed_name, .random = seed_random, .buf = seed_buf};

static void must(bool held)
{
	if (!held)
		abort();
}

static struct secure_dgram *begin(void)
{
	struct secure_keys keys = {.count = 1, .key = {{1}}};
	struct secure_dgram *channel;

	must(secure_dgram_open(&channel, "fuzz", &keys) == 0);
	return channel;
}

/* Whatever the payload is, these read it without harm. */
static void read_payload(const uint8_t *plain, size_t len)
{
	static struct vrrp_beacon beacon;
	struct sync_header header;
	struct sync_reader reader;
	struct sync_record record;

	vrrp_beacon_decode(plain, len, &beacon);
	if (sync_read_begin(&reader, &header, plain, len) == 0)
		while (sync_read_record(&reader, &record) == 1)
			;
}

static enum secure_verdict give(size_t to, const uint8_t *in, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1), *plain = malloc(SECURE_PLAIN_MAX);
	enum secure_verdict verdict;
	size_t plain_len = 1;

	must(exact && plain);
	memcpy(exact, in, len);
	verdict = secure_dgram_receive(ends[to], exact, len, plain, &plain_len);
	must(verdict < SECURE_VERDICTS);
	must(verdict == SECURE_OK ? plain_len + SECURE_OVERHEAD == len : plain_len == 0);
	if (verdict == SECURE_OK)
		read_payload(plain, plain_len);
	free(exact);
	free(plain);
	return verdict;
}

static uint8_t next(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

/* The bytes of an order; at most SECURE_PLAIN_MAX of them. */
static const uint8_t *bytes_of(struct input *in, size_t *len)
{
	const uint8_t *bytes;

	*len = next(in) * 6u; /* up to 1530: more than a datagram */
	if (*len > in->size)
		*len = in->size;
	bytes = in->data;
	in->data += *len;
	in->size -= *len;
	return bytes;
}

static void raw(struct input *in)
{
	size_t len;
	const uint8_t *bytes = bytes_of(in, &len);

	must(give(1, bytes, len) > SECURE_HELLO);
}

static void with_header(struct input *in)
{
	uint8_t key[SECURE_KEY_BYTES] = {7}, out[SECURE_DGRAM_MAX];
	size_t len;
	const uint8_t *bytes = bytes_of(in, &len);
	enum secure_kind kind = in->size & 1 ? SECURE_KIND_HELLO : SECURE_KIND_DATA;

	len = len > SECURE_PLAIN_MAX ? SECURE_PLAIN_MAX : len;
	secure_close_envelope(ends[0], kind, 1 + in->size, key, bytes, len, out);
	if (len)
		memcpy(out + HEADER_BYTES, bytes, len);
	must(give(1, out, len + SECURE_OVERHEAD) > SECURE_HELLO);
}

static void hello(size_t from)
{
	last_is_new = false;
	last_len = secure_dgram_hello(ends[from], last);
	must(give(!from, last, last_len) == SECURE_HELLO);
}

static void strange_hello(struct input *in)
{
	uint8_t key[SECURE_KEY_BYTES], out[SECURE_DGRAM_MAX];
	size_t len;
	const uint8_t *bytes = bytes_of(in, &len);
	uint64_t session = secure_dgram_session(ends[1]);
	enum secure_verdict verdict;

	len = len > SECURE_PLAIN_MAX ? SECURE_PLAIN_MAX : len;
	secure_derive(stranger, 0, SECURE_KIND_HELLO, stranger->nonce, NULL, key);
	len = secure_close_envelope(
		stranger, SECURE_KIND_HELLO, ++stranger->hello_sequence, key, bytes, len, out);
	verdict = give(1, out, len);
	must(verdict == SECURE_HELLO || verdict == SECURE_VERSION);
	must(secure_dgram_session(ends[1]) == session);
}

static void send_data(struct input *in)
{
	size_t len;
	const uint8_t *bytes = bytes_of(in, &len);
	int rc = secure_dgram_seal(ends[0], bytes, len, last);

	must(rc < 0 ? !secure_dgram_is_ready(ends[0]) || len > SECURE_PLAIN_MAX
		    : (size_t)rc == len + SECURE_OVERHEAD);
	if (rc < 0)
		return;
	read_payload(bytes, len);
	last_len = (size_t)rc;
	last_is_new = give(1, last, last_len) != SECURE_OK;
}

static void change_last(struct input *in)
{
	size_t at = next(in) * 6u + next(in) % 6u;
	uint8_t by = next(in);

	if (!by || at >= last_len)
		return;
	last[at] ^= by;
	must(give(1, last, last_len) > SECURE_HELLO);
	last[at] ^= by;
}

static void obey(struct input *in)
{
	size_t side;

	switch (next(in) % 8) {
	case 0:
		raw(in);
		break;
	case 1:
		with_header(in);
		break;
	case 2:
		hello(in->size & 1);
		break;
	case 3:
		strange_hello(in);
		break;
	case 4:
		send_data(in);
		break;
	case 5:
		if (last_len)
			must(give(in->size & 1, last, last_len) != SECURE_OK || last_is_new);
		last_is_new = false;
		break;
	case 6:
		change_last(in);
		break;
	case 7:
		side = in->size & 1;
		secure_dgram_close(ends[side]);
		ends[side] = begin();
		last_len = 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	randombytes_set_implementation(&seeded);
	random_state = 1;
	last_len = 0;
	last_is_new = false;
	ends[0] = begin();
	ends[1] = begin();
	stranger = begin();
	for (size_t i = 0; i < 6; i++)
		hello(i & 1);
	must(secure_dgram_is_ready(ends[0]) && secure_dgram_is_ready(ends[1]));
	for (size_t orders = 0; in.size && orders < 200; orders++)
		obey(&in);
	secure_dgram_close(ends[0]);
	secure_dgram_close(ends[1]);
	secure_dgram_close(stranger);
	return 0;
}
