/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The escapes in a check's send and expect: \r \n \t \0 \\ \xHH, in a string from which libconfig has taken
 * its own level already ("PING\\r\\n" and "PING\r\n" mean the same). Pure.
 */
#ifndef TANDEM_LB_ESCAPE_H
#define TANDEM_LB_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Write the bytes that text stands for into out (room for strlen(text)). Returns their number, or -EINVAL
 * with *bad at the backslash of the first escape that is none.
 */
long lb_unescape(const char *text, uint8_t *out, const char **bad);

#endif
