/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair's channel: its keys, sessions, and datagrams with data; see secure_dgram.h. secure_hello.c has what leads to a
 * session, secure_key.c the key file.
 *
 * Every key that seals is made for one purpose: keyed BLAKE2b of the format's name, the label, the kind of datagram, the
 * sender's nonce and the receiver's. The nonce of the cipher is the sequence number, which never repeats under such a key:
 * a sender counts on as long as its own nonce lives, whoever its peer is. The whole header is authenticated.
 */
#include "common/secure_dgram_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/wire.h"

static const char DOMAIN[] = "tandem pair 1";

_Static_assert(SECURE_OVERHEAD == HEADER_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES, "header and tag");
_Static_assert(SECURE_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key of the cipher");
_Static_assert(SECURE_KEY_BYTES == crypto_generichash_KEYBYTES, "a key of the hash");

/* ---- keys ---- */

static void make_key_id(const uint8_t key[SECURE_KEY_BYTES], uint8_t out[KEY_ID_BYTES])
{
	uint8_t hash[SECURE_KEY_BYTES];

	/* Shorter than the hash may be; what is cut off says nothing about other hashes under the key, for the
	 * input of those is longer. */
	crypto_generichash(
		hash, sizeof(hash), (const uint8_t *)DOMAIN, sizeof(DOMAIN), key, SECURE_KEY_BYTES);
	memcpy(out, hash, KEY_ID_BYTES);
	sodium_memzero(hash, sizeof(hash));
}

void secure_derive(const struct secure_dgram *channel, size_t index, enum secure_kind kind,
	const uint8_t sender[NONCE_BYTES], const uint8_t *receiver, uint8_t out[SECURE_KEY_BYTES])
{
	uint8_t text[sizeof(DOMAIN) + LABEL_MAX + 1 + 2 * NONCE_BYTES] = {0};
	struct wire_out w = {.buf = text, .size = sizeof(text)};

	wire_put(&w, DOMAIN, sizeof(DOMAIN));
	wire_put(&w, channel->label, LABEL_MAX);
	wire_put_number(&w, kind, 1);
	wire_put(&w, sender, NONCE_BYTES);
	if (receiver)
		wire_put(&w, receiver, NONCE_BYTES);
	crypto_generichash(
		out, SECURE_KEY_BYTES, text, sizeof(text), channel->keys.key[index], SECURE_KEY_BYTES);
}

static void derive_session(struct secure_dgram *channel)
{
	secure_derive(channel, 0, SECURE_KIND_DATA, channel->nonce, channel->peer.nonce, channel->send_key);
	for (size_t i = 0; i < channel->keys.count; i++)
		secure_derive(channel, i, SECURE_KIND_DATA, channel->peer.nonce, channel->nonce,
			channel->receive_keys[i]);
}

static void take_keys(struct secure_dgram *channel, const struct secure_keys *keys)
{
	channel->keys = *keys;
	for (size_t i = 0; i < keys->count; i++)
		make_key_id(keys->key[i], channel->key_ids[i]);
}

/* Index of the shared key with this id, or -1. */
static int find_key(const struct secure_dgram *channel, const uint8_t id[KEY_ID_BYTES])
{
	for (size_t i = 0; i < channel->keys.count; i++)
		if (memcmp(channel->key_ids[i], id, KEY_ID_BYTES) == 0)
			return (int)i;
	return -1;
}

void secure_dgram_set_keys(struct secure_dgram *channel, const struct secure_keys *keys)
{
	bool goes_on = false;

	if (keys->count == 0 || keys->count > SECURE_KEYS_MAX)
		return;
	take_keys(channel, keys);
	sodium_memzero(channel->candidates, sizeof(channel->candidates));
	for (size_t i = 0; channel->peer.used && i < keys->count; i++)
		goes_on |= sodium_memcmp(keys->key[i], channel->session_key, SECURE_KEY_BYTES) == 0;
	if (goes_on)
		derive_session(channel);
	else
		secure_disbelieve(channel);
}

/* ---- sessions ---- */

static struct secure_past *find_past(struct secure_dgram *channel, const uint8_t nonce[NONCE_BYTES])
{
	for (size_t i = 0; i < PAST_MAX; i++)
		if (memcmp(channel->past[i].nonce, nonce, NONCE_BYTES) == 0)
			return &channel->past[i];
	return NULL;
}

/* The present peer's. */
static void keep_window(struct secure_dgram *channel)
{
	struct secure_past *past = find_past(channel, channel->peer.nonce);

	if (!past) {
		past = &channel->past[channel->past_next];
		channel->past_next = (channel->past_next + 1) % PAST_MAX;
	}
	memcpy(past->nonce, channel->peer.nonce, NONCE_BYTES);
	past->window = channel->window;
}

static uint64_t session_number(const uint8_t nonce[NONCE_BYTES])
{
	struct wire_in r = {.buf = nonce, .len = NONCE_BYTES};
	uint64_t number = wire_get_number(&r, 8);

	return number ? number : 1;
}

void secure_believe(struct secure_dgram *channel, const struct secure_candidate *who, size_t key_index)
{
	const struct secure_past *past;

	if (channel->peer.used)
		keep_window(channel);
	past = find_past(channel, who->nonce);
	channel->window = past ? past->window : (struct secure_window){0};
	channel->peer = *who;
	channel->confirmed = false;
	channel->session = session_number(who->nonce);
	memcpy(channel->session_key, channel->keys.key[key_index], SECURE_KEY_BYTES);
	randombytes_buf(channel->challenge, NONCE_BYTES);
	derive_session(channel);
}

void secure_disbelieve(struct secure_dgram *channel)
{
	if (channel->peer.used)
		keep_window(channel);
	memset(&channel->peer, 0, sizeof(channel->peer));
	channel->confirmed = false;
	sodium_memzero(channel->session_key, sizeof(channel->session_key));
	sodium_memzero(channel->send_key, sizeof(channel->send_key));
	sodium_memzero(channel->receive_keys, sizeof(channel->receive_keys));
}

void secure_begin_anew(struct secure_dgram *channel)
{
	secure_disbelieve(channel);
	memset(channel->past, 0, sizeof(channel->past));
	memset(channel->candidates, 0, sizeof(channel->candidates));
	randombytes_buf(channel->nonce, NONCE_BYTES);
	randombytes_buf(channel->challenge, NONCE_BYTES);
	channel->hello_sequence = channel->data_sequence = 0;
}

int secure_dgram_open(struct secure_dgram **out, const char *label, const struct secure_keys *keys)
{
	size_t len = strlen(label);
	struct secure_dgram *channel;

	*out = NULL;
	if (len == 0 || len > LABEL_MAX || keys->count == 0 || keys->count > SECURE_KEYS_MAX)
		return -EINVAL;
	if (sodium_init() < 0)
		return -EIO;
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return -ENOMEM;
	memcpy(channel->label, label, len);
	take_keys(channel, keys);
	secure_begin_anew(channel);
	*out = channel;
	return 0;
}

void secure_dgram_close(struct secure_dgram *channel)
{
	if (!channel)
		return;
	sodium_memzero(channel, sizeof(*channel));
	free(channel);
}

bool secure_dgram_is_ready(const struct secure_dgram *channel)
{
	return channel->peer.used;
}

uint64_t secure_dgram_session(const struct secure_dgram *channel)
{
	return channel->session;
}

/* ---- datagrams ---- */

/* The cipher's nonce, 24 bytes: the sequence at its end. */
static void cipher_nonce(uint64_t sequence, uint8_t out[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES])
{
	const size_t size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
	struct wire_out w = {.buf = out, .size = size, .at = size - 8};

	memset(out, 0, size);
	wire_put_number(&w, sequence, 8);
}

size_t secure_close_envelope(const struct secure_dgram *channel, enum secure_kind kind, uint64_t sequence,
	const uint8_t key[SECURE_KEY_BYTES], const uint8_t *plain, size_t len, uint8_t out[SECURE_DGRAM_MAX])
{
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
	struct wire_out w = {.buf = out, .size = SECURE_DGRAM_MAX};
	unsigned long long sealed = 0;

	wire_put(&w, SECURE_MAGIC, 4);
	wire_put_number(&w, SECURE_FORMAT, 1);
	wire_put_number(&w, kind, 1);
	wire_put_number(&w, 0, 2); /* flags, reserved */
	wire_put(&w, channel->key_ids[0], KEY_ID_BYTES);
	wire_put(&w, channel->nonce, NONCE_BYTES);
	wire_put_number(&w, sequence, 8);
	cipher_nonce(sequence, nonce);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out + HEADER_BYTES, &sealed, plain, len, out, HEADER_BYTES, NULL, nonce, key);
	return HEADER_BYTES + (size_t)sealed;
}

