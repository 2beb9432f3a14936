/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, answers, and their tally; see hello_words.h. */
#include "apps/hello_words.h"

#include <stdio.h>
#include <string.h>

size_t hello_message(size_t number, char out[HELLO_MESSAGE_MAX])
{
	return (size_t)snprintf(out, HELLO_MESSAGE_MAX, "hello %zu;", number % 100000);
}

size_t hello_answer(size_t read, size_t got, size_t whole, const char *bytes, char out[HELLO_LINE_MAX])
{
	size_t len = (size_t)snprintf(out, HELLO_LINE_MAX, "read %zu: %zu of %zu bytes: ", read, got, whole);

	for (size_t i = 0; i < got && i < HELLO_SHOWN_MAX; i++)
		out[len++] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
	out[len++] = '\n';
	out[len] = '\0';
	return len;
}

void hello_tally_init(struct hello_tally *tally)
{
	*tally = (struct hello_tally){.order = true};
}

/* The byte at that place of all messages in a row. */
static char byte_at(size_t place)
{
	char text[HELLO_MESSAGE_MAX];
	size_t len;

	for (size_t number = 1;; number++) {
		len = hello_message(number, text);
		if (place < len)
			return text[place];
		place -= len;
	}
}

static bool is_message(const char *bytes, size_t len)
{
	char text[HELLO_MESSAGE_MAX];

	for (size_t number = 1; number <= HELLO_COUNT_MAX; number++)
		if (hello_message(number, text) == len && memcmp(text, bytes, len) == 0)
			return true;
	return false;
}

void hello_tally_line(struct hello_tally *tally, const char *line)
{
	size_t read, got, whole;
	int used = 0;

	if (sscanf(line, "read %zu: %zu of %zu bytes:%n", &read, &got, &whole, &used) < 3 || used == 0 ||
		line[used] != ' ' || strlen(line + used + 1) != got || got > whole ||
		whole > HELLO_SHOWN_MAX || tally->reads > HELLO_SHOWN_MAX) {
		tally->strange = true;
		return;
	}
	line += used + 1;
	tally->reads++;
	tally->got += got;
	tally->lost += whole - got;
	tally->exact += got == whole && is_message(line, got);
	for (size_t i = 0; i < got; i++)
		tally->order &= line[i] == byte_at(tally->next + i);
	tally->next += whole;
}
