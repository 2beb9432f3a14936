/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections for a running tandem-lb, faster than clients and servers on the same machine could make them: packets of both
 * sides go by BPF_PROG_TEST_RUN through the very program that stands on its interfaces, with its maps. The program translates
 * them, says where they go, and tells of what changed; nothing is sent. Root, in the node's network namespace. Used by
 * tests/bench/sync, whose names these are: devices "in" and "out", 10.0.1.100 with tcp 80 and udp 5000 (short-lived), 5001.
 * Prints JSON.
 *
 *   bench_sync_live fill RUN-DIR FLOWS                               so many connections that stay: 3 of 4 TCP, 1 UDP
 *   bench_sync_live steady RUN-DIR PEER-RUN-DIR RATE WARM SECONDS    new ones a second, for so long, and so long measured
 *
 * Of twenty connections thirteen are closed by FINs, two by RST, five are UDP. A client closes half a second after it began, its
 * backend a tenth later; what is told of them then is their end, when the balancer forgets them. The lag is seen from outside: connections that stay are closed by the client, one at a time, and
 * the peer's table is watched until its copy says so: from the packet to what would be found by a takeover.
 */
#include <errno.h>
#include <glob.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../bpf/packet.h"
#include "common/bpf_pins.h"
#include "lb/bpf/lb_abi.h"

#define MS       INT64_C(1000000)
#define REDIRECT 7 /* TC_ACT_REDIRECT */
#define ISN      5000

#define OPEN_MAX       65536 /* connections that are open, at most */
#define PROBES_MAX     8192
#define PROBES_A_S     200
#define PROBE_WAIT_NS  (10000 * MS)
#define PORTS          50000 /* of a client address */
#define PORT_WEB       80
#define PORT_UDP_SHORT 5000
#define PORT_UDP_LONG  5001

struct device {
	int index;
	uint8_t mac[6];
};

struct probe {
	uint32_t id; /* of the peer's flow */
	int64_t sent_at;
};

static struct device in, out;
static int program;
static uint64_t packets;
static int64_t spent_ns;
static struct endpoint backends[OPEN_MAX]; /* of the connections that are open */

static const struct lb_flow4 *peer_flows;
static uint32_t peer_size;
static struct probe probes[PROBES_MAX];
static struct endpoint probe_backends[PROBES_MAX];
static int64_t lags[PROBES_MAX];
static uint32_t probes_sent, probes_seen;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "bench_sync_live: %s (%s)\n", what, strerror(errno));
	exit(1);
}

/* ---- the running dataplane ---- */

static int open_pin(const char *run_dir, const char *name)
{
	char path[300], dir[128];
	glob_t found;
	int fd;

	bpf_pin_dir(run_dir, dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	must(glob(path, 0, NULL, &found) == 0 && found.gl_pathc == 1,
		"no dataplane of that run dir is pinned");
	fd = bpf_obj_get(found.gl_pathv[0]);
	must(fd >= 0, path);
	globfree(&found);
	return fd;
}

static void find_device(const char *name, struct device *device)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ask = {0};

	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", name);
	must(ioctl(fd, SIOCGIFHWADDR, &ask) == 0, name);
	memcpy(device->mac, ask.ifr_hwaddr.sa_data, 6);
	device->index = (int)if_nametoindex(name);
	close(fd);
}

static void find_dataplane(const char *run_dir)
{
	find_device("in", &in);
	find_device("out", &out);
	program = open_pin(run_dir, "program_*");
}

static void map_peer(const char *run_dir)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	int fd = open_pin(run_dir, "flows4");
	void *at;

	must(bpf_obj_get_info_by_fd(fd, &info, &length) == 0, "the peer's flows");
	at = mmap(NULL, (size_t)info.max_entries * sizeof(struct lb_flow4), PROT_READ, MAP_SHARED, fd, 0);
	must(at != MAP_FAILED, "mapping the peer's flows");
	peer_flows = at;
	peer_size = info.max_entries;
}

/* ---- packets ---- */

static struct endpoint client_of(uint8_t net, uint32_t number)
{
	uint32_t host = number / PORTS;
	struct endpoint e = {.port = (uint16_t)(1024 + number % PORTS)};

	address4(e.addr, 10, net, (uint8_t)(host >> 8), (uint8_t)host);
	return e;
}

static struct endpoint service_at(uint16_t port)
{
	struct endpoint e = {.port = port};

	address4(e.addr, 10, 0, 1, 100);
	return e;
}

