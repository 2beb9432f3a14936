/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One raw ICMP or ICMPv6 socket for each witness, bound to the interface: an answer by another way would say nothing about
 * the link. A request is sent every interval, whether the last was answered or not; it counts as missed when the next is
 * sent. The random cookie tells an answer from a forged one.
 */
#include "vrrp/vrrp_witness.h"

#include <errno.h>
#include <ev.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/icmp_echo.h"
#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_timer.h"

#define READ_TURN 64
#define READ_MAX  4096 /* more than a socket buffers */

struct witness {
	struct vrrp_witnesses *set;
	struct net_addr addr;
	int fd;
	ev_io readable;
	struct icmp_echo echo; /* the request that waits */
	bool waits;
	int64_t sent_at, took_ns, answered_at;
	uint8_t good, bad; /* in a row */
	enum vrrp_witness state;
};

struct vrrp_witnesses {
	struct ev_loop *loop;
	char interface[VRRP_IFNAME_SIZE];
	struct vrrp_witness_model model;
	vrrp_witness_fn *changed;
	void *data;
	struct witness list[VRRP_WITNESSES_MAX];
	ev_timer due;
};

const char *vrrp_witness_name(enum vrrp_witness state)
{
	static const char *const names[] = {"none", "unknown", "reached", "lost"};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

/* ---- one of them ---- */

/* Reached, and nothing has been missed since. */
static bool is_sure(const struct witness *w)
{
	return w->state == VRRP_WITNESS_REACHED && w->bad == 0;
}

static void judge(struct witness *w, bool answered)
{
	const struct vrrp_witness_model *m = &w->set->model;
	enum vrrp_witness before = w->state;
	bool was_sure = is_sure(w);

	w->good = answered ? (w->good < 255 ? w->good + 1 : 255) : 0;
	w->bad = answered ? 0 : (w->bad < 255 ? w->bad + 1 : 255);
	/* The first word is believed at once: until then nothing was known. */
	if (answered && (w->good >= m->rise || before == VRRP_WITNESS_UNKNOWN))
		w->state = VRRP_WITNESS_REACHED;
	else if (w->bad >= m->fall)
		w->state = VRRP_WITNESS_LOST;
	if (w->state != before || is_sure(w) != was_sure)
		w->set->changed(w->set->data);
}

/* False when there is nothing more. */
static bool read_one(struct witness *w)
{
	struct sockaddr_storage from = {};
	socklen_t len = sizeof(from);
	uint8_t buf[128];
	struct icmp_echo echo;
	ssize_t n = recvfrom(w->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	const void *bytes = w->addr.family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)&from)->sin_addr
				    : (const void *)&((const struct sockaddr_in6 *)&from)->sin6_addr;

	if (n < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK;
	if (!w->waits || !icmp_echo_parse(w->addr.family, ICMP_ECHO_REPLY, w->addr.family == AF_INET, buf,
				 (size_t)n, &echo))
		return true;
	if (memcmp(bytes, w->addr.bytes, w->addr.family == AF_INET ? 4 : 16) != 0 ||
		memcmp(echo.cookie, w->echo.cookie, sizeof(echo.cookie)) != 0)
		return true;
	w->waits = false;
	w->answered_at = vrrp_now();
	w->took_ns = w->answered_at - w->sent_at;
	judge(w, true);
	return true;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct witness *w = io->data;

	for (int i = 0; i < READ_TURN && read_one(w); i++)
		;
}

static int open_socket(struct witness *w)
{
	bool four = w->addr.family == AF_INET;
	int fd = socket(w->addr.family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	struct icmp_filter only4 = {~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter only6;
	int err;

	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&only6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only6);
	err = four ? setsockopt(fd, SOL_RAW, ICMP_FILTER, &only4, sizeof(only4))
		   : setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only6, sizeof(only6));
	if (!err)
		err = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->set->interface,
			(socklen_t)strlen(w->set->interface) + 1);
	if (err) {
		err = -errno;
		close(fd);
		return err;
	}
	w->fd = fd;
	ev_io_init(&w->readable, on_readable, fd, EV_READ);
	w->readable.data = w;
	ev_io_start(w->set->loop, &w->readable);
	return 0;
}

