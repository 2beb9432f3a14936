/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

void address4(uint32_t *addr, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t bytes[4] = {a, b, c, d};

	memset(addr, 0, 16);
	memcpy(addr, bytes, 4);
}

void address6(uint32_t *addr, uint16_t net, uint16_t host)
{
	uint8_t bytes[16] = {0xfd};

	put16(bytes + 2, net);
	put16(bytes + 14, host);
	memcpy(addr, bytes, 16);
}

/* ---- sums ---- */

uint16_t sum_bytes(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t sum_pseudo(const uint8_t *bytes, const struct packet_parts *p)
{
	uint32_t length = p->end - p->l4;
	uint32_t sum = p->protocol + (length >> 16) + (length & 0xffff);

	if (p->family == 6)
		return sum_bytes(bytes + p->l3 + 8, 32, sum);
	return p->protocol == IPPROTO_ICMP ? 0 : sum_bytes(bytes + p->l3 + 12, 8, sum);
}

uint32_t l4_check_offset(const struct packet_parts *p)
{
	return p->l4 + (p->protocol == IPPROTO_TCP ? 16 : p->protocol == IPPROTO_UDP ? 6 : 2);
}

bool packet_sums_right(const uint8_t *bytes, const struct packet_parts *p)
{
	if (p->family == 4 && sum_bytes(bytes + p->l3, p->l4 - p->l3, 0) != 0xffff)
		return false;
	if (p->protocol == IPPROTO_UDP && p->family == 4 && !get16(bytes + l4_check_offset(p)))
		return true;
	return sum_bytes(bytes + p->l4, p->end - p->l4, sum_pseudo(bytes, p)) == 0xffff;
}

void packet_sums_set(uint8_t *bytes, const struct packet_parts *p)
{
	uint8_t *check = bytes + l4_check_offset(p);
	uint16_t sum;

	if (p->family == 4) {
		put16(bytes + p->l3 + 10, 0);
		put16(bytes + p->l3 + 10, (uint16_t)~sum_bytes(bytes + p->l3, p->l4 - p->l3, 0));
	}
	if (!p->whole || (p->protocol == IPPROTO_UDP && p->family == 4 && !get16(check)))
		return;
	put16(check, 0);
	sum = (uint16_t)~sum_bytes(bytes + p->l4, p->end - p->l4, sum_pseudo(bytes, p));
	put16(check, p->protocol == IPPROTO_UDP && !sum ? 0xffff : sum);
}

/* ---- build ---- */

static uint32_t build_l3(const struct packet_spec *s, struct frame *f, uint32_t l4_bytes)
{
	uint8_t *ip = f->bytes + ETH_BYTES;
	uint32_t head = s->family == 4 ? 20 + 4 * s->option_words : 40 + 8 * s->extensions;

	memset(f->bytes, 0, ETH_BYTES + head);
	memset(f->bytes + 6, 0x0a, 6);
	put16(f->bytes + 12, s->family == 4 ? 0x0800 : 0x86dd);
	if (s->family == 4) {
		ip[0] = (uint8_t)(0x40 | head / 4);
		ip[1] = s->fill; /* type of service: must survive */
		put16(ip + 2, (uint16_t)(head + l4_bytes));
		put16(ip + 4, (uint16_t)(s->seq ^ 0x1234));
		put16(ip + 6, s->dont_fragment ? 0x4000 : 0);
		ip[8] = s->ttl ? s->ttl : 64;
		ip[9] = s->protocol;
		memcpy(ip + 12, s->from.addr, 4);
		memcpy(ip + 16, s->to.addr, 4);
		memset(ip + 20, 1, 4 * s->option_words); /* no operation */
		return ETH_BYTES + head;
	}
	ip[0] = 0x60;
	ip[3] = s->fill; /* flow label */
	put16(ip + 4, (uint16_t)(head - 40 + l4_bytes));
	ip[6] = s->extensions ? IPPROTO_DSTOPTS : s->protocol;
	ip[7] = s->ttl ? s->ttl : 64;
	memcpy(ip + 8, s->from.addr, 16);
	memcpy(ip + 24, s->to.addr, 16);
	for (int i = 0; i < s->extensions; i++) {
		uint8_t *ext = ip + 40 + 8 * i;

		ext[0] = i + 1 < s->extensions ? IPPROTO_DSTOPTS : s->protocol;
		ext[2] = 1; /* PadN of four */
		ext[3] = 4;
	}
	return ETH_BYTES + head;
}

void packet_build(const struct packet_spec *s, struct frame *f)
{
	uint32_t head = s->protocol == IPPROTO_TCP ? 20 + 4 * s->tcp_option_words : 8;
	uint32_t at = build_l3(s, f, head + s->payload);
	uint8_t *l4 = f->bytes + at;
	struct packet_parts p;

	memset(l4, 0, head);
	put16(l4, s->from.port);
	put16(l4 + 2, s->to.port);
	if (s->protocol == IPPROTO_TCP) {
		put32(l4 + 4, s->seq);
		put32(l4 + 8, s->ack);
		l4[12] = (uint8_t)(head / 4 << 4);
		l4[13] = s->tcp_flags;
		put16(l4 + 14, 0x7210);
		memset(l4 + 20, 1, 4 * s->tcp_option_words);
	} else {
		put16(l4 + 4, (uint16_t)(head + s->payload));
		put16(l4 + 6, s->no_checksum ? 0 : 1);
	}
	for (uint32_t i = 0; i < s->payload; i++)
		l4[head + i] = (uint8_t)(s->fill + i * 151);
	f->length = at + head + s->payload;
	p = frame_parse(f);
	packet_sums_set(f->bytes, &p);
}

void packet_fragment(const struct frame *whole, uint32_t at, uint32_t size, uint32_t id, struct frame *out)
{
	struct packet_parts p = frame_parse(whole);
	bool v6 = p.family == 6;
	uint32_t base = v6 ? p.l3 + 40 : p.l4,
		 all = p.end - base; /* extensions of ours are all fragmentable */
	uint32_t head = v6 ? base + 8 : base;
	uint8_t *ip = out->bytes + p.l3;
	bool more;

	size = size > all - at ? all - at : size;
	more = at + size < all;
	memcpy(out->bytes, whole->bytes, base);
	memcpy(out->bytes + head, whole->bytes + base + at, size);
	out->length = head + size;
	if (v6) {
		uint8_t *ext = out->bytes + base;

		put16(ip + 4, (uint16_t)(8 + size));
		ext[0] = ip[6];
		ext[1] = 0;
		put16(ext + 2, (uint16_t)(at | more));
		put32(ext + 4, id);
		ip[6] = IPPROTO_FRAGMENT;
		return;
	}
	put16(ip + 2, (uint16_t)(head - p.l3 + size));
	put16(ip + 4, (uint16_t)id);
	put16(ip + 6, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~sum_bytes(ip, head - p.l3, 0));
}

void packet_error(const struct frame *quoted, const uint32_t *from, uint8_t type, uint8_t code, uint32_t word,
	uint32_t quote, struct frame *out)
{
	int v6 = get16(quoted->bytes + 12) == 0x86dd;
	struct packet_spec s = {.family = v6 ? 6 : 4, .protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP};
	uint32_t at, have = quoted->length - ETH_BYTES;
	struct packet_parts p;

	quote = quote > have ? have : quote;
	memcpy(s.from.addr, from, 16);
	memcpy(s.to.addr, quoted->bytes + ETH_BYTES + (v6 ? 8 : 12), v6 ? 16 : 4);
	at = build_l3(&s, out, 8 + quote);
	out->bytes[at] = type;
	out->bytes[at + 1] = code;
	put16(out->bytes + at + 2, 0);
	put32(out->bytes + at + 4, word);
	memcpy(out->bytes + at + 8, quoted->bytes + ETH_BYTES, quote);
	out->length = at + 8 + quote;
	p = frame_parse(out);
	packet_sums_set(out->bytes, &p);
}

/* ---- parse ---- */

static bool parse_ipv4(struct packet_parts *p, const uint8_t *bytes, uint32_t length, bool cut)
{
	const uint8_t *ip = bytes + p->l3;
	uint32_t head = (ip[0] & 15) * 4u, offset;

	if (p->l3 + 20 > length || ip[0] >> 4 != 4 || head < 20)
		return false;
	p->l4 = p->l3 + head;
	p->end = p->l3 + get16(ip + 2);
	offset = get16(ip + 6);
	p->fragment = offset & 0x3fff;
	p->later = offset & 0x1fff;
	p->fragment_id = get16(ip + 4);
	p->ttl = ip[8];
	p->protocol = ip[9];
	memcpy(p->src, ip + 12, 4);
	memcpy(p->dst, ip + 16, 4);
	return cut || (p->end <= length && p->end >= p->l4);
}

static bool parse_ipv6(struct packet_parts *p, const uint8_t *bytes, uint32_t length, bool cut)
{
	const uint8_t *ip = bytes + p->l3;
	uint8_t next;

	if (p->l3 + 40 > length || ip[0] >> 4 != 6)
		return false;
	p->end = p->l3 + 40 + get16(ip + 4);
	p->ttl = ip[7];
	memcpy(p->src, ip + 8, 16);
	memcpy(p->dst, ip + 24, 16);
	p->l4 = p->l3 + 40;
	next = ip[6];
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
		next == IPPROTO_FRAGMENT) {
		const uint8_t *ext = bytes + p->l4;

		if (p->l4 + 8 > length || ++p->extensions > 6)
			return false;
		if (next == IPPROTO_FRAGMENT) {
			p->fragment |= get16(ext + 2) & 0xfff9;
			p->later = get16(ext + 2) & 0xfff8;
			p->fragment_id = get32(ext + 4);
			p->l4 += 8;
		} else {
			p->l4 += 8 + 8u * ext[1];
		}
		next = ext[0];
		if (p->later)
			break;
	}
	p->protocol = next;
	return cut || (p->end <= length && p->end >= p->l4);
}

