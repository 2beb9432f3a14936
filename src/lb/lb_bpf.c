/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_bpf.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/magic.h>

#include "common/bpf_pins.h"
#include "common/log.h"
#include "lb_tc.skel.h"

#define TC_HANDLE   0x7464 /* "td" */
#define TC_PRIORITY 100

/* ---- messages ---- */

static char last_message[512]; /* libbpf's last warning: the cause behind a negative errno */

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(last_message, sizeof(last_message), fmt, args);
	last_message[strcspn(last_message, "\n")] = '\0';
	log_debug("%s", last_message);
	return 0;
}

/* Which of the privileges that the dataplane takes we do not have: " CAP_BPF CAP_NET_ADMIN", or "" when it is none. */
static void lacking_privileges(char *out, size_t size)
{
	static const struct {
		const char *name;
		unsigned bit;
		bool admin_will_do;
	} needed[] = {{"CAP_BPF", CAP_BPF, true}, {"CAP_PERFMON", CAP_PERFMON, true},
		{"CAP_NET_ADMIN", CAP_NET_ADMIN, false}};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};
	size_t used = 0;

	out[0] = '\0';
	if (syscall(SYS_capget, &header, data))
		return;

	uint64_t has = (uint64_t)data[1].effective << 32 | data[0].effective;
	bool admin = has >> CAP_SYS_ADMIN & 1;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(has >> needed[i].bit & 1) && !(admin && needed[i].admin_will_do))
			used += (size_t)snprintf(out + used, size - used, " %s", needed[i].name);
}

/* What a kernel that says no most likely lacks: what is the config option behind it. */
static int explain_lacking(int err, const char *what, const char *lacking)
{
	struct utsname kernel = {};
	unsigned major = 0, minor = 0;
	char privileges[64];

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major, &minor);
	lacking_privileges(privileges, sizeof(privileges));
	if ((err == -EPERM || err == -EACCES) && privileges[0])
		log_error("%s: not permitted; run as root or give%s (%s)", what, privileges, last_message);
	else if (err == -EPERM || err == -EACCES)
		log_error("%s: not permitted, though we have CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (%s)",
			what, last_message);
	else if (major && (major < 5 || (major == 5 && minor < 10)))
		log_error("%s: kernel %s is too old, tandem needs 5.10 or newer (%s)", what, kernel.release,
			last_message);
	else if (err == -ENOSYS || err == -EOPNOTSUPP || err == -ENOENT || err == -EAFNOSUPPORT)
		log_error("%s: %s; kernel %s seems to be built without %s (%s)", what, strerror(-err),
			kernel.release, lacking, last_message);
	else
		log_error("%s: %s (%s)", what, strerror(-err), last_message);
	return err;
}

static int explain(int err, const char *what)
{
	return explain_lacking(err, what, "CONFIG_BPF_SYSCALL and CONFIG_BPF_JIT");
}

/* ---- pins ---- */

/* A bpf file system that was mounted by hand lets anybody make directories: one that another user made, or may write
 * to, could be exchanged under us. */
static int make_private_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST || lstat(path, &st)) {
		int err = -errno;

		log_error("cannot make %s: %s", path, strerror(-err));
		return err;
	}
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	log_error("%s is not a directory that only we can write to (owner %u, mode %o): remove it", path,
		(unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	return -EPERM;
}

static int make_pin_dir(const char *dir)
{
	struct statfs fs;
	char parent[256];
	int err;

	if (statfs(BPFFS, &fs) || fs.f_type != (__typeof__(fs.f_type))BPF_FS_MAGIC) {
		log_error("%s is no bpf file system; mount it: mount -t bpf bpf %s", BPFFS, BPFFS);
		return -ENOTSUP;
	}
	snprintf(parent, sizeof(parent), "%s", dir);
	*strrchr(parent, '/') = '\0';
	err = make_private_dir(parent);
	return err ? err : make_private_dir(dir);
}

static void unpin_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[600];

	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

/*
 * A program is pinned as program_ID before it is attached, so that a later run knows its own by the id that an
 * interface shows (to look into a program by its id would take CAP_SYS_ADMIN). While it is pinned the kernel gives
 * its id to no other.
 */
static bool is_pinned(const char *dir, uint32_t program)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/program_%u", dir, program);
	return program && access(path, F_OK) == 0;
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.id;
}

/* ---- sizes ---- */

