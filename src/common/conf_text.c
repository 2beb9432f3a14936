/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading config files, @include, and the clean text with its line map. The order of the tokens is
 * conf_syntax's to judge. See conf_text.h.
 */
#include "common/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf_lex.h"
#include "common/conf_syntax.h"

static const char *path_of(const struct conf_text *text, unsigned file)
{
	return text->files[file].path;
}

/* Add an error for a place in a file that is being read; it comes after all that was written so far. */
static void complain(struct conf_text *text, struct conf_errors *errors, unsigned file, unsigned line,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void complain(struct conf_text *text, struct conf_errors *errors, unsigned file, unsigned line,
	const char *fmt, ...)
{
	char what[CONF_ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	conf_errors_add(errors, text->out_line, "%s:%u: %s", path_of(text, file), line, what);
}

/* ---- the clean text ---- */

static int reserve(struct conf_text *text, size_t more)
{
	size_t room = text->out_room ? text->out_room : 4096;
	char *grown;

	while (room < text->out_len + more + 1)
		room *= 2;
	if (room == text->out_room)
		return 0;
	grown = realloc(text->out, room);
	if (!grown)
		return -ENOMEM;
	text->out = grown;
	text->out_room = room;
	return 0;
}

static int add_segment(struct conf_text *text, unsigned file, unsigned line)
{
	if (text->segment_count == text->segment_room) {
		size_t room = text->segment_room ? 2 * text->segment_room : 16;
		struct conf_segment *grown = realloc(text->segments, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		text->segments = grown;
		text->segment_room = room;
	}
	text->segments[text->segment_count++] = (struct conf_segment){text->out_line, file, line};
	return 0;
}

/*
 * Go to the output line that stands for (file, line). libconfig notes for a string in an array the line of
 * the token after it, so a mark that ends a value stays on the value's line, wherever the author put it.
 */
static int go_to_line(struct conf_text *text, unsigned file, const struct conf_token *token)
{
	const struct conf_segment *now =
		text->segment_count ? &text->segments[text->segment_count - 1] : NULL;
	unsigned at = now ? now->line + (text->out_line - now->out_line) : 0;

	if (now && token->type == CONF_TOKEN_MARK && strchr(",;)]}", *token->text))
		return 0;
	if (now && now->file == file && at <= token->line) {
		if (reserve(text, token->line - at))
			return -ENOMEM;
		memset(text->out + text->out_len, '\n', token->line - at);
		text->out_len += token->line - at;
		text->out_line += token->line - at;
		return 0;
	}
	if (reserve(text, 1))
		return -ENOMEM;
	text->out[text->out_len++] = '\n';
	text->out_line++;
	return add_segment(text, file, token->line);
}

static int emit(
	struct conf_text *text, struct conf_errors *errors, unsigned file, const struct conf_token *token)
{
	long len;

	if (go_to_line(text, file, token) || reserve(text, conf_lex_clean_max(token->len) + 1))
		return -ENOMEM;
	len = conf_lex_clean(token, text->out + text->out_len);
	if (len < 0) {
		complain(text, errors, file, token->line,
			"the number %.*s is too large for any key; "
			"docs/CONFIG.md has the ranges",
			(int)token->len, token->text);
		text->out[text->out_len] = '0'; /* a placeholder, so that further mistakes are found */
		len = 1;
	}
	text->out_len += (size_t)len;
	text->out[text->out_len++] = ' ';
	text->out[text->out_len] = '\0';
	return 0;
}

/* ---- files ---- */

static int read_all(int fd, size_t limit, char **data, size_t *len)
{
	size_t room = 65536;
	char *buf = malloc(room);

	*len = 0;
	while (buf) {
		ssize_t n;

		if (*len == room) {
			char *grown = realloc(buf, room *= 2);

			if (!grown)
				break;
			buf = grown;
		}
		n = read(fd, buf + *len, room - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			free(buf);
			return -err;
		}
		*len += (size_t)n;
		if (n == 0 || *len > limit) {
			*data = buf;
			return 0;
		}
	}
	free(buf);
	return -ENOMEM;
}

/* Why a path cannot be read, in words; NULL when it was read. */
static const char *read_path(const char *path, size_t limit, char **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not block */
	const char *why = NULL;
	struct stat st;
	int err;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st)) {
		why = strerror(errno);
	} else if (S_ISDIR(st.st_mode)) {
		why = "it is a directory";
	} else if (!S_ISREG(st.st_mode)) {
		why = "it is not a regular file";
	} else {
		err = read_all(fd, limit, data, len);
		if (err)
			why = strerror(-err);
	}
	close(fd);
	return why;
}

/* Take over data as a further file, after the checks that do not depend on its syntax. */
static int add_file(struct conf_text *text, char *path, char *data, size_t len, struct conf_errors *errors)
{
	unsigned file = (unsigned)text->file_count, line = 1;
	const char *nul = memchr(data, '\0', len);

	text->files[text->file_count++] = (struct conf_file){path, data, len};
	text->total += len;
	if (text->total > CONF_SIZE_MAX) {
		conf_errors_add(errors, text->out_line,
			"%s: the config has more than %u bytes; make it smaller", path, CONF_SIZE_MAX);
		return -EINVAL;
	}
	if (nul) {
		for (const char *c = data; c < nul; c++)
			line += *c == '\n';
		complain(text, errors, file, line, "a NUL byte stands here; a config is plain text");
		return -EINVAL;
	}
	return 0;
}

/* The included name as seen from the including file. NULL: no memory. */
static char *include_path(const char *from, const char *name, size_t len)
{
	const char *slash = strrchr(from, '/');
	size_t dir = slash && name[0] != '/' ? (size_t)(slash - from) + 1 : 0;
	char *path = malloc(dir + len + 1);

	if (!path)
		return NULL;
	memcpy(path, from, dir);
	memcpy(path + dir, name, len);
	path[dir + len] = '\0';
	return path;
}

static int read_tokens(struct conf_text *text, struct conf_syntax *syntax, unsigned file, unsigned depth,
	struct conf_errors *errors);

static int include(struct conf_text *text, struct conf_syntax *syntax, unsigned file, unsigned depth,
	const struct conf_token *token, struct conf_errors *errors)
{
	unsigned added = (unsigned)text->file_count;
	const char *why = NULL;
	char *path, *data = NULL;
	size_t len = 0;
	int err;

	if (!text->may_include)
		why = "is possible in a file only";
	else if (depth == CONF_INCLUDE_DEPTH_MAX)
		why = "goes deeper than 8 levels; does a file include itself?";
	else if (text->file_count == CONF_FILES_MAX)
		why = "would be file 65 of this config; use at most 64";
	else if (token->len == 0 || memchr(token->text, '\\', token->len))
		why = "needs a file name without '\\'";
	if (why) {
		complain(text, errors, file, token->line, "@include \"%.*s\" %s", (int)token->len,
			token->text, why);
		return -EINVAL;
	}
	path = include_path(path_of(text, file), token->text, token->len);
	if (!path)
		return -ENOMEM;
	why = read_path(path, CONF_SIZE_MAX - text->total, &data, &len);
	if (why) {
		complain(text, errors, file, token->line,
			"cannot read '%s' for @include: %s; "
			"correct the name or remove the line",
			path, why);
		free(path);
		return -EINVAL;
	}
	err = add_file(text, path, data, len, errors);
	return err ? err : read_tokens(text, syntax, added, depth + 1, errors);
}

static int read_tokens(struct conf_text *text, struct conf_syntax *syntax, unsigned file, unsigned depth,
	struct conf_errors *errors)
{
	struct conf_lex lex;
	int err;

	conf_lex_init(&lex, text->files[file].data, text->files[file].len);
	for (;;) {
		struct conf_token token = conf_lex_next(&lex);
		struct conf_fault fault = {.file = file, .line = token.line};

		if (token.type == CONF_TOKEN_ERROR) {
			complain(text, errors, file, token.line, "%s", lex.error);
			return -EINVAL;
		}
		if (token.type == CONF_TOKEN_INCLUDE) {
			err = include(text, syntax, file, depth, &token, errors);
			if (err)
				return err;
			continue;
		}
		if (token.type == CONF_TOKEN_END && depth)
			return 0;
		if (conf_syntax_step(syntax, &token, file, &fault)) {
			complain(text, errors, fault.file, fault.line, "%s", fault.text);
			return -EINVAL;
		}
		if (token.type == CONF_TOKEN_END)
			return 0;
		err = emit(text, errors, file, &token);
		if (err)
			return err;
	}
}

/* The whole config, from the main file on, which stands in files[0]. */
static int read_config(struct conf_text *text, struct conf_errors *errors)
{
	struct conf_syntax *syntax = conf_syntax_new();
	size_t before = errors->count;
	int err;

	if (!syntax)
		return -ENOMEM;
	err = reserve(text, 0);
	if (!err) {
		text->out[0] = '\0';
		err = read_tokens(text, syntax, 0, 0, errors);
	}
	conf_syntax_free(syntax);
	if (!err && errors->count != before)
		err = -EINVAL;
	return err;
}

int conf_text_read_file(struct conf_text *text, const char *path, struct conf_errors *errors)
{
	char *data = NULL, *name;
	const char *why;
	size_t len = 0;
	int err;

	*text = (struct conf_text){.out_line = 1, .may_include = 1};
	why = read_path(path, CONF_SIZE_MAX, &data, &len);
	if (why) {
		conf_errors_add(errors, 0, "%s: cannot read the config: %s; name another one with -c FILE",
			path, why);
		return -EINVAL;
	}
	name = strdup(path);
	if (!name) {
		free(data);
		return -ENOMEM;
	}
	err = add_file(text, name, data, len, errors);
	return err ? err : read_config(text, errors);
}

int conf_text_read_memory(
	struct conf_text *text, const char *name, const void *buf, size_t len, struct conf_errors *errors)
{
	char *path = strdup(name), *data = malloc(len ? len : 1);
	int err;

	*text = (struct conf_text){.out_line = 1};
	if (!path || !data) {
		free(path);
		free(data);
		return -ENOMEM;
	}
	if (len)
		memcpy(data, buf, len);
	err = add_file(text, path, data, len, errors);
	return err ? err : read_config(text, errors);
}

void conf_text_clear(struct conf_text *text)
{
	for (size_t i = 0; i < text->file_count; i++) {
		free(text->files[i].path);
		free(text->files[i].data);
	}
	free(text->segments);
	free(text->out);
	*text = (struct conf_text){0};
}

void conf_text_locate(const struct conf_text *text, unsigned out_line, const char **file, unsigned *line)
{
	size_t low = 0, high = text->segment_count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (text->segments[mid].out_line <= out_line)
			low = mid;
		else
			high = mid;
	}
	*file = text->file_count ? text->files[0].path : "";
	*line = 1;
	if (low < high && text->segments[low].out_line <= out_line) {
		*file = text->files[text->segments[low].file].path;
		*line = text->segments[low].line + (out_line - text->segments[low].out_line);
	}
}
