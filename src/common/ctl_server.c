/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket's server; see ctl_server.h.
 *
 * A client is either asking (we wait for bytes) or being answered (we wait for it to take them), never both:
 * that is the back-pressure. One request is answered per turn of the loop, so that a client that sends a
 * thousand of them at once does not keep the loop from its other work. One timer a client holds whichever
 * deadline stands: idle, request or reply.
 */
#include "common/ctl_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "common/ctl_listen.h"
#include "common/ctl_rundir.h"
#include "common/ctl_wire.h"
#include "common/log.h"

#define IN_START         1024 /* bytes of a client's first request buffer */
#define IN_MAX           (CTL_WIRE_HEADER + CTL_WIRE_REQUEST_MAX)
#define ACCEPTS_PER_TURN 16
#define KEEP_S           1.0 /* between looks at the files */
#define ACCEPT_PAUSE_S   1.0 /* when the process is out of descriptors or memory */

struct listener {
	ev_io io;
	ev_timer pause;
	struct ctl_server *server;
	struct sockaddr_un address;
	dev_t dev; /* which file we made, so as to remove no other */
	ino_t ino;
	bool read_only;
	unsigned clients;
};

struct client {
	ev_io io;
	ev_timer timer;
	struct listener *from;
	struct client *prev, *next;
	uid_t uid;
	pid_t pid;
	uint8_t *in;
	size_t in_len, in_size;
	uint8_t head[CTL_WIRE_HEADER];
	char *out;                /* the reply's body; NULL while asking */
	size_t out_len, out_sent; /* header and body */
	bool last;                /* close after this reply: what comes behind is not a frame any more */
};

struct ctl_server {
	struct ev_loop *loop;
	struct ctl_server_options options;
	ev_timer keep;
	bool keep_failed;             /* and that was logged */
	struct listener listeners[2]; /* full, read-only */
	struct client *clients;
	size_t queued; /* bytes of replies that wait */
};

static void client_close(struct client *client)
{
	struct ctl_server *server = client->from->server;

	ev_io_stop(server->loop, &client->io);
	ev_timer_stop(server->loop, &client->timer);
	close(client->io.fd);
	if (client->prev)
		client->prev->next = client->next;
	else
		server->clients = client->next;
	if (client->next)
		client->next->prev = client->prev;
	client->from->clients--;
	if (client->out)
		server->queued -= client->out_len;
	free(client->out);
	free(client->in);
	free(client);
}

static void client_wait(struct client *client, int events, double deadline_s)
{
	struct ctl_server *server = client->from->server;

	if (client->io.events != events || !ev_is_active(&client->io)) {
		ev_io_stop(server->loop, &client->io);
		ev_io_set(&client->io, client->io.fd, events);
		ev_io_start(server->loop, &client->io);
	}
	ev_timer_stop(server->loop, &client->timer);
	ev_timer_set(&client->timer, deadline_s, 0.);
	ev_timer_start(server->loop, &client->timer);
}