bool secure_open_envelope(const struct secure_header *header, const uint8_t key[SECURE_KEY_BYTES],
	const uint8_t *in, size_t len, uint8_t plain[SECURE_PLAIN_MAX])
{
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	cipher_nonce(header->sequence, nonce);
	return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, in + HEADER_BYTES,
		       len - HEADER_BYTES, in, HEADER_BYTES, nonce, key) == 0;
}

int secure_dgram_seal(
	struct secure_dgram *channel, const uint8_t *plain, size_t len, uint8_t out[SECURE_DGRAM_MAX])
{
	if (len > SECURE_PLAIN_MAX)
		return -EMSGSIZE;
	/* Under this nonce of ours there is no number left: another one, and hellos bring a session for it. */
	if (channel->data_sequence == UINT64_MAX)
		secure_begin_anew(channel);
	if (!channel->peer.used)
		return -ENOTCONN;
	channel->counters.sent++;
	return (int)secure_close_envelope(
		channel, SECURE_KIND_DATA, ++channel->data_sequence, channel->send_key, plain, len, out);
}

/* SECURE_OK: header is filled. */
static enum secure_verdict read_header(const uint8_t *in, size_t len, struct secure_header *header)
{
	struct wire_in r = {.buf = in, .len = len, .at = 4};
	uint8_t format, rest[2];