/* Maps that belong to this run: a program's scratch paper, and the ring that one reader reads. Never pinned, never sized. */
static bool is_scratch(const char *name)
{
	static const char *const names[] = {
		"creation", "packet", "quote", "held_scratch", "ipv6_walk", "icmp_inner", "changes"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/*
 * Two entries a flow, three a bucket on average when the table is full: of a million flows less than one finds its bucket
 * full then. (With four it is twenty, and each is a connection that one node of a pair has and the other has no place for.)
 */
static uint32_t index_buckets(uint32_t flows)
{
	return (uint32_t)(((uint64_t)flows * 2 + 2) / 3);
}

static void set_sizes(struct lb_tc *skel, const struct lb_bpf_sizes *s)
{
	bpf_map__set_max_entries(skel->maps.globals, 1);
	bpf_map__set_max_entries(skel->maps.links, LB_LINKS_MAX);
	bpf_map__set_max_entries(skel->maps.services, s->services);
	bpf_map__set_max_entries(skel->maps.service_keys, s->services);
	bpf_map__set_max_entries(skel->maps.service_traffic, s->services);
	bpf_map__set_max_entries(skel->maps.pools, s->pools);
	bpf_map__set_max_entries(skel->maps.pool_cursors, s->pools);
	bpf_map__set_max_entries(
		skel->maps.table_slots, (s->table_slots + LB_SLOTS_A_LINE - 1) / LB_SLOTS_A_LINE);
	bpf_map__set_max_entries(skel->maps.backends, s->backends);
	bpf_map__set_max_entries(skel->maps.backend_traffic, s->backends);
	bpf_map__set_max_entries(skel->maps.own_addrs, s->services + s->backends);
	bpf_map__set_max_entries(skel->maps.flows4, s->flows);
	bpf_map__set_max_entries(skel->maps.flows6, s->flows);
	bpf_map__set_max_entries(skel->maps.index4, index_buckets(s->flows));
	bpf_map__set_max_entries(skel->maps.index6, index_buckets(s->flows));
	bpf_map__set_max_entries(skel->maps.free4, s->flows);
	bpf_map__set_max_entries(skel->maps.free6, s->flows);
	bpf_map__set_max_entries(skel->maps.half_open, s->half_open);
	bpf_map__set_max_entries(skel->maps.control, LB_CONTROL_MAX);
	bpf_map__set_max_entries(skel->maps.installs, LB_INSTALL_MAX);
	bpf_map__set_max_entries(skel->maps.leases, LEASES_MAX);
	bpf_map__set_max_entries(skel->maps.cursors, 8);
	bpf_map__set_max_entries(skel->maps.sticky, s->sticky);
	bpf_map__set_max_entries(skel->maps.counters, LB_COUNTER_COUNT);
	bpf_map__set_max_entries(skel->maps.held, LB_HELD_MAX);
}

static int pinned_entries(const char *dir, const char *map, uint32_t *entries)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	char path[300];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, map);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		err = -errno;
	*entries = info.max_entries;
	close(fd);
	return err;
}

/* 1 when a dataplane of our ABI is pinned there (sizes are its own), 0 when none is. */
static int look_at_pins(const char *dir, struct lb_bpf_sizes *sizes)
{
	struct lb_globals globals = {};
	uint32_t zero = 0;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/globals", dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : explain(-errno, "pinned dataplane");

	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	bool same = !bpf_obj_get_info_by_fd(fd, &info, &length) && info.value_size == sizeof(globals);

	if (same && bpf_map_lookup_elem(fd, &zero, &globals))
		same = false;
	close(fd);
	if (same && !globals.abi) { /* its maker ended before it was ready: no flow ever was in it */
		log_warn("%s: the pinned dataplane was never finished; makes it anew", dir);
		unpin_all(dir);
		return make_pin_dir(dir);
	}
	if (!same || globals.abi != LB_ABI_VERSION) {
		log_error(
			"%s: the pinned dataplane has ABI version %u, this program speaks %u; it goes on forwarding with the "
			"program it has. Start the version that made it, or start with --reset, which drops its flows",
			dir, globals.abi, LB_ABI_VERSION);
		return -EPROTO;
	}
	if (pinned_entries(dir, "flows4", &sizes->flows) ||
		pinned_entries(dir, "half_open", &sizes->half_open) ||
		pinned_entries(dir, "services", &sizes->services) ||
		pinned_entries(dir, "pools", &sizes->pools) ||
		pinned_entries(dir, "backends", &sizes->backends) ||
		pinned_entries(dir, "sticky", &sizes->sticky) ||
		pinned_entries(dir, "table_slots", &sizes->table_slots)) {
		log_error(
			"%s: the pinned dataplane is not complete; start with --reset, which drops its flows",
			dir);
		return -EPROTO;
	}
	sizes->table_slots *= LB_SLOTS_A_LINE;
	return 1;
}

