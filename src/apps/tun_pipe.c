/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tun_pipe: a tunnel in user space, to see how one works: what the kernel sends into a tun or tap device goes to
 * the peer, a datagram for each packet or frame, and what the peer sends comes out of the device. No
 * header, no key, no encryption: for a lab, between machines that trust the wire between them.
 *
 * Owns the device (while it runs, unless somebody made it persistent) and the UDP socket. Packets are lost as a
 * wire loses them, and counted.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/cli.h"
#include "apps/endpoint.h"
#include "apps/host_port.h"
#include "apps/server.h"

#define PACKET_MAX  65536 /* above any datagram */
#define BURST       64    /* packets of one direction before the other has its turn */
#define MTU_MAX     65000 /* with the frame's header it still fits a datagram */
#define MTU_DEFAULT 1400  /* with IPv6, UDP and a frame with two VLAN tags still below 1500 */

struct tun_pipe {
	const struct cli_program *program;
	struct ev_loop *loop;
	ev_io device, wire;
	bool tap, failed;
	char name[IFNAMSIZ]; /* the device's, as the kernel calls it */
	struct endpoint local, peer;
	uint64_t mtu;
	uint64_t sent, received; /* packets carried: device to peer, peer to device */
	uint64_t unsent;         /* of the device, which the socket did not take */
	uint64_t unreachable;    /* ICMP errors that came back: nobody listens there */
	uint64_t strange;        /* from the peer, but neither an IP packet nor a frame */
	uint64_t refused;        /* from the peer, and the device did not take it (it is down) */
};

static void broken(struct tun_pipe *p, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", p->program->name, p->name, what);
	p->failed = true;
	ev_break(p->loop, EVBREAK_ALL);
}

/* ---- packets ----*/

static void on_device(struct ev_loop *loop, ev_io *w, int revents)
{
	static uint8_t packet[PACKET_MAX];
	struct tun_pipe *p = w->data;

	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(w->fd, packet, sizeof(packet));

		if (n < 0 && errno == EBADFD)
			broken(p, "the device was removed");
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			broken(p, strerror(errno));
		if (n <= 0)
			return;
		if (send(p->wire.fd, packet, (size_t)n, 0) >= 0)
			p->sent++;
		else if (errno == ECONNREFUSED) /* of an earlier datagram; this one was not sent */
			p->unreachable++;
		else
			p->unsent++;
	}
}

static bool is_strange(const struct tun_pipe *p, const uint8_t *packet, size_t len)
{
	if (p->tap)
		return len < ETH_HLEN;
	return len < 20 || (packet[0] >> 4 != 4 && packet[0] >> 4 != 6);
}

static void on_wire(struct ev_loop *loop, ev_io *w, int revents)
{
	static uint8_t packet[PACKET_MAX];
	struct tun_pipe *p = w->data;

	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(w->fd, packet, sizeof(packet), 0);

		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			p->unreachable++; /* an ICMP error: the socket itself is well */
			continue;
		}
		if (is_strange(p, packet, (size_t)n))
			p->strange++;
		else if (write(p->device.fd, packet, (size_t)n) == n)
			p->received++;
		else
			p->refused++;
	}
}

/* ---- the two ends ---- */

