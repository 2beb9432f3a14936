/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hello_client and hello_server say to each other, and what follows from the answers. The client sends messages
 * "hello 1;", "hello 2;", ...; for each read the server answers with a line that says what that one got. Pure.
 */
#ifndef TANDEM_APPS_HELLO_WORDS_H
#define TANDEM_APPS_HELLO_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define HELLO_COUNT_MAX   64   /* messages of a client */
#define HELLO_MESSAGE_MAX 16   /* bytes of one, with a NUL */
#define HELLO_LINE_MAX    1200 /* bytes of an answer, with a NUL */
#define HELLO_SHOWN_MAX   1024 /* bytes of a read that an answer repeats: every message of a client has room */
#define HELLO_LEAVE       "leave" /* asks the server to close without reading it */

/* "hello 7;" without a NUL at its end counting; its length. */
size_t hello_message(size_t number, char out[HELLO_MESSAGE_MAX]);

/* The answer to a read: its number, how many bytes it got of a message of how many (a stream: the same), and the
 * bytes. Returns the length; ends in a newline. What is not printable ASCII is shown as '?'. */
size_t hello_answer(size_t read, size_t got, size_t whole, const char *bytes, char out[HELLO_LINE_MAX]);

struct hello_tally {
	size_t reads, got, lost; /* lost: bytes of messages that had no room in the buffer of a read */
	size_t exact;            /* reads that got one whole message */
	size_t next;             /* of the bytes of all messages in their order: how many have come */
	bool order;              /* so far the bytes came in the order of sending */
	bool strange;            /* there was a line that is no answer */
};

void hello_tally_init(struct hello_tally *tally);

/* One line of an answer, without its newline. */
void hello_tally_line(struct hello_tally *tally, const char *line);

#endif
