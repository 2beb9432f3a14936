/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, read by tables; see grammar.h. */
#include "ctl/grammar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clean_text.h"
#include "common/nearest.h"

#define WORDS_MAX 64

struct parser {
	const struct grammar_tables *tables;
	struct grammar_line *line;
	int argc;
	char **argv;
	int at;      /* the next word */
	size_t seen; /* arguments by place so far */
	char *error;
	size_t error_size;
};

/* The word in quotes' place of an error line: printable and short. */
static const char *shown(const char *word, char out[64])
{
	clean_text(out, 64, word);
	return out;
}

static int fail(struct parser *p, const char *what, const char *word, const char *near)
{
	char text[64];

	if (near)
		snprintf(p->error, p->error_size, "%s '%s': did you mean '%s'?", what, shown(word, text),
			near);
	else
		snprintf(p->error, p->error_size, "%s '%s'", what, shown(word, text));
	return -EINVAL;
}

/* How a row is called in messages: "--limit", "-n", "POOL". */
static const char *row_name(const struct grammar *row, char out[64])
{
	if (row->long_name)
		snprintf(out, 64, "--%s", row->long_name);
	else if (row->letter)
		snprintf(out, 64, "-%c", row->letter);
	else
		snprintf(out, 64, "%s", row->metavar);
	return out;
}

static int store_number(struct parser *p, json_t *into, const struct grammar *row, const char *value)
{
	char name[64], text[64];
	char *end;

	errno = 0;

	unsigned long long number = strtoull(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || errno || number < row->min || number > row->max) {
		snprintf(p->error, p->error_size,
			"%s: '%s' is not a whole number from %" PRIu64 " to %" PRIu64, row_name(row, name),
			shown(value, text), row->min, row->max);
		return -EINVAL;
	}
	return json_object_set_new(into, row->key, json_integer((json_int_t)number));
}

static int store_target(struct parser *p, json_t *into, const char *value)
{
	const char *slash = strchr(value, '/');
	char text[64];

	if (!slash || slash == value || !slash[1] || strchr(slash + 1, '/')) {
		snprintf(p->error, p->error_size,
			"'%s' does not name a backend: write POOL/BACKEND, as in kv/kv1", shown(value, text));
		return -EINVAL;
	}
	if (json_object_set_new(into, "pool", json_stringn(value, (size_t)(slash - value))) < 0)
		return -1;
	return json_object_set_new(into, "backend", json_string(slash + 1));
}

/* Is value one of the words "a|b|c"? */
static bool is_choice(const char *words, const char *value)
{
	size_t len = strlen(value);

	for (const char *word = words;; word += strcspn(word, "|") + 1) {
		if (strcspn(word, "|") == len && strncmp(word, value, len) == 0)
			return true;
		if (!word[strcspn(word, "|")])
			return false;
	}
}

static int store_choice(struct parser *p, json_t *into, const struct grammar *row, const char *value)
{
	char name[64], text[64];

	if (value[0] && is_choice(row->metavar, value))
		return json_object_set_new(into, row->key, json_string(value));
	snprintf(p->error, p->error_size, "%s: '%s' is none of %s", row_name(row, name), shown(value, text),
		row->metavar);
	return -EINVAL;
}

static int store(struct parser *p, json_t *into, const struct grammar *row, const char *value)
{
	char name[64];
	int rc = 0;

	p->error[0] = '\0';
	switch (row->type) {
	case GRAMMAR_TEXT:
		rc = value[0] ? json_object_set_new(into, row->key, json_string(value)) : -1;
		break;
	case GRAMMAR_NUMBER:
		rc = store_number(p, into, row, value);
		break;
	case GRAMMAR_FLAG:
		rc = json_object_set_new(into, row->key, json_true());
		break;
	case GRAMMAR_TARGET:
		rc = store_target(p, into, value);
		break;
	case GRAMMAR_CHOICE:
		rc = store_choice(p, into, row, value);
		break;
	}
	if (rc < 0 && !p->error[0])
		snprintf(p->error, p->error_size, "%s: the value is empty or not UTF-8", row_name(row, name));
	return rc < 0 ? -EINVAL : 0;
}

static const struct grammar *find_long(const struct grammar *rows, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].long_name && strlen(rows[i].long_name) == len &&
			!strncmp(rows[i].long_name, name, len))
			return &rows[i];
	return NULL;
}

static const struct grammar *find_letter(const struct grammar *rows, size_t count, char letter)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static int unknown_option(struct parser *p, const char *word)
{
	const struct subcommand *command = p->line->command;
	const char *words[WORDS_MAX];
	char near[64];
	size_t n = 0, len = strcspn(word + 2, "=");
	char name[64];

	for (size_t i = 0; i < p->tables->global_count && n < WORDS_MAX; i++)
		if (p->tables->globals[i].long_name)
			words[n++] = p->tables->globals[i].long_name;
	for (size_t i = 0; command && i < command->grammar_count && n < WORDS_MAX; i++)
		if (command->grammar[i].long_name)
			words[n++] = command->grammar[i].long_name;
	snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), word + 2);

	const char *best = nearest_word(name, words, n);

	snprintf(near, sizeof(near), "--%s", best ? best : "");
	return fail(p, "unknown option", word, best ? near : NULL);
}

