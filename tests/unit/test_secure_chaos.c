/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair's channel on a network that is an enemy: two nodes with two paths each, so four ends; whatever is sent may be
 * lost, doubled, kept, and given to any end at any later time; ends begin anew. A seed is a schedule, randomness of
 * libsodium included. TANDEM_SEED=N plays one, TANDEM_SCHEDULES=N that many.
 *
 * Always: what an end accepts was sealed by another node's end, for this very beginning of it, and comes once.
 * In the end, when datagrams arrive again, though the enemy goes on to play what it has: both paths have a session within
 * a few hellos, and data pass; the enemy can shake each end once with what it has, and then no more.
 */
#include "secure_harness.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "common/secure_dgram_inside.h"
#include "../sim/sim_random.h"

#define ENDS      4 /* 0, 1: a path; 2, 3: the other; even: node a; odd: node b */
#define SCHEDULES 4000
#define STEPS     150
#define TAPE      64
#define ROUNDS    8 /* of hellos, until all must be well */

/* What each datagram says of itself. */
struct content {
	uint32_t from, number;
	uint64_t to; /* the beginning of the receiver it is meant for, as the sender knows it */
};

struct end {
	struct secure_dgram *channel;
	uint32_t sent;
	uint8_t *seen; /* [ENDS][sent]: by this beginning */
};

static uint64_t libsodium_state;
static struct {
	uint64_t seed, random;
	struct end ends[ENDS];
	struct datagram tape[TAPE];
	size_t recorded;
	unsigned step[2]; /* of each node in the rotation of keys */
} world;

static const char *seed_name(void)
{
	return "seeded";
}

static uint32_t seed_random(void)
{
	return (uint32_t)sim_random(&libsodium_state);
}

static void seed_buf(void *const buf, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)sim_random(&libsodium_state);
}

static randombytes_implementation seeded = {
	.implementation_name = seed_name, .random = seed_random, .buf = seed_buf};

static int64_t between(int64_t low, int64_t high)
{
	return sim_between(&world.random, low, high);
}

static bool chance(int percent)
{
	return sim_chance(&world.random, percent);
}

static void must(bool held, const char *what)
{
	if (!held)
		fail_msg("%s: TANDEM_SEED=%llu shows it", what, (unsigned long long)world.seed);
}

/* ---- ends ---- */

#define NUMBERS_MAX 1024

static struct secure_keys keys_at(size_t node)
{
	static const uint8_t steps[][3] = {{1}, {1, 2}, {2, 1}, {2}, {2, 1}, {1, 2}};

	return keys_of(steps[world.step[node] % 6]);
}

static void begin(size_t i)
{
	struct end *end = &world.ends[i];

	secure_dgram_close(end->channel);
	end->channel = open_with("chaos", keys_at(i % 2));
	secure_dgram_set_node(end->channel, i % 2 ? "node-b" : "node-a");
	memset(end->seen, 0, ENDS * NUMBERS_MAX);
}

static uint64_t number_of(const struct end *end)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | end->channel->nonce[i];
	return number;
}

static enum secure_verdict arrive(size_t i, const struct datagram *d)
{
	struct end *end = &world.ends[i];
	uint8_t plain[SECURE_PLAIN_MAX];
	struct content content;
	size_t len;
	enum secure_verdict verdict = secure_dgram_receive(end->channel, d->bytes, d->len, plain, &len);

	if (verdict != SECURE_OK)
		return verdict;
	must(len == sizeof(content), "data are as they were sealed");
	memcpy(&content, plain, sizeof(content));
	must(content.from % 2 != i % 2, "data are of the other node");
	must(content.to == number_of(end), "data are for this beginning");
	must(!end->seen[content.from * NUMBERS_MAX + content.number], "data come once");
	end->seen[content.from * NUMBERS_MAX + content.number] = 1;
	return verdict;
}

static void record(const struct datagram *d)
{
	size_t at = world.recorded < TAPE ? world.recorded : (size_t)between(0, TAPE - 1);

	world.tape[at] = *d;
	if (world.recorded < TAPE)
		world.recorded++;
}

/* A datagram that end i wants to send, into d: a hello if it wants to and may, else data. */
static bool speak(size_t i, bool hello, struct datagram *d)
{
	struct end *end = &world.ends[i];
	struct content content = {.from = (uint32_t)i, .number = end->sent};

	if (hello && secure_dgram_wants_hello(end->channel)) {
		*d = hello_of(end->channel);
		return true;
	}
	if (!secure_dgram_is_ready(end->channel) || end->sent == NUMBERS_MAX)
		return false;
	content.to = secure_dgram_session(end->channel);
	end->sent++;
	*d = seal_of(end->channel, &content, sizeof(content));
	return true;
}

