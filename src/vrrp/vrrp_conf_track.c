/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables and the reading of tracks and commands. See vrrp_conf_track.h and docs/CONFIG.md. */
#include "vrrp/vrrp_conf_track.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX       4095 /* bytes of a word of a command, and of a path (PATH_MAX without its NUL) */
#define TIMEOUT_MS_MAX 60000u

/* ---- paths, users, commands ---- */

static bool path_is_valid(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && len <= WORD_MAX && path[len - 1] != '/';
}

/* As a login name may be: also with '_' first, as those of services. */
static bool user_is_valid(const char *user)
{
	size_t len = strlen(user);

	if (len == 0 || len > VRRP_NAME_MAX || *user == '-')
		return false;
	for (const char *c = user; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._-", *c)))
			return false;
	return true;
}

static int copy_word(const struct conf *conf, const config_setting_t *list, size_t i, const char *key,
	const char *where, struct vrrp_command *out)
{
	const char *word = conf_element_text(list, i);

	if (i == 0 && !path_is_valid(word))
		conf_error(conf, conf_element(list, i), NULL,
			"'%s' in %s begins with \"%.63s\"; "
			"give the program's absolute path, as \"/usr/local/lib/tandem/%s\"",
			key, where, word, key);
	else if (strlen(word) > WORD_MAX)
		conf_error(conf, conf_element(list, i), NULL,
			"word %zu of '%s' in %s has %zu bytes; give at most %d", i + 1, key, where,
			strlen(word), WORD_MAX);
	out->argv[i] = strdup(word);
	return out->argv[i] ? 0 : -ENOMEM;
}

int vrrp_conf_command(const struct conf *conf, const config_setting_t *group, const char *key,
	const config_setting_t *list, const char *user, const char *where, struct vrrp_command *out)
{
	int err = 0;

	for (size_t i = 0; i < conf_length(list) && !err; i++)
		err = copy_word(conf, list, i, key, where, out);
	if (err || !user)
		return err;
	if (user_is_valid(user))
		strcpy(out->user, user);
	else
		conf_error(conf, group, "user", "'user' is \"%.63s\" in %s; give a login name", user, where);
	return 0;
}

/* ---- tracks ---- */

struct raw_track {
	struct vrrp_track track;
	const config_setting_t *script;
	const char *file, *user;
};

static const struct conf_key track_keys[] = {
	{"interface", CONF_INTERFACE, false, CONF_AT(struct raw_track, track.interface)},
	{"script", CONF_TEXTS, false, CONF_AT(struct raw_track, script), 1, VRRP_ARGS_MAX},
	{"file", CONF_TEXT, false, CONF_AT(struct raw_track, file)},
	{"pool", CONF_NAME, false, CONF_AT(struct raw_track, track.pool)},
	{"weight", CONF_INT, false, CONF_AT(struct raw_track, track.weight), -253, 253, 0},
	{"interval_ms", CONF_INT, false, CONF_AT(struct raw_track, track.interval_ms), 100, 3600000, 1000},
	{"timeout_ms", CONF_INT, false, CONF_AT(struct raw_track, track.script.timeout_ms), 10,
		TIMEOUT_MS_MAX, 0},
	{"rise", CONF_INT, false, CONF_AT(struct raw_track, track.rise), 1, 100, 1},
	{"fall", CONF_INT, false, CONF_AT(struct raw_track, track.fall), 1, 100, 1},
	{"user", CONF_TEXT, false, CONF_AT(struct raw_track, user)},
	{"min_backends", CONF_INT, false, CONF_AT(struct raw_track, track.min_backends), 1, 256, 1},
	{0},
};

/* The key that makes a track one of that kind; index is enum vrrp_track_kind. */
static const char *const kind_keys[] = {"interface", "script", "file", "pool"};
#define KIND_COUNT (sizeof(kind_keys) / sizeof(kind_keys[0]))
#define KIND(kind) (1u << (kind))

/* Keys that say something to some kinds only. */
static const struct {
	const char *key;
	unsigned kinds;
} kind_only[] = {
	{"interval_ms", KIND(VRRP_TRACK_SCRIPT) | KIND(VRRP_TRACK_POOL)},
	{"timeout_ms", KIND(VRRP_TRACK_SCRIPT)},
	{"rise", KIND(VRRP_TRACK_SCRIPT)},
	{"fall", KIND(VRRP_TRACK_SCRIPT)},
	{"user", KIND(VRRP_TRACK_SCRIPT)},
	{"min_backends", KIND(VRRP_TRACK_POOL)},
};

static const char *kind_names(unsigned kinds, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < KIND_COUNT && len < size; i++)
		if (kinds & KIND(i))
			len += (size_t)snprintf(
				buf + len, size - len, "%s%s", len ? " or " : "", kind_keys[i]);
	return buf;
}

