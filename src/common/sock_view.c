/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket as text and as JSON; see sock_view.h. */
#include "common/sock_view.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "common/clean_text.h"

#define OWNERS_SHOWN   3
#define EVERY_PROTOCOL 3 /* ETH_P_ALL */

static const char *interface_of(const struct sock_row *row, char out[IF_NAMESIZE + 8])
{
	if (row->interface == 0)
		out[0] = '\0';
	else if (if_indextoname(row->interface, out) == NULL)
		snprintf(out, IF_NAMESIZE + 8, "if%u", row->interface);
	return out;
}

/* Abstract names may have a NUL anywhere: each is shown as '@'. */
static const char *path_of(const struct sock_row *row, char out[SOCK_VIEW_TEXT])
{
	char raw[SOCK_PATH_MAX + 1];
	size_t len = row->path_len;

	/* The kernel counts the NUL that ends a path. */
	if (len > 0 && row->path[0] != '\0')
		len = strnlen((const char *)row->path, len);
	memcpy(raw, row->path, len);
	raw[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (raw[i] == '\0')
			raw[i] = '@';
	clean_text(out, SOCK_VIEW_TEXT, raw);
	return out;
}

static const char *ip_end(const struct sock_row *row, const struct net_addr *addr, uint16_t port,
	const char *interface, char out[SOCK_VIEW_TEXT])
{
	char text[ADDR_TEXT_MAX], number[16] = "*";

	addr_format(addr, text);
	if (port)
		snprintf(number, sizeof(number), "%u", port);
	if (row->kind == SOCK_KIND_RAW)
		snprintf(number, sizeof(number), "protocol %u", row->protocol);
	snprintf(out, SOCK_VIEW_TEXT,
		row->kind == SOCK_KIND_RAW ? "%s%s%s %s"
		: addr->family == AF_INET6 ? "[%s]%s%s:%s"
					   : "%s%s%s:%s",
		text, *interface ? "%" : "", interface, number);
	return out;
}

const char *sock_view_local(const struct sock_row *row, char out[SOCK_VIEW_TEXT])
{
	char interface[IF_NAMESIZE + 8];

	interface_of(row, interface);
	if (row->kind == SOCK_KIND_UNIX) {
		path_of(row, out);
		if (*out == '\0')
			strcpy(out, "*");
	} else if (row->kind == SOCK_KIND_PACKET) {
		if (row->protocol == EVERY_PROTOCOL)
			snprintf(out, SOCK_VIEW_TEXT, "%s every protocol", *interface ? interface : "*");
		else if (row->protocol == 0) /* hears nothing */
			snprintf(out, SOCK_VIEW_TEXT, "%s sends only", *interface ? interface : "*");
		else
			snprintf(out, SOCK_VIEW_TEXT, "%s 0x%04x", *interface ? interface : "*",
				row->protocol);
	} else {
		ip_end(row, &row->local, row->local_port, interface, out);
	}
	return out;
}

static bool is_any(const struct net_addr *addr)
{
	static const uint8_t none[16];

	return memcmp(addr->bytes, none, sizeof(none)) == 0;
}

static bool has_peer(const struct sock_row *row)
{
	return row->kind != SOCK_KIND_UNIX && row->kind != SOCK_KIND_PACKET &&
	       (row->peer_port != 0 || !is_any(&row->peer));
}

const char *sock_view_peer(const struct sock_row *row, char out[SOCK_VIEW_TEXT])
{
	if (row->kind == SOCK_KIND_UNIX && row->peer_inode)
		snprintf(out, SOCK_VIEW_TEXT, "inode %u", row->peer_inode);
	else if (has_peer(row))
		ip_end(row, &row->peer, row->peer_port, "", out);
	else
		strcpy(out, "*");
	return out;
}

const char *sock_view_owners(
	const struct sock_row *row, const struct sock_owners *owners, char out[SOCK_VIEW_TEXT])
{
	size_t count, shown = 0, len = 0, more = 0;
	const struct sock_owner *owner = sock_owners_of(owners, row->inode, &count);

	strcpy(out, "-");
	for (size_t i = 0; i < count; i++) {
		char name[SOCK_OWNER_NAME + 4];

		if (i > 0 && owner[i].pid == owner[i - 1].pid)
			continue; /* it has it twice */
		if (shown == OWNERS_SHOWN) {
			more++;
			continue;
		}
		clean_text(name, sizeof(name), owner[i].name);
		len += (size_t)snprintf(out + len, SOCK_VIEW_TEXT - len, "%s%s(%d)", shown ? " " : "", name,
			(int)owner[i].pid);
		shown++;
	}
	if (more)
		snprintf(out + len, SOCK_VIEW_TEXT - len, " and %zu more", more);
	return out;
}

/* ---- JSON ---- */

static void set_number(json_t *object, const char *key, uint32_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void set_ip(json_t *object, const struct sock_row *row)
{
	char text[ADDR_TEXT_MAX];

	json_object_set_new(object, "family", json_string(row->local.family == AF_INET ? "ipv4" : "ipv6"));
	json_object_set_new(object, "local_address", json_string(addr_format(&row->local, text)));
	if (has_peer(row))
		json_object_set_new(object, "peer_address", json_string(addr_format(&row->peer, text)));
	if (row->kind == SOCK_KIND_RAW) {
		set_number(object, "ip_protocol", row->protocol);
		return;
	}
	set_number(object, "local_port", row->local_port);
	if (has_peer(row))
		set_number(object, "peer_port", row->peer_port);
	if (row->local.family == AF_INET6)
		json_object_set_new(object, "v6only", json_boolean(row->v6only));
}

static void set_queues(json_t *object, const struct sock_row *row)
{
	bool listens = row->state == SOCK_STATE_LISTEN;

	set_number(object, listens ? "backlog" : "recv_queue", row->recv_queue);
	set_number(object, listens ? "backlog_max" : "send_queue", row->send_queue);
	set_number(object, "drops", row->drops);
}

static void set_timer(json_t *object, const struct sock_row *row)
{
	static const char *const names[] = {"none", "retransmit", "keepalive", "time-wait", "probe"};

	if (row->timer == 0)
		return;
	json_object_set_new(object, "timer", json_string(row->timer < 5 ? names[row->timer] : "other"));
	set_number(object, "timer_ms", row->timer_ms);
	set_number(object, "retransmits", row->retransmits);
}

static json_t *processes(const struct sock_row *row, const struct sock_owners *owners)
{
	size_t count;
	const struct sock_owner *owner = sock_owners_of(owners, row->inode, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		char name[SOCK_OWNER_NAME + 4];

		clean_text(name, sizeof(name), owner[i].name);
		json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "name", name, "pid", (int)owner[i].pid,
						    "fd", owner[i].fd));
	}
	return list;
}

json_t *sock_view_json(const struct sock_row *row, const struct sock_owners *owners)
{
	json_t *object = json_object();
	char text[SOCK_VIEW_TEXT], interface[IF_NAMESIZE + 8];

	json_object_set_new(object, "protocol", json_string(sock_kind_name(row->kind)));
	json_object_set_new(object, "type", json_string(sock_type_name(row->type)));
	json_object_set_new(object, "state", json_string(sock_state_name(row->kind, row->state)));
	if (row->kind == SOCK_KIND_UNIX) {
		if (row->path_len)
			json_object_set_new(object, "path", json_string(path_of(row, text)));
		if (row->peer_inode)
			set_number(object, "peer_inode", row->peer_inode);
	} else if (row->kind == SOCK_KIND_PACKET) {
		set_number(object, "ethernet_protocol", row->protocol);
	} else {
		set_ip(object, row);
	}
	if (row->interface)
		json_object_set_new(object, "interface", json_string(interface_of(row, interface)));
	set_queues(object, row);
	set_timer(object, row);
	set_number(object, "inode", row->inode);
	set_number(object, "uid", row->uid);
	json_object_set_new(object, "processes", processes(row, owners));
	return object;
}
