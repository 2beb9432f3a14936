/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A strict, table-driven reader of libconfig files: a table says which keys a group may have, of which type
 * and range, what stands when they are absent, and where the value goes. Everything that does not fit becomes
 * one line in conf_errors. Knows no section of tandem's: each daemon brings its own tables.
 */
#ifndef TANDEM_COMMON_CONF_H
#define TANDEM_COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libconfig.h>

#include "common/conf_error.h"

struct conf; /* a parsed file */

/*
 * Read a file, or bytes in memory (called `name` in errors, without @include). 0 with *out set, to be closed
 * by the caller; -EINVAL with errors added, or -ENOMEM, with *out NULL. The errors stay with the conf.
 */
int conf_open(const char *path, struct conf **out, struct conf_errors *errors);
int conf_open_memory(
	const char *name, const void *buf, size_t len, struct conf **out, struct conf_errors *errors);
void conf_close(struct conf *conf);

const config_setting_t *conf_root(const struct conf *conf);

enum conf_type {
	CONF_INT,       /* unsigned integer field of 1, 2, 4 or 8 bytes; min..max, else def */
	CONF_BOOL,      /* bool, else def */
	CONF_CHOICE,    /* an int-sized enum; a string among choices, else def */
	CONF_NAME,      /* char array: letters, digits, '.', '_', '-', the first a letter or digit; else "" */
	CONF_TEXT,      /* const char *, borrowed until conf_close(); else NULL */
	CONF_ADDRESS,   /* struct net_addr that a host can have; else AF_UNSPEC */
	CONF_GROUP,     /* const config_setting_t *, for a conf_read() of its own; else NULL */
	CONF_GROUPS,    /* the same, a list of min..max groups */
	CONF_TEXTS,     /* the same, an array of min..max strings */
	CONF_INTERFACE, /* char array of IFNAMSIZ: a network interface's name; else "" */
	CONF_ELSEWHERE, /* known, but read by another program: not looked at; nothing is stored */
	CONF_UNSUPPORTED, /* a section that this version refuses; nothing is stored */
};

struct conf_choice {
	const char *name; /* NULL ends a table */
	int value;
};

struct conf_key {
	const char *name; /* NULL ends a table */
	enum conf_type type;
	bool required;
	size_t offset, size; /* of the field: CONF_AT() */
	int64_t min, max, def;
	const struct conf_choice *choices;
};

/* A row is { "key", TYPE, required, CONF_AT(struct, field), min, max, def, choices }; the tail may be left
 * out. */
#define CONF_AT(type, field) .offset = offsetof(type, field), .size = sizeof(((type *)0)->field)

/*
 * Read a group by its table into `into`. `where` names the group in errors ("pool 'kv'"). Every field of the
 * table is set: to its value, or to its default when the key is absent or wrong. A group of NULL is an absent
 * one: defaults only, and required keys are not missed. 0, or -EINVAL when errors were added.
 */
int conf_read(const struct conf *conf, const config_setting_t *group, const char *where,
	const struct conf_key *keys, void *into);

/* Elements of a CONF_GROUPS or CONF_TEXTS field; 0 for NULL. */
size_t conf_length(const config_setting_t *list);
const config_setting_t *conf_element(const config_setting_t *list, size_t i);
const char *conf_element_text(const config_setting_t *list, size_t i);

#define CONF_LABEL_MAX 96

/* Write "what 'name'" for a group with a name, else "what no. N" (from 1), into buf; returns buf. */
const char *conf_label(const config_setting_t *group, const char *what, size_t i, char buf[CONF_LABEL_MAX]);

/* Add an error at a group's key, or at the group itself when key is NULL or absent from it. A group of NULL
 * is the file as a whole. */
void conf_error(const struct conf *conf, const config_setting_t *group, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* True when a further error would only be counted: what is costly to say need not be found out. */
bool conf_is_full(const struct conf *conf);

#define CONF_PLACE_MAX 160

/* Write where `setting` stands, for a text about `from`: "line 4", or "FILE:4" in another file; returns buf.
 */
const char *conf_place(const struct conf *conf, const config_setting_t *from, const config_setting_t *setting,
	char buf[CONF_PLACE_MAX]);

/* True for a name that CONF_NAME takes, of 1..max characters. */
bool conf_name_is_valid(const char *name, size_t max);

/* True for a name that a network interface can have, as the kernel's dev_valid_name() (ASCII only). */
bool conf_interface_is_valid(const char *name);

#endif