/* ---- open and close ---- */

static uint32_t ticks_per_second(void)
{
	struct timespec tick = {};

	/* The coarse clock moves once a jiffy. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_nsec <= 0)
		return 250;
	return (uint32_t)((1000000000L + tick.tv_nsec / 2) / tick.tv_nsec);
}

static void first_globals(struct lb_bpf *b)
{
	struct lb_globals *g = b->view.globals;
	uint32_t knows = 0;

	if (!b->adopted) {
		if (getrandom(&g->hash_seed, sizeof(g->hash_seed), 0) != sizeof(g->hash_seed))
			g->hash_seed = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
		g->hz = ticks_per_second();
		g->half_open_jiffies = 30 * g->hz;
		g->half_closed_jiffies = 240 * g->hz;
		g->closing_jiffies = 15 * g->hz;
		g->half_open_max = b->sizes.half_open;
		g->sizes[0] = g->sizes[1] = b->sizes.flows;
		g->index_buckets[0] = g->index_buckets[1] = index_buckets(b->sizes.flows);
		g->abi = LB_ABI_VERSION;
	}
	if (!lb_bpf_run_control(b, 2, &knows))
		g->csum_ipv6_flag = knows ? 1U << 7 : 0;
	g->tell_changes = 0; /* who read the last run's ring is gone */
	/* Links were counted anew: hops are learnt again. Never 0, which means "not learnt". */
	__atomic_store_n(&g->route_epoch, g->route_epoch + 1 ? g->route_epoch + 1 : 1, __ATOMIC_RELEASE);
}

static void **view_slot(struct lb_bpf_view *v, size_t at)
{
	return (void **)v + at;
}

static int map_view(struct lb_bpf *b)
{
	struct bpf_map *const maps[] = {b->skel->maps.globals, b->skel->maps.links, b->skel->maps.services,
		b->skel->maps.pools, b->skel->maps.table_slots, b->skel->maps.backends, b->skel->maps.flows4,
		b->skel->maps.flows6, b->skel->maps.control, b->skel->maps.installs, b->skel->maps.leases};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		size_t bytes =
			(size_t)((bpf_map__value_size(maps[i]) + 7) & ~7U) * bpf_map__max_entries(maps[i]);
		void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(maps[i]), 0);

		if (at == MAP_FAILED)
			return explain(-errno, "mapping the dataplane's tables");
		*view_slot(&b->view, i) = at;
		b->mapped[i] = (bytes + page - 1) / page * page;
	}
	return 0;
}

