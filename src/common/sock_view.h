/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket as people read it (cells of a table) and as programs do (a JSON object). Names of interfaces are
 * asked of the kernel, of this process's network namespace.
 */
#ifndef TANDEM_COMMON_SOCK_VIEW_H
#define TANDEM_COMMON_SOCK_VIEW_H

#include <jansson.h>

#include "common/sock_diag.h"
#include "common/sock_owner.h"

#define SOCK_VIEW_TEXT 192

/* "10.0.0.1:80", "[::]:80%eth0", "0.0.0.0 protocol 112", a path, "@abstract name", "eth0 0x0800", "eth0 sends only"; "*" for none, a port 0
 * too. Clean, and all of it fits. Both return out. */
const char *sock_view_local(const struct sock_row *row, char out[SOCK_VIEW_TEXT]);
const char *sock_view_peer(const struct sock_row *row, char out[SOCK_VIEW_TEXT]);

/* "kv_store(12)", "a(1) b(2)", "a(1) b(2) and 3 more"; "-" when no process that can be looked into has it. Returns out. */
const char *sock_view_owners(
	const struct sock_row *row, const struct sock_owners *owners, char out[SOCK_VIEW_TEXT]);

/* Everything of the row, and its owners as "processes"; NULL without memory. What does not apply is left out. */
json_t *sock_view_json(const struct sock_row *row, const struct sock_owners *owners);

#endif
