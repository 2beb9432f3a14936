/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_lease_map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAP_BYTES (LEASES_MAX * sizeof(struct lease))
#define PATH_SIZE 192

static int bpf(int command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static uint64_t pointer(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

static bool is_as_expected(int fd, uint32_t type, uint32_t key, uint32_t value, uint32_t least)
{
	struct bpf_map_info info = {};
	union bpf_attr attr = {};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = pointer(&info);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 && info.type == type && info.key_size == key &&
	       info.value_size == value && info.max_entries >= least;
}

static int get(const char *path)
{
	union bpf_attr attr = {};

	attr.pathname = pointer(path);
	return bpf(BPF_OBJ_GET, &attr);
}

static void pin_path(char *out, const char *pin_dir, const char *name)
{
	snprintf(out, PATH_SIZE, "%s/%s", pin_dir, name);
}

static int open_leases(struct lease_maps *maps, const char *pin_dir)
{
	char path[PATH_SIZE];
	struct stat st;
	void *at;
	int fd;

	pin_path(path, pin_dir, LEASE_MAP);
	if (stat(path, &st))
		return -errno;
	fd = get(path);
	if (fd < 0)
		return fd;
	at = is_as_expected(fd, BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(struct lease), LEASES_MAX)
		     ? mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
		     : NULL;
	if (at == MAP_FAILED)
		at = NULL;
	close(fd);
	if (!at)
		return -EPROTO;
	maps->leases = at;
	maps->inode = st.st_ino;
	maps->device = st.st_dev;
	return 0;
}

static int open_addrs(struct lease_maps *maps, const char *pin_dir)
{
	char path[PATH_SIZE];

	pin_path(path, pin_dir, LEASE_ADDR_MAP);
	maps->addrs = get(path);
	if (maps->addrs < 0)
		return maps->addrs;
	return is_as_expected(maps->addrs, BPF_MAP_TYPE_HASH, sizeof(struct lease_addr), sizeof(uint32_t), 1)
		       ? 0
		       : -EPROTO;
}

int lease_maps_open(struct lease_maps *maps, const char *pin_dir)
{
	int err;

	*maps = (struct lease_maps){.addrs = -1};
	err = open_leases(maps, pin_dir);
	if (!err)
		err = open_addrs(maps, pin_dir);
	if (err)
		lease_maps_close(maps);
	return err;
}

void lease_maps_close(struct lease_maps *maps)
{
	if (maps->leases)
		munmap(maps->leases, MAP_BYTES);
	if (maps->addrs >= 0)
		close(maps->addrs);
	*maps = (struct lease_maps){.addrs = -1};
}

bool lease_maps_are_current(const struct lease_maps *maps, const char *pin_dir)
{
	char path[PATH_SIZE];
	struct stat st;

	pin_path(path, pin_dir, LEASE_MAP);
	return maps->leases && stat(path, &st) == 0 && st.st_ino == maps->inode && st.st_dev == maps->device;
}

int lease_maps_put(const struct lease_maps *maps, const struct lease_addr *addr, uint32_t slot)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)maps->addrs;
	attr.key = pointer(addr);
	attr.value = pointer(&slot);
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

int lease_maps_delete(const struct lease_maps *maps, const struct lease_addr *addr)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)maps->addrs;
	attr.key = pointer(addr);
	return bpf(BPF_MAP_DELETE_ELEM, &attr);
}

int lease_maps_find(const struct lease_maps *maps, const struct lease_addr *addr, uint32_t *slot)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)maps->addrs;
	attr.key = pointer(addr);
	attr.value = pointer(slot);
	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

bool lease_maps_next(const struct lease_maps *maps, const struct lease_addr *after, struct lease_addr *out)
{
	union bpf_attr attr = {};

	attr.map_fd = (uint32_t)maps->addrs;
	attr.key = pointer(after);
	attr.next_key = pointer(out);
	return bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0;
}
