/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's client against daemons that answer nonsense, too little, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ctl_client.h"
#include "common/ctl_rundir.h"
#include "common/ctl_wire.h"
#include "tmp_dir.h"

static char dir[TMP_DIR_MAX];

static int make_dir(void **state)
{
	return tmp_dir_make(dir);
}

static int remove_dir(void **state)
{
	return tmp_dir_remove(dir);
}

static size_t frame_of(uint8_t *out, const char *body)
{
	ctl_wire_header(out, (uint32_t)strlen(body));
	memcpy(out + CTL_WIRE_HEADER, body, strlen(body));
	return CTL_WIRE_HEADER + strlen(body);
}

struct false_daemon {
	int fd;
	const void *bytes; /* what it answers; NULL: nothing, and it keeps the connection */
	size_t len;
};

static void *run_false_daemon(void *arg)
{
	struct false_daemon *daemon = arg;
	char sink[256];
	int fd = accept(daemon->fd, NULL, NULL);

	while (recv(fd, sink, sizeof(sink), 0) == (ssize_t)sizeof(sink))
		;
	if (daemon->bytes)
		(void)!send(fd, daemon->bytes, daemon->len, MSG_NOSIGNAL);
	else
		while (recv(fd, sink, sizeof(sink), 0) > 0)
			;
	close(fd);
	return NULL;
}

/* The error that a client gets from a daemon that answers these bytes. */
static void false_answer(const void *bytes, size_t len, const char *part)
{
	struct false_daemon daemon = {.fd = socket(AF_UNIX, SOCK_STREAM, 0), .bytes = bytes, .len = len};
	struct sockaddr_un address;
	struct ctl_client *client;
	pthread_t thread;
	char error[512] = "";

	/* Only silence is waited for. */
	int timeout_ms = bytes ? 20000 : 300;

	ctl_socket_address(dir, "false", false, &address);
	assert_int_equal(bind(daemon.fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(daemon.fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_false_daemon, &daemon), 0);
	assert_int_equal(
		ctl_client_open(&client, dir, "false", CTL_WRITE, timeout_ms, error, sizeof(error)), 0);
	assert_null(ctl_client_call(client, "echo", NULL, error, sizeof(error)));
	if (!strstr(error, part))
		fail_msg("'%s' lacks '%s'", error, part);
	assert_null(strchr(error, '\x1b'));
	ctl_client_close(client);
	pthread_join(thread, NULL);
	close(daemon.fd);
	unlink(address.sun_path);
}

static void the_client_believes_nothing(void **state)
{
	uint8_t buf[256];
	size_t len;

	false_answer(NULL, 0, "did not answer within 1 s");
	false_answer("", 0, "closed the connection");
	false_answer("HTTP/1.1 200 OK", 15, "not a control frame");
	false_answer(buf, frame_of(buf, "{}"), "neither");
	false_answer(buf, frame_of(buf, "{\"ok\":false,\"error\":\"no \\u001b[31m\"}"), "no ?[31m");
	len = frame_of(buf, "{\"ok\":true,\"data\":1}");
	false_answer(buf, len - 1, "closed the connection");
	buf[len] = 'x';
	false_answer(buf, len + 1, "more than one frame");
	ctl_wire_header(buf, CTL_WIRE_REPLY_MAX + 1);
	false_answer(buf, CTL_WIRE_HEADER, "longer than the cap");
}

static void no_daemon_is_explained(void **state)
{
	struct ctl_client *client;
	char error[512];

	assert_int_equal(
		ctl_client_open(&client, "/nonexistent", "lb", CTL_READ, 100, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "tandem-lb is not running in /nonexistent: start it with"));
	assert_null(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_client_believes_nothing, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(no_daemon_is_explained, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
