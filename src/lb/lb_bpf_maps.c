/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of and told to a dataplane that stands: keyed maps, commands, counters, memory. How it comes to stand
 * is lb_bpf.c's.
 */
#include "lb/lb_bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lb_tc.skel.h"

/* ---- keyed maps ---- */

static struct lb_service_key service_key(const struct net_addr *addr, uint16_t port, uint8_t protocol)
{
	struct lb_service_key key = {.port = __builtin_bswap16(port), .protocol = protocol};

	memcpy(key.addr, addr->bytes, sizeof(key.addr));
	key.family = addr->family == AF_INET6 ? 6 : 4;
	return key;
}

int lb_bpf_set_service_key(
	struct lb_bpf *b, const struct net_addr *addr, uint16_t port, uint8_t protocol, uint32_t service)
{
	struct lb_service_key key = service_key(addr, port, protocol);

	return bpf_map_update_elem(bpf_map__fd(b->skel->maps.service_keys), &key, &service, BPF_ANY) ? -errno
												     : 0;
}

int lb_bpf_clear_service_key(struct lb_bpf *b, const struct net_addr *addr, uint16_t port, uint8_t protocol)
{
	struct lb_service_key key = service_key(addr, port, protocol);

	return bpf_map_delete_elem(bpf_map__fd(b->skel->maps.service_keys), &key) ? -errno : 0;
}

int lb_bpf_each_service_key(struct lb_bpf *b,
	void (*visit)(
		void *data, const struct net_addr *addr, uint16_t port, uint8_t protocol, uint32_t service),
	void *data)
{
	int fd = bpf_map__fd(b->skel->maps.service_keys);
	struct lb_service_key key, *previous = NULL;
	uint32_t service;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &service)) {
			struct net_addr addr = {.family = key.family == 6 ? AF_INET6 : AF_INET};

			memcpy(addr.bytes, key.addr, sizeof(addr.bytes));
			visit(data, &addr, __builtin_bswap16(key.port), key.protocol, service);
		}
		previous = &key;
	}
	return 0;
}

int lb_bpf_set_link_key(struct lb_bpf *b, uint32_t ifindex, uint32_t link)
{
	return bpf_map_update_elem(bpf_map__fd(b->skel->maps.link_keys), &ifindex, &link, BPF_ANY) ? -errno
												   : 0;
}

int lb_bpf_clear_link_key(struct lb_bpf *b, uint32_t ifindex)
{
	return bpf_map_delete_elem(bpf_map__fd(b->skel->maps.link_keys), &ifindex) ? -errno : 0;
}

struct own_addr {
	uint32_t addr[4];
	uint32_t family;
};

static struct own_addr own_addr_key(const struct net_addr *addr)
{
	struct own_addr key = {.family = addr->family == AF_INET6 ? 6 : 4};

	memcpy(key.addr, addr->bytes, sizeof(key.addr));
	return key;
}

int lb_bpf_set_own_addr(struct lb_bpf *b, const struct net_addr *addr)
{
	struct own_addr key = own_addr_key(addr);
	uint32_t one = 1;

	return bpf_map_update_elem(bpf_map__fd(b->skel->maps.own_addrs), &key, &one, BPF_ANY) ? -errno : 0;
}

int lb_bpf_clear_own_addr(struct lb_bpf *b, const struct net_addr *addr)
{
	struct own_addr key = own_addr_key(addr);

	return bpf_map_delete_elem(bpf_map__fd(b->skel->maps.own_addrs), &key) ? -errno : 0;
}

static long sweep(int fd,
	bool (*visit)(void *data, const struct lb_sticky_key *, const struct lb_sticky_entry *), void *data)
{
	struct lb_sticky_key key, next;
	struct lb_sticky_entry entry;
	bool have = !bpf_map_get_next_key(fd, NULL, &key);
	long left = 0;

	while (have) {
		have = !bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &entry)) {
			if (visit(data, &key, &entry))
				bpf_map_delete_elem(fd, &key);
			else
				left++;
		}
		key = next;
	}
	return left;
}

long lb_bpf_sweep_sticky(struct lb_bpf *b,
	bool (*visit)(void *data, const struct lb_sticky_key *, const struct lb_sticky_entry *), void *data)
{
	sweep(bpf_map__fd(b->skel->maps.sticky_new), visit, data);
	return sweep(bpf_map__fd(b->skel->maps.sticky), visit, data);
}