/* Serialise the reply (taken over) and begin to send it. Closes the client when memory is out. */
static void client_reply(struct client *client, json_t *reply)
{
	struct ctl_server *server = client->from->server;

	if (!reply)
		reply = ctl_reply_error("out of memory");
	client->out = reply ? json_dumps(reply, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
	json_decref(reply);
	if (client->out && strlen(client->out) > CTL_WIRE_REPLY_MAX) {
		free(client->out);
		reply = ctl_reply_error("the answer is longer than 64 MiB: ask for less of it");
		client->out = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
		json_decref(reply);
	}
	if (!client->out) {
		log_error("control: out of memory for an answer, closing the client (pid %d)",
			(int)client->pid);
		client_close(client);
		return;
	}

	size_t body_len = strlen(client->out);

	ctl_wire_header(client->head, (uint32_t)body_len);
	client->out_len = CTL_WIRE_HEADER + body_len;
	client->out_sent = 0;
	server->queued += client->out_len;
	ev_now_update(server->loop); /* the answer may have taken its time: the deadline counts from now */
	client_wait(client, EV_WRITE, server->options.reply_timeout_s);
}

static json_t *client_answer(struct client *client, const struct ctl_wire_frame *frame)
{
	struct ctl_server *server = client->from->server;
	struct ctl_request request = {
		.read_only = client->from->read_only, .peer_uid = client->uid, .peer_pid = client->pid};
	char error[256];
	json_t *root, *reply;

	if (server->queued >= server->options.max_queued)
		return ctl_reply_error("busy: other clients have not taken their answers yet, try again");
	if (ctl_request_parse(frame->body, frame->body_len, &request, &root, error, sizeof(error)) < 0)
		return ctl_reply_error("%s", error);
	reply = server->options.handle(server->options.ctx, &request);
	json_decref(root);
	return reply;
}

/* Make room for what the frame still lacks, but never for more than has nearly come already. */
static int client_grow(struct client *client)
{
	if (client->in_len < client->in_size)
		return 0;

	size_t size = client->in_size ? client->in_size * 2 : IN_START;
	uint8_t *grown = realloc(client->in, size > IN_MAX ? IN_MAX : size);

	if (!grown)
		return -ENOMEM;
	client->in = grown;
	client->in_size = size > IN_MAX ? IN_MAX : size;
	return 0;
}

/* Answer the first frame in the buffer if it is whole; false when more bytes are needed. The client may be
 * gone after true. */
static bool client_advance(struct client *client)
{
	struct ctl_wire_frame frame;
	enum ctl_wire_result result =
		ctl_wire_decode(client->in, client->in_len, CTL_WIRE_REQUEST_MAX, &frame);

	if (result == CTL_WIRE_MORE)
		return false;
	if (result != CTL_WIRE_DONE) {
		log_debug("control: closing a client (pid %d, uid %u): %s", (int)client->pid,
			(unsigned)client->uid, ctl_wire_explain(result));
		client->last = true;
		client->in_len = 0;
		client_reply(client, ctl_reply_error("%s", ctl_wire_explain(result)));
		return true;
	}

	json_t *reply = client_answer(client, &frame);

	client->in_len -= frame.frame_len;
	memmove(client->in, client->in + frame.frame_len, client->in_len);
	client_reply(client, reply);
	return true;
}

static void client_read(struct client *client)
{
	struct ctl_server *server = client->from->server;
	bool begins = client->in_len == 0;

	if (client_grow(client) < 0) {
		client_close(client);
		return;
	}

	ssize_t n = recv(client->io.fd, client->in + client->in_len, client->in_size - client->in_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	client->in_len += (size_t)n;
	if (!client_advance(client) && begins)
		client_wait(client, EV_READ, server->options.request_timeout_s);
}

/* The reply is out: on to what the client has sent meanwhile, or wait for its next request. */
static void client_replied(struct client *client)
{
	struct ctl_server *server = client->from->server;

	server->queued -= client->out_len;
	free(client->out);
	client->out = NULL;
	if (client->last) {
		client_close(client);
		return;
	}
	if (client->in_len == 0) {
		free(client->in);
		client->in = NULL;
		client->in_size = 0;
		client_wait(client, EV_READ, server->options.idle_timeout_s);
	} else if (!client_advance(client)) {
		client_wait(client, EV_READ, server->options.request_timeout_s);
	}
}

static void client_write(struct client *client)
{
	size_t head_left = client->out_sent < CTL_WIRE_HEADER ? CTL_WIRE_HEADER - client->out_sent : 0;
	size_t body_at = client->out_sent + head_left - CTL_WIRE_HEADER;
	struct iovec iov[2] = {
		{.iov_base = client->head + CTL_WIRE_HEADER - head_left, .iov_len = head_left},
		{.iov_base = client->out + body_at, .iov_len = client->out_len - CTL_WIRE_HEADER - body_at},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = sendmsg(client->io.fd, &msg, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_close(client);
		return;
	}
	client->out_sent += (size_t)n;
	if (client->out_sent == client->out_len)
		client_replied(client);
}

static void on_client(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *client = w->data;

	if (client->out)
		client_write(client);
	else
		client_read(client);
}

static void on_client_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	struct client *client = w->data;

	log_debug("control: closing a client (pid %d, uid %u): it %s", (int)client->pid,
		(unsigned)client->uid,
		client->out      ? "does not take its answer"
		: client->in_len ? "sent half a request"
				 : "is idle");
	client_close(client);
}

/* Over the bound: say so without keeping anything. A fresh socket's buffer takes these bytes at once. */
static void refuse(int fd)
{
	static const char body[] =
		"{\"ok\":false,\"error\":\"busy: too many clients on this control socket, try again\"}";
	uint8_t frame[CTL_WIRE_HEADER + sizeof(body) - 1];

	ctl_wire_header(frame, sizeof(body) - 1);
	memcpy(frame + CTL_WIRE_HEADER, body, sizeof(body) - 1);
	(void)!send(fd, frame, sizeof(frame), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void admit(struct listener *listener, int fd)
{
	struct ctl_server *server = listener->server;
	struct ucred peer = {.uid = (uid_t)-1, .pid = -1};
	socklen_t peer_len = sizeof(peer);
	struct client *client;

	if (listener->clients >= server->options.max_clients || !(client = calloc(1, sizeof(*client)))) {
		refuse(fd);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) < 0)
		log_warn("control: cannot tell who connected: %s", strerror(errno));
	client->from = listener;
	client->uid = peer.uid;
	client->pid = peer.pid;
	client->next = server->clients;
	if (client->next)
		client->next->prev = client;
	server->clients = client;
	listener->clients++;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	ev_timer_init(&client->timer, on_client_deadline, 0., 0.);
	client->io.data = client->timer.data = client;
	client_wait(client, EV_READ, server->options.idle_timeout_s);
}

static void on_listener(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *listener = w->data;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(listener, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return;
		/* Out of descriptors or memory: the connection stays in the queue and would wake us at once.
		 */
		log_warn("control: cannot accept on %s: %s; trying again in %.0f s",
			listener->address.sun_path, strerror(errno), ACCEPT_PAUSE_S);
		ev_io_stop(loop, w);
		ev_timer_set(&listener->pause, ACCEPT_PAUSE_S, 0.);
		ev_timer_start(loop, &listener->pause);
		return;
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct listener *listener = w->data;

	ev_io_start(loop, &listener->io);
}

/* Take a place at its address, instead of the one that it has had. */
static int listener_listen(struct listener *listener, char *error, size_t error_size)
{
	struct stat st;
	int fd = ctl_listen(&listener->address, listener->read_only ? 0666 : 0660, error, error_size);

	if (fd < 0)
		return fd;
	if (stat(listener->address.sun_path, &st) == 0) {
		listener->dev = st.st_dev;
		listener->ino = st.st_ino;
	}
	ev_io_set(&listener->io, fd, EV_READ);
	ev_io_start(listener->server->loop, &listener->io);
	return 0;
}

static int listener_open(struct ctl_server *server, bool read_only, char *error, size_t error_size)
{
	struct listener *listener = &server->listeners[read_only];
	int rc = ctl_socket_address(
		server->options.rundir, server->options.name, read_only, &listener->address);

	if (rc < 0) {
		snprintf(error, error_size,
			"run directory %.60s...: too long for a socket's path (107 bytes)",
			server->options.rundir);
		return rc;
	}

	ev_init(&listener->io, on_listener);
	ev_timer_init(&listener->pause, on_pause_over, 0., 0.);
	listener->io.data = listener->pause.data = listener;
	listener->read_only = read_only;
	listener->server = server;
	rc = listener_listen(listener, error, error_size);
	if (rc < 0)
		listener->server = NULL;
	return rc;
}

static bool has_file(const struct listener *listener)
{
	struct stat st;

	return lstat(listener->address.sun_path, &st) == 0 && st.st_dev == listener->dev &&
	       st.st_ino == listener->ino;
}

static void listener_close(struct listener *listener)
{
	if (!listener->server)
		return;
	ev_io_stop(listener->server->loop, &listener->io);
	ev_timer_stop(listener->server->loop, &listener->pause);
	close(listener->io.fd);
	if (has_file(listener))
		unlink(listener->address.sun_path);
}

/* ---- the files ---- */

/* 0: all is there; 1: something was not, and is again; -errno with one line in error. */
static int keep_files(struct ctl_server *server, char *error, size_t error_size)
{
	const struct ctl_server_options *o = &server->options;
	int rc = o->lock ? ctl_keep_rundir(o->lock, o->rundir, o->name, error, error_size) : 0;

	for (int i = 0; i < 2 && rc >= 0; i++) {
		struct listener *listener = &server->listeners[i];
		int old = listener->io.fd, err;

		if (has_file(listener))
			continue;
		ev_io_stop(server->loop, &listener->io);
		err = listener_listen(listener, error, error_size);
		if (err < 0)
			return err; /* the old one serves nobody, but has its place in the queue of descriptors */
		close(old);
		rc = 1;
	}
	return rc;
}

static void on_keep(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_server *server = w->data;
	char error[300];
	int rc = keep_files(server, error, sizeof(error));

	if (rc < 0 && !server->keep_failed)
		log_error("files in the run directory %s were removed: %s", server->options.rundir, error);
	server->keep_failed = rc < 0;
	if (rc <= 0)
		return;
	log_warn(
		"files in the run directory %s were removed by another program: lock and control sockets are made anew",
		server->options.rundir);
	if (server->options.restored)
		server->options.restored(server->options.ctx);
}

int ctl_server_open(struct ctl_server **out, struct ev_loop *loop, const struct ctl_server_options *options,
	char *error, size_t error_size)
{
	struct ctl_server *server = calloc(1, sizeof(*server));
	int rc;

	*out = NULL;
	if (!server) {
		snprintf(error, error_size, "out of memory for the control socket");
		return -ENOMEM;
	}
	server->loop = loop;
	server->options = *options;
	if (!server->options.max_clients)
		server->options.max_clients = 32;
	if (server->options.request_timeout_s <= 0)
		server->options.request_timeout_s = 5.;
	if (server->options.reply_timeout_s <= 0)
		server->options.reply_timeout_s = 30.;
	if (server->options.idle_timeout_s <= 0)
		server->options.idle_timeout_s = 60.;
	if (!server->options.max_queued)
		server->options.max_queued = 128u * 1024 * 1024;
	rc = listener_open(server, false, error, error_size);
	if (rc == 0)
		rc = listener_open(server, true, error, error_size);
	ev_timer_init(&server->keep, on_keep, 0., KEEP_S);
	server->keep.data = server;
	if (rc == 0)
		ev_timer_start(loop, &server->keep);
	if (rc < 0)
		ctl_server_close(server);
	else
		*out = server;
	return rc;
}

void ctl_server_close(struct ctl_server *server)
{
	if (!server)
		return;
	while (server->clients)
		client_close(server->clients);
	ev_timer_stop(server->loop, &server->keep);
	listener_close(&server->listeners[0]);
	listener_close(&server->listeners[1]);
	free(server);
}

unsigned ctl_server_clients(const struct ctl_server *server)
{
	return server->listeners[0].clients + server->listeners[1].clients;
}