/* One packet that comes in by a device and has to be forwarded. to: where it was sent to, of interest with the first one. */
static void pass(const struct packet_spec *spec, const struct device *device, struct endpoint *to)
{
	struct __sk_buff context = {
		.ifindex = (uint32_t)device->index, .ingress_ifindex = (uint32_t)device->index};
	struct frame frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes, .data_out = frame.bytes, .repeat = 1,
		.ctx_in = &context, .ctx_size_in = sizeof(context));
	int64_t began;

	packet_build(spec, &frame);
	memcpy(frame.bytes, device->mac, 6);
	opts.data_size_in = opts.data_size_out = frame.length;
	began = now_ns();
	must(bpf_prog_test_run_opts(program, &opts) == 0, "BPF_PROG_TEST_RUN");
	spent_ns += now_ns() - began;
	packets++;
	must(opts.retval == REDIRECT, "a packet was not forwarded");
	if (!to)
		return;
	memset(to, 0, sizeof(*to));
	memcpy(to->addr, frame.bytes + ETH_BYTES + 16, 4);
	to->port = get16(frame.bytes + ETH_BYTES + 22);
}

static void tcp_client(const struct endpoint *client, uint8_t flags, uint32_t seq, struct endpoint *to)
{
	struct packet_spec s = {.family = 4,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.from = *client,
		.to = service_at(PORT_WEB),
		.seq = seq,
		.ack = flags & TCP_ACK ? ISN + 1 : 0};

	pass(&s, &in, to);
}

static void tcp_backend(
	const struct endpoint *backend, const struct endpoint *client, uint8_t flags, uint32_t seq)
{
	struct packet_spec s = {.family = 4,
		.protocol = IPPROTO_TCP,
		.tcp_flags = flags,
		.from = *backend,
		.to = *client,
		.seq = seq,
		.ack = 101};

	pass(&s, &out, NULL);
}

static void tcp_open(const struct endpoint *client, struct endpoint *backend)
{
	tcp_client(client, TCP_SYN, 100, backend);
	tcp_backend(backend, client, TCP_SYN | TCP_ACK, ISN);
	tcp_client(client, TCP_ACK, 101, NULL);
}

static void udp_twice(const struct endpoint *client, uint16_t port)
{
	struct packet_spec s = {
		.family = 4, .protocol = IPPROTO_UDP, .from = *client, .to = service_at(port), .payload = 20};

	pass(&s, &in, NULL);
	pass(&s, &in, NULL);
}

/* ---- connections that come and go ---- */

enum kind { BY_FIN, BY_RST, BY_SILENCE };

static enum kind kind_of(uint32_t number)
{
	uint32_t at = number % 20;

	return at < 13 ? BY_FIN : at < 15 ? BY_RST : BY_SILENCE;
}

static void begin(uint32_t number)
{
	struct endpoint client = client_of(64, number);

	if (kind_of(number) == BY_SILENCE)
		udp_twice(&client, PORT_UDP_SHORT);
	else
		tcp_open(&client, &backends[number % OPEN_MAX]);
}

/* By the client; and by the backend, when that follows. */
static void end(uint32_t number)
{
	struct endpoint client = client_of(64, number);

	if (kind_of(number) == BY_RST)
		tcp_client(&client, TCP_RST | TCP_ACK, 101, NULL);
	else if (kind_of(number) == BY_FIN)
		tcp_client(&client, TCP_FIN | TCP_ACK, 101, NULL);
}

static void end_too(uint32_t number)
{
	struct endpoint client = client_of(64, number);

	if (kind_of(number) != BY_FIN)
		return;
	tcp_backend(&backends[number % OPEN_MAX], &client, TCP_FIN | TCP_ACK, ISN + 1);
	tcp_client(&client, TCP_ACK, 102, NULL);
}

/* ---- what the peer sees, and when ---- */

/* Where the peer has its copies of the probes: how many it has. */
static uint32_t find_probes(uint32_t count)
{
	uint32_t net = client_of(96, 0).addr[0], found = 0;

	for (uint32_t id = 0; id < peer_size; id++) {
		const struct lb_flow4 *f = &peer_flows[id];
		uint32_t number = (uint32_t)ntohs(f->head.client_port) - 1024;

		if (f->client != net || f->head.state != LB_FLOW_ESTABLISHED || number >= count)
			continue;
		probes[number].id = id;
		found++;
	}
	return found;
}

static void make_probes(uint32_t count)
{
	int64_t began = now_ns();

	for (uint32_t i = 0; i < count; i++) {
		struct endpoint client = client_of(96, i);

		tcp_open(&client, &probe_backends[i]);
	}
	while (find_probes(count) < count) {
		must(now_ns() - began < PROBE_WAIT_NS, "the peer does not have the first connections");
		usleep(10000);
	}
}

