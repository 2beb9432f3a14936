/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's server against clients that do everything wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "common/ctl_client.h"
#include "common/ctl_rundir.h"
#include "common/ctl_server.h"
#include "common/ctl_wire.h"
#include "common/log.h"
#include "tmp_dir.h"

#define DEADLINE_S 30.

static char dir[TMP_DIR_MAX];
static struct ev_loop *loop;
static struct ctl_server *server;
static unsigned handled;

static json_t *answer_echo(void *ctx, const struct ctl_request *request)
{
	handled++;
	return ctl_reply_ok(
		json_pack("{s:i,s:b}", "uid", (int)request->peer_uid, "read_only", request->read_only));
}

static json_t *answer_big(void *ctx, const struct ctl_request *request)
{
	uint64_t bytes;
	json_t *reply;

	handled++;
	if (ctl_arg_number(request, "bytes", 0, UINT32_MAX, 0, &bytes, &reply) < 0)
		return reply;

	char *text = malloc(bytes + 1);

	memset(text, 'x', bytes);
	text[bytes] = '\0';
	reply = ctl_reply_ok(json_string(text));
	free(text);
	return reply;
}

static json_t *answer_nothing(void *ctx, const struct ctl_request *request)
{
	return NULL;
}

static const struct ctl_command commands[] = {
	{"echo", CTL_READ, answer_echo},
	{"big", CTL_READ, answer_big},
	{"nothing", CTL_READ, answer_nothing},
	{"drain", CTL_WRITE, answer_echo},
};

static json_t *handle(void *ctx, const struct ctl_request *request)
{
	return ctl_dispatch(commands, sizeof(commands) / sizeof(commands[0]), ctx, request);
}

static void count_up(void *ctx)
{
	++*(int *)ctx;
}

static int start(void **state)
{
	struct ctl_server_options options = {.rundir = dir,
		.name = "lb",
		.handle = handle,
		.max_clients = 4,
		.request_timeout_s = .3,
		.reply_timeout_s = .5,
		.idle_timeout_s = 3.,
		.max_queued = 1 << 20};
	char error[256] = "";

	assert_int_equal(tmp_dir_make(dir), 0);
	loop = ev_loop_new(EVFLAG_AUTO);
	handled = 0;
	if (ctl_server_open(&server, loop, &options, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return 0;
}

static int stop(void **state)
{
	ctl_server_close(server);
	server = NULL;
	ev_loop_destroy(loop);
	return tmp_dir_remove(dir); /* complains of a socket file that is left */
}

static int dial(bool read_only)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ctl_socket_address(dir, "lb", read_only, &address), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void on_tick(struct ev_loop *l, ev_timer *w, int events) {}

/* One turn of the server's loop; blocks at most 10 ms. */
static void turn(void)
{
	ev_timer tick;

	ev_timer_init(&tick, on_tick, .01, 0.);
	ev_timer_start(loop, &tick);
	ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &tick);
}

static void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static size_t frame_of(uint8_t *out, const char *body)
{
	ctl_wire_header(out, (uint32_t)strlen(body));
	memcpy(out + CTL_WIRE_HEADER, body, strlen(body));
	return CTL_WIRE_HEADER + strlen(body);
}

static void ask(int fd, const char *body)
{
	uint8_t buf[1024];

	put(fd, buf, frame_of(buf, body));
}

/* Run the server until fd has one whole reply; NULL when it was closed instead. */
static json_t *reply_of(int fd)
{
	static uint8_t buf[8 << 20];
	struct ctl_wire_frame frame;
	ev_tstamp until = ev_time() + DEADLINE_S;
	char error[256];
	size_t len = 0;

	while (ev_time() < until) {
		size_t want = CTL_WIRE_HEADER - len;

		if (len >= CTL_WIRE_HEADER) {
			assert_int_equal(ctl_wire_decode(buf, len, sizeof(buf), &frame), CTL_WIRE_MORE);
			want = frame.frame_len - len;
		}

		ssize_t n = recv(fd, buf + len, want, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return NULL;
		if (n < 0) {
			turn();
			continue;
		}
		len += (size_t)n;
		if (ctl_wire_decode(buf, len, sizeof(buf), &frame) == CTL_WIRE_DONE) {
			json_t *reply = ctl_reply_parse(frame.body, frame.body_len, error, sizeof(error));

			assert_non_null(reply);
			return reply;
		}
	}
	fail_msg("no reply within the deadline");
	return NULL;
}

static void expect_error(int fd, const char *part)
{
	json_t *reply = reply_of(fd);

	assert_non_null(reply);
	assert_true(json_is_false(json_object_get(reply, "ok")));
	if (!strstr(json_string_value(json_object_get(reply, "error")), part))
		fail_msg("'%s' lacks '%s'", json_string_value(json_object_get(reply, "error")), part);
	json_decref(reply);
}

static void expect_ok(int fd)
{
	json_t *reply = reply_of(fd);

	assert_non_null(reply);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
}

static void expect_closed(int fd)
{
	json_t *reply = reply_of(fd);

	assert_null(reply);
	close(fd);
}

static void expect_clients(unsigned count)
{
	ev_tstamp until = ev_time() + DEADLINE_S;

	while (ctl_server_clients(server) != count && ev_time() < until)
		turn();
	assert_int_equal(ctl_server_clients(server), count);
}

static void answers_one_request_after_another(void **state)
{
	uint8_t two[256];
	size_t len = frame_of(two, "{\"command\":\"echo\"}");
	int fd = dial(false);

	len += frame_of(two + len, "{\"command\":\"nothing\"}");
	put(fd, two, len);

	json_t *reply = reply_of(fd);

	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(reply, "data"), "uid")), getuid());
	json_decref(reply);
	expect_error(fd, "out of memory");
	for (size_t i = 0; i < CTL_WIRE_HEADER + 18; i++) {
		frame_of(two, "{\"command\":\"echo\"}");
		put(fd, two + i, 1);
		ev_run(loop, EVRUN_NOWAIT);
	}
	expect_ok(fd);
	close(fd);
	expect_clients(0);
}

