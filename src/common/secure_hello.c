/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How two sides of the pair's channel come to believe each other's nonce; secure_dgram_inside.h says why it ends well.
 *
 * Sealed in a hello: flags 1 (bit 0: answer me) | 0 x 7 | hash of the sender's name 8 | its challenge 16 | the nonce of the
 * peer that it believes 16 | four echoes of challenges, 16 each. Where there is none, zeros. A later version may append.
 */
#include "common/secure_dgram_inside.h"

#include <string.h>

#include <sodium.h>

#include "common/wire.h"

#define HELLO_BYTES (1 + 7 + 8 + 2 * NONCE_BYTES + ECHOES_MAX * NONCE_BYTES)
#define FLAG_ANSWER 1

struct hello {
	bool answer;
	uint64_t node;
	uint8_t challenge[NONCE_BYTES];
	uint8_t believes[NONCE_BYTES];
	uint8_t echoes[ECHOES_MAX][NONCE_BYTES];
};

void secure_dgram_set_node(struct secure_dgram *channel, const char *name)
{
	uint8_t hash[crypto_generichash_BYTES];
	struct wire_in r = {.buf = hash, .len = sizeof(hash)};

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)name, strlen(name), NULL, 0);
	channel->node = *name ? wire_get_number(&r, 8) : 0;
}

static bool is_in_need(const struct secure_dgram *channel)
{
	return !channel->peer.used || !channel->confirmed;
}

bool secure_dgram_wants_hello(const struct secure_dgram *channel)
{
	return channel->asked || is_in_need(channel);
}

size_t secure_dgram_hello(struct secure_dgram *channel, uint8_t out[SECURE_DGRAM_MAX])
{
	uint8_t plain[HELLO_BYTES] = {0}, key[SECURE_KEY_BYTES];
	struct wire_out w = {.buf = plain, .size = sizeof(plain)};
	size_t len;

	if (channel->hello_sequence == UINT64_MAX)
		secure_begin_anew(channel);
	wire_put_number(&w, is_in_need(channel) ? FLAG_ANSWER : 0, 1);
	wire_put_number(&w, 0, 7);
	wire_put_number(&w, channel->node, 8);
	wire_put(&w, channel->challenge, NONCE_BYTES);
	/* Whoever is not there is all zero. */
	wire_put(&w, channel->peer.nonce, NONCE_BYTES);
	wire_put(&w, channel->peer.challenge, NONCE_BYTES);
	for (size_t i = 0; i < CANDIDATES_MAX; i++)
		wire_put(&w, channel->candidates[i].challenge, NONCE_BYTES);
	secure_derive(channel, 0, SECURE_KIND_HELLO, channel->nonce, NULL, key);
	len = secure_close_envelope(
		channel, SECURE_KIND_HELLO, ++channel->hello_sequence, key, plain, sizeof(plain), out);
	sodium_memzero(plain, sizeof(plain));
	sodium_memzero(key, sizeof(key));
	channel->asked = false;
	channel->counters.hellos_sent++;
	return len;
}

/* SECURE_OK: hello is filled. */
static enum secure_verdict open_hello(const struct secure_dgram *channel, const struct secure_header *header,
	size_t key_index, const uint8_t *in, size_t len, struct hello *hello)
{
	uint8_t plain[SECURE_PLAIN_MAX], key[SECURE_KEY_BYTES];
	struct wire_in r = {.buf = plain, .len = len - SECURE_OVERHEAD};
	bool right;

	secure_derive(channel, key_index, SECURE_KIND_HELLO, header->nonce, NULL, key);
	right = secure_open_envelope(header, key, in, len, plain);
	sodium_memzero(key, sizeof(key));
	if (!right)
		return SECURE_TAG;
	hello->answer = wire_get_number(&r, 1) & FLAG_ANSWER;
	wire_get_number(&r, 7);
	hello->node = wire_get_number(&r, 8);
	wire_get(&r, hello->challenge, NONCE_BYTES);
	wire_get(&r, hello->believes, NONCE_BYTES);
	wire_get(&r, hello->echoes, sizeof(hello->echoes));
	sodium_memzero(plain, sizeof(plain));
	return r.bad ? SECURE_VERSION : SECURE_OK;
}

static bool is_peer(const struct secure_dgram *channel, const uint8_t nonce[NONCE_BYTES])
{
	return channel->peer.used && memcmp(channel->peer.nonce, nonce, NONCE_BYTES) == 0;
}

/* Where what this sender said stands, or is to stand: its own place, a free one, or anyone's. */
static struct secure_candidate *place_of(struct secure_dgram *channel, const uint8_t nonce[NONCE_BYTES])
{
	struct secure_candidate *free_one = NULL;

	if (is_peer(channel, nonce))
		return &channel->peer;
	for (size_t i = 0; i < CANDIDATES_MAX; i++) {
		struct secure_candidate *c = &channel->candidates[i];

		if (c->used && memcmp(c->nonce, nonce, NONCE_BYTES) == 0)
			return c;
		if (!c->used)
			free_one = c;
	}
	if (!free_one) {
		free_one = &channel->candidates[randombytes_uniform(CANDIDATES_MAX)];
		memset(free_one, 0, sizeof(*free_one));
	}
	return free_one;
}

static bool answers_us(const struct secure_dgram *channel, const struct hello *hello)
{
	bool any = false;

	for (size_t i = 0; i < ECHOES_MAX; i++)
		any |= sodium_memcmp(hello->echoes[i], channel->challenge, NONCE_BYTES) == 0;
	return any;
}

static enum secure_verdict take_hello(struct secure_dgram *channel, const struct secure_header *header,
	size_t key_index, const struct hello *hello)
{
	struct secure_candidate *place;

	if (hello->node && hello->node == channel->node)
		return SECURE_OWN;
	place = place_of(channel, header->nonce);
	if (header->sequence <= place->sequence)
		return SECURE_REPLAY;
	place->used = true;
	place->sequence = header->sequence;
	memcpy(place->nonce, header->nonce, NONCE_BYTES);
	memcpy(place->challenge, hello->challenge, NONCE_BYTES);
	if (!is_peer(channel, header->nonce) && answers_us(channel, hello)) {
		secure_believe(channel, place, key_index);
		memset(place, 0, sizeof(*place));
	}
	if (is_peer(channel, header->nonce)) {
		memcpy(channel->session_key, channel->keys.key[key_index], SECURE_KEY_BYTES);
		channel->confirmed = memcmp(hello->believes, channel->nonce, NONCE_BYTES) == 0;
		channel->asked |= hello->answer;
	} else {
		channel->asked = true;
	}
	return SECURE_HELLO;
}

enum secure_verdict secure_hello_receive(struct secure_dgram *channel, const struct secure_header *header,
	size_t key_index, const uint8_t *in, size_t len)
{
	struct hello hello;
	enum secure_verdict verdict = open_hello(channel, header, key_index, in, len, &hello);

	if (verdict == SECURE_OK)
		verdict = take_hello(channel, header, key_index, &hello);
	sodium_memzero(&hello, sizeof(hello));
	return verdict;
}
