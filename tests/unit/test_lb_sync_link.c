/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection sync over real sockets, with tables made of numbers instead of the dataplane: two ends in one loop, two paths
 * between addresses of a namespace of our own, from which an address can be taken away. Needs root for that; else skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lb/lb_sync_link.h"
#include "lb/lb_sync_word.h"
#include "vrrp_netns.h"

#define PORT  3790
#define FLOWS 20000
#define MS    INT64_C(1000000)

/* The number of a flow stands in the record's ISN. */
struct end {
	const char *name, *other;
	bool reversed;
	char key_file[64];
	uint32_t config_hash;
	struct lb_sync_link *link;
	int event_fd;                                       /* becomes readable with a change */
	bool has[FLOWS];                                    /* ours */
	bool held[FLOWS];                                   /* copies of the peer's */
	bool named[FLOWS];                                  /* in the bulk that comes */
	uint32_t changed[FLOWS], changed_count, changed_at; /* a queue */
	uint32_t unread;                                    /* of the queue: not yet seen by read() */
	int64_t since;
	uint32_t walk, bulks_begun, commits, reads;
	char told[4096];
};

static struct end a = {.name = "a", .other = "b"}, b = {.name = "b", .other = "a", .reversed = true};
static char dir[] = "/tmp/tandem-test-XXXXXX";

/* ---- tables ---- */

static struct sync_record record_of(const struct end *end, uint32_t number)
{
	struct sync_record r = {.kind = end->has[number] ? SYNC_FLOW : SYNC_FLOW_END,
		.flow = {.family = AF_INET,
			.protocol = 6,
			.state = end->has[number] ? SYNC_TCP_ESTABLISHED : 0,
			.backend_isn = number}};

	return r;
}

static int64_t waiting(void *data)
{
	const struct end *end = data;

	return end->changed_count - end->changed_at > end->unread ? end->since : SYNC_NEVER;
}

static void changes(void *data, struct sync_writer *w)
{
	struct end *end = data;

	while (end->changed_count - end->changed_at > end->unread) {
		struct sync_record r = record_of(end, end->changed[end->changed_at % FLOWS]);

		if (sync_write_record(w, &r))
			return;
		end->changed_at++;
	}
}

static void bulk_begin(void *data)
{
	struct end *end = data;

	end->walk = 0;
	end->bulks_begun++;
}

static bool bulk_next(void *data, struct sync_writer *w)
{
	struct end *end = data;

	for (; end->walk < FLOWS; end->walk++) {
		struct sync_record r = record_of(end, end->walk);

		if (end->has[end->walk] && sync_write_record(w, &r))
			return false;
	}
	return true;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	struct end *end = data;
	uint32_t number = record->flow.backend_isn;

	if (number >= FLOWS)
		return SYNC_INVALID;
	end->held[number] = end->named[number] = record->kind == SYNC_FLOW;
	return SYNC_APPLIED;
}

static void copy(void *data, enum sync_copy_event event)
{
	struct end *end = data;

	if (event == SYNC_COPY_BEGIN)
		memset(end->named, 0, sizeof(end->named));
	if (event == SYNC_COPY_END)
		for (uint32_t i = 0; i < FLOWS; i++)
			end->held[i] &= end->named[i];
}

static const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};
static const struct sync_target target = {apply, copy};

static int table_fd(const void *data)
{
	return ((const struct end *)data)->event_fd;
}

static int table_read(void *data, int64_t now)
{
	struct end *end = data;
	uint32_t count = end->unread;
	uint64_t any;

	end->reads++;
	if (read(end->event_fd, &any, sizeof(any)) < 0)
		assert_int_equal(errno, EAGAIN);
	if (count && waiting(end) == SYNC_NEVER)
		end->since = now;
	end->unread = 0;
	return (int)count;
}

static void table_commit(void *data)
{
	((struct end *)data)->commits++;
}

static void set_flow(struct end *end, uint32_t number, bool is_there)
{
	uint64_t one = 1;

	end->has[number] = is_there;
	end->changed[end->changed_count++ % FLOWS] = number;
	end->unread++;
	assert_int_equal(write(end->event_fd, &one, sizeof(one)), sizeof(one));
}

/* ---- ends ---- */

static void on_tell(void *data, const char *event, const char *cause)
{
	struct end *end = data;
	size_t len = strlen(end->told);

	snprintf(end->told + len, sizeof(end->told) - len, "%s; ", event);
}

static void on_turned(void *data, int64_t now) {}

static const struct lb_sync_link_ops link_ops = {.tell = on_tell, .turned = on_turned};