static void answers_after_a_half_close(void **state)
{
	int fd = dial(false);

	ask(fd, "{\"command\":\"echo\"}");
	shutdown(fd, SHUT_WR);
	expect_ok(fd);
	expect_closed(fd);
}

static void modes_are_what_the_header_says(void **state)
{
	struct sockaddr_un address;
	struct stat st;

	ctl_socket_address(dir, "lb", false, &address);
	assert_int_equal(stat(address.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	ctl_socket_address(dir, "lb", true, &address);
	assert_int_equal(stat(address.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
}

static void read_only_socket_refuses_changes(void **state)
{
	int fd = dial(true);

	ask(fd, "{\"command\":\"drain\"}");
	expect_error(fd, "read-only");
	assert_int_equal(handled, 0);
	ask(fd, "{\"command\":\"echo\"}");
	expect_ok(fd);
	close(fd);
	fd = dial(false);
	ask(fd, "{\"command\":\"drain\"}");
	expect_ok(fd);
	close(fd);
}

/* As a user who may enter the directory and no more: looks through the read-only socket, changes nothing. */
static int try_as_nobody(void)
{
	struct ctl_client *client;
	char error[256];

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	if (ctl_client_open(&client, dir, "lb", CTL_WRITE, 5000, error, sizeof(error)) != -EACCES ||
		!strstr(error, "no permission"))
		return 2;
	if (ctl_client_open(&client, dir, "lb", CTL_READ, 5000, error, sizeof(error)) != 0)
		return 3;

	json_t *data = ctl_client_call(client, "echo", NULL, error, sizeof(error));
	bool right = json_is_true(json_object_get(data, "read_only")) &&
		     json_integer_value(json_object_get(data, "uid")) == 65534;

	json_decref(data);
	data = ctl_client_call(client, "drain", NULL, error, sizeof(error));
	right = right && !data && strstr(error, "read-only");
	json_decref(data);
	ctl_client_close(client);
	return right ? 0 : 4;
}

static void who_may_only_look_gets_the_read_only_socket(void **state)
{
	ev_tstamp until = ev_time() + DEADLINE_S;
	int status = -1;

	if (getuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);

	pid_t child = fork();

	if (child == 0)
		_exit(try_as_nobody());
	while (waitpid(child, &status, WNOHANG) == 0 && ev_time() < until)
		turn();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void garbage_is_answered_and_closed(void **state)
{
	uint8_t head[CTL_WIRE_HEADER];
	int fd = dial(false);

	put(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	expect_error(fd, "not a control frame");
	expect_closed(fd);

	fd = dial(false);
	ctl_wire_header(head, UINT32_MAX);
	put(fd, head, sizeof(head));
	expect_error(fd, "longer than the cap");
	expect_closed(fd);

	fd = dial(false);
	ask(fd, "not json");
	expect_error(fd, "not JSON");
	ask(fd, "{\"command\":\"echo\"}"); /* the frames are still in step */
	expect_ok(fd);
	close(fd);
	assert_int_equal(handled, 1);
}

static void random_bytes_do_no_harm(void **state)
{
	unsigned seed = 1;

	for (int round = 0; round < 300; round++) {
		uint8_t buf[512];
		size_t len = 1 + (size_t)(rand_r(&seed) % (int)sizeof(buf));
		int fd = dial(round & 1);

		for (size_t i = 0; i < len; i++)
			buf[i] = (uint8_t)rand_r(&seed);
		if (round % 3 == 0) /* a good header before bad JSON */
			ctl_wire_header(buf, (uint32_t)(rand_r(&seed) % 100));
		put(fd, buf, len);
		turn();
		close(fd);
		expect_clients(0);
	}

	int fd = dial(false);

	ask(fd, "{\"command\":\"echo\"}");
	expect_ok(fd);
	close(fd);
}

static void half_a_frame_is_closed_after_the_deadline(void **state)
{
	uint8_t buf[64];
	int fd = dial(false);
	ev_tstamp began = ev_time();

	frame_of(buf, "{\"command\":\"echo\"}");
	put(fd, buf, 7);
	expect_closed(fd);
	assert_true(ev_time() - began >= .25 && ev_time() - began < 2.5); /* not the idle timeout */
	assert_int_equal(ctl_server_clients(server), 0);
}

static void silence_is_closed_after_the_idle_timeout(void **state)
{
	int fd = dial(false);
	ev_tstamp began = ev_time();

	expect_closed(fd);
	assert_true(ev_time() - began >= 2.9);
}

static void slow_reader_is_not_waited_for(void **state)
{
	int slow = dial(false);
	int other = dial(false);

	/* Many requests at once, and nothing is read: the server must stop at the first reply. */
	for (int i = 0; i < 20; i++)
		ask(slow, "{\"command\":\"big\",\"args\":{\"bytes\":4000000}}");
	for (ev_tstamp until = ev_time() + DEADLINE_S; handled == 0 && ev_time() < until;)
		turn();
	ask(other, "{\"command\":\"echo\"}");
	expect_error(other, "busy"); /* max_queued is 1 MiB */
	assert_int_equal(handled, 1);
	expect_clients(1); /* slow is dropped at the reply deadline */
	assert_int_equal(handled, 1);
	ask(other, "{\"command\":\"echo\"}");
	expect_ok(other);
	close(slow);
	close(other);
}

static void replies_have_a_cap(void **state)
{
	int fd = dial(false);

	ask(fd, "{\"command\":\"big\",\"args\":{\"bytes\":67108860}}");
	expect_error(fd, "longer than 64 MiB");
	ask(fd, "{\"command\":\"big\",\"args\":{\"bytes\":7000000}}");
	expect_ok(fd);
	close(fd);
}

static void clients_are_bounded_per_socket(void **state)
{
	int fds[5];

	for (int i = 0; i < 5; i++)
		fds[i] = dial(true);
	expect_error(fds[4], "too many clients");
	expect_closed(fds[4]);
	assert_int_equal(ctl_server_clients(server), 4);

	int full = dial(false); /* those who only look cannot lock out who may change things */

	ask(full, "{\"command\":\"drain\"}");
	expect_ok(full);
	close(full);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	expect_clients(0);
	fds[0] = dial(true);
	ask(fds[0], "{\"command\":\"echo\"}");
	expect_ok(fds[0]);
	close(fds[0]);
}

static void socket_files_are_replaced_only_when_dead(void **state)
{
	struct ctl_server_options options = {.rundir = dir, .name = "lb", .handle = handle};
	struct ctl_server *second;
	struct sockaddr_un address;
	char error[256], path[80];

	assert_int_equal(ctl_server_open(&second, loop, &options, error, sizeof(error)), -EADDRINUSE);
	assert_non_null(strstr(error, "another process listens on"));
	assert_null(second);

	int fd = dial(false);

	ask(fd, "{\"command\":\"echo\"}"); /* the first one is unharmed */
	expect_ok(fd);
	close(fd);

	/* A socket file left by a killed process: bound, and closed without unlink. */
	options.name = "dead";
	ctl_socket_address(dir, "dead", false, &address);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(ctl_server_open(&second, loop, &options, error, sizeof(error)), 0);
	ctl_server_close(second);
	assert_int_equal(access(address.sun_path, F_OK), -1);

	/* A file that is no socket is not ours to remove; the full socket made before it is taken back. */
	options.name = "file";
	snprintf(path, sizeof(path), "%s/file-ro.sock", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(ctl_server_open(&second, loop, &options, error, sizeof(error)), -EEXIST);
	assert_int_equal(unlink(path), 0);
	ctl_socket_address(dir, "file", false, &address);
	assert_int_equal(access(address.sun_path, F_OK), -1);
}

/* What another program removes is made anew: the lock too, with the number of who has it. */
static void files_that_were_removed_come_back(void **state)
{
	char error[256], path[100];
	int lock = ctl_lock_rundir(dir, "vrrp", error, sizeof(error)), restored = 0, second;
	struct ctl_server_options options = {.rundir = dir,
		.name = "vrrp",
		.handle = handle,
		.lock = &lock,
		.restored = count_up,
		.ctx = &restored};
	struct ctl_server *other;

	assert_true(lock >= 0);
	assert_int_equal(ctl_server_open(&other, loop, &options, error, sizeof(error)), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"vrrp.pid", "vrrp.sock", "vrrp-ro.sock"};
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
		for (int turn = 0; turn < 60 && restored == i; turn++) /* two servers look once a second */
			ev_run(loop, EVRUN_ONCE);
		assert_int_equal(stat(path, &st), 0);
	}
	second = ctl_lock_rundir(dir, "vrrp", error, sizeof(error));
	assert_int_equal(second, -EALREADY);
	snprintf(path, sizeof(path), "as pid %ld:", (long)getpid());
	assert_non_null(strstr(error, path));
	ctl_server_close(other);
	ctl_unlock_rundir(lock, dir, "vrrp");
}

static void a_long_run_directory_is_explained(void **state)
{
	char name[200], error[256];
	struct ctl_server_options options = {.rundir = name, .name = "lb", .handle = handle};
	struct ctl_server *second;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ctl_server_open(&second, loop, &options, error, sizeof(error)), -ENAMETOOLONG);
	assert_non_null(strstr(error, "107 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_one_request_after_another, start, stop),
		cmocka_unit_test_setup_teardown(answers_after_a_half_close, start, stop),
		cmocka_unit_test_setup_teardown(modes_are_what_the_header_says, start, stop),
		cmocka_unit_test_setup_teardown(read_only_socket_refuses_changes, start, stop),
		cmocka_unit_test_setup_teardown(who_may_only_look_gets_the_read_only_socket, start, stop),
		cmocka_unit_test_setup_teardown(garbage_is_answered_and_closed, start, stop),
		cmocka_unit_test_setup_teardown(random_bytes_do_no_harm, start, stop),
		cmocka_unit_test_setup_teardown(half_a_frame_is_closed_after_the_deadline, start, stop),
		cmocka_unit_test_setup_teardown(silence_is_closed_after_the_idle_timeout, start, stop),
		cmocka_unit_test_setup_teardown(slow_reader_is_not_waited_for, start, stop),
		cmocka_unit_test_setup_teardown(replies_have_a_cap, start, stop),
		cmocka_unit_test_setup_teardown(clients_are_bounded_per_socket, start, stop),
		cmocka_unit_test_setup_teardown(socket_files_are_replaced_only_when_dead, start, stop),
		cmocka_unit_test_setup_teardown(files_that_were_removed_come_back, start, stop),
		cmocka_unit_test_setup_teardown(a_long_run_directory_is_explained, start, stop),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