int lb_bpf_each_sticky(struct lb_bpf *b,
	bool (*visit)(void *data, const struct lb_sticky_key *, const struct lb_sticky_entry *), void *data)
{
	enum { BATCH = 4096 };
	struct lb_sticky_key *keys = calloc(BATCH, sizeof(*keys));
	struct lb_sticky_entry *entries = calloc(BATCH, sizeof(*entries));
	int fd = bpf_map__fd(b->skel->maps.sticky), err = keys && entries ? 0 : -ENOMEM;
	uint32_t place = 0, count;

	for (void *from = NULL; !err; from = &place) {
		count = BATCH;
		err = bpf_map_lookup_batch(fd, from, &place, keys, entries, &count, NULL) ? -errno : 0;
		for (uint32_t i = 0; (!err || err == -ENOENT) && i < count; i++)
			visit(data, &keys[i], &entries[i]);
	}
	free(keys);
	free(entries);
	return err == -ENOENT ? 0 : err; /* -ENOENT: these were the last */
}

int lb_bpf_get_sticky(struct lb_bpf *b, const struct lb_sticky_key *key, struct lb_sticky_entry *entry)
{
	return bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.sticky), key, entry) ? -ENOENT : 0;
}

int lb_bpf_put_sticky(struct lb_bpf *b, const struct lb_sticky_key *key, const struct lb_sticky_entry *entry)
{
	return bpf_map_update_elem(bpf_map__fd(b->skel->maps.sticky), key, entry, BPF_ANY) ? -errno : 0;
}

/* ---- the ring of changes ---- */

/* More than is read at once is left for the next turn of the event loop. */
#define CHANGES_A_READ 65536

struct changes {
	struct ring_buffer *ring;
	lb_change_fn *visit; /* NULL: what comes is thrown away */
	void *data;
	uint32_t visited;
};

static int on_change(void *context, void *change, size_t size)
{
	struct changes *c = context;

	(void)size;
	if (c->visit)
		c->visit(c->data, change);
	return ++c->visited < CHANGES_A_READ ? 0 : -E2BIG;
}

int lb_bpf_changes_open(struct lb_bpf *b, lb_change_fn *visit, void *data)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->ring = ring_buffer__new(bpf_map__fd(b->skel->maps.changes), on_change, c, NULL);
	if (!c->ring) {
		int err = -errno;

		free(c);
		return err;
	}
	b->changes = c;
	while (lb_bpf_changes_read(b) > 0) /* of a reader before us */
		;
	c->visit = visit;
	c->data = data;
	__atomic_store_n(&b->view.globals->tell_changes, 1, __ATOMIC_RELEASE);
	return 0;
}

void lb_bpf_changes_close(struct lb_bpf *b)
{
	struct changes *c = b->changes;

	if (!c)
		return;
	__atomic_store_n(&b->view.globals->tell_changes, 0, __ATOMIC_RELEASE);
	ring_buffer__free(c->ring);
	free(c);
	b->changes = NULL;
}

int lb_bpf_changes_fd(struct lb_bpf *b)
{
	const struct changes *c = b->changes;

	return c ? ring_buffer__epoll_fd(c->ring) : -1;
}

int lb_bpf_changes_read(struct lb_bpf *b)
{
	struct changes *c = b->changes;
	int err;

	if (!c)
		return -EBADF;
	c->visited = 0;
	err = ring_buffer__consume(c->ring);
	return err < 0 && err != -E2BIG ? err : (int)c->visited;
}

/* ---- commands and readings ---- */

int lb_bpf_run_control(struct lb_bpf *b, uint32_t mark, uint32_t *result)
{
	struct __sk_buff context = {.mark = mark};
	uint8_t frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		.ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(b->skel->progs.lb_control_run), &opts);

	if (err)
		return -errno;
	*result = opts.retval;
	return 0;
}

int lb_bpf_control(struct lb_bpf *b, uint32_t count)
{
	uint32_t done;

	if (count < LB_CONTROL_MAX)
		b->view.control[count].op = LB_CONTROL_NONE;
	return lb_bpf_run_control(b, 0, &done);
}

int lb_bpf_install(struct lb_bpf *b, uint32_t count)
{
	uint32_t done;

	if (count < LB_INSTALL_MAX)
		b->view.installs[count].op = LB_INSTALL_NONE;
	return lb_bpf_run_control(b, 3, &done);
}

