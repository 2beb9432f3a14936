/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tokens of a libconfig text (libconfig manual, chapter 3 "Configuration Files"). Differences, all on
 * the strict side: a string ends on its line, and a number is not followed by a letter. See conf_lex.h.
 */
#include "common/conf_lex.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX 64 /* characters of a number */

void conf_lex_init(struct conf_lex *lex, const char *buf, size_t len)
{
	lex->next = buf;
	lex->end = buf + len;
	lex->line = 1;
	lex->error[0] = '\0';
}

static int peek(const struct conf_lex *lex, size_t ahead)
{
	return (size_t)(lex->end - lex->next) > ahead ? (unsigned char)lex->next[ahead] : -1;
}

static struct conf_token refuse(struct conf_lex *lex, struct conf_token token, const char *why)
{
	snprintf(lex->error, sizeof(lex->error), "%s", why);
	token.type = CONF_TOKEN_ERROR;
	lex->next = lex->end;
	return token;
}

/* Skip blanks and comments. False when a comment does not end; *line is then where it begins. */
static int skip_blank(struct conf_lex *lex, unsigned *line)
{
	for (;;) {
		int c = peek(lex, 0);

		if (c == '\n')
			lex->line++;
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v') {
			lex->next++;
		} else if (c == '#' || (c == '/' && peek(lex, 1) == '/')) {
			while (lex->next < lex->end && *lex->next != '\n')
				lex->next++;
		} else if (c == '/' && peek(lex, 1) == '*') {
			*line = lex->line;
			lex->next += 2;
			while (peek(lex, 0) != '*' || peek(lex, 1) != '/') {
				if (lex->next == lex->end)
					return 0;
				if (*lex->next++ == '\n')
					lex->line++;
			}
			lex->next += 2;
		} else {
			return 1;
		}
	}
}

static struct conf_token string_token(struct conf_lex *lex, struct conf_token token)
{
	lex->next++;
	for (;;) {
		int c = peek(lex, 0);

		if (c == -1 || c == '\n')
			return refuse(lex, token,
				"the string that begins here does not end on its line; "
				"close it with \" (a line break in it is written \\n)");
		if (iscntrl(c) && c != '\t' && !(c == '\r' && peek(lex, 1) == '\n'))
			return refuse(
				lex, token, "a control character stands in a string; write it as \\xHH");
		if (c == '\\' && peek(lex, 1) != -1 && peek(lex, 1) != '\n')
			lex->next++;
		lex->next++;
		if (c == '"')
			break;
	}
	token.type = CONF_TOKEN_STRING;
	token.len = (size_t)(lex->next - token.text);
	return token;
}

/* "@include" and the string after it, on one line. */
static struct conf_token include_token(struct conf_lex *lex, struct conf_token token)
{
	static const char word[] = "@include";
	struct conf_token name;

	if ((size_t)(lex->end - lex->next) < strlen(word) || memcmp(lex->next, word, strlen(word)))
		return refuse(lex, token, "'@' begins nothing but @include \"FILE\"");
	lex->next += strlen(word);
	while (peek(lex, 0) == ' ' || peek(lex, 0) == '\t')
		lex->next++;
	name = token;
	name.text = lex->next;
	if (peek(lex, 0) != '"')
		return refuse(lex, token, "@include without a file name; write @include \"FILE\"");
	name = string_token(lex, name);
	if (name.type == CONF_TOKEN_ERROR)
		return name;
	name.type = CONF_TOKEN_INCLUDE;
	name.text++;
	name.len -= 2;
	return name;
}

static int is_word(int c)
{
	return c != -1 && (isalnum(c) || c == '_' || c == '*' || c == '-');
}

static struct conf_token word_token(struct conf_lex *lex, struct conf_token token)
{
	while (is_word(peek(lex, 0)))
		lex->next++;
	token.len = (size_t)(lex->next - token.text);
	token.type = CONF_TOKEN_NAME;
	if ((token.len == 4 && !strncasecmp(token.text, "true", 4)) ||
		(token.len == 5 && !strncasecmp(token.text, "false", 5)))
		token.type = CONF_TOKEN_BOOL;
	return token;
}

enum number_kind { NUMBER_BAD, NUMBER_DECIMAL, NUMBER_HEX, NUMBER_FLOAT };

static size_t count_of(const char *text, const char *set)
{
	return strspn(text, set);
}

/* What kind of number the terminated text is; an integer's L or LL is cut off. */
static enum number_kind number_kind(char *text)
{
	size_t len = strlen(text), sign = text[0] == '+' || text[0] == '-', digits, at;

