/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What time_burst_client does with datagrams: each chunk of 48 bytes is one. The books stay true whatever
 * comes: a reply is counted once, an answer needs a query that was sent, and nothing is answered twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apps/burst.h"
#include "apps/sntp.h"

#define COUNT  40
#define COOKIE 0x01020304

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct burst *burst, uint64_t fed)
{
	uint64_t replies = 0;
	unsigned answered = 0;
	char lost[32];

	for (int i = 0; i < BURST_REPLIES; i++)
		replies += burst->replies[i];
	for (unsigned n = 1; n <= COUNT; n++)
		answered += burst_answered(burst, n);
	burst_lost_text(burst, lost, sizeof(lost));
	if (replies != fed || answered != burst_answers(burst) || (answered == COUNT) != (lost[0] == '\0') ||
		strlen(lost) >= sizeof(lost))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct burst_query queries[COUNT];
	struct burst burst;
	uint64_t fed = 0;

	burst_init(&burst, queries, COUNT, COOKIE);
	for (unsigned n = 1; n <= COUNT; n++) {
		burst_sent(&burst, n, 0);
		if (n % 2 == 0)
			burst_sent(&burst, n, 1);
	}
	for (size_t at = 0; at < size; at += SNTP_PACKET_LEN) {
		size_t len = size - at < SNTP_PACKET_LEN ? size - at : SNTP_PACKET_LEN;
		struct sntp_packet packet;
		unsigned number = 0, before = burst_answers(&burst);
		enum burst_reply reply;

		if (sntp_decode(data + at, len, &packet) != 0)
			continue;
		reply = burst_received(&burst, packet.originate, &number);
		fed++;
		if (reply == BURST_FOREIGN ? number != 0 : number < 1 || number > COUNT)
			abort();
		if (burst_answers(&burst) - before != (reply == BURST_FIRST || reply == BURST_OVERTAKEN))
			abort();
	}
	check(&burst, fed);
	return 0;
}