bool lb_bpf_has_lease(const struct lb_bpf *b, uint32_t id, int family)
{
	const struct lease_board *board = (const struct lease_board *)b->view.leases;
	struct lease_addr key = {.family = (uint32_t)family};
	uint32_t lease = family == 6 ? b->view.flows6[id].head.lease : b->view.flows4[id].head.lease;
	struct timespec now;

	if (family == 6)
		memcpy(key.addr, b->view.flows6[id].service, 16);
	else
		key.addr[0] = b->view.flows4[id].service;
	/* It may have been entered since the flow was told of. */
	if (!lease && (!__atomic_load_n(&board->entries, __ATOMIC_RELAXED) ||
			      bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.lease_addrs), &key, &lease)))
		return false;
	if (!lease || lease >= LEASES_MAX)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return __atomic_load_n(&b->view.leases[lease].taken_ns, __ATOMIC_RELAXED) &&
	       (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec <
		       __atomic_load_n(&b->view.leases[lease].until_ns, __ATOMIC_RELAXED);
}

uint32_t lb_bpf_now(struct lb_bpf *b)
{
	uint32_t now = 0;

	lb_bpf_run_control(b, 1, &now);
	return now;
}

int lb_bpf_counters(struct lb_bpf *b, uint64_t *out)
{
	uint64_t *each = b->traffic; /* at least a u64 a CPU */

	for (uint32_t i = 0; i < LB_COUNTER_COUNT; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.counters), &i, each))
			return -errno;
		out[i] = 0;
		for (unsigned cpu = 0; cpu < b->cpus; cpu++)
			out[i] += each[cpu];
	}
	return 0;
}

static int read_traffic(struct lb_bpf *b, struct bpf_map *map, uint32_t at, struct lb_traffic *out)
{
	struct lb_traffic *each = b->traffic;

	memset(out, 0, sizeof(*out));
	if (bpf_map_lookup_elem(bpf_map__fd(map), &at, each))
		return -errno;
	for (unsigned cpu = 0; cpu < b->cpus; cpu++) {
		out->connections += each[cpu].connections;
		for (int d = 0; d < 2; d++) {
			out->packets[d] += each[cpu].packets[d];
			out->bytes[d] += each[cpu].bytes[d];
		}
	}
	return 0;
}

static int clear_traffic(struct lb_bpf *b, struct bpf_map *map, uint32_t at)
{
	memset(b->traffic, 0, b->cpus * sizeof(struct lb_traffic));
	return bpf_map_update_elem(bpf_map__fd(map), &at, b->traffic, BPF_ANY) ? -errno : 0;
}

int lb_bpf_backend_traffic(struct lb_bpf *b, uint32_t backend, struct lb_traffic *out)
{
	return read_traffic(b, b->skel->maps.backend_traffic, backend, out);
}

int lb_bpf_service_traffic(struct lb_bpf *b, uint32_t service, struct lb_traffic *out)
{
	return read_traffic(b, b->skel->maps.service_traffic, service, out);
}

int lb_bpf_clear_backend_traffic(struct lb_bpf *b, uint32_t backend)
{
	return clear_traffic(b, b->skel->maps.backend_traffic, backend);
}

int lb_bpf_clear_service_traffic(struct lb_bpf *b, uint32_t service)
{
	return clear_traffic(b, b->skel->maps.service_traffic, service);
}

uint32_t lb_bpf_flows_touched(struct lb_bpf *b, int family)
{
	struct {
		uint32_t lock, next;
	} cursor = {};
	uint32_t at = family == 6 ? 1 : 0; /* enum lb_cursor_id */

	if (bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.cursors), &at, &cursor))
		return b->sizes.flows;
	return cursor.next < b->sizes.flows ? cursor.next : b->sizes.flows;
}

static uint64_t map_memory(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(f);
	return bytes;
}

uint64_t lb_bpf_memory(struct lb_bpf *b, const char *name)
{
	struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, b->skel->obj) if (!name || !strcmp(name, bpf_map__name(map))) bytes +=
		map_memory(bpf_map__fd(map));
	return bytes;
}

int lb_bpf_program_fd(struct lb_bpf *b)
{
	return bpf_program__fd(b->skel->progs.lb_ingress);
}

int lb_bpf_test_packet(struct lb_bpf *b, const void *in, uint32_t in_length, void *out, uint32_t *out_length,
	int repeat, uint32_t *verdict, uint32_t *nanoseconds)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = in_length, .data_out = out,
		.data_size_out = out_length ? *out_length : 0, .repeat = repeat);

	if (bpf_prog_test_run_opts(lb_bpf_program_fd(b), &opts))
		return -errno;
	if (out_length)
		*out_length = opts.data_size_out;
	if (verdict)
		*verdict = opts.retval;
	if (nanoseconds)
		*nanoseconds = opts.duration;
	return 0;
}