static void write_keys(struct end *end, const char *numbers)
{
	FILE *file;

	snprintf(end->key_file, sizeof(end->key_file), "%s/%s", dir, end->name);
	unlink(end->key_file);
	file = fopen(end->key_file, "w");
	assert_non_null(file);
	for (; *numbers; numbers++) {
		for (int i = 0; i < 64; i++)
			fputc(*numbers, file);
		fputc('\n', file);
	}
	fclose(file);
	assert_int_equal(chmod(end->key_file, 0600), 0);
}

static struct conf_peer peer_of(struct end *end)
{
	static const char *const pairs[][2] = {{"10.8.0.1", "10.8.0.2"}, {"fd08::1", "fd08::2"}};
	struct conf_peer peer = {
		.configured = true, .key_file = end->key_file, .port = PORT, .path_count = 2};

	snprintf(peer.node, sizeof(peer.node), "%s", end->other);
	for (size_t i = 0; i < 2; i++) {
		peer.local[i] = addr_of(pairs[i][end->reversed]);
		peer.remote[i] = addr_of(pairs[i][!end->reversed]);
	}
	return peer;
}

static void open_end(struct end *end)
{
	struct lb_sync_tables tables = {.source = &source,
		.target = &target,
		.data = end,
		.fd = table_fd,
		.read = table_read,
		.commit = table_commit};
	struct conf_peer peer = peer_of(end);
	char error[300];

	ev_now_update(loop);
	if (lb_sync_link_open(&end->link, loop, &peer, end->name, end->config_hash, &tables, &link_ops, end,
		    error, sizeof(error)))
		fail_msg("%s", error);
}

static void close_end(struct end *end)
{
	lb_sync_link_close(end->link);
	end->link = NULL;
}

static void clear_end(struct end *end)
{
	uint64_t any;

	close_end(end);
	memset(end->has, 0, sizeof(end->has));
	memset(end->held, 0, sizeof(end->held));
	end->changed_count = end->changed_at = end->unread = end->bulks_begun = end->reads = 0;
	end->told[0] = 0;
	end->config_hash = 7;
	if (read(end->event_fd, &any, sizeof(any)) < 0)
		assert_int_equal(errno, EAGAIN);
	write_keys(end, "1");
}

static int set_up(void **state)
{
	clear_end(&a);
	clear_end(&b);
	return 0;
}

static struct lb_sync_link_status status_of(const struct end *end)
{
	struct lb_sync_link_status status;

	lb_sync_link_status(end->link, lb_sync_link_now(), &status);
	return status;
}

static struct sync_status session_of(const struct end *end)
{
	struct sync_status status;

	sync_session_status(lb_sync_link_session(end->link), lb_sync_link_now(), &status);
	return status;
}

static const struct lb_sync_path *path_of(const struct end *end, size_t i)
{
	bool carries;

	return lb_sync_link_path(end->link, i, lb_sync_link_now(), &carries);
}

static bool carries(const struct end *end, size_t i)
{
	bool is_so;

	assert_non_null(lb_sync_link_path(end->link, i, lb_sync_link_now(), &is_so));
	return is_so;
}

static bool is_in_sync(const struct end *end)
{
	struct lb_sync_link_status status = status_of(end);

	return status.in == SYNC_WHY_IN_SYNC && status.out == SYNC_WHY_IN_SYNC;
}

static bool are_in_sync(void *data)
{
	return is_in_sync(&a) && is_in_sync(&b);
}

static bool have_same(const struct end *from, const struct end *to)
{
	return memcmp(from->has, to->held, sizeof(from->has)) == 0;
}

static bool are_same(void *data)
{
	return have_same(&a, &b) && have_same(&b, &a);
}

static void open_both(void)
{
	open_end(&a);
	open_end(&b);
	until(are_in_sync, NULL);
}

static void assert_same_word(const struct lb_sync_word *x, const struct lb_sync_word *y)
{
	assert_true(x->kind == y->kind && x->boot == y->boot && x->to == y->to &&
		    x->config_hash == y->config_hash && x->heard_ms == y->heard_ms);
}

static void the_word_before_a_datagram(void **state)
{
	struct lb_sync_word word = {
		.kind = LB_SYNC_SIGN, .boot = 1, .to = 2, .config_hash = 3, .heard_ms = 4};
	struct lb_sync_word got;
	uint8_t bytes[LB_SYNC_SIGN_BYTES + 1];

	assert_int_equal(lb_sync_word_write(&word, bytes), LB_SYNC_SIGN_BYTES);
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_SIGN_BYTES), 0);
	assert_same_word(&got, &word);
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_SIGN_BYTES + 1), 0); /* a later version's */
	for (size_t len = 0; len < LB_SYNC_SIGN_BYTES; len++)
		assert_int_equal(lb_sync_word_read(&got, bytes, len), -EBADMSG);
	word = (struct lb_sync_word){.kind = LB_SYNC_SESSION, .boot = UINT64_MAX};
	assert_int_equal(lb_sync_word_write(&word, bytes), LB_SYNC_WORD_BYTES);
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_WORD_BYTES), 0);
	assert_same_word(&got, &word);
	bytes[0]++; /* another version */
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_WORD_BYTES), -EBADMSG);
	bytes[0]--;
	bytes[1] = 3; /* no kind */
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_WORD_BYTES), -EBADMSG);
	memset(bytes + 4, 0, 8); /* nobody sent it */
	bytes[1] = LB_SYNC_SESSION;
	assert_int_equal(lb_sync_word_read(&got, bytes, LB_SYNC_WORD_BYTES), -EBADMSG);
}

