/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SNTP (RFC 4330, RFC 5905 section 7.3) bytes <-> host-order struct, what a server answers, and what a client
 * believes. Pure: the clock is an argument.
 */
#ifndef TANDEM_APPS_SNTP_H
#define TANDEM_APPS_SNTP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SNTP_PACKET_LEN  48          /* without extension fields and MAC */
#define SNTP_UNIX_OFFSET 2208988800u /* seconds from 1900 to 1970; RFC 868 counts from 1900 as well */

enum { SNTP_MODE_CLIENT = 3, SNTP_MODE_SERVER = 4 };

/* Seconds since 1900 in the upper 32 bits (era not told: they wrap in 2036), fraction in the lower. */
typedef uint64_t sntp_time;

struct sntp_packet {
	uint8_t leap, version, mode, stratum;
	int8_t poll, precision;               /* log2 of seconds */
	uint32_t root_delay, root_dispersion; /* seconds, 16.16 */
	uint32_t reference_id;                /* its four bytes, the first in the highest */
	sntp_time reference, originate, receive, transmit;
};

struct sntp_server {
	uint8_t stratum;
	uint32_t reference_id;
};

enum sntp_fault {
	SNTP_GOOD,
	SNTP_SHORT,          /* fewer than 48 bytes */
	SNTP_MODE,           /* not what a client (or a server) sends */
	SNTP_VERSION,        /* none of 1 to 4 */
	SNTP_ORIGINATE,      /* answers something this client did not ask: late, doubled or forged */
	SNTP_UNSYNCHRONIZED, /* leap indicator 3, or no transmit time */
	SNTP_KISS,           /* stratum 0: the server asks not to be asked (RFC 5905 section 7.4) */
	SNTP_FAULTS
};

sntp_time sntp_from_timespec(struct timespec at);

/* 0, or -EINVAL when there are fewer than 48 bytes; what follows them is not looked at. */
int sntp_decode(const uint8_t *buf, size_t len, struct sntp_packet *out);
void sntp_encode(const struct sntp_packet *packet, uint8_t out[SNTP_PACKET_LEN]);

/* What a server says to the query that arrived at received; the caller sets reply->transmit as late as it
 * can. */
enum sntp_fault sntp_answer(const uint8_t *query, size_t len, const struct sntp_server *server,
	sntp_time received, struct sntp_packet *reply);

/* Whether buf is a server's answer to the query whose transmit field was sent. */
enum sntp_fault sntp_check_reply(const uint8_t *buf, size_t len, sntp_time sent, struct sntp_packet *reply);

/* Clock offset of the server (positive: it is ahead) and round-trip delay in nanoseconds, from the client's
 * times of sending and receiving (RFC 5905 section 8). True within 68 years of offset, whatever the era. */
void sntp_offset(sntp_time sent, const struct sntp_packet *reply, sntp_time received, int64_t *offset_ns,
	int64_t *delay_ns);

const char *sntp_fault_text(enum sntp_fault fault);

#endif
