/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dataplane as the control plane sees it: loads or adopts programs and maps, attaches them, and offers the
 * mmapped maps as plain arrays. lb_bpf.c and lb_bpf_maps.c alone include libbpf. Keeps no state of pools or services.
 */
#ifndef TANDEM_LB_BPF_H
#define TANDEM_LB_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "lb/bpf/lb_abi.h"

struct lb_bpf_sizes {
	uint32_t flows; /* of each family */
	uint32_t half_open;
	uint32_t services;
	uint32_t pools;
	uint32_t backends;
	uint32_t sticky;
	uint32_t table_slots;
};

/* Read and written in place; the kernel sees each aligned store at once. All belong to the lb_bpf. */
struct lb_bpf_view {
	struct lb_globals *globals;
	struct lb_link *links;
	struct lb_service_entry *services;
	struct lb_pool_entry *pools;
	uint16_t *table_slots;
	struct lb_backend_entry *backends;
	struct lb_flow4 *flows4;
	struct lb_flow6 *flows6;
	struct lb_control *control;
	struct lb_install *installs;
	struct lease *leases; /* common/lease_map.h; element 0 is the board */
};

struct lb_bpf {
	struct lb_bpf_view view;
	struct lb_bpf_sizes sizes; /* as loaded: an adopted dataplane keeps those it was made with */
	bool adopted;
	struct lb_tc *skel; /* bpftool's skeleton */
	char pin_dir[256];  /* "" = nothing is pinned */
	unsigned cpus;
	void *traffic;     /* scratch for per-CPU reads */
	void *changes;     /* libbpf's reader of the ring; NULL: closed */
	size_t mapped[11]; /* bytes of each mapping in view's order */
};

/*
 * Load the programs over fresh maps, or over the ones pinned in pin_dir (an absolute path in a bpffs; NULL: pin
 * nothing). reset: remove what is pinned there first. Errors are logged with what would do: -EPERM privilege,
 * -EPROTO another ABI version is pinned, -ENOTSUP the kernel lacks something, else as the kernel says.
 */
int lb_bpf_open(struct lb_bpf *b, const struct lb_bpf_sizes *sizes, const char *pin_dir, bool reset);

/* Unmap and close; pins and attachments stay. */
void lb_bpf_close(struct lb_bpf *b);

/* Detach from every interface and remove the pins. 0, -ENOENT when nothing is there. */
int lb_bpf_remove(const char *pin_dir);

/* Put the program on the interface's ingress, in place of ours of before. -EEXIST: another tandem's is there;
 * -ENODEV: the interface has just gone (not logged). */
int lb_bpf_attach(struct lb_bpf *b, int ifindex, const char *name);
int lb_bpf_detach(struct lb_bpf *b, int ifindex);

/* All interfaces have our program now: let go of the ones of earlier runs. */
void lb_bpf_prune(struct lb_bpf *b);

/* Does a program over these maps stand on the interface's ingress: this one, or that of a run before? */
bool lb_bpf_is_attached(struct lb_bpf *b, int ifindex);

int lb_bpf_set_service_key(
	struct lb_bpf *b, const struct net_addr *addr, uint16_t port, uint8_t protocol, uint32_t service);
int lb_bpf_clear_service_key(struct lb_bpf *b, const struct net_addr *addr, uint16_t port, uint8_t protocol);

/* Keys of the service map that are set now: calls visit for each. */
int lb_bpf_each_service_key(struct lb_bpf *b,
	void (*visit)(
		void *data, const struct net_addr *addr, uint16_t port, uint8_t protocol, uint32_t service),
	void *data);

int lb_bpf_set_link_key(struct lb_bpf *b, uint32_t ifindex, uint32_t link);
int lb_bpf_clear_link_key(struct lb_bpf *b, uint32_t ifindex);

/* Addresses whose early fragments are held: those of services and backends. */
int lb_bpf_set_own_addr(struct lb_bpf *b, const struct net_addr *addr);
int lb_bpf_clear_own_addr(struct lb_bpf *b, const struct net_addr *addr);

