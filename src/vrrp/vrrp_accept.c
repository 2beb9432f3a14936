/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table is made anew as a whole in one transaction, whatever was there: so it is right also when somebody else
 * changed or flushed it. It hooks input a little before the usual filter, and refuses silently (RFC 9568: discards) what
 * comes from this host as well.
 *
 * libnftables ends the process when the kernel has no netfilter netlink at all, so that is asked first, by hand: does our
 * table exist? That also finds one which a speaker left that was killed.
 */
#include "vrrp/vrrp_accept.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define TABLE_NAME_SIZE 64

struct vrrp_accept {
	struct nft_ctx *nft;
	char table[TABLE_NAME_SIZE];
};

/* tandem_vrrp_NAME; a name with other characters than nft's gets a hash, so that two names stay two. */
static void table_name(const char *name, char table[TABLE_NAME_SIZE])
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	bool plain = strlen(name) <= 32;
	char clean[33] = "";

	for (size_t i = 0; name[i]; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '_';

		hash = (hash ^ (uint8_t)c) * 16777619u;
		plain = plain && good;
		if (i < sizeof(clean) - 1)
			clean[i] = good ? c : '_';
	}
	if (plain)
		snprintf(table, TABLE_NAME_SIZE, "tandem_vrrp_%s", clean);
	else
		snprintf(table, TABLE_NAME_SIZE, "tandem_vrrp_%s_%08x", clean, hash);
}

/* ---- is it there? ---- */

struct question {
	struct nlmsghdr head;
	struct nfgenmsg family;
	struct nlattr name_head;
	char name[TABLE_NAME_SIZE];
};

static int ask(int fd, const char *table)
{
	struct question question = {
		.head = {.nlmsg_len = sizeof(question),
			.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = 1},
		.family = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0},
	};
	struct timeval patience = {.tv_sec = 1};
	union {
		struct nlmsghdr head;
		uint8_t bytes[4096];
	} answer;
	ssize_t len;

	snprintf(question.name, sizeof(question.name), "%s", table);
	question.name_head.nla_type = NFTA_TABLE_NAME;
	question.name_head.nla_len = (uint16_t)(sizeof(question.name_head) + strlen(question.name) + 1);
	question.head.nlmsg_len =
		(uint32_t)(sizeof(question) - sizeof(question.name) + NLMSG_ALIGN(strlen(question.name) + 1));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
		send(fd, &question, question.head.nlmsg_len, 0) < 0)
		return -errno;
	len = recv(fd, &answer, sizeof(answer), 0);
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (len < (ssize_t)sizeof(answer.head))
		return -EBADMSG;
	if (answer.head.nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(&answer.head);

		if (len < (ssize_t)NLMSG_LENGTH(sizeof(*error)))
			return -EBADMSG;
		return error->error;
	}
	return 0;
}

/* 0: it is. -ENOENT: it is not. Else nf_tables cannot be used, and error says why. */
static int look(const char *table, char *error, size_t error_size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int err = fd < 0 ? -errno : ask(fd, table);

	if (fd >= 0)
		close(fd);
	if (!err || err == -ENOENT)
		return err;
	if (err == -EINVAL || err == -EPROTONOSUPPORT || err == -EOPNOTSUPP) {
		snprintf(error, error_size,
			"accept = false: this kernel has no nf_tables; load the module, or set accept = true");
		return -EOPNOTSUPP;
	}
	snprintf(error, error_size, "accept = false: cannot ask nf_tables: %s%s", strerror(-err),
		err == -EPERM ? "; CAP_NET_ADMIN would do" : "");
	return err;
}

/* ---- nft ---- */

/* What nft said, first line, and the errno that it stands for. */
static int explain(struct nft_ctx *nft, const char *table, char *error, size_t error_size)
{
	static const int known[] = {
		EPERM, EOPNOTSUPP, EPROTONOSUPPORT, ENOENT, ENOMEM, EEXIST, EBUSY, ENOBUFS, EINVAL};
	const char *text = nft_ctx_get_error_buffer(nft);
	int len = text ? (int)strcspn(text, "\n") : 0;
	int err = -EIO;

	for (size_t i = 0; len && i < sizeof(known) / sizeof(known[0]); i++) {
		const char *at = strstr(text, strerror(known[i]));

		if (at && at < text + len) {
			err = -known[i];
			break;
		}
	}
	snprintf(error, error_size, "accept = false: nftables refuses table inet %s: %.*s", table,
		len ? len : (int)strlen("no reason given"), len ? text : "no reason given");
	return err;
}

