/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's frame: bytes <-> length of a JSON body. Pure: no I/O, no allocation, no JSON. What a
 * body says is ctl_message's; docs/CONTROL.md describes both.
 *
 *   0      4         6       8             12
 *   | TDCT | version | flags | body length | body: JSON, UTF-8, no NUL at its end |
 *
 * All numbers are big endian. Both directions use the same frame and differ in the cap on the body only.
 */
#ifndef TANDEM_COMMON_CTL_WIRE_H
#define TANDEM_COMMON_CTL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define CTL_WIRE_VERSION     1
#define CTL_WIRE_HEADER      12                  /* bytes before the body */
#define CTL_WIRE_REQUEST_MAX (64u * 1024)        /* bytes of a request's body */
#define CTL_WIRE_REPLY_MAX   (64u * 1024 * 1024) /* bytes of a reply's body */

enum ctl_wire_result {
	CTL_WIRE_DONE,        /* one whole frame */
	CTL_WIRE_MORE,        /* a good beginning: the rest has not come yet */
	CTL_WIRE_BAD_MAGIC,   /* not a control frame at all */
	CTL_WIRE_BAD_VERSION, /* a frame of a version that is not spoken here */
	CTL_WIRE_BAD_FLAGS,   /* a flag that version 1 does not know: its body may mean something else */
	CTL_WIRE_TOO_LONG,    /* the body is announced longer than body_max */
};

struct ctl_wire_frame {
	const uint8_t *body; /* inside the caller's buffer */
	size_t body_len;     /* bytes */
	size_t frame_len;    /* bytes of header and body: what to consume on DONE, what to wait for on MORE
				(0 while the header itself is not whole) */
};

/* Write the 12 bytes before a body of body_len bytes. */
void ctl_wire_header(uint8_t out[CTL_WIRE_HEADER], uint32_t body_len);

/* Look at the len bytes that have come so far; may be called again with more of them. Rejects as soon as the
 * bytes seen cannot become a frame: a wrong first byte is BAD_MAGIC, not MORE. body is set on DONE only. */
enum ctl_wire_result ctl_wire_decode(
	const uint8_t *buf, size_t len, size_t body_max, struct ctl_wire_frame *out);

/* What is wrong, in words for a person; never NULL. */
const char *ctl_wire_explain(enum ctl_wire_result result);

#endif
