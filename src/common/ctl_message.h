/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a control frame's body says: requests and replies as JSON, and the table that joins a command's name
 * to the function that answers it. No sockets: ctl_server feeds it, docs/CONTROL.md describes it.
 *
 *   request  {"command": "drain", "args": {"pool": "kv", "backend": "kv1"}}       args may be left out
 *   reply    {"ok": true, "data": ...}   or   {"ok": false, "error": "one line"}
 */
#ifndef TANDEM_COMMON_CTL_MESSAGE_H
#define TANDEM_COMMON_CTL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

struct ctl_request {
	const char *command; /* never NULL */
	const json_t *args;  /* always an object, maybe empty; borrowed */
	bool read_only;      /* came in over the read-only socket */
	uid_t peer_uid;      /* SO_PEERCRED at connect */
	pid_t peer_pid;
};

/* Answers one request; returns a new reference to a whole reply (ctl_reply_ok or ctl_reply_error).
 * NULL is answered as "out of memory". Must not close the server that called it. */
typedef json_t *(*ctl_handler)(void *ctx, const struct ctl_request *request);

enum ctl_access { CTL_READ, CTL_WRITE };

/* One row of a daemon's command table. */
struct ctl_command {
	const char *name;
	enum ctl_access access; /* CTL_WRITE is refused on the read-only socket, and logged with who asked */
	ctl_handler handle;
};

/* Find the request's row and run it. An unknown name is refused with the nearest one that exists. */
json_t *ctl_dispatch(
	const struct ctl_command *table, size_t count, void *ctx, const struct ctl_request *request);

/* {"ok": true, "data": data}; takes the reference over (also when it fails). NULL data means it could not be
 * built: returns NULL, as out of memory does. */
json_t *ctl_reply_ok(json_t *data);

/* {"ok": true, "data": {"message": ...}}: what a command that changes something says. */
json_t *ctl_reply_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* {"ok": false, "error": ...}. Bytes that are not UTF-8 and control characters become '?'. */
json_t *ctl_reply_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Arguments. A missing one gives the fallback; one of another type or out of range gives -EINVAL and an error
 * line in *reply (a new reference, to be returned by the handler). */
int ctl_arg_text(const struct ctl_request *request, const char *key, const char *fallback, const char **out,
	json_t **reply);
int ctl_arg_number(const struct ctl_request *request, const char *key, uint64_t min, uint64_t max,
	uint64_t fallback, uint64_t *out, json_t **reply);

/* Parse a request's body. 0: *root owns what request points into (the caller drops it after the answer);
 * request's read_only and peer fields are left alone. -EINVAL: error has one line. */
int ctl_request_parse(const uint8_t *body, size_t len, struct ctl_request *request, json_t **root,
	char *error, size_t error_size);

/* {"command": command, "args": args}; args is borrowed and may be NULL. NULL when out of memory. */
json_t *ctl_request_build(const char *command, json_t *args);

/* Parse a reply's body: a new reference to an object that is one of the two shapes above, or NULL with one
 * line in error. */
json_t *ctl_reply_parse(const uint8_t *body, size_t len, char *error, size_t error_size);

#endif
