/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libconfig's grammar (libconfig manual, chapter "Configuration File Grammar") as a machine that takes one
 * token at a time. Stricter in one thing: strings side by side are joined as a key's value only, for in an
 * array it is a forgotten comma. See conf_syntax.h.
 */
#include "common/conf_syntax.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_text.h"

enum expect {
	EXPECT_KEY,    /* in a group: a key, or its end */
	EXPECT_ASSIGN, /* after a key */
	EXPECT_VALUE,  /* after '=' or ',' */
	EXPECT_FIRST,  /* after '(' or '[': a value or the end */
	EXPECT_AFTER,  /* after a value */
};

struct key {
	const char *text;
	size_t len;
	unsigned file, line;
};

struct level { /* an open bracket; the outermost level is the file itself */
	char open;
	unsigned file, line;
	size_t value_count; /* in a list or an array */
	size_t key_count;
	struct key key[CONF_KEYS_MAX];
};

struct conf_syntax {
	enum expect expect;
	bool joins; /* the value before was a string of a key: another may follow */
	size_t depth;
	struct level level[CONF_NESTING_MAX + 1];
};

struct conf_syntax *conf_syntax_new(void)
{
	struct conf_syntax *syntax = malloc(sizeof(*syntax));

	if (!syntax)
		return NULL;
	syntax->expect = EXPECT_KEY;
	syntax->joins = false;
	syntax->depth = 0;
	syntax->level[0].open = '{';
	syntax->level[0].key_count = 0;
	return syntax;
}

void conf_syntax_free(struct conf_syntax *syntax)
{
	free(syntax);
}