/* An option's value: what stands behind its '=' or letter, else the next word. */
static int take_option(struct parser *p, const struct grammar *row, bool global, const char *attached)
{
	json_t *into = global ? p->line->globals : p->line->args;
	char name[64];

	if (row->type == GRAMMAR_FLAG) {
		if (!attached)
			return store(p, into, row, "");
		snprintf(p->error, p->error_size, "%s takes no value", row_name(row, name));
		return -EINVAL;
	}
	if (!attached && p->at < p->argc)
		attached = p->argv[p->at++];
	if (!attached) {
		snprintf(p->error, p->error_size, "%s needs a value: %s", row_name(row, name), row->metavar);
		return -EINVAL;
	}
	return store(p, into, row, attached);
}

static int read_long(struct parser *p, const char *word)
{
	const struct subcommand *command = p->line->command;
	size_t len = strcspn(word + 2, "=");
	const char *attached = word[2 + len] ? word + 3 + len : NULL;
	const struct grammar *row =
		command ? find_long(command->grammar, command->grammar_count, word + 2, len) : NULL;

	if (row)
		return take_option(p, row, false, attached);
	row = find_long(p->tables->globals, p->tables->global_count, word + 2, len);
	return row ? take_option(p, row, true, attached) : unknown_option(p, word);
}

static int read_letters(struct parser *p, const char *word)
{
	const struct subcommand *command = p->line->command;

	for (const char *letter = word + 1; *letter; letter++) {
		const struct grammar *row =
			command ? find_letter(command->grammar, command->grammar_count, *letter) : NULL;
		bool global = !row;

		if (!row)
			row = find_letter(p->tables->globals, p->tables->global_count, *letter);
		if (!row)
			return fail(p, "unknown option", word, NULL);
		if (row->type != GRAMMAR_FLAG)
			return take_option(p, row, global, letter[1] ? letter + 1 : NULL);
		if (take_option(p, row, global, NULL) < 0)
			return -EINVAL;
	}
	return 0;
}

static int read_word(struct parser *p, const char *word)
{
	const struct subcommand *command = p->line->command;
	const char *names[WORDS_MAX];
	size_t place = 0, n = 0;

	if (!command) {
		for (; n < p->tables->command_count && n < WORDS_MAX; n++) {
			names[n] = p->tables->commands[n]->name;
			if (strcmp(names[n], word) == 0) {
				p->line->command = p->tables->commands[n];
				return 0;
			}
		}
		return fail(p, "unknown command", word, nearest_word(word, names, n));
	}
	for (size_t i = 0; i < command->grammar_count; i++) {
		const struct grammar *row = &command->grammar[i];

		if (row->long_name || row->letter || place++ < p->seen)
			continue;
		p->seen++;
		return store(p, p->line->args, row, word);
	}
	return fail(p, "there is no place for the argument", word, NULL);
}

static int check_missing(struct parser *p)
{
	const struct subcommand *command = p->line->command;
	size_t place = 0;

	for (size_t i = 0; command && i < command->grammar_count; i++) {
		const struct grammar *row = &command->grammar[i];

		if (row->long_name || row->letter || place++ < p->seen || !row->required)
			continue;
		snprintf(p->error, p->error_size, "%s: %s is missing", command->name, row->metavar);
		return -EINVAL;
	}
	return 0;
}

int grammar_parse(const struct grammar_tables *tables, int argc, char **argv, struct grammar_line *line,
	char *error, size_t error_size)
{
	struct parser p = {.tables = tables,
		.line = line,
		.argc = argc,
		.argv = argv,
		.at = 1,
		.error = error,
		.error_size = error_size};
	bool options = true;
	int rc = 0;

	line->command = NULL;
	line->globals = json_object();
	line->args = json_object();
	while (rc == 0 && p.at < argc) {
		const char *word = argv[p.at++];

		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && word[0] == '-' && word[1] == '-')
			rc = read_long(&p, word);
		else if (options && word[0] == '-' && word[1])
			rc = read_letters(&p, word);
		else
			rc = read_word(&p, word);
	}
	if (rc == 0 && !json_object_get(line->globals, "help"))
		rc = check_missing(&p);
	return rc;
}

void grammar_line_clear(struct grammar_line *line)
{
	json_decref(line->globals);
	json_decref(line->args);
	line->globals = line->args = NULL;
}

void grammar_print_usage(const struct subcommand *command, FILE *file)
{
	fprintf(file, "%s", command->name);
	for (size_t i = 0; i < command->grammar_count; i++) {
		const struct grammar *row = &command->grammar[i];
		const char *value = row->type == GRAMMAR_FLAG ? "" : row->metavar;

		if (!row->long_name && !row->letter)
			fprintf(file, row->required ? " %s" : " [%s]", row->metavar);
		else if (row->letter)
			fprintf(file, " [-%c%s%s]", row->letter, *value ? " " : "", value);
		else
			fprintf(file, " [--%s%s%s]", row->long_name, *value ? " " : "", value);
	}
}

void grammar_print_options(const struct grammar *rows, size_t count, FILE *file)
{
	for (size_t i = 0; i < count; i++) {
		const struct grammar *row = &rows[i];
		const char *value = row->type == GRAMMAR_FLAG || !row->metavar ? "" : row->metavar;
		char left[64];

		if (!row->long_name && !row->letter)
			snprintf(left, sizeof(left), "%s", row->metavar);
		else if (!row->long_name)
			snprintf(left, sizeof(left), "-%c %s", row->letter, value);
		else if (row->letter)
			snprintf(left, sizeof(left), "-%c, --%s %s", row->letter, row->long_name, value);
		else
			snprintf(left, sizeof(left), "    --%s %s", row->long_name, value);
		fprintf(file, "  %-26s %s\n", left, row->help);
	}
}
