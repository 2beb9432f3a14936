/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a TCP connection ended, told from the errno the kernel gave and from what had happened before; in words
 * and as simple_nc's exit status. Pure. States and segments as in RFC 9293.
 */
#ifndef TANDEM_APPS_NC_END_H
#define TANDEM_APPS_NC_END_H

#include <stdbool.h>

/* The values are the exit status; 2 is a mistake on the command line. */
enum nc_end {
	NC_END_FIN = 0,         /* both sides have sent FIN: an orderly end */
	NC_END_OTHER = 1,       /* no name, no socket, no standard output */
	NC_END_RESET = 3,       /* RST in a connection */
	NC_END_REFUSED = 4,     /* RST instead of a connection */
	NC_END_TIMEOUT = 5,     /* nobody answers the SYN, or acknowledges our data */
	NC_END_UNREACHABLE = 6, /* no route, or ICMP says so */
	NC_END_QUIET = 7,       /* the connection lives, but nothing came for as long as we would wait */
};

struct nc_story {
	bool connected;
	bool fin_sent, fin_received;
};

/* What error (an errno) of the socket means at this point. */
enum nc_end nc_end_of(const struct nc_story *story, int error);

/* One line about it; a static text. */
const char *nc_end_words(const struct nc_story *story, enum nc_end end);

#endif