/* What kind it is: by its one key of kind_keys. False when that is not clear, which is said. */
static bool read_kind(
	const struct conf *conf, const config_setting_t *group, const char *where, enum vrrp_track_kind *out)
{
	const char *first = NULL;

	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (!config_setting_get_member(group, kind_keys[i]))
			continue;
		if (first) {
			conf_error(conf, group, kind_keys[i],
				"'%s' stands beside '%s' in %s; make a track for each", kind_keys[i], first,
				where);
			return false;
		}
		first = kind_keys[i];
		*out = (enum vrrp_track_kind)i;
	}
	if (!first)
		conf_error(conf, group, NULL,
			"%s tracks nothing; give one of interface, script, file or pool", where);
	return first;
}

static void check_keys(
	const struct conf *conf, const config_setting_t *group, const char *where, enum vrrp_track_kind kind)
{
	char names[64];

	for (size_t i = 0; i < sizeof(kind_only) / sizeof(kind_only[0]); i++)
		if (!(kind_only[i].kinds & KIND(kind)) && config_setting_get_member(group, kind_only[i].key))
			conf_error(conf, group, kind_only[i].key,
				"'%s' in %s is for tracks of a %s only; remove it", kind_only[i].key, where,
				kind_names(kind_only[i].kinds, names, sizeof(names)));
}

static int read_track(
	const struct conf *conf, const config_setting_t *group, const char *where, struct vrrp_track *out)
{
	struct raw_track raw = {0};
	bool sound = !conf_read(conf, group, where, track_keys, &raw);
	uint32_t most;

	*out = raw.track;
	if (!read_kind(conf, group, where, &out->kind))
		return 0;
	check_keys(conf, group, where, out->kind);
	if (raw.file && !path_is_valid(raw.file))
		conf_error(conf, group, "file", "'file' is \"%.63s\" in %s; give an absolute path", raw.file,
			where);
	if (raw.file) {
		out->file = strdup(raw.file);
		return out->file ? 0 : -ENOMEM;
	}
	if (out->kind != VRRP_TRACK_SCRIPT)
		return 0;
	most = out->interval_ms < TIMEOUT_MS_MAX ? out->interval_ms : TIMEOUT_MS_MAX;
	if (!out->script.timeout_ms)
		out->script.timeout_ms = most;
	if (sound && out->script.timeout_ms > most)
		conf_error(conf, group, "timeout_ms",
			"'timeout_ms' is %u in %s, longer than its interval_ms %u; "
			"give 10..%u",
			out->script.timeout_ms, where, out->interval_ms, most);
	return vrrp_conf_command(conf, group, "script", raw.script, raw.user, where, &out->script);
}

int vrrp_conf_tracks(const struct conf *conf, const config_setting_t *list, const char *where,
	struct vrrp_track **out, size_t *count)
{
	size_t length = conf_length(list);
	int err = 0;

	*out = NULL;
	*count = 0;
	if (!length)
		return 0;
	*out = calloc(length, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	*count = length;
	for (size_t i = 0; i < length && !err; i++) {
		char track[CONF_LABEL_MAX], label[2 * CONF_LABEL_MAX + 8];
		const config_setting_t *group = conf_element(list, i);

		snprintf(label, sizeof(label), "%s of %s", conf_label(group, "track", i, track), where);
		err = read_track(conf, group, label, &(*out)[i]);
	}
	return err;
}