/* ---- the enemy's time ---- */

/* Rotation as it is meant to be: a node is at most one step before the other. The ends of a node change together. */
static void change_keys(void)
{
	size_t node = (size_t)between(0, 1);

	if (world.step[node] > world.step[!node])
		node = !node;
	world.step[node]++;
	for (size_t i = node; i < ENDS; i += 2) {
		struct secure_keys keys = keys_at(node);

		secure_dgram_set_keys(world.ends[i].channel, &keys);
	}
}

static void enemy_step(void)
{
	size_t i = (size_t)between(0, ENDS - 1);
	struct datagram d;

	if (chance(2))
		begin(i);
	if (chance(2))
		change_keys();
	if (speak(i, chance(70), &d)) {
		record(&d);
		if (chance(50))
			arrive(i ^ 1, &d);
	}
	while (world.recorded && chance(50))
		arrive((size_t)between(0, ENDS - 1), &world.tape[between(0, (int64_t)world.recorded - 1)]);
	if (world.recorded && chance(10)) {
		d = world.tape[between(0, (int64_t)world.recorded - 1)];
		d.bytes[between(0, (int64_t)d.len - 1)] ^= (uint8_t)between(1, 255);
		must(arrive((size_t)between(0, ENDS - 1), &d) > SECURE_HELLO, "a forged datagram is refused");
	}
}

/* ---- the time after ---- */

/* The enemy plays what it has to anyone, but hears nothing new. */
static void play(int count)
{
	while (world.recorded && count--)
		arrive((size_t)between(0, ENDS - 1), &world.tape[between(0, (int64_t)world.recorded - 1)]);
}

static void round_of_hellos(void)
{
	struct datagram d;

	for (size_t i = 0; i < ENDS; i++) {
		play((int)between(0, 2));
		if (secure_dgram_wants_hello(world.ends[i].channel)) {
			d = hello_of(world.ends[i].channel);
			arrive(i ^ 1, &d);
		}
		/* Data flow all the time, too; the one that is not believed asks for a hello. */
		if (speak(i, false, &d))
			arrive(i ^ 1, &d);
	}
}

static bool all_talk(void)
{
	struct datagram d;

	for (size_t i = 0; i < ENDS; i++) {
		world.ends[i].sent = world.ends[i].sent < NUMBERS_MAX ? world.ends[i].sent : NUMBERS_MAX - 1;
		if (!speak(i, false, &d) || arrive(i ^ 1, &d) != SECURE_OK)
			return false;
	}
	return true;
}

static int converge(void)
{
	for (int rounds = 1; rounds <= ROUNDS; rounds++) {
		round_of_hellos();
		if (all_talk())
			return rounds;
	}
	must(false, "both paths have a session in the end");
	return 0;
}

static int play_schedule(uint64_t seed)
{
	int rounds, disturbed = 0;

	world.seed = world.random = seed;
	libsodium_state = ~seed;
	world.recorded = 0;
	world.step[0] = world.step[1] = 0;
	for (size_t i = 0; i < ENDS; i++) {
		world.ends[i].sent = 0;
		begin(i);
	}
	for (int64_t steps = between(0, STEPS); steps > 0; steps--)
		enemy_step();
	rounds = converge();
	/* A hello that was kept may join its sender to an end of the other path, for it echoes that end's newest challenge: of
	 * all that the enemy has, one for each end, because what it does makes that end take another challenge. */
	for (int i = 0; i < 40; i++) {
		play(5);
		if (all_talk())
			continue;
		must(++disturbed <= ENDS, "a session stands");
		converge();
	}
	return rounds;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void every_schedule_keeps_the_promises(void **state)
{
	uint64_t first = from_environment("TANDEM_SEED", 0),
		 count = from_environment("TANDEM_SCHEDULES", SCHEDULES);
	unsigned after[ROUNDS + 1] = {0};

	if (first)
		count = 1;
	for (uint64_t seed = first ? first : 1; count--; seed++)
		after[play_schedule(seed)]++;
	for (int i = 1; i <= ROUNDS; i++)
		print_message("talking after %d rounds of hellos: %u schedules\n", i, after[i]);
}

static int set_up(void **state)
{
	randombytes_set_implementation(&seeded);
	for (size_t i = 0; i < ENDS; i++)
		world.ends[i].seen = calloc(ENDS, NUMBERS_MAX);
	return 0;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i < ENDS; i++) {
		secure_dgram_close(world.ends[i].channel);
		free(world.ends[i].seen);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_schedule_keeps_the_promises, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
