/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table-driven reader over libconfig's tree. conf_text has checked the text before libconfig sees it. See
 * conf.h.
 */
#include "common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/conf_text.h"
#include "common/nearest.h"

#define KNOWN_MAX 32  /* keys in a table, choices of a key */
#define QUOTE_MAX 100 /* characters of a found string that an error shows */

struct conf {
	config_t tree;
	struct conf_text text;
	struct conf_errors *errors;
};

/* ---- open and close ---- */

static int parse(struct conf *conf)
{
	const char *file;
	unsigned line;

	if (config_read_string(&conf->tree, conf->text.out) == CONFIG_TRUE)
		return 0;
	/* conf_syntax refuses what libconfig's grammar would; what is left is a value's type in an array. */
	line = (unsigned)config_error_line(&conf->tree);
	conf_text_locate(&conf->text, line, &file, &line);
	conf_errors_add(conf->errors, (unsigned)config_error_line(&conf->tree),
		"%s:%u: %s; an array [ ] holds values of one type", file, line,
		config_error_text(&conf->tree));
	return -EINVAL;
}

/* Take the text's outcome and go on to the tree. */
static int finish_open(struct conf *conf, int err, struct conf **out)
{
	if (!err)
		err = parse(conf);
	if (err)
		conf_close(conf);
	else
		*out = conf;
	return err;
}

static struct conf *make(struct conf_errors *errors)
{
	struct conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	config_init(&conf->tree);
	conf->errors = errors;
	return conf;
}

int conf_open(const char *path, struct conf **out, struct conf_errors *errors)
{
	struct conf *conf = make(errors);

	*out = NULL;
	return conf ? finish_open(conf, conf_text_read_file(&conf->text, path, errors), out) : -ENOMEM;
}

int conf_open_memory(
	const char *name, const void *buf, size_t len, struct conf **out, struct conf_errors *errors)
{
	struct conf *conf = make(errors);

	*out = NULL;
	if (!conf)
		return -ENOMEM;
	return finish_open(conf, conf_text_read_memory(&conf->text, name, buf, len, errors), out);
}

void conf_close(struct conf *conf)
{
	if (!conf)
		return;
	config_destroy(&conf->tree);
	conf_text_clear(&conf->text);
	free(conf);
}

const config_setting_t *conf_root(const struct conf *conf)
{
	return config_root_setting(&conf->tree);
}

/* ---- places and errors ---- */

static void error_at(const struct conf *conf, const config_setting_t *setting, const char *fmt, va_list args)
{
	char what[CONF_ERROR_TEXT];
	const char *file;
	unsigned line;

	vsnprintf(what, sizeof(what), fmt, args);
	if (!setting || config_setting_is_root(setting)) {
		conf_errors_add(conf->errors, 0, "%s: %s", conf->text.files[0].path, what);
		return;
	}
	conf_text_locate(&conf->text, config_setting_source_line(setting), &file, &line);
	conf_errors_add(conf->errors, config_setting_source_line(setting), "%s:%u: %s", file, line, what);
}

void conf_error(const struct conf *conf, const config_setting_t *group, const char *key, const char *fmt, ...)
{
	const config_setting_t *member = group && key ? config_setting_get_member(group, key) : NULL;
	va_list args;

	if (conf_errors_full(conf->errors)) {
		conf->errors->count++;
		return;
	}
	va_start(args, fmt);
	error_at(conf, member ? member : group, fmt, args);
	va_end(args);
}

bool conf_is_full(const struct conf *conf)
{
	return conf_errors_full(conf->errors);
}

const char *conf_place(const struct conf *conf, const config_setting_t *from, const config_setting_t *setting,
	char buf[CONF_PLACE_MAX])
{
	const char *here, *file;
	unsigned line;

	conf_text_locate(&conf->text, config_setting_source_line(from), &here, &line);
	conf_text_locate(&conf->text, config_setting_source_line(setting), &file, &line);
	if (strcmp(here, file))
		snprintf(buf, CONF_PLACE_MAX, "%s:%u", file, line);
	else
		snprintf(buf, CONF_PLACE_MAX, "line %u", line);
	return buf;
}

const char *conf_label(const config_setting_t *group, const char *what, size_t i, char buf[CONF_LABEL_MAX])
{
	const char *name = NULL;

	config_setting_lookup_string(group, "name", &name);
	if (name && *name)
		snprintf(buf, CONF_LABEL_MAX, "%s '%.63s'", what, name);
	else
		snprintf(buf, CONF_LABEL_MAX, "%s no. %zu", what, i + 1);
	return buf;
}

/* ---- what was found, what would do ---- */

static const char *found(const config_setting_t *setting, char *buf, size_t size)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(setting) ? "true" : "false";
	case CONFIG_TYPE_FLOAT:
		snprintf(buf, size, "the fraction %g", config_setting_get_float(setting));
		return buf;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(buf, size, "%lld", config_setting_get_int64(setting));
		return buf;
	default:
		snprintf(buf, size, "\"%.*s\"", QUOTE_MAX, config_setting_get_string(setting));
		return buf;
	}
}

