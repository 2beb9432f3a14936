/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracks of pools against servers that pretend to be tandem-lb, most of them hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include "common/ctl_rundir.h"
#include "common/ctl_wire.h"
#include "common/log.h"
#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_pool_answer.h"
#include "vrrp/vrrp_track.h"
#include "vrrp_place.h"

#define CONNS 64

const struct vrrp_link *vrrp_net_link(const struct vrrp_net *net, const char *name)
{
	return NULL;
}

/* ---- somebody on lb-ro.sock ---- */

enum manner {
	REPLY,     /* a frame with that body */
	RAW,       /* those bytes, whatever they are */
	ANNOUNCES, /* a reply longer than is read */
	SILENT,    /* never says anything */
	HANGS_UP,  /* closes at once */
	DEAF,      /* does not accept */
	TRICKLE,   /* a reply, one byte every turn of the loop, much too slow */
	ENDLESS,   /* the longest reply that is read, of white space, and then more */
};

struct fake {
	char dir[128];
	enum manner manner;
	const char *body;
	char asked[256]; /* last request's body */
	int questions, open, most_open;
	ev_io listener;
	struct {
		ev_io io; /* data: the fake; fd 0: a free place */
		size_t sent;
	} conns[CONNS];
};

static void close_conn(ev_io *w)
{
	struct fake *fake = w->data;

	ev_io_stop(ev_default_loop(0), w);
	close(w->fd);
	w->fd = 0;
	fake->open--;
}