static void what_was_there_and_what_changes(void **state)
{
	int64_t began;

	for (uint32_t i = 0; i < FLOWS; i += 2)
		a.has[i] = true;
	b.has[1] = true;
	began = lb_sync_link_now();
	open_both();
	assert_true(lb_sync_link_now() - began < 3000 * MS);
	until(are_same, NULL);
	assert_true(status_of(&a).whole && status_of(&b).whole && status_of(&a).alive);
	assert_true(carries(&a, 0) && !carries(&a, 1) && carries(&b, 0));
	set_flow(&a, 1, true);
	set_flow(&b, 3, true);
	until(are_same, NULL);
	set_flow(&a, 0, false);
	until(are_same, NULL);
	assert_int_equal(a.bulks_begun, 1);
	assert_int_equal(b.bulks_begun, 1);
	assert_true(b.commits > 0);
	assert_non_null(strstr(a.told, "path up; path up; "));
}

static void many_changes_are_read_together(void **state)
{
	int64_t began;

	open_both();
	a.reads = 0;
	began = lb_sync_link_now();
	for (uint32_t i = 0; lb_sync_link_now() - began < 300 * MS; i++) {
		set_flow(&a, i % FLOWS, true);
		ev_run(loop, EVRUN_NOWAIT);
	}
	assert_true(a.reads > 20);
	assert_true(a.reads < 400); /* 300 ms */
	until(are_same, NULL);
	/* And when nothing changes it is not read at all. */
	run_for(0.1);
	a.reads = 0;
	run_for(0.3);
	assert_true(a.reads == 0);
	set_flow(&a, 5, false);
	until(are_same, NULL);
}

static bool second_carries(void *data)
{
	return carries(&a, 1) && carries(&b, 1);
}

static bool first_carries(void *data)
{
	return carries(&a, 0) && carries(&b, 0);
}

static bool nobody_carries(void *data)
{
	return !status_of(&a).alive && !status_of(&b).alive;
}

static void another_path_carries_on(void **state)
{
	open_both();
	set_flow(&a, 1, true);
	until(are_same, NULL);
	sh("ip addr del 10.8.0.2/32 dev lo");
	set_flow(&a, 2, true);
	until(second_carries, NULL);
	until(are_same, NULL);
	assert_true(path_of(&a, 0)->send_error || path_of(&b, 0)->send_error);
	assert_non_null(strstr(a.told, "path silent; "));
	sh("ip addr del fd08::2/128 dev lo");
	until(nobody_carries, NULL);
	assert_false(is_in_sync(&a));
	assert_int_equal(status_of(&a).in, SYNC_WHY_SILENT);
	set_flow(&a, 3, true);
	set_flow(&b, 4, true);
	sh("ip addr add fd08::2/128 dev lo nodad");
	until(are_same, NULL);
	sh("ip addr add 10.8.0.2/32 dev lo");
	until(first_carries, NULL);
	until(are_in_sync, NULL);
	/* The session outlived all of it. */
	assert_int_equal(a.bulks_begun, 1);
	assert_int_equal(b.bulks_begun, 1);
	assert_null(strstr(a.told, "restarted"));
}

static void who_comes_back_gets_everything(void **state)
{
	uint64_t boot;

	a.has[8] = true;
	b.has[9] = true;
	open_both();
	boot = status_of(&a).peer_boot;
	close_end(&b);
	memset(b.held, 0, sizeof(b.held));
	set_flow(&a, 10, true);
	b.has[9] = false;
	b.has[11] = true;
	open_end(&b);
	until(are_same, NULL);
	until(are_in_sync, NULL);
	assert_int_equal(a.bulks_begun, 2);
	assert_true(status_of(&a).peer_boot != boot);
	assert_non_null(strstr(a.told, "peer restarted; "));
	assert_null(strstr(b.told, "peer restarted; "));
}

static void lost_changes_are_repaired(void **state)
{
	open_both();
	/* A change that nobody told. */
	a.has[77] = true;
	lb_sync_link_send_bulk(a.link);
	until(are_same, NULL);
	until(are_in_sync, NULL);
	assert_int_equal(a.bulks_begun, 2);
}