static size_t choice_names(const struct conf_choice *choices, const char *names[KNOWN_MAX])
{
	size_t n = 0;

	while (n < KNOWN_MAX && choices[n].name) {
		names[n] = choices[n].name;
		n++;
	}
	return n;
}

static size_t key_names(const struct conf_key *keys, const char *names[KNOWN_MAX])
{
	size_t n = 0;

	for (const struct conf_key *k = keys; k->name; k++)
		if (n < KNOWN_MAX && k->type != CONF_UNSUPPORTED)
			names[n++] = k->name;
	return n;
}

static const char *join(const char *const *names, size_t count, const char *quote, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count && len < size; i++)
		len += (size_t)snprintf(
			buf + len, size - len, "%s%s%s%s", i ? ", " : "", quote, names[i], quote);
	return buf;
}

/* The values that a key takes, for the end of an error. */
static const char *wanted(const struct conf_key *key, char *buf, size_t size)
{
	const char *names[KNOWN_MAX];
	char list[200];

	switch (key->type) {
	case CONF_INT:
		snprintf(buf, size, "an integer %lld..%lld", (long long)key->min, (long long)key->max);
		return buf;
	case CONF_BOOL:
		return "true or false";
	case CONF_CHOICE:
		snprintf(buf, size, "one of %s",
			join(names, choice_names(key->choices, names), "\"", list, sizeof(list)));
		return buf;
	case CONF_NAME:
		snprintf(buf, size,
			"a name of 1..%zu letters, digits, '.', '_' or '-', in quotes, "
			"that begins with a letter or digit",
			key->size - 1);
		return buf;
	case CONF_INTERFACE:
		return "a name of 1..15 characters without blanks, '/' and ':'";
	case CONF_ADDRESS:
		return "an IPv4 or IPv6 address in quotes";
	case CONF_GROUP:
		return "a group { KEY = VALUE; ... }";
	case CONF_GROUPS:
		return "a list of groups ( { ... }, { ... } )";
	case CONF_TEXTS:
		return "an array of strings [ \"...\", \"...\" ]";
	default:
		return "a string in quotes";
	}
}

/* "'port' is "80" in X; give an integer 1..65535", with a guess for a choice. */
static void refuse(const struct conf *conf, const config_setting_t *setting, const char *where,
	const struct conf_key *key)
{
	char is[QUOTE_MAX + 40], want[300], guess[80] = "";
	const char *names[KNOWN_MAX], *near = NULL;
	size_t count;

	if (key->type == CONF_CHOICE && config_setting_type(setting) == CONFIG_TYPE_STRING) {
		count = choice_names(key->choices, names);
		near = nearest_word(config_setting_get_string(setting), names, count);
	}
	if (near)
		snprintf(guess, sizeof(guess), "did you mean \"%s\"? ", near);
	conf_error(conf, setting, NULL, "'%s' is %s in %s; %sgive %s", key->name,
		found(setting, is, sizeof(is)), where, guess, wanted(key, want, sizeof(want)));
}

/* ---- values ---- */

static void store_int(void *field, size_t size, int64_t value)
{
	switch (size) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		*(uint64_t *)field = (uint64_t)value;
	}
}

static void store_default(const struct conf_key *key, void *field)
{
	switch (key->type) {
	case CONF_INT:
	case CONF_CHOICE:
		store_int(field, key->size, key->def);
		break;
	case CONF_BOOL:
		*(bool *)field = key->def;
		break;
	case CONF_ELSEWHERE:
	case CONF_UNSUPPORTED:
		break;
	default: /* "", NULL, AF_UNSPEC */
		memset(field, 0, key->size);
	}
}

