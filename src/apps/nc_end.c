/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a TCP connection ended; see nc_end.h. */
#include "apps/nc_end.h"

#include <errno.h>

enum nc_end nc_end_of(const struct nc_story *story, int error)
{
	switch (error) {
	case ECONNREFUSED:
		return NC_END_REFUSED;
	case ECONNRESET:
		return NC_END_RESET;
	case EPIPE: /* so Linux names an RST that comes after the peer's FIN */
		return story->fin_received ? NC_END_RESET : NC_END_OTHER;
	case ETIMEDOUT:
		return NC_END_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ENOPROTOOPT: /* ICMP: protocol unreachable */
		return NC_END_UNREACHABLE;
	default:
		return NC_END_OTHER;
	}
}

const char *nc_end_words(const struct nc_story *story, enum nc_end end)
{
	switch (end) {
	case NC_END_FIN:
		return "FIN from both sides: an orderly end";
	case NC_END_RESET:
		return story->fin_received
			       ? "RST after the peer's FIN: it had closed both directions, what we sent is lost"
			       : "RST from the peer: what was on the way is lost";
	case NC_END_REFUSED:
		return "RST instead of a handshake: the machine is there, but nobody listens on the port";
	case NC_END_TIMEOUT:
		return story->connected
			       ? "time-out: the peer acknowledges (or has room for) nothing any more; neither FIN nor RST came"
			       : "time-out: no answer at all to the SYN (not even RST): a filter, or nobody there";
	case NC_END_UNREACHABLE:
		return story->connected ? "unreachable: ICMP says so, neither FIN nor RST came"
					: "unreachable: no route, no neighbour, or ICMP says so";
	case NC_END_QUIET:
		return "quiet: nothing came for as long as --idle-ms says; neither FIN nor RST, the connection is "
		       "still up";
	case NC_END_OTHER:
		break;
	}
	return "another error";
}