static bool a_refused_a_key(void *data)
{
	struct secure_counters n;

	secure_dgram_counters(path_of(&a, 0)->channel, &n);
	return n.verdicts[SECURE_KEY] > 2;
}

static int reload(struct end *end, struct conf_peer *peer)
{
	char error[300] = "";

	return lb_sync_link_reload(end->link, peer, end->name, error, sizeof(error));
}

static void keys(void **state)
{
	struct conf_peer pa = peer_of(&a), pb = peer_of(&b);

	write_keys(&b, "2");
	open_end(&a);
	open_end(&b);
	until(a_refused_a_key, NULL);
	assert_false(status_of(&a).alive);
	assert_int_equal(status_of(&a).in, SYNC_WHY_SESSION);
	/* The same key, read anew; then another one, step by step, while the session goes on. */
	write_keys(&b, "1");
	assert_int_equal(reload(&b, &pb), 0);
	until(are_in_sync, NULL);
	write_keys(&a, "12");
	assert_int_equal(reload(&a, &pa), 0);
	write_keys(&b, "21");
	assert_int_equal(reload(&b, &pb), 0);
	write_keys(&a, "2");
	assert_int_equal(reload(&a, &pa), 0);
	write_keys(&b, "2");
	assert_int_equal(reload(&b, &pb), 0);
	set_flow(&a, 5, true);
	until(are_same, NULL);
	assert_int_equal(a.bulks_begun, 1);
	unlink(a.key_file);
	assert_int_equal(reload(&a, &pa), -ENOENT);
	set_flow(&a, 6, true);
	until(are_same, NULL);
	pa.port++;
	assert_int_equal(reload(&a, &pa), -ENOTUNIQ);
}

static bool both_see_the_other_config(void *data)
{
	return status_of(&a).other_config == *(bool *)data && status_of(&b).other_config == *(bool *)data;
}

static void another_config_is_seen(void **state)
{
	bool yes = true, no = false;
	uint32_t bulks;

	a.config_hash = 8;
	open_both();
	until(both_see_the_other_config, &yes);
	bulks = b.bulks_begun;
	lb_sync_link_set_config(a.link, 7);
	until(both_see_the_other_config, &no);
	until(are_in_sync, NULL);
	/* It may be able to use more than before. */
	assert_int_equal(b.bulks_begun, bulks + 1);
}

/* Somebody with the peer's address, and without the key. */
static void what_is_forged_is_counted(void **state)
{
	struct net_addr from = addr_of("10.8.0.2"), to = addr_of("10.8.0.1");
	struct sockaddr_storage at;
	socklen_t len = addr_to_sockaddr(&from, 0, &at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct secure_counters n;
	uint8_t junk[1500];

	open_both();
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	len = addr_to_sockaddr(&to, PORT + 1, &at);
	memset(junk, 7, sizeof(junk));
	for (size_t i = 0; i < sizeof(junk); i += 7)
		assert_int_equal(sendto(fd, junk, i, 0, (struct sockaddr *)&at, len), i);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* from another address */
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(sendto(fd, junk, 100, 0, (struct sockaddr *)&at, len), 100);
	close(fd);
	set_flow(&b, 1, true);
	until(are_same, NULL);
	run_for(0.05);
	secure_dgram_counters(path_of(&a, 0)->channel, &n);
	assert_int_equal(n.verdicts[SECURE_SHORT], (sizeof(junk) + 6) / 7);
	assert_int_equal(path_of(&a, 0)->counters.strangers, 10);
	assert_true(is_in_sync(&a));
	assert_int_equal(session_of(&a).bad, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_word_before_a_datagram, set_up),
		cmocka_unit_test_setup(what_was_there_and_what_changes, set_up),
		cmocka_unit_test_setup(many_changes_are_read_together, set_up),
		cmocka_unit_test_setup(another_path_carries_on, set_up),
		cmocka_unit_test_setup(who_comes_back_gets_everything, set_up),
		cmocka_unit_test_setup(lost_changes_are_repaired, set_up),
		cmocka_unit_test_setup(keys, set_up),
		cmocka_unit_test_setup(another_config_is_seen, set_up),
		cmocka_unit_test_setup(what_is_forged_is_counted, set_up),
	};
	int failed;

	netns_make();
	sh("for i in 1 2; do ip addr add 10.8.0.$i/32 dev lo; ip addr add fd08::$i/128 dev lo nodad; done");
	if (!mkdtemp(dir))
		return 1;
	a.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	close_end(&a);
	close_end(&b);
	unlink(a.key_file);
	unlink(b.key_file);
	rmdir(dir);
	return failed;
}