static void close_socket(struct witness *w)
{
	if (w->fd < 0)
		return;
	ev_io_stop(w->set->loop, &w->readable);
	close(w->fd);
	w->fd = -1;
}

/* A socket is bound to the device that had the name: when sending fails, the next request gets a new one. */
static void ask(struct witness *w)
{
	struct sockaddr_storage to;
	socklen_t len = addr_to_sockaddr(&w->addr, 0, &to);
	uint8_t request[ICMP_ECHO_LEN];

	w->waits = true;
	w->sent_at = vrrp_now();
	w->echo.sequence++;
	if (getrandom(w->echo.cookie, sizeof(w->echo.cookie), GRND_NONBLOCK) != sizeof(w->echo.cookie))
		memcpy(w->echo.cookie, &w->sent_at, sizeof(w->echo.cookie));
	icmp_echo_build(w->addr.family, &w->echo, request);
	if (w->fd < 0 && open_socket(w))
		return;
	if (sendto(w->fd, request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
		    len) < 0)
		close_socket(w);
}

/* ---- all of them ---- */

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct vrrp_witnesses *set = timer->data;

	for (size_t i = 0; i < set->model.count; i++) {
		struct witness *w = &set->list[i];

		/* After a pause the answer may be waiting. */
		for (int n = 0; n < READ_MAX && w->fd >= 0 && w->waits && read_one(w);)
			n++;
		if (w->waits)
			judge(w, false);
		ask(w);
	}
	/* Whoever comes late, this loop too, is not made up for: each request has a whole interval for its answer. */
	ev_now_update(loop);
	ev_timer_again(loop, timer);
}

int vrrp_witnesses_open(struct vrrp_witnesses **out, struct ev_loop *loop, const char *interface,
	const struct vrrp_witness_model *model, vrrp_witness_fn *changed, void *data)
{
	struct vrrp_witnesses *set = calloc(1, sizeof(*set));
	int err = 0;

	*out = NULL;
	if (!set)
		return -ENOMEM;
	set->loop = loop;
	set->model = *model;
	set->changed = changed;
	set->data = data;
	strncpy(set->interface, interface, sizeof(set->interface) - 1);
	for (size_t i = 0; i < model->count; i++) {
		set->list[i] = (struct witness){.set = set,
			.addr = model->addresses[i],
			.fd = -1,
			.echo.ident = (uint16_t)getpid(),
			.state = VRRP_WITNESS_UNKNOWN,
			.answered_at = VRRP_NEVER};
		err = open_socket(&set->list[i]);
		if (err && err != -ENODEV)
			break;
		err = 0;
	}
	ev_timer_init(&set->due, on_due, 0., model->interval_ms / 1000.);
	set->due.data = set;
	if (err) {
		vrrp_witnesses_close(set);
		return err;
	}
	/* Misses are counted in whole intervals from now, not from when the loop woke up. */
	ev_now_update(loop);
	ev_timer_start(loop, &set->due);
	*out = set;
	return 0;
}

void vrrp_witnesses_close(struct vrrp_witnesses *set)
{
	if (!set)
		return;
	ev_timer_stop(set->loop, &set->due);
	for (size_t i = 0; i < set->model.count; i++)
		if (set->list[i].set)
			close_socket(&set->list[i]);
	free(set);
}

enum vrrp_witness vrrp_witnesses_state(const struct vrrp_witnesses *set)
{
	enum vrrp_witness state = VRRP_WITNESS_LOST;

	if (!set || set->model.count == 0)
		return VRRP_WITNESS_NONE;
	for (size_t i = 0; i < set->model.count; i++) {
		if (is_sure(&set->list[i]))
			return VRRP_WITNESS_REACHED;
		if (set->list[i].state != VRRP_WITNESS_LOST)
			state = VRRP_WITNESS_UNKNOWN;
	}
	return state;
}

enum vrrp_witness vrrp_witnesses_of(
	const struct vrrp_witnesses *set, size_t i, int64_t *took_ns, int64_t *answered_at)
{
	*took_ns = set->list[i].took_ns;
	*answered_at = set->list[i].answered_at;
	return set->list[i].state;
}