	if (len < SECURE_OVERHEAD || len > SECURE_DGRAM_MAX || memcmp(in, SECURE_MAGIC, 4) != 0)
		return SECURE_SHORT;
	format = (uint8_t)wire_get_number(&r, 1);
	header->kind = (uint8_t)wire_get_number(&r, 1);
	wire_get(&r, rest, sizeof(rest));
	wire_get(&r, header->key_id, KEY_ID_BYTES);
	wire_get(&r, header->nonce, NONCE_BYTES);
	header->sequence = wire_get_number(&r, 8);
	if (format != SECURE_FORMAT || rest[0] || rest[1])
		return SECURE_VERSION;
	if (header->kind != SECURE_KIND_HELLO && header->kind != SECURE_KIND_DATA)
		return SECURE_VERSION;
	return SECURE_OK;
}

static enum secure_verdict receive_data(struct secure_dgram *channel, const struct secure_header *header,
	size_t key, const uint8_t *in, size_t len, uint8_t plain[SECURE_PLAIN_MAX])
{
	if (!channel->peer.used || memcmp(header->nonce, channel->peer.nonce, NONCE_BYTES) != 0) {
		channel->asked = true;
		return SECURE_STALE;
	}
	if (!secure_window_is_new(&channel->window, header->sequence))
		return SECURE_REPLAY;
	if (!secure_open_envelope(header, channel->receive_keys[key], in, len, plain)) {
		/* Forged; or the sender takes us for somebody else, and must learn better: as every one does until
		 * our hello has reached it when we began anew. Nobody can tell the two apart then. */
		channel->asked = true;
		return channel->confirmed ? SECURE_TAG : SECURE_STALE;
	}
	secure_window_mark(&channel->window, header->sequence);
	/* Its session key is made of our nonce: it believes us. */
	channel->confirmed = true;
	memcpy(channel->session_key, channel->keys.key[key], SECURE_KEY_BYTES);
	return SECURE_OK;
}

static enum secure_verdict judge(
	struct secure_dgram *channel, const uint8_t *in, size_t len, uint8_t plain[SECURE_PLAIN_MAX])
{
	struct secure_header header;
	enum secure_verdict verdict = read_header(in, len, &header);
	int key;

	if (verdict != SECURE_OK)
		return verdict;
	if (memcmp(header.nonce, channel->nonce, NONCE_BYTES) == 0)
		return SECURE_OWN;
	key = find_key(channel, header.key_id);
	if (key < 0)
		return SECURE_KEY;
	if (header.kind == SECURE_KIND_HELLO)
		return secure_hello_receive(channel, &header, (size_t)key, in, len);
	return receive_data(channel, &header, (size_t)key, in, len, plain);
}

enum secure_verdict secure_dgram_receive(struct secure_dgram *channel, const uint8_t *in, size_t len,
	uint8_t plain[SECURE_PLAIN_MAX], size_t *plain_len)
{
	enum secure_verdict verdict = judge(channel, in, len, plain);

	*plain_len = verdict == SECURE_OK ? len - SECURE_OVERHEAD : 0;
	channel->counters.verdicts[verdict]++;
	return verdict;
}

void secure_dgram_counters(const struct secure_dgram *channel, struct secure_counters *out)
{
	*out = channel->counters;
}

const char *secure_verdict_name(enum secure_verdict verdict)
{
	static const char *const names[SECURE_VERDICTS] = {
		"ok", "hello", "short", "version", "key", "tag", "stale", "replay", "own"};

	return (unsigned)verdict < SECURE_VERDICTS ? names[verdict] : "unknown";
}