struct packet_parts packet_parse(const uint8_t *bytes, uint32_t length, uint32_t l3, int family, bool cut)
{
	struct packet_parts p = {.family = family, .l3 = l3};
	const uint8_t *l4;
	uint32_t need;

	if (l3 >= length ||
		!(family == 4 ? parse_ipv4(&p, bytes, length, cut) : parse_ipv6(&p, bytes, length, cut)))
		return p;
	if (p.later) {
		p.ok = true;
		return p;
	}
	need = cut ? 4 : p.protocol == IPPROTO_TCP ? 20 : 8;
	if (p.protocol != IPPROTO_TCP && p.protocol != IPPROTO_UDP &&
		p.protocol != (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return p;
	if (p.l4 + need > (cut ? length : p.end))
		return p;
	l4 = bytes + p.l4;
	p.ok = true;
	p.whole = !p.fragment && p.end <= length;
	if (p.protocol != IPPROTO_TCP && p.protocol != IPPROTO_UDP)
		return p;
	p.sport = get16(l4);
	p.dport = get16(l4 + 2);
	if (p.protocol == IPPROTO_TCP && need == 20) {
		p.seq = get32(l4 + 4);
		p.ack = get32(l4 + 8);
		p.tcp_flags = l4[13];
	}
	return p;
}

struct packet_parts frame_parse(const struct frame *f)
{
	struct packet_parts none = {.ok = false};
	uint16_t type = get16(f->bytes + 12);

	if (f->length <= ETH_BYTES || (type != 0x0800 && type != 0x86dd))
		return none;
	return packet_parse(f->bytes, f->length, ETH_BYTES, type == 0x0800 ? 4 : 6, false);
}

void frame_print_difference(const struct frame *got, const struct frame *want)
{
	uint32_t at = 0;

	while (at < got->length && at < want->length && got->bytes[at] == want->bytes[at])
		at++;
	fprintf(stderr, "first difference at byte %u; lengths: got %u, want %u\n", at, got->length,
		want->length);
	for (int which = 0; which < 2; which++) {
		const struct frame *f = which ? want : got;

		fprintf(stderr, "%s", which ? "want" : "got ");
		for (uint32_t i = 0; i < f->length && i < 160; i++)
			fprintf(stderr, "%s%02x", i == ETH_BYTES || i % 16 == 0 ? " " : "", f->bytes[i]);
		fprintf(stderr, "\n");
	}
}

/* ---- what asks the stack ---- */

static void to_icmp(struct frame *f, int family, uint8_t type)
{
	struct packet_parts p;

	f->bytes[ETH_BYTES + (family == 6 ? 6 : 9)] = family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	p = frame_parse(f);
	memset(f->bytes + p.l4, 0, 8);
	f->bytes[p.l4] = type;
}

static void sum_up(struct frame *f)
{
	struct packet_parts p = frame_parse(f);

	packet_sums_set(f->bytes, &p);
}

void packet_ping(int family, const struct endpoint *from, const struct endpoint *to, struct frame *f)
{
	struct packet_spec s = {
		.family = family, .protocol = IPPROTO_UDP, .from = *from, .to = *to, .payload = 20};

	packet_build(&s, f);
	to_icmp(f, family, family == 6 ? 128 : 8);
	sum_up(f);
}

void packet_arp(const struct endpoint *from, const struct endpoint *to, uint16_t operation, struct frame *f)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4};

	memset(f, 0, sizeof(*f));
	f->length = 60;
	memset(f->bytes, 0xff, 6);
	put16(f->bytes + 12, 0x0806);
	memcpy(f->bytes + 14, head, sizeof(head));
	put16(f->bytes + 20, operation);
	memcpy(f->bytes + 28, from->addr, 4);
	memcpy(f->bytes + 38, to->addr, 4);
}

void packet_solicit(
	const struct endpoint *from, const struct endpoint *target, bool to_group, struct frame *f)
{
	const uint8_t group[13] = {0xff, 2, [11] = 1, [12] = 0xff};
	struct packet_spec s = {
		.family = 6, .protocol = IPPROTO_UDP, .ttl = 255, .from = *from, .to = *target};

	if (to_group)
		memcpy(s.to.addr, group, sizeof(group));
	s.payload = 16; /* the target's address, behind a head of eight bytes */
	packet_build(&s, f);
	if (to_group)
		memcpy(f->bytes, (uint8_t[]){0x33, 0x33}, 2);
	to_icmp(f, 6, 135);
	memcpy(f->bytes + ETH_BYTES + 40 + 8, target->addr, 16);
	sum_up(f);
}
