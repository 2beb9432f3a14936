/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair's channel: authenticated, encrypted datagrams between two processes that share a key (XChaCha20-Poly1305,
 * libsodium). Bytes in, bytes out: no socket, no clock, no log; randomness is libsodium's.
 *
 * One object is one path to one peer: a session of its own, with its own sequence. Both sides draw a boot nonce when the
 * object is made. A session key belongs to a direction: it is derived from the shared key, a label (what the channel is
 * for), the sender's nonce and the receiver's. So nothing recorded before a restart of either side is worth anything after
 * it. How the nonces meet:
 *
 *   hello  carries the sender's nonce (in clear), and sealed by a key made of it: a fresh challenge, and the echo of the
 *          receiver's last challenge. A nonce is believed only from a hello that echoes our newest challenge: an old hello
 *          played back cannot. secure_dgram_inside.h has the whole story.
 *   data   is sealed by the session key. The replay window moves only after the tag was right.
 *
 * Wire: "TDSD" | version 1 | kind | flags 0 | reserved | key id 8 | sender's nonce 16 | sequence 8 | sealed.
 */
#ifndef TANDEM_COMMON_SECURE_DGRAM_H
#define TANDEM_COMMON_SECURE_DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECURE_KEY_BYTES 32
#define SECURE_KEYS_MAX  4
#define SECURE_OVERHEAD  (40 + 16) /* header, tag */
#define SECURE_PLAIN_MAX 1400      /* a datagram that passes any path of ours unfragmented */
#define SECURE_DGRAM_MAX (SECURE_PLAIN_MAX + SECURE_OVERHEAD)

/* The first is used to send, all are accepted: a new key is added behind the old one on both nodes, then put before it on
 * both, then the old one is taken away. */
struct secure_keys {
	size_t count;
	uint8_t key[SECURE_KEYS_MAX][SECURE_KEY_BYTES];
};

/* Read a key file: lines of 64 hexadecimal digits, comments from '#'. It must be a regular file that only its owner may
 * read, owned by root or us. 0, or -errno with one line in error (never with a key in it). */
int secure_keys_load(const char *path, struct secure_keys *out, char *error, size_t error_size);
#define SECURE_WARNING_MAX 512
/* For who checks a config: would that file keep the pair from coming up, here and now? Then one line says so: a warning, for
 * whoever runs goes on without, and looks again. */
bool secure_keys_warn(const char *path, char *line, size_t size);
/* Overwrite them in memory. */
void secure_keys_forget(struct secure_keys *keys);
/* One new key as the line that a key file holds (without newline), out of 65 bytes. */
void secure_key_make(char out[2 * SECURE_KEY_BYTES + 1]);

/* What became of a datagram that came. The first two carry no payload for the caller or one; the rest are refusals, each
 * with a counter of its name. */
enum secure_verdict {
	SECURE_OK,      /* payload */
	SECURE_HELLO,   /* part of the handshake; answer with a hello if secure_dgram_wants_hello() */
	SECURE_SHORT,   /* no datagram of ours */
	SECURE_VERSION, /* another version of the format */
	SECURE_KEY,     /* made with a key that we do not have */
	SECURE_TAG,     /* forged or damaged */
	SECURE_STALE,   /* of a session that is over, or not begun (so may be a forgery, then): say hello */
	SECURE_REPLAY,  /* seen before, or too old */
	SECURE_OWN,     /* our own, come back */
	SECURE_VERDICTS
};
const char *secure_verdict_name(enum secure_verdict verdict); /* "ok", "hello", "short", ... */

struct secure_dgram;

/* label: at most 16 characters ("beacon", "sync"); channels of different labels cannot be mixed up. keys are copied. 0,
 * -ENOMEM, -EINVAL without a key, -EIO when libsodium cannot begin. */
int secure_dgram_open(struct secure_dgram **out, const char *label, const struct secure_keys *keys);
void secure_dgram_close(struct secure_dgram *channel); /* keys are overwritten; NULL is fine */

/* The name of this node, the same for all of its channels: a hello of the same name is SECURE_OWN. Two paths of one node
 * cannot be joined then by somebody who sends the datagrams of one back by the other. "": no name, as in the beginning. */
void secure_dgram_set_node(struct secure_dgram *channel, const char *name);

/* Other keys from now on, at least one (else nothing changes). The session goes on when its key, the one that the peer
 * used last, is still among them. */
void secure_dgram_set_keys(struct secure_dgram *channel, const struct secure_keys *keys);

/* Has the peer's nonce been proved, so that data can be sent? */
bool secure_dgram_is_ready(const struct secure_dgram *channel);
/* A number that differs for every boot of the peer's side (0 before the first session). */
uint64_t secure_dgram_session(const struct secure_dgram *channel);

/* Should a hello be sent now: no session yet that both sides are sure of, or the peer asked. Look after every datagram that
 * came, too; the caller limits the rate (a few a second will do). */
bool secure_dgram_wants_hello(const struct secure_dgram *channel);
/* Write a hello; its length. */
size_t secure_dgram_hello(struct secure_dgram *channel, uint8_t out[SECURE_DGRAM_MAX]);

/* Seal len <= SECURE_PLAIN_MAX bytes. Its length, -ENOTCONN without a session, -EMSGSIZE. */
int secure_dgram_seal(
	struct secure_dgram *channel, const uint8_t *plain, size_t len, uint8_t out[SECURE_DGRAM_MAX]);

/* Judge what came; SECURE_OK: *plain_len bytes are in plain. in may be anything of any length. */
enum secure_verdict secure_dgram_receive(struct secure_dgram *channel, const uint8_t *in, size_t len,
	uint8_t plain[SECURE_PLAIN_MAX], size_t *plain_len);

struct secure_counters {
	uint64_t sent, hellos_sent, verdicts[SECURE_VERDICTS];
};
void secure_dgram_counters(const struct secure_dgram *channel, struct secure_counters *out);

#endif