/* The device of that name, made unless it is there, with the MTU and up. Its descriptor, or -1 after a line that says why. */
static int open_device(struct tun_pipe *p, const char *name)
{
	struct ifreq request = {.ifr_flags = (short)((p->tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), inet = -1;
	const char *what = "can't open /dev/net/tun";

	snprintf(p->name, sizeof(p->name), "%s", name);
	if (fd < 0)
		goto fail;
	memcpy(request.ifr_name, p->name, IFNAMSIZ);
	what = "can't make or open the device";
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		goto fail;
	memcpy(p->name, request.ifr_name, IFNAMSIZ); /* of "tun%d" the kernel has made "tun0" */
	inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_mtu = (int)p->mtu;
	what = "can't set the MTU";
	if (inet < 0 || ioctl(inet, SIOCSIFMTU, &request) < 0)
		goto fail;
	what = "can't set the device up";
	if (ioctl(inet, SIOCGIFFLAGS, &request) < 0)
		goto fail;
	request.ifr_flags |= IFF_UP;
	if (ioctl(inet, SIOCSIFFLAGS, &request) < 0)
		goto fail;
	close(inet);
	return fd;
fail:
	fprintf(stderr, "%s: %s: %s: %s%s\n", p->program->name, p->name, what, strerror(errno),
		errno == EBUSY    ? " (another program has it)"
		: errno == EPERM  ? " (it takes CAP_NET_ADMIN)"
		: errno == EINVAL ? " (no fit name, or a device of that name and another kind is there)"
				  : "");
	if (inet >= 0)
		close(inet);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A socket that hears the peer and nobody else, or -1 after a line that says why. */
static int open_wire(struct tun_pipe *p)
{
	int fd = socket(p->local.addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[ENDPOINT_TEXT_MAX];

	if (fd < 0 || bind(fd, (const struct sockaddr *)&p->local.addr, p->local.len) < 0)
		fprintf(stderr, "%s: can't bind %s: %s\n", p->program->name, endpoint_text(&p->local, text),
			strerror(errno));
	else if (connect(fd, (const struct sockaddr *)&p->peer.addr, p->peer.len) < 0)
		fprintf(stderr, "%s: can't use %s as a peer: %s\n", p->program->name,
			endpoint_text(&p->peer, text), strerror(errno));
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* HOST:PORT to an address, of the given family unless that is AF_UNSPEC; exit 2 when it is none. */
static struct endpoint read_endpoint(
	const struct cli_program *program, const char *option, const char *text, int family)
{
	struct endpoint found[ENDPOINT_MAX];
	char host[HOST_PORT_HOST_MAX];
	const char *why;
	uint16_t port;
	int count;

	if (text == NULL)
		cli_fail(program, "%s is missing", option);
	why = host_port_split(text, host, &port);
	if (why != NULL)
		cli_fail(program, "%s: '%s' %s", option, text, why);
	if (port == 0)
		cli_fail(program, "%s: '%s' has port 0; both ends need a known one", option, text);
	count = endpoint_resolve(host, port, SOCK_DGRAM, found, &why);
	if (count < 0)
		cli_fail(program, "%s: can't resolve '%s': %s", option, host, why);
	for (int i = 0; i < count; i++)
		if (family == AF_UNSPEC || found[i].addr.ss_family == family)
			return found[i];
	cli_fail(program, "%s: '%s' is of another family than --local", option, text);
}

static void carry(struct tun_pipe *p, int device, int wire)
{
	char local[ENDPOINT_TEXT_MAX], peer[ENDPOINT_TEXT_MAX];
	struct server server;

	server_open(&server, p->program->name, p->name);
	p->loop = server.loop;
	ev_io_init(&p->device, on_device, device, EV_READ);
	ev_io_init(&p->wire, on_wire, wire, EV_READ);
	p->device.data = p->wire.data = p;
	ev_io_start(p->loop, &p->device);
	ev_io_start(p->loop, &p->wire);
	printf("%s %s: listening on %s, peer %s, %s, mtu %" PRIu64 "; not encrypted\n", p->program->name,
		p->name, endpoint_text(&p->local, local), endpoint_text(&p->peer, peer),
		p->tap ? "frames (tap)" : "packets (tun)", p->mtu);
	fflush(stdout);
	ev_run(p->loop, 0);
	ev_io_stop(p->loop, &p->device);
	ev_io_stop(p->loop, &p->wire);
	server_close(&server);
	fprintf(stderr,
		"%s %s: %" PRIu64 " sent, %" PRIu64 " received; lost: %" PRIu64 " unsent, %" PRIu64
		" unreachable, %" PRIu64 " strange, %" PRIu64 " refused by the device\n",
		p->program->name, p->name, p->sent, p->received, p->unsent, p->unreachable, p->strange,
		p->refused);
}

int main(int argc, char **argv)
{
	struct tun_pipe pipe = {.mtu = MTU_DEFAULT};
	const char *tun = NULL, *tap = NULL, *local = NULL, *peer = NULL;
	const struct cli_option options[] = {
		{"tun", CLI_TEXT, &tun, 0, 0, "NAME", "a device for IP packets"},
		{"tap", CLI_TEXT, &tap, 0, 0, "NAME", "a device for Ethernet frames, fit for a bridge"},
		{"local", CLI_TEXT, &local, 0, 0, "ADDR:PORT", "where to listen ([ADDR]:PORT for IPv6)"},
		{"peer", CLI_TEXT, &peer, 0, 0, "HOST:PORT",
			"the other end; datagrams of others are not heard"},
		{"mtu", CLI_NUMBER, &pipe.mtu, 68, MTU_MAX, "BYTES", "of the device (1400)"},
	};
	const struct cli_program program = {
		.name = "tun_pipe",
		.args = "--tun NAME|--tap NAME --local ADDR:PORT --peer HOST:PORT",
		.summary = "Carries what goes into a tun or tap device to a peer, over UDP, and back.\n"
			   "NOT ENCRYPTED, and anybody on the wire can put packets in: for labs only.\n"
			   "Makes the device unless it is there, sets it up; it goes with the program.\n",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	const char *name;
	int device, wire;

	cli_parse(&program, argc, argv);
	if ((tun == NULL) == (tap == NULL))
		cli_fail(&program, "one of --tun and --tap is wanted");
	name = tun != NULL ? tun : tap;
	if (strlen(name) >= IFNAMSIZ || strchr(name, '/') != NULL)
		cli_fail(&program, "'%s' is no name of a device: at most %d characters, no '/'", name,
			IFNAMSIZ - 1);
	pipe.program = &program;
	pipe.tap = tap != NULL;
	pipe.local = read_endpoint(&program, "--local", local, AF_UNSPEC);
	pipe.peer = read_endpoint(&program, "--peer", peer, pipe.local.addr.ss_family);
	wire = open_wire(&pipe);
	device = wire < 0 ? -1 : open_device(&pipe, name);
	if (device < 0) {
		if (wire >= 0)
			close(wire);
		return 1;
	}
	carry(&pipe, device, wire);
	close(device);
	close(wire);
	return pipe.failed ? 1 : 0;
}