static int fault_at(struct conf_fault *fault, unsigned file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fault_at(struct conf_fault *fault, unsigned file, unsigned line, const char *fmt, ...)
{
	va_list args;

	fault->file = file;
	fault->line = line;
	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* The token as a reader sees it. */
static const char *shown(const struct conf_token *token, char *buf, size_t size)
{
	if (token->type == CONF_TOKEN_END)
		return "the end of the file";
	if (token->type == CONF_TOKEN_STRING)
		snprintf(buf, size, "%.*s", (int)(token->len > 40 ? 40 : token->len), token->text);
	else
		snprintf(buf, size, "'%.*s'", (int)(token->len > 40 ? 40 : token->len), token->text);
	return buf;
}

static char closes(char open)
{
	return open == '{' ? '}' : open == '(' ? ')' : ']';
}

static int open_bracket(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	struct level *level = &syntax->level[syntax->depth];

	if (level->open == '[')
		return fault_at(fault, file, token->line,
			"'%c' in an array [ ]; a list of groups goes in ( )", *token->text);
	if (syntax->depth == CONF_NESTING_MAX)
		return fault_at(fault, file, token->line,
			"brackets go deeper than %d levels; "
			"remove some",
			CONF_NESTING_MAX);
	level = &syntax->level[++syntax->depth];
	level->open = *token->text;
	level->file = file;
	level->line = token->line;
	level->key_count = 0;
	level->value_count = 1;
	syntax->expect = level->open == '{' ? EXPECT_KEY : EXPECT_FIRST;
	return 0;
}

static int close_bracket(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	struct level *level = &syntax->level[syntax->depth];

	if (syntax->depth == 0)
		return fault_at(fault, file, token->line, "'%c' closes nothing; remove it", *token->text);
	if (*token->text != closes(level->open))
		return fault_at(fault, file, token->line,
			"'%c' where the '%c' of line %u is still open; "
			"close that with '%c' first",
			*token->text, level->open, level->line, closes(level->open));
	syntax->depth--;
	syntax->expect = EXPECT_AFTER;
	syntax->joins = false;
	return 0;
}

static int take_key(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	struct level *level = &syntax->level[syntax->depth];
	char buf[48];

	if (token->type != CONF_TOKEN_NAME)
		return fault_at(fault, file, token->line, "%s where a key should stand; write KEY = VALUE;",
			shown(token, buf, sizeof(buf)));
	for (size_t i = 0; i < level->key_count; i++)
		if (level->key[i].len == token->len && !memcmp(level->key[i].text, token->text, token->len))
			return fault_at(fault, file, token->line,
				"key %s stands twice in one group, "
				"first in line %u; remove one",
				shown(token, buf, sizeof(buf)), level->key[i].line);
	if (level->key_count == CONF_KEYS_MAX)
		return fault_at(fault, file, token->line, "more than %d keys in one group; remove some",
			CONF_KEYS_MAX);
	level->key[level->key_count++] = (struct key){token->text, token->len, file, token->line};
	syntax->expect = EXPECT_ASSIGN;
	return 0;
}

static int take_value(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	char open = syntax->level[syntax->depth].open, buf[48];

	if (token->type == CONF_TOKEN_MARK && strchr("{([", *token->text))
		return open_bracket(syntax, token, file, fault);
	if (token->type == CONF_TOKEN_MARK && *token->text == closes(open) && open != '{')
		return fault_at(fault, file, token->line, "',' before '%c'; remove the ','", closes(open));
	if (token->type == CONF_TOKEN_NAME)
		return fault_at(fault, file, token->line,
			"%s where a value should stand; "
			"a text goes in quotes, yes and no are true and false",
			shown(token, buf, sizeof(buf)));
	if (token->type == CONF_TOKEN_MARK || token->type == CONF_TOKEN_END)
		return fault_at(fault, file, token->line, "%s where a value should stand",
			shown(token, buf, sizeof(buf)));
	syntax->expect = EXPECT_AFTER;
	syntax->joins = token->type == CONF_TOKEN_STRING && open == '{';
	return 0;
}

/* After a value: a separator, the end, or in a group the next key. */
static int take_after(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	struct level *level = &syntax->level[syntax->depth];
	char mark = token->type == CONF_TOKEN_MARK ? *token->text : '\0', buf[48];

	if (mark && strchr("})]", mark))
		return close_bracket(syntax, token, file, fault);
	if (mark == ',' && level->open != '{' && ++level->value_count > CONF_VALUES_MAX)
		return fault_at(fault, file, token->line, "more than %d values in one list; remove some",
			CONF_VALUES_MAX);
	if (mark == ',' || (mark == ';' && level->open == '{')) {
		syntax->expect = level->open == '{' ? EXPECT_KEY : EXPECT_VALUE;
		return 0;
	}
	if (syntax->joins && token->type == CONF_TOKEN_STRING)
		return 0;
	if (level->open != '{')
		return fault_at(fault, file, token->line, "%s where ',' or '%c' should stand",
			shown(token, buf, sizeof(buf)), closes(level->open));
	if (token->type == CONF_TOKEN_NAME)
		return take_key(syntax, token, file, fault);
	return fault_at(fault, file, token->line, "%s where ';' should end the value before it",
		shown(token, buf, sizeof(buf)));
}

int conf_syntax_step(
	struct conf_syntax *syntax, const struct conf_token *token, unsigned file, struct conf_fault *fault)
{
	const struct level *level = &syntax->level[syntax->depth];
	char mark = token->type == CONF_TOKEN_MARK ? *token->text : '\0', buf[48];

	if (token->type == CONF_TOKEN_END && syntax->depth)
		return fault_at(fault, level->file, level->line,
			"the '%c' that begins here is not closed; "
			"close it with '%c'",
			level->open, closes(level->open));
	switch (syntax->expect) {
	case EXPECT_KEY:
		if (token->type == CONF_TOKEN_END)
			return 0;
		if (mark && strchr("})]", mark))
			return close_bracket(syntax, token, file, fault);
		return take_key(syntax, token, file, fault);
	case EXPECT_ASSIGN:
		if (mark != '=' && mark != ':')
			return fault_at(fault, file, token->line, "%s where '=' should follow the key '%.*s'",
				shown(token, buf, sizeof(buf)), (int)level->key[level->key_count - 1].len,
				level->key[level->key_count - 1].text);
		syntax->expect = EXPECT_VALUE;
		return 0;
	case EXPECT_FIRST:
		if (mark && strchr("})]", mark))
			return close_bracket(syntax, token, file, fault);
		return take_value(syntax, token, file, fault);
	case EXPECT_VALUE:
		return take_value(syntax, token, file, fault);
	case EXPECT_AFTER:
		if (token->type == CONF_TOKEN_END)
			return 0;
		return take_after(syntax, token, file, fault);
	}
	return -EINVAL;
}