static int open_nft(struct vrrp_accept **out, const char *table)
{
	struct vrrp_accept *accept = calloc(1, sizeof(*accept));

	if (!accept)
		return -ENOMEM;
	snprintf(accept->table, sizeof(accept->table), "%s", table);
	accept->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!accept->nft || nft_ctx_buffer_error(accept->nft) || nft_ctx_buffer_output(accept->nft)) {
		nft_ctx_free(accept->nft);
		free(accept);
		return -ENOMEM;
	}
	*out = accept;
	return 0;
}

static void write_set(FILE *out, const char *name, const char *type, const struct net_addr *refused,
	size_t count, uint8_t family)
{
	char text[ADDR_TEXT_MAX];
	const char *between = " elements = { ";

	fprintf(out, " set %s { type %s;", name, type);
	for (size_t i = 0; i < count; i++) {
		if (refused[i].family != family)
			continue;
		fprintf(out, "%s%s", between, addr_format(&refused[i], text));
		between = ", ";
	}
	fprintf(out, "%s }\n", between[0] == ',' ? " };" : "");
}

/* The whole transaction as nft's text; freed by the caller. NULL: no memory. */
static char *commands(const char *table, const struct net_addr *refused, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	/* adding first makes deleting right whether it is there or not */
	fprintf(out, "add table inet %s\ndelete table inet %s\n", table, table);
	if (count) {
		fprintf(out, "table inet %s {\n", table);
		write_set(out, "refused_ipv4", "ipv4_addr", refused, count, AF_INET);
		write_set(out, "refused_ipv6", "ipv6_addr", refused, count, AF_INET6);
		fprintf(out,
			" chain input {\n"
			"  type filter hook input priority -10; policy accept;\n"
			"  ip daddr @refused_ipv4 drop\n"
			"  ip6 daddr @refused_ipv6 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
			"  ip6 daddr @refused_ipv6 drop\n"
			" }\n}\n");
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int vrrp_accept_set(struct vrrp_accept **accept, const char *name, const struct net_addr *refused,
	size_t count, char *error, size_t error_size)
{
	char table[TABLE_NAME_SIZE], *text;
	int err;

	for (size_t i = 0; i < count; i++)
		if (refused[i].family != AF_INET && refused[i].family != AF_INET6) {
			snprintf(error, error_size, "accept = false: no address where one is expected");
			return -EINVAL;
		}
	table_name(name, table);
	if (!*accept) {
		err = look(table, error, error_size);
		if (!count && (err == -ENOENT || err == -EOPNOTSUPP || err == -EPERM))
			return 0; /* nothing is refused, and nothing of ours is there */
		if (!err || err == -ENOENT)
			err = open_nft(accept, table);
		if (err == -ENOMEM)
			snprintf(error, error_size, "accept = false: cannot open nftables: out of memory");
		if (err)
			return err;
	}
	text = commands((*accept)->table, refused, count);
	if (!text) {
		snprintf(error, error_size, "accept = false: out of memory");
		return -ENOMEM;
	}
	err = nft_run_cmd_from_buffer((*accept)->nft, text) ? -EIO : 0;
	free(text);
	/* read, so that the next call's buffer is its own */
	if (err)
		return explain((*accept)->nft, (*accept)->table, error, error_size);
	nft_ctx_get_output_buffer((*accept)->nft);
	return 0;
}

void vrrp_accept_close(struct vrrp_accept *accept)
{
	char *text;

	if (!accept)
		return;
	text = commands(accept->table, NULL, 0);
	if (text)
		nft_run_cmd_from_buffer(accept->nft, text);
	free(text);
	nft_ctx_free(accept->nft);
	free(accept);
}
