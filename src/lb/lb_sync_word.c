/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync_word.h"

#include <errno.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "common/wire.h"
#include "lb/sync_wire.h"

#define VERSION 1

_Static_assert(LB_SYNC_WORD_BYTES + SYNC_DATAGRAM_MAX <= SECURE_PLAIN_MAX, "it can be sealed");
_Static_assert(LB_SYNC_WORD_BYTES + SYNC_DATAGRAM_MAX + SECURE_OVERHEAD + 8 + 40 <= 1500, "in one frame");

size_t lb_sync_word_write(const struct lb_sync_word *word, uint8_t *out)
{
	struct wire_out w = {.buf = out, .size = LB_SYNC_SIGN_BYTES};

	wire_put_number(&w, VERSION, 1);
	wire_put_number(&w, word->kind, 1);
	wire_put_number(&w, 0, 2);
	wire_put_number(&w, word->boot, 8);
	wire_put_number(&w, word->to, 8);
	if (word->kind == LB_SYNC_SIGN) {
		wire_put_number(&w, word->config_hash, 4);
		wire_put_number(&w, word->heard_ms, 4);
	}
	return w.at;
}

int lb_sync_word_read(struct lb_sync_word *word, const uint8_t *bytes, size_t len)
{
	struct wire_in r = {.buf = bytes, .len = len};
	uint64_t version = wire_get_number(&r, 1), kind = wire_get_number(&r, 1);

	memset(word, 0, sizeof(*word));
	wire_get_number(&r, 2);
	word->boot = wire_get_number(&r, 8);
	word->to = wire_get_number(&r, 8);
	if (r.bad || version != VERSION || !word->boot || (kind != LB_SYNC_SESSION && kind != LB_SYNC_SIGN))
		return -EBADMSG;
	word->kind = (enum lb_sync_kind)kind;
	if (word->kind == LB_SYNC_SIGN) {
		word->config_hash = (uint32_t)wire_get_number(&r, 4);
		word->heard_ms = (uint32_t)wire_get_number(&r, 4);
	}
	return r.bad ? -EBADMSG : 0;
}