static int set_pins(struct lb_bpf *b)
{
	struct bpf_map *map;
	char path[400];

	bpf_object__for_each_map(map, b->skel->obj)
	{
		if (is_scratch(bpf_map__name(map)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", b->pin_dir, bpf_map__name(map));
		int err = bpf_map__set_pin_path(map, path);

		if (err)
			return err;
	}
	return 0;
}

int lb_bpf_open(struct lb_bpf *b, const struct lb_bpf_sizes *sizes, const char *pin_dir, bool reset)
{
	int err;

	memset(b, 0, sizeof(*b));
	b->sizes = *sizes;
	libbpf_set_print(keep_message);
	if (pin_dir) {
		snprintf(b->pin_dir, sizeof(b->pin_dir), "%s", pin_dir);
		if (reset)
			lb_bpf_remove(pin_dir);
		err = make_pin_dir(pin_dir);
		if (err)
			return err;
		err = look_at_pins(pin_dir, &b->sizes);
		if (err < 0)
			return err;
		b->adopted = err == 1;
	}
	b->skel = lb_tc__open();
	if (!b->skel)
		return explain(-errno, "opening the dataplane");
	set_sizes(b->skel, &b->sizes);
	err = pin_dir ? set_pins(b) : 0;
	if (!err)
		err = lb_tc__load(b->skel);
	if (err) {
		explain(err, "loading the dataplane");
		goto failed;
	}
	err = map_view(b);
	if (err)
		goto failed;
	b->cpus = (unsigned)libbpf_num_possible_cpus();
	b->traffic = calloc(b->cpus, sizeof(struct lb_traffic));
	if (!b->traffic) {
		err = -ENOMEM;
		goto failed;
	}
	first_globals(b);
	return 0;
failed:
	if (pin_dir && !b->adopted)
		unpin_all(pin_dir);
	lb_bpf_close(b);
	return err;
}

void lb_bpf_close(struct lb_bpf *b)
{
	lb_bpf_changes_close(b);
	for (size_t i = 0; i < sizeof(b->mapped) / sizeof(b->mapped[0]); i++)
		if (b->mapped[i])
			munmap(*view_slot(&b->view, i), b->mapped[i]);
	if (b->skel)
		lb_tc__destroy(b->skel);
	free(b->traffic);
	memset(b, 0, sizeof(*b));
}

/* ---- attach ---- */

static struct bpf_tc_opts tc_filter(void)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	return opts;
}

static uint32_t attached_program(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	struct bpf_tc_opts opts = tc_filter();

	return bpf_tc_query(&hook, &opts) ? 0 : opts.prog_id;
}

/* A program that works on our globals is ours, whichever run loaded it. */
bool lb_bpf_is_attached(struct lb_bpf *b, int ifindex)
{
	uint32_t there = attached_program(ifindex);

	return there &&
	       (there == program_id(lb_bpf_program_fd(b)) || (b->pin_dir[0] && is_pinned(b->pin_dir, there)));
}

static int pin_program(struct lb_bpf *b)
{
	uint32_t id = program_id(lb_bpf_program_fd(b));
	char path[300];

	if (!b->pin_dir[0] || is_pinned(b->pin_dir, id))
		return 0;
	snprintf(path, sizeof(path), "%s/program_%u", b->pin_dir, id);
	return bpf_obj_pin(lb_bpf_program_fd(b), path) ? -errno : 0;
}

int lb_bpf_attach(struct lb_bpf *b, int ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	struct bpf_tc_opts opts = tc_filter();
	uint32_t there = attached_program(ifindex);

	if (there && !lb_bpf_is_attached(b, ifindex)) {
		log_error(
			"interface %s: the dataplane of another tandem-lb is attached (program %u); stop it with "
			"'tandem-lb --remove -r ITS-RUN-DIR', or remove it with 'tc filter del dev %s ingress prio %d'",
			name, there, name, TC_PRIORITY);
		return -EEXIST;
	}
	int err = pin_program(b);

	if (err)
		return explain(err, "pinning the program");
	err = bpf_tc_hook_create(&hook);

	if (err == -ENODEV)
		return err; /* it has just gone */
	if (err && err != -EEXIST)
		return explain_lacking(err, name, "CONFIG_NET_CLS_ACT and CONFIG_NET_SCH_INGRESS (clsact)");
	opts.prog_fd = lb_bpf_program_fd(b);
	opts.flags = BPF_TC_F_REPLACE;
	err = bpf_tc_attach(&hook, &opts);
	if (err == -ENODEV)
		return err;
	if (err)
		return explain_lacking(err, name, "CONFIG_NET_CLS_BPF");
	return 0;
}

int lb_bpf_detach(struct lb_bpf *b, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	struct bpf_tc_opts opts = tc_filter();

	return bpf_tc_detach(&hook, &opts);
}

/* Is that program on the ingress of any interface? */
static bool is_in_use(const struct if_nameindex *names, uint32_t program)
{
	for (const struct if_nameindex *n = names; n && n->if_index; n++)
		if (attached_program((int)n->if_index) == program)
			return true;
	return false;
}

void lb_bpf_prune(struct lb_bpf *b)
{
	struct if_nameindex *names = if_nameindex();
	DIR *dir = b->pin_dir[0] ? opendir(b->pin_dir) : NULL;
	struct dirent *e;
	uint32_t id;

	while (names && dir && (e = readdir(dir)))
		if (sscanf(e->d_name, "program_%u", &id) == 1 && id != program_id(lb_bpf_program_fd(b)) &&
			!is_in_use(names, id))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	if (names)
		if_freenameindex(names);
}

int lb_bpf_remove(const char *pin_dir)
{
	struct if_nameindex *names = if_nameindex();
	struct stat st;

	libbpf_set_print(keep_message);
	for (struct if_nameindex *n = names; n && n->if_index; n++)
		if (is_pinned(pin_dir, attached_program((int)n->if_index)))
			lb_bpf_detach(NULL, (int)n->if_index);
	if (names)
		if_freenameindex(names);
	if (stat(pin_dir, &st))
		return -errno;
	unpin_all(pin_dir);
	return 0;
}