static void say(struct fake *fake, int fd)
{
	uint8_t head[CTL_WIRE_HEADER];
	size_t len = strlen(fake->body);

	if (fake->manner != RAW) {
		ctl_wire_header(head, fake->manner == REPLY ? (uint32_t)len : VRRP_POOL_ANSWER_MAX + 1);
		assert_int_equal(send(fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
	}
	assert_int_equal(send(fd, fake->body, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void on_request(struct ev_loop *loop, ev_io *w, int events)
{
	struct fake *fake = w->data;
	uint8_t buf[4096];
	struct ctl_wire_frame frame;
	ssize_t n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close_conn(w);
		return;
	}
	assert_int_equal(ctl_wire_decode(buf, (size_t)n, CTL_WIRE_REQUEST_MAX, &frame), CTL_WIRE_DONE);
	assert_int_equal(frame.frame_len, n);
	snprintf(fake->asked, sizeof(fake->asked), "%.*s", (int)frame.body_len, frame.body);
	fake->questions++;
	if (fake->manner == REPLY || fake->manner == RAW || fake->manner == ANNOUNCES)
		say(fake, w->fd);
}

/* Runs with every turn of the loop. */
static void drip(struct fake *fake)
{
	static uint8_t white[65536];
	uint8_t head[CTL_WIRE_HEADER];

	memset(white, ' ', sizeof(white));
	ctl_wire_header(head, VRRP_POOL_ANSWER_MAX);
	for (size_t i = 0; i < CONNS; i++) {
		int fd = fake->conns[i].io.fd;
		size_t *sent = &fake->conns[i].sent;

		if (!fd)
			continue;
		if (*sent < sizeof(head)) {
			if (send(fd, head + *sent, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
				++*sent;
		} else {
			ssize_t n = send(fd, white, fake->manner == ENDLESS ? sizeof(white) : 1,
				MSG_NOSIGNAL | MSG_DONTWAIT);

			*sent += n > 0 ? (size_t)n : 0;
		}
	}
}

/* Those whose other side has gone, also when the loop has not come to tell yet. */
static void close_ended(struct fake *fake)
{
	for (size_t i = 0; i < CONNS; i++) {
		int fd = fake->conns[i].io.fd;
		char c;

		if (!fd)
			continue;
		ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			close_conn(&fake->conns[i].io);
	}
}

static void on_connection(struct ev_loop *loop, ev_io *w, int events)
{
	struct fake *fake = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
	size_t i = 0;

	assert_true(fd > 0);
	if (fake->manner == HANGS_UP) {
		close(fd);
		return;
	}
	close_ended(fake);
	while (fake->conns[i].io.fd)
		assert_true(++i < CONNS);
	fake->conns[i].sent = 0;
	fake->open++;
	fake->most_open = fake->open > fake->most_open ? fake->open : fake->most_open;
	ev_io_init(&fake->conns[i].io, on_request, fd, EV_READ);
	fake->conns[i].io.data = fake;
	ev_io_start(loop, &fake->conns[i].io);
}

static void fake_listen(struct fake *fake)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ctl_socket_address(fake->dir, "lb", true, &address), 0);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, fake->manner == DEAF ? 0 : 16), 0);
	ev_io_init(&fake->listener, on_connection, fd, EV_READ);
	fake->listener.data = fake;
	if (fake->manner != DEAF)
		ev_io_start(ev_default_loop(0), &fake->listener);
}

static void fake_stop(struct fake *fake)
{
	for (size_t i = 0; i < CONNS; i++)
		if (fake->conns[i].io.fd)
			close_conn(&fake->conns[i].io);
	ev_io_stop(ev_default_loop(0), &fake->listener);
	close(fake->listener.fd);
}

/* ---- a set of one pool ---- */

struct side {
	struct fake fake;
	struct vrrp_tracks *tracks;
	int changes;
};

static void on_change(void *data)
{
	((struct side *)data)->changes++;
}

static const struct vrrp_priority_term *term(const struct side *side)
{
	size_t count;
	const struct vrrp_priority_term *terms = vrrp_tracks_terms(side->tracks, &count);

	assert_int_equal(count, 1);
	return terms;
}

static bool says(const struct side *side, bool good, const char *detail)
{
	return term(side)->known && term(side)->good == good && !strcmp(term(side)->detail, detail);
}

static struct side *side_open(const char *name, enum manner manner, const char *body, uint32_t interval_ms)
{
	struct side *side = calloc(1, sizeof(*side));
	struct vrrp_track track = {
		.kind = VRRP_TRACK_POOL, .interval_ms = interval_ms, .pool = "kv", .min_backends = 2};
	struct vrrp_tracks_env env = {.loop = ev_default_loop(0), .rundir = side->fake.dir};

	snprintf(side->fake.dir, sizeof(side->fake.dir), "%s", place_path(name));
	assert_int_equal(mkdir(side->fake.dir, 0750), 0);
	side->fake.manner = manner;
	side->fake.body = body;
	if (body)
		fake_listen(&side->fake);
	assert_int_equal(vrrp_tracks_open(&side->tracks, &env, &track, 1, on_change, side), 0);
	assert_false(term(side)->known);
	return side;
}

static void side_close(struct side *side, bool listens)
{
	vrrp_tracks_close(side->tracks);
	if (listens)
		fake_stop(&side->fake);
	free(side);
}

/* clang-format off */
#define ROW_OF(name, state, admin)                                                                           \
	"{\"pool\":\"kv\",\"name\":\"" name "\",\"state\":\"" state "\",\"admin\":\"" admin "\"}"
#define ROWS(list)       "{\"ok\":true,\"data\":[" list "]}"
#define TWO_OF_THREE     ROWS(ROW_OF("a", "up", "enabled") "," ROW_OF("b", "up", "drain") "," ROW_OF("c", "down", "enabled"))
#define ONE_OF_TWO       ROWS(ROW_OF("a", "up", "enabled") "," ROW_OF("b", "up", "disabled"))

/* clang-format on */

static int make_place(void **state)
{
	return place_make();
}

static int drop_place(void **state)
{
	return place_remove();
}

static void test_it_counts_backends_that_are_up(void **state)
{
	struct side *side = side_open("lb", REPLY, TWO_OF_THREE, 100);

	assert_true(PLACE_UNTIL(term(side)->known));
	assert_true(says(side, true, "2 of 3 backends are up, 2 wanted"));
	assert_string_equal(term(side)->label, "pool kv");
	assert_string_equal(side->fake.asked, "{\"command\":\"backends\",\"args\":{\"pool\":\"kv\"}}");
	assert_true(PLACE_UNTIL(side->fake.questions >= 4)); /* the same again is no news */
	assert_int_equal(side->changes, 1);

	side->fake.body = ONE_OF_TWO;
	assert_true(PLACE_UNTIL(says(side, false, "1 of 2 backends is up, 2 wanted")));
	side->fake.body = ROWS("");
	assert_true(PLACE_UNTIL(says(side, false, "0 of 0 backends are up, 2 wanted")));
	side->fake.body = "{\"ok\":false,\"error\":\"no pool 'kv'; 'tandemctl backends' shows all\"}";
	assert_true(PLACE_UNTIL(says(side, false, "tandem-lb has no such pool")));
	side->fake.body = TWO_OF_THREE;
	assert_true(PLACE_UNTIL(term(side)->good));
	assert_int_equal(side->changes, 5);
	assert_int_equal(side->fake.most_open, 1);
	side_close(side, true);
}

/* tandem-lb is gone for a while, or has other things to do; then it is back with news. */
static void test_a_restart_changes_nothing(void **state)
{
	struct side *side = side_open("lb", REPLY, TWO_OF_THREE, 100);
	double end;

	assert_true(PLACE_UNTIL(term(side)->known));
	fake_stop(&side->fake);
	for (end = place_now() + 1.; place_now() < end;)
		place_turn();
	side->fake.body = "{\"ok\":false,\"error\":\"busy\"}";
	fake_listen(&side->fake);
	for (end = place_now() + 1.; place_now() < end;)
		place_turn();
	assert_true(side->fake.questions > 5);
	assert_true(says(side, true, "2 of 3 backends are up, 2 wanted"));
	assert_int_equal(side->changes, 1);
	side->fake.body = ONE_OF_TWO;
	assert_true(PLACE_UNTIL(!term(side)->good));
	side_close(side, true);
}

/* All at the same time, because each takes 10 s to be believed. */
static void test_no_answer_is_bad_after_a_time(void **state)
{
	static const struct {
		const char *name;
		enum manner manner;
		const char *body, *detail;
	} rows[] = {
		{"gone", REPLY, NULL, "tandem-lb does not answer: it is not running"},
		{"silent", SILENT, "", "tandem-lb does not answer: it is hung or stopped"},
		{"hangs-up", HANGS_UP, "", "tandem-lb does not answer: it closed the connection"},
		{"deaf", DEAF, "", "tandem-lb does not answer: it is hung or stopped"},
		{"trickle", TRICKLE, "", "tandem-lb does not answer: it is hung or stopped"},
		{"endless", ENDLESS, "", "tandem-lb does not answer: "},
		{"raw", RAW, "HTTP/1.1 400 Bad Request\r\n\r\n", "tandem-lb does not answer: "},
		{"long", ANNOUNCES, "", "tandem-lb does not answer: "},
		{"no-json", REPLY, "{\"ok\":tru", "tandem-lb does not answer: the reply"},
		{"no-list", REPLY, "{\"ok\":true,\"data\":7}",
			"tandem-lb does not answer: the reply is no list"},
		{"busy", REPLY, "{\"ok\":false,\"error\":\"busy\"}", "tandem-lb does not answer: busy"},
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct side *sides[sizeof(rows) / sizeof(rows[0])];
	double begin = place_now(), end = begin + 25;
	size_t bad = 0;

	for (size_t i = 0; i < count; i++)
		sides[i] = side_open(rows[i].name, rows[i].manner, rows[i].body, 200);
	while (bad < count && place_now() < end) {
		place_turn();
		bad = 0;
		for (size_t i = 0; i < count; i++) {
			bad += term(sides[i])->known;
			if (rows[i].manner == TRICKLE || rows[i].manner == ENDLESS)
				drip(&sides[i]->fake);
		}
		assert_true(bad == 0 || place_now() - begin >= 10.);
	}
	for (size_t i = 0; i < count; i++) {
		const struct vrrp_priority_term *t = term(sides[i]);

		if (!t->known || t->good || strncmp(t->detail, rows[i].detail, strlen(rows[i].detail)))
			fail_msg("%s: %s", rows[i].name, t->detail);
		assert_true(sides[i]->fake.most_open <= 3); /* a question that leaked would add up to 50 */
		side_close(sides[i], rows[i].body != NULL);
	}
}

static void test_a_rundir_that_is_too_long_is_an_error(void **state)
{
	char dir[200];
	struct vrrp_track track = {.kind = VRRP_TRACK_POOL, .interval_ms = 1000, .pool = "kv"};
	struct vrrp_tracks_env env = {.loop = ev_default_loop(0), .rundir = dir};
	struct vrrp_tracks *tracks;

	memset(dir, '/', sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(vrrp_tracks_open(&tracks, &env, &track, 1, on_change, NULL), -ENAMETOOLONG);
	assert_null(tracks);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_it_counts_backends_that_are_up),
		ROW(test_a_restart_changes_nothing),
		ROW(test_no_answer_is_bad_after_a_time),
		ROW(test_a_rundir_that_is_too_long_is_an_error),
	};

	if (!place_is_possible())
		return 0;
	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