static void send_probe(void)
{
	struct endpoint client = client_of(96, probes_sent);

	probes[probes_sent].sent_at = now_ns();
	tcp_client(&client, TCP_FIN | TCP_ACK, 101, NULL);
	probes_sent++;
}

static void watch_probes(void)
{
	while (probes_seen < probes_sent && __atomic_load_n(&peer_flows[probes[probes_seen].id].head.state,
						    __ATOMIC_RELAXED) == LB_FLOW_FIN_CLIENT) {
		lags[probes_seen] = now_ns() - probes[probes_seen].sent_at;
		probes_seen++;
	}
}

static int is_longer(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double lag_ms(double share)
{
	uint32_t at = (uint32_t)(share * probes_seen);

	return (double)lags[at < probes_seen ? at : probes_seen - 1] / MS;
}

/* ---- the two measurements ---- */

static void fill(uint32_t flows)
{
	int64_t began = now_ns();

	for (uint32_t i = 0; i < flows; i++) {
		struct endpoint client = client_of(64, i);

		if (i % 4 == 3)
			udp_twice(&client, PORT_UDP_LONG);
		else
			tcp_open(&client, &backends[0]);
	}
	printf("{\"flows\": %u, \"seconds\": %.2f, \"packets\": %lu, \"packet_ns\": %.0f}\n", flows,
		(double)(now_ns() - began) / 1e9, packets, (double)spent_ns / (double)packets);
}

/* Of the time from began on, at that rate; *late_ns: how late one was at most. */
static void go_on(uint32_t rate, uint32_t *made, int64_t began, int64_t until, bool probing, int64_t *late_ns)
{
	uint32_t life = rate / 2;

	for (int64_t now; (now = now_ns()) < until; usleep(500)) {
		uint32_t due = (uint32_t)((double)(now - began) * rate / 1e9);

		if (*made < due && now - began - (int64_t)(*made * 1e9 / rate) > *late_ns)
			*late_ns = now - began - (int64_t)(*made * 1e9 / rate);
		for (; *made < due; (*made)++) {
			begin(*made);
			if (*made >= life)
				end(*made - life);
			if (*made >= life + rate / 10)
				end_too(*made - life - rate / 10);
			if (probing && *made % (rate / PROBES_A_S) == 0)
				send_probe();
			watch_probes();
		}
		watch_probes();
	}
}

static void steady(uint32_t rate, uint32_t warm_s, uint32_t seconds)
{
	int64_t began, measured, late_ns = 0, waited;
	uint32_t made = 0, before;

	must(rate >= PROBES_A_S && rate <= 100000 && seconds && seconds < PROBES_MAX / PROBES_A_S,
		"usage: rate 200..100000, seconds 1..39");
	make_probes(seconds * PROBES_A_S + PROBES_A_S);
	began = now_ns();
	measured = began + warm_s * 1000 * MS;
	go_on(rate, &made, began, measured, false, &late_ns);
	printf("steady\n");
	fflush(stdout);
	before = made;
	packets = 0, spent_ns = 0, late_ns = 0;
	go_on(rate, &made, began, measured + seconds * 1000 * MS, true, &late_ns);
	for (waited = now_ns(); probes_seen < probes_sent && now_ns() - waited < 5000 * MS; usleep(500))
		watch_probes();
	qsort(lags, probes_seen, sizeof(*lags), is_longer);
	printf("{\"connections\": %u, \"a_second\": %.0f, \"late_ms\": %.1f, \"packets\": %lu, \"packet_ns\": %.0f, "
	       "\"probes\": %u, \"probes_lost\": %u, \"lag_p50_ms\": %.2f, \"lag_p99_ms\": %.2f, \"lag_longest_ms\": %.2f}\n",
		made - before, (double)(made - before) / seconds, (double)late_ns / MS, packets,
		(double)spent_ns / (double)packets, probes_sent, probes_sent - probes_seen,
		probes_seen ? lag_ms(.5) : 0., probes_seen ? lag_ms(.99) : 0., probes_seen ? lag_ms(1.) : 0.);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "fill") == 0) {
		find_dataplane(argv[2]);
		fill((uint32_t)strtoul(argv[3], NULL, 10));
		return 0;
	}
	must(argc == 7 && strcmp(argv[1], "steady") == 0,
		"usage: bench_sync_live fill RUN FLOWS | steady RUN PEER-RUN RATE WARM SECONDS");
	find_dataplane(argv[2]);
	map_peer(argv[3]);
	steady((uint32_t)strtoul(argv[4], NULL, 10), (uint32_t)strtoul(argv[5], NULL, 10),
		(uint32_t)strtoul(argv[6], NULL, 10));
	return 0;
}