bool conf_name_is_valid(const char *name, size_t max)
{
	size_t len = strlen(name);

	if (len == 0 || len > max || !isalnum((unsigned char)name[0]))
		return false;
	for (const char *c = name; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._-", *c)))
			return false;
	return true;
}

bool conf_interface_is_valid(const char *name)
{
	if (!*name || strlen(name) > 15 || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/' || *c == ':')
			return false;
	return true;
}

static bool read_int(const struct conf_key *key, const config_setting_t *setting, void *field)
{
	long long value;

	if (config_setting_type(setting) != CONFIG_TYPE_INT &&
		config_setting_type(setting) != CONFIG_TYPE_INT64)
		return false;
	value = config_setting_get_int64(setting);
	if (value < key->min || value > key->max)
		return false;
	store_int(field, key->size, value);
	return true;
}

static bool read_string(const struct conf_key *key, const config_setting_t *setting, void *field)
{
	const char *text = config_setting_get_string(setting);
	struct net_addr addr;

	if (!text)
		return false;
	switch (key->type) {
	case CONF_CHOICE:
		for (const struct conf_choice *c = key->choices; c->name; c++) {
			if (strcmp(c->name, text))
				continue;
			store_int(field, key->size, c->value);
			return true;
		}
		return false;
	case CONF_NAME:
		if (!conf_name_is_valid(text, key->size - 1))
			return false;
		memcpy(field, text, strlen(text) + 1);
		return true;
	case CONF_INTERFACE:
		if (!conf_interface_is_valid(text))
			return false;
		memcpy(field, text, strlen(text) + 1);
		return true;
	case CONF_ADDRESS:
		if (addr_parse(text, &addr))
			return false;
		memcpy(field, &addr, sizeof(addr));
		return true;
	default:
		memcpy(field, &text, sizeof(text));
		return true;
	}
}

/* A list of groups or an array of strings: its shape and length. Says itself what is wrong. */
static bool read_list(const struct conf *conf, const struct conf_key *key, const config_setting_t *setting,
	const char *where, void *field)
{
	bool groups = key->type == CONF_GROUPS, ok = true;
	size_t count;

	if (!config_setting_is_list(setting) && (groups || !config_setting_is_array(setting))) {
		refuse(conf, setting, where, key);
		return false;
	}
	count = conf_length(setting);
	if ((int64_t)count < key->min || (int64_t)count > key->max) {
		conf_error(conf, setting, NULL, "'%s' in %s has %zu elements; give %lld..%lld of them",
			key->name, where, count, (long long)key->min, (long long)key->max);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *element = conf_element(setting, i);
		char is[QUOTE_MAX + 40];

		if (config_setting_type(element) == (groups ? CONFIG_TYPE_GROUP : CONFIG_TYPE_STRING))
			continue;
		conf_error(conf, element, NULL, "element %zu of '%s' in %s is %s; give %s", i + 1, key->name,
			where, found(element, is, sizeof(is)),
			groups ? "a group { KEY = VALUE; ... }" : "a string in quotes");
		ok = false;
	}
	if (ok)
		memcpy(field, &setting, sizeof(setting));
	return ok;
}

static bool read_value(const struct conf *conf, const struct conf_key *key, const config_setting_t *setting,
	const char *where, void *field)
{
	bool ok = false;

	switch (key->type) {
	case CONF_GROUPS:
	case CONF_TEXTS:
		return read_list(conf, key, setting, where, field);
	case CONF_ELSEWHERE:
		return true;
	case CONF_UNSUPPORTED:
		conf_error(conf, setting, NULL, "section '%s' is not supported by this version; remove it",
			key->name);
		return false;
	case CONF_INT:
		ok = read_int(key, setting, field);
		break;
	case CONF_BOOL:
		ok = config_setting_type(setting) == CONFIG_TYPE_BOOL;
		if (ok)
			*(bool *)field = config_setting_get_bool(setting);
		break;
	case CONF_GROUP:
		ok = config_setting_is_group(setting);
		if (ok)
			memcpy(field, &setting, sizeof(setting));
		break;
	default:
		ok = read_string(key, setting, field);
	}
	if (!ok) {
		refuse(conf, setting, where, key);
		return false;
	}
	if (key->type == CONF_ADDRESS && addr_is_unusable(field)) {
		conf_error(conf, setting, NULL,
			"'%s' is %s in %s, which no host can have; give a unicast address", key->name,
			config_setting_get_string(setting), where);
		memset(field, 0, key->size);
		return false;
	}
	return true;
}

/* ---- groups ---- */

static void unknown_key(const struct conf *conf, const config_setting_t *setting, const char *where,
	const struct conf_key *keys)
{
	const char *names[KNOWN_MAX], *name = config_setting_name(setting), *near;
	size_t count = key_names(keys, names);
	char list[400];

	if (conf_errors_full(conf->errors)) {
		conf->errors->count++;
		return;
	}
	near = nearest_word(name, names, count);
	if (near)
		conf_error(conf, setting, NULL, "unknown key '%.63s' in %s; did you mean '%s'?", name, where,
			near);
	else
		conf_error(conf, setting, NULL, "unknown key '%.63s' in %s; the keys here are %s", name,
			where, join(names, count, "", list, sizeof(list)));
}

int conf_read(const struct conf *conf, const config_setting_t *group, const char *where,
	const struct conf_key *keys, void *into)
{
	size_t before = conf->errors->count;
	size_t count = conf_length(group);

	for (size_t i = 0; i < count; i++) {
		const config_setting_t *setting = conf_element(group, i);
		const struct conf_key *key = keys;

		while (key->name && strcmp(key->name, config_setting_name(setting)))
			key++;
		if (!key->name)
			unknown_key(conf, setting, where, keys);
	}
	for (const struct conf_key *key = keys; key->name; key++) {
		const config_setting_t *setting = group ? config_setting_get_member(group, key->name) : NULL;
		void *field = (char *)into + key->offset;
		char want[300];

		store_default(key, field);
		if (setting)
			read_value(conf, key, setting, where, field);
		else if (group && key->required)
			conf_error(conf, group, NULL, "'%s' is missing in %s; give %s", key->name, where,
				wanted(key, want, sizeof(want)));
	}
	return conf->errors->count == before ? 0 : -EINVAL;
}

size_t conf_length(const config_setting_t *list)
{
	return list ? (size_t)config_setting_length(list) : 0;
}

const config_setting_t *conf_element(const config_setting_t *list, size_t i)
{
	return config_setting_get_elem(list, (unsigned)i);
}

const char *conf_element_text(const config_setting_t *list, size_t i)
{
	return config_setting_get_string_elem(list, (int)i);
}
