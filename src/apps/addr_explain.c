/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of an address, read and explained; see addr_explain.h. */
#include "apps/addr_explain.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PART_SHOWN 40 /* characters of a wrong part that are quoted */

/* One number of an IPv4 text: "10", "012" (octal) or "0xa". */
struct part {
	const char *text;
	size_t len;
	uint64_t value; /* stops growing above 32 bits */
	int base;
};

static int refuse(struct addr_explained *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct addr_explained *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->words, sizeof(out->words), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void say(struct addr_explained *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct addr_explained *out, const char *fmt, ...)
{
	size_t used = strlen(out->words);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->words + used, sizeof(out->words) - used, fmt, ap);
	va_end(ap);
}

static int shown(size_t len)
{
	return len < PART_SHOWN ? (int)len : PART_SHOWN;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static int refuse_character(struct addr_explained *out, const struct part *part, char c)
{
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
		return refuse(out,
			"there is white space in it, at which only inet_aton() would stop and be content");
	if (c == '/')
		return refuse(out, "'/' begins the length of a prefix: that is a network, not an address");
	if (part->base == 8 && c >= '8' && c <= '9')
		return refuse(out, "'%.*s' begins with 0 and so is octal, where there is no digit %c",
			shown(part->len), part->text, c);
	if (part->base == 16 || (c >= '0' && c <= '9'))
		return refuse(out, "'%.*s' is no hexadecimal number", shown(part->len), part->text);
	return refuse(out,
		"'%.*s' is no number: it looks like a name, which a resolver (DNS, /etc/hosts) would have to "
		"be asked for",
		shown(part->len), part->text);
}

static int read_part(struct part *part, struct addr_explained *out)
{
	size_t i = 0;

	if (part->len == 0)
		return refuse(out, "a number is missing before or behind a dot");
	part->base = 10;
	if (part->text[0] == '0' && part->len > 1) {
		part->base = part->text[1] == 'x' || part->text[1] == 'X' ? 16 : 8;
		i = part->base == 16 ? 2 : 1;
	}
	if (i == part->len)
		return refuse(out, "'%.*s' has no digit behind it", shown(part->len), part->text);
	for (part->value = 0; i < part->len; i++) {
		if (digit_of(part->text[i]) >= part->base)
			return refuse_character(out, part, part->text[i]);
		if (part->value <= UINT32_MAX)
			part->value = part->value * (unsigned)part->base + (unsigned)digit_of(part->text[i]);
	}
	return 0;
}

static const char *base_name(int base)
{
	return base == 16 ? "hexadecimal" : base == 8 ? "octal, for its 0 in front" : "decimal";
}

static void say_how_v4(struct addr_explained *out, const struct part *parts, int count)
{
	static const char *const last[5] = {NULL, "the one number is all 32 bits",
		"the last of two numbers fills three bytes", "the last of three numbers fills two bytes",
		"each of four numbers is a byte"};

	if (out->strict) {
		say(out, "dotted quad: four decimal numbers, each a byte");
		return;
	}
	say(out, "an old form, which only inet_aton() and getaddrinfo() read: %s", last[count]);
	for (int i = 0; i < count; i++) {
		if (parts[i].base != 10)
			say(out, "; '%.*s' is %s: %llu", shown(parts[i].len), parts[i].text,
				base_name(parts[i].base), (unsigned long long)parts[i].value);
	}
}

static int explain_v4(const char *text, struct addr_explained *out)
{
	struct part parts[4];
	int count = 0;
	uint32_t value = 0;

	for (const char *at = text;; at++) {
		struct part *part = &parts[count];
		int rc;

		if (count == 4)
			return refuse(out, "more than four numbers");
		part->text = at;
		part->len = strcspn(at, ".");
		rc = read_part(part, out);
		if (rc != 0)
			return rc;
		count++;
		at += part->len;
		if (*at == '\0')
			break;
	}
	for (int i = 0; i < count; i++) {
		int bytes = i < count - 1 ? 1 : 5 - count;
		uint64_t max = (1ull << (8 * bytes)) - 1;

		if (parts[i].value > max)
			return refuse(out, "%.*s does not fit into %d byte%s (0 to %llu)",
				shown(parts[i].len), parts[i].text, bytes, bytes == 1 ? "" : "s",
				(unsigned long long)max);
		value |= (uint32_t)parts[i].value << (i < count - 1 ? 24 - 8 * i : 0);
	}
	out->family = 4;
	for (int i = 0; i < 4; i++)
		out->bytes[i] = (uint8_t)(value >> (24 - 8 * i));
	out->strict = inet_pton(AF_INET, text, &value) == 1;
	say_how_v4(out, parts, count);
	return 0;
}

/* Why inet_pton() refused the groups; it did, so one of the reasons is found. */
static int refuse_v6(const char *text, struct addr_explained *out)
{
	const char *gap = strstr(text, "::");
	int groups = 0;

	if (strchr(text, '[') != NULL || strchr(text, ']') != NULL)
		return refuse(out, "brackets set an address off from a port, as in [::1]:80; they are no "
				   "part of it");
	if (gap != NULL && strstr(gap + 1, "::") != NULL)
		return refuse(out, "'::' can stand for zeros once only: with two nobody knows how many each "
				   "stands for");
	if (text[0] == ':' && text[1] != ':')
		return refuse(out, "it begins with a single ':'");
	for (const char *at = text; *at != '\0';) {
		size_t len = strcspn(at, ":");
		struct part group = {.text = at, .len = len, .base = 16};

		if (memchr(at, '.', len) != NULL && at[len] == '\0') {
			struct in_addr unused;

			if (inet_pton(AF_INET, at, &unused) != 1)
				return refuse(out, "'%.*s' at its end is no dotted quad", shown(len), at);
			groups += 2;
			break;
		}
		for (size_t i = 0; i < len; i++) {
			if (at[i] == '.' && at == text && strchr(at + len + 1, ':') == NULL)
				return refuse(
					out, "behind ':' stands a port, which is no part of an address");
			if (digit_of(at[i]) > 15)
				return at[i] == '/' ? refuse_character(out, &group, '/')
						    : refuse(out, "'%.*s' is no hexadecimal group",
							      shown(len), at);
		}
		if (len > 4)
			return refuse(out, "'%.*s' has more than four hexadecimal digits", shown(len), at);
		groups += len > 0;
		at += len;
		if (at[0] == ':' && at[1] == '\0' && (at == text || at[-1] != ':'))
			return refuse(out, "it ends with a single ':'");
		at += *at == ':';
	}
	if (gap == NULL && groups < 8)
		return refuse(out,
			"%d groups of 16 bits, eight are wanted ('::' would fill it up with zeros)", groups);
	return refuse(out, "%d groups of 16 bits%s, at most %s have room", groups,
		gap != NULL ? " beside '::'" : "", gap != NULL ? "seven" : "eight");
}

static bool is_mapped(const uint8_t bytes[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

static int explain_v6(const char *text, struct addr_explained *out)
{
	const char *gap = strstr(text, "::");
	int groups = 0;

	if (inet_pton(AF_INET6, text, out->bytes) != 1)
		return refuse_v6(text, out);
	out->family = 6;
	out->strict = out->zone[0] == '\0';
	for (const char *at = text; *at != '\0'; at++) {
		bool begins = *at != ':' && (at == text || at[-1] == ':');

		groups += begins ? 1 + (memchr(at, '.', strcspn(at, ":")) != NULL) : 0;
	}
	if (gap != NULL)
		say(out, "groups of 16 bits in hexadecimal, '::' stands for %d of zeros", 8 - groups);
	else
		say(out, "eight groups of 16 bits in hexadecimal");
	if (strchr(text, '.') != NULL)
		say(out, ", the last 32 bits as a dotted quad");
	if (is_mapped(out->bytes))
		say(out, "; IPv4-mapped: so a socket of both families shows an IPv4 peer");
	if (out->zone[0] != '\0')
		say(out, "; behind '%%' the zone, which interface is meant (sin6_scope_id)");
	return 0;
}

int addr_explain(const char *text, struct addr_explained *out)
{
	char before[ADDR_ZONE_MAX];
	const char *zone = strchr(text, '%');
	size_t len = zone != NULL ? (size_t)(zone - text) : 0;

	memset(out, 0, sizeof(*out));
	if (text[0] == '\0')
		return refuse(out, "it is empty");
	if (strchr(text, ':') == NULL && zone == NULL)
		return explain_v4(text, out);
	if (zone == NULL)
		return explain_v6(text, out);
	if (memchr(text, ':', len) == NULL)
		return refuse(out, "a zone ('%%') belongs to IPv6 addresses only");
	if (zone[1] == '\0')
		return refuse(out, "behind '%%' an interface is missing");
	if (len >= sizeof(before) || strlen(zone + 1) >= sizeof(out->zone))
		return refuse(out, "it is longer than any address with a zone");
	memcpy(before, text, len);
	before[len] = '\0';
	memcpy(out->zone, zone + 1, strlen(zone + 1) + 1);
	return explain_v6(before, out);
}

struct use {
	uint8_t prefix[4], bits;
	const char *words;
};

static bool covers(const struct use *use, const uint8_t *bytes)
{
	for (int bit = 0; bit < use->bits; bit++) {
		if ((use->prefix[bit / 8] ^ bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	}
	return true;
}

static const char *use_v4(const uint8_t *bytes)
{
	static const struct use uses[] = {
		{{0}, 8, "this network (RFC 1122), no host on the network has it"},
		{{10}, 8, "private (RFC 1918)"},
		{{100, 64}, 10, "between a provider and its customers (RFC 6598)"},
		{{127}, 8, "loopback: never leaves this machine"},
		{{169, 254}, 16, "link-local (RFC 3927)"},
		{{172, 16}, 12, "private (RFC 1918)"},
		{{192, 0, 2}, 24, "for documents (RFC 5737)"},
		{{192, 168}, 16, "private (RFC 1918)"},
		{{198, 18}, 15, "for benchmarks (RFC 2544)"},
		{{198, 51, 100}, 24, "for documents (RFC 5737)"},
		{{203, 0, 113}, 24, "for documents (RFC 5737)"},
		{{224}, 4, "multicast, once class D (RFC 5771)"},
		{{240}, 4, "reserved, once class E (RFC 1112)"},
	};
	static const uint8_t none[4], all[4] = {255, 255, 255, 255};

	if (memcmp(bytes, none, 4) == 0)
		return "the wildcard (INADDR_ANY): as a server's, every IPv4 address of the machine";
	if (memcmp(bytes, all, 4) == 0)
		return "broadcast on the attached network";
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (covers(&uses[i], bytes))
			return uses[i].words;
	}
	return "global unicast";
}

const char *addr_explain_use(const struct addr_explained *addr)
{
	static const struct use uses[] = {
		{{0x20, 0x01, 0x0d, 0xb8}, 32, "for documents (RFC 3849)"},
		{{0xfe, 0x80}, 10, "link-local: needs a zone to say which link"},
		{{0xfc}, 7, "unique local, the private ones of IPv6 (RFC 4193)"},
		{{0xff}, 8, "multicast (RFC 4291)"},
	};
	static const uint8_t zeros[15];

	if (addr->family == 4)
		return use_v4(addr->bytes);
	if (is_mapped(addr->bytes))
		return use_v4(addr->bytes + 12);
	if (memcmp(addr->bytes, zeros, 15) == 0 && addr->bytes[15] <= 1)
		return addr->bytes[15] == 1
			       ? "loopback: never leaves this machine"
			       : "the wildcard (in6addr_any): as a server's, every address of the machine";
	if (memcmp(addr->bytes, zeros, 12) == 0)
		return "IPv4-compatible: deprecated (RFC 4291)";
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (covers(&uses[i], addr->bytes))
			return uses[i].words;
	}
	return "global unicast";
}