/* Sticky entries. visit returns true to remove the entry. Returns how many are left. */
long lb_bpf_sweep_sticky(struct lb_bpf *b,
	bool (*visit)(void *data, const struct lb_sticky_key *, const struct lb_sticky_entry *), void *data);

/* Carry out view.control[0..count-1], count <= LB_CONTROL_MAX; each op becomes DONE or STALE. */
int lb_bpf_control(struct lb_bpf *b, uint32_t count);

/* Has the service address of the flow in that place a lease (common/lease_map.h), and that has not run out? A link-local
 * address: as its last packet showed. */
bool lb_bpf_has_lease(const struct lb_bpf *b, uint32_t id, int family);

/* Carry out view.installs[0..count-1], count <= LB_INSTALL_MAX; each op becomes its result. */
int lb_bpf_install(struct lb_bpf *b, uint32_t count);

/* Read the ring of changes from now on, and have the dataplane write to it: visit gets each change, head first (of kind END
 * a struct lb_change_end). What is in the ring already is thrown away. lb_bpf_changes_fd is readable when something came.
 * lb_bpf_changes_read: how many were visited, or -errno. */
typedef void lb_change_fn(void *data, const struct lb_change *change);
int lb_bpf_changes_open(struct lb_bpf *b, lb_change_fn *visit, void *data);
void lb_bpf_changes_close(struct lb_bpf *b);
int lb_bpf_changes_fd(struct lb_bpf *b);
int lb_bpf_changes_read(struct lb_bpf *b);

/* Sources of connections that were established: calls visit for each, which may not remove (its answer does not count). */
int lb_bpf_each_sticky(struct lb_bpf *b,
	bool (*visit)(void *data, const struct lb_sticky_key *, const struct lb_sticky_entry *), void *data);
/* 0 or -ENOENT. */
int lb_bpf_get_sticky(struct lb_bpf *b, const struct lb_sticky_key *key, struct lb_sticky_entry *entry);
/* Enter, or overwrite, a sticky source. 0, -E2BIG: the map is full. */
int lb_bpf_put_sticky(struct lb_bpf *b, const struct lb_sticky_key *key, const struct lb_sticky_entry *entry);

/* Run the control program with that mark (lb_tc.bpf.c says what each asks); *result is its answer. */
int lb_bpf_run_control(struct lb_bpf *b, uint32_t mark, uint32_t *result);

/* The clock of flows: jiffies, 32 bits. */
uint32_t lb_bpf_now(struct lb_bpf *b);

/* Sums over all CPUs. out has LB_COUNTER_COUNT elements. */
int lb_bpf_counters(struct lb_bpf *b, uint64_t *out);
int lb_bpf_backend_traffic(struct lb_bpf *b, uint32_t backend, struct lb_traffic *out);
int lb_bpf_service_traffic(struct lb_bpf *b, uint32_t service, struct lb_traffic *out);
int lb_bpf_clear_backend_traffic(struct lb_bpf *b, uint32_t backend);
int lb_bpf_clear_service_traffic(struct lb_bpf *b, uint32_t service);

/* How many ids of the family (4 or 6) were ever used: flows beyond were never written. */
uint32_t lb_bpf_flows_touched(struct lb_bpf *b, int family);

/* Bytes of kernel memory of one map ("flows4") or of all (NULL), from the kernel's own accounting. */
uint64_t lb_bpf_memory(struct lb_bpf *b, const char *map);

/* The program's file descriptor, for BPF_PROG_TEST_RUN. */
int lb_bpf_program_fd(struct lb_bpf *b);

/* One packet through the program; *verdict is the TC_ACT_* code. For tests and measurements. out may be in.
 * *length: bytes in, bytes out. repeat >= 1; *nanoseconds (may be NULL): mean of a run. */
int lb_bpf_test_packet(struct lb_bpf *b, const void *in, uint32_t in_length, void *out, uint32_t *out_length,
	int repeat, uint32_t *verdict, uint32_t *nanoseconds);

#endif