	while (len > 1 && text[len - 1] == 'L' && strlen(text) - len < 2)
		len--;
	if (!strncasecmp(text, "0x", 2) && len > 2 &&
		2 + count_of(text + 2, "0123456789abcdefABCDEF") == len) {
		text[len] = '\0';
		return NUMBER_HEX;
	}
	digits = count_of(text + sign, "0123456789");
	if (digits && sign + digits == len) {
		text[len] = '\0';
		return NUMBER_DECIMAL;
	}
	at = sign + digits;
	if (text[at] == '.') {
		size_t fraction = count_of(text + at + 1, "0123456789");

		digits += fraction;
		at += 1 + fraction;
	}
	if (!digits)
		return NUMBER_BAD;
	if (text[at] == 'e' || text[at] == 'E') {
		at++;
		at += text[at] == '+' || text[at] == '-';
		if (!count_of(text + at, "0123456789"))
			return NUMBER_BAD;
		at += count_of(text + at, "0123456789");
	}
	return text[at] ? NUMBER_BAD : NUMBER_FLOAT;
}

static struct conf_token number_token(struct conf_lex *lex, struct conf_token token)
{
	char text[NUMBER_MAX + 1];

	while (is_word(peek(lex, 0)) || peek(lex, 0) == '.' || peek(lex, 0) == '+')
		lex->next++;
	token.len = (size_t)(lex->next - token.text);
	if (token.len > NUMBER_MAX)
		return refuse(lex, token, "a number of more than 64 characters");
	memcpy(text, token.text, token.len);
	text[token.len] = '\0';
	if (number_kind(text) == NUMBER_BAD) {
		char why[160];

		snprintf(why, sizeof(why), "'%s' is not a number; an address or a name goes in quotes", text);
		return refuse(lex, token, why);
	}
	token.type = CONF_TOKEN_NUMBER;
	return token;
}

struct conf_token conf_lex_next(struct conf_lex *lex)
{
	struct conf_token token = {.type = CONF_TOKEN_END};
	char why[64];
	int c;

	if (!skip_blank(lex, &token.line))
		return refuse(lex, token, "the comment that begins here does not end; close it with */");
	token.line = lex->line;
	token.text = lex->next;
	c = peek(lex, 0);
	if (c == -1)
		return token;
	if (c == '"')
		return string_token(lex, token);
	if (c == '@')
		return include_token(lex, token);
	if (isalpha(c) || c == '*')
		return word_token(lex, token);
	if (isdigit(c) || c == '+' || c == '-' || c == '.')
		return number_token(lex, token);
	if (strchr("=:;,{}()[]", c)) {
		lex->next++;
		token.type = CONF_TOKEN_MARK;
		token.len = 1;
		return token;
	}
	snprintf(why, sizeof(why),
		isgraph(c) ? "'%c' has no meaning here; remove it"
			   : "byte 0x%02x has no meaning here; remove it",
		c);
	return refuse(lex, token, why);
}

size_t conf_lex_clean_max(size_t len)
{
	return 2 * len + 32;
}

static long clean_number(const struct conf_token *token, char *out)
{
	char text[NUMBER_MAX + 1], clean[40];
	enum number_kind kind;
	long long value;
	int len;

	memcpy(text, token->text, token->len);
	text[token->len] = '\0';
	kind = number_kind(text);
	errno = 0;
	if (kind == NUMBER_FLOAT) {
		double d = strtod(text, NULL);

		if (!isfinite(d))
			return -ERANGE;
		len = snprintf(clean, sizeof(clean), "%.17g", d);
		if (!strpbrk(clean, ".e"))
			len += snprintf(clean + len, sizeof(clean) - (size_t)len, ".0");
	} else {
		value = strtoll(text, NULL, kind == NUMBER_HEX ? 16 : 10);
		if (errno == ERANGE)
			return -ERANGE;
		len = snprintf(
			clean, sizeof(clean), value < INT_MIN || value > INT_MAX ? "%lldL" : "%lld", value);
	}
	memcpy(out, clean, (size_t)len);
	return len;
}

static long clean_string(const struct conf_token *token, char *out)
{
	char *to = out;

	for (size_t i = 0; i < token->len; i++) {
		const char *c = token->text + i;
		size_t left = token->len - i - 1; /* bytes after this one, the closing quote counted */

		if (*c != '\\') {
			*to++ = *c;
			continue;
		}
		i++; /* the lexer saw to it that a byte follows */
		if (left > 3 && c[1] == 'x' && c[2] == '0' && c[3] == '0') {
			memcpy(to, "\\\\0", 3);
			to += 3;
			i += 2;
			continue;
		}
		if (!(left > 3 && c[1] == 'x' && isxdigit((unsigned char)c[2]) &&
			    isxdigit((unsigned char)c[3])) &&
			!strchr("nrtf\\\"", c[1]))
			*to++ = '\\';
		*to++ = '\\';
		*to++ = c[1];
	}
	return to - out;
}

long conf_lex_clean(const struct conf_token *token, char *out)
{
	if (token->type == CONF_TOKEN_NUMBER)
		return clean_number(token, out);
	if (token->type == CONF_TOKEN_STRING)
		return clean_string(token, out);
	memcpy(out, token->text, token->len);
	return (long)token->len;
}
