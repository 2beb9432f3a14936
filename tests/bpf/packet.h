/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the tests of the dataplane: built from a description, taken apart, summed. Everything is worked
 * out from the RFCs (791, 8200, 768, 9293, 792, 4443, 1071), in full each time; nothing comes from the
 * dataplane. Addresses are four words in network order (IPv4 in the first), ports host order.
 */
#ifndef TANDEM_TESTS_BPF_PACKET_H
#define TANDEM_TESTS_BPF_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX 4096
#define ETH_BYTES 14

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct endpoint {
	uint32_t addr[4];
	uint16_t port;
};

struct frame {
	uint32_t length;
	uint8_t bytes[FRAME_MAX];
};

struct packet_spec {
	int family; /* 4 or 6 */
	uint8_t protocol;
	uint8_t tcp_flags;
	uint8_t ttl;          /* 0: 64 */
	uint8_t option_words; /* IPv4 options, TCP's stand in tcp_option_words */
	uint8_t tcp_option_words;
	uint8_t extensions; /* IPv6: destination options headers */
	bool no_checksum;   /* UDP over IPv4 */
	bool dont_fragment;
	struct endpoint from, to;
	uint32_t seq, ack;
	uint16_t payload; /* bytes */
	uint8_t fill;     /* the payload's first byte, each next one greater by a prime */
};

/* What stands where in a frame. ok false: it is no IPv4 or IPv6 packet with headers that are all there. */
struct packet_parts {
	bool ok;
	int family;
	uint8_t protocol, ttl;
	uint32_t l3, l4, end; /* offsets; end is that of the IP packet by its own length */
	bool fragment, later;
	uint32_t fragment_id;
	bool whole; /* not a fragment and nothing of it is missing */
	int extensions;
	uint32_t src[4], dst[4];
	uint16_t sport, dport; /* TCP, UDP; 0 in a later fragment */
	uint8_t tcp_flags;
	uint32_t seq, ack;
};

void address4(uint32_t *addr, uint8_t a, uint8_t b, uint8_t c, uint8_t d);
void address6(uint32_t *addr, uint16_t net, uint16_t host); /* fd00:net::host */

void packet_build(const struct packet_spec *s, struct frame *f);

/* A piece of a whole datagram: bytes [at, at + size) of what follows the IP header, size cut to what is
 * there. */
void packet_fragment(const struct frame *whole, uint32_t at, uint32_t size, uint32_t id, struct frame *out);

/* An ICMP or ICMPv6 error from `from` to the source of the quoted frame, with that many bytes of it. */
void packet_error(const struct frame *quoted, const uint32_t *from, uint8_t type, uint8_t code, uint32_t word,
	uint32_t quote, struct frame *out);

/* An echo request. */
void packet_ping(int family, const struct endpoint *from, const struct endpoint *to, struct frame *f);
/* ARP for IPv4, broadcast; operation 1 asks, 2 answers. RFC 826. */
void packet_arp(const struct endpoint *from, const struct endpoint *to, uint16_t operation, struct frame *f);
/* A neighbour solicitation (RFC 4861 4.3), to the target's solicited-node group or to the target itself. */
void packet_solicit(
	const struct endpoint *from, const struct endpoint *target, bool to_group, struct frame *f);

/* Parse the IP packet at offset l3 (ETH_BYTES for the frame's own). Lengths that claim more than there is are
 * not ok, unless cut is set: then it is a quoted packet and of its L4 header only the ports must be there. */
struct packet_parts packet_parse(const uint8_t *bytes, uint32_t length, uint32_t l3, int family, bool cut);
struct packet_parts frame_parse(const struct frame *f);

/* Ones' complement sum, folded (RFC 1071), not complemented; to be continued through `sum`. */
uint16_t sum_bytes(const uint8_t *bytes, uint32_t length, uint32_t sum);

/* Is each checksum of the whole packet right? (UDP over IPv4 without one: yes.) */
bool packet_sums_right(const uint8_t *bytes, const struct packet_parts *p);
/* Put right ones in; a UDP checksum of none stays none. */
void packet_sums_set(uint8_t *bytes, const struct packet_parts *p);

uint32_t l4_check_offset(const struct packet_parts *p);

/* For messages: which byte differs first, and both frames in hex. */
void frame_print_difference(const struct frame *got, const struct frame *want);

uint16_t get16(const uint8_t *at);
uint32_t get32(const uint8_t *at);
void put16(uint8_t *at, uint16_t value);
void put32(uint8_t *at, uint32_t value);

#endif
