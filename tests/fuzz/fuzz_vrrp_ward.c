/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a ward's file. Opening it, every reader and every writer must come back, and what a reader gives must
 * keep the promises of vrrp_ward.h.
 *
 * First byte, bit 0: the rest is the file, from its beginning. Else it is rows over a good header: table, slot (two bytes,
 * little endian), how many bytes, the bytes; bit 1: each row's slot is marked valid.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/tandem-fuzz-ward-XXXXXX";
static char path[sizeof(dir) + sizeof(WARD_FILE)];
static struct ward_header good;

static void promise(int kept)
{
	if (!kept)
		abort();
}

static struct vrrp_ward *open_ward(void)
{
	struct vrrp_ward *ward;
	char error[300];

	promise(vrrp_ward_open(&ward, dir, error, sizeof(error)) == 0);
	return ward;
}

static void clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

static void set_up(void)
{
	struct vrrp_ward *ward;

	promise(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/" WARD_FILE, dir);
	atexit(clean_up);
	ward = open_ward();
	memcpy(&good, &ward->file->header, sizeof(good));
	vrrp_ward_close(ward, false);
}

static void put(int fd, const void *bytes, size_t len, size_t offset)
{
	if (offset < sizeof(struct ward_file) && len > sizeof(struct ward_file) - offset)
		len = sizeof(struct ward_file) - offset;
	promise(pwrite(fd, bytes, len, (off_t)offset) == (ssize_t)len);
}

static void put_rows(int fd, const uint8_t *data, size_t size, bool valid)
{
	static const uint32_t word = WARD_VALID;
	struct ward_header header;

	memcpy(&header, &good, sizeof(header));
	while (size >= 4) {
		unsigned table = data[0] % WARD_TABLES;
		uint32_t slot = (data[1] | (uint32_t)data[2] << 8) % ward_places[table].max;
		size_t len = data[3] < size - 4 ? data[3] : size - 4;
		size_t offset = ward_places[table].offset + slot * ward_places[table].stride;

		if (header.used[table] <= slot)
			header.used[table] = slot + 1;
		put(fd, data + 4, len, offset + (table == WARD_BLOCKS ? 0 : sizeof(word)));
		if (valid && table != WARD_BLOCKS)
			put(fd, &word, sizeof(word), offset);
		data += 4 + len;
		size -= 4 + len;
	}
	put(fd, &header, sizeof(header), 0);
}

static void check_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	promise(len > 0 && len < size);
	for (size_t i = 0; i < len; i++)
		promise((unsigned char)name[i] > ' ');
}

static void check_links_and_held(const struct vrrp_ward *ward)
{
	char name[VRRP_IFNAME_SIZE];
	struct vrrp_held held;
	size_t cursor = 0;
	int ifindex;

	while (vrrp_ward_next_held(ward, &cursor, &held)) {
		promise(held.ifindex > 0 && held.address.prefix >= 1);
		promise(held.address.prefix <= (held.address.addr.family == AF_INET ? 32 : 128));
		promise(held.address.addr.family == AF_INET || held.address.addr.family == AF_INET6);
		check_name(held.interface, sizeof(held.interface));
		check_name(held.unit, sizeof(held.unit));
	}
	cursor = 0;
	while (vrrp_ward_next_link(ward, &cursor, name, &ifindex)) {
		promise(ifindex > 0 && !strchr(name, '/'));
		check_name(name, sizeof(name));
	}
}

static void check_farewells(const struct vrrp_ward *ward)
{
	static struct vrrp_farewell f;
	size_t cursor = 0;

	while (vrrp_ward_next_farewell(ward, &cursor, &f)) {
		promise(f.ifindex > 0 && f.vrid && f.peer_count <= VRRP_PEERS_MAX);
		promise(f.len >= 8 && f.len <= VRRP_ADVERT_MAX);
		promise((f.payload[0] & 15) == 1 && f.payload[1] == f.vrid && f.payload[2] == 0);
		promise(f.source.family == f.family);
		for (size_t i = 0; i < f.peer_count; i++)
			promise(f.peers[i].family == f.family);
	}
}

static void check(const struct vrrp_ward *ward)
{
	int64_t at, safe;

	check_links_and_held(ward);
	check_farewells(ward);
	if (vrrp_ward_was_active(ward, "edge", &at, &safe))
		promise(at >= 0 && safe >= 0);
	vrrp_ward_resume(ward);
	vrrp_ward_claimed(ward);
}

/* Whatever was there, what is written now is there afterwards, or there was no room for it. */
static void write_all(struct vrrp_ward *ward)
{
	struct vrrp_held held = {
		.unit = "edge", .interface = "eth0", .ifindex = 3, .address = {{AF_INET, {10, 0, 0, 1}}, 24}};
	static struct vrrp_farewell f = {.ifindex = 3,
		.family = AF_INET,
		.vrid = 51,
		.source = {AF_INET, {10, 0, 0, 2}},
		.payload = {0x31, 51, 0, 1},
		.len = 12};
	int64_t at = 0, safe = 0;

	vrrp_ward_hold(ward, &held);
	vrrp_ward_add_link(ward, "vrrp.51", 7);
	vrrp_ward_set_farewell(ward, &f);
	vrrp_ward_advertised(ward, "edge", 5, 6);
	if (vrrp_ward_was_active(ward, "edge", &at, &safe))
		promise(at == 5 && safe == 6);
	check(ward);
	vrrp_ward_unsafe(ward);
	vrrp_ward_drop(ward, 3, &held.address.addr);
	vrrp_ward_drop_link(ward, 7);
	vrrp_ward_clear_farewell(ward, 3, AF_INET, 51);
	vrrp_ward_not_active(ward, "edge");
	promise(!vrrp_ward_was_active(ward, "edge", &at, &safe));
	check(ward);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vrrp_ward *ward;
	int fd;

	if (!path[0])
		set_up();
	if (size < 1)
		return 0;
	fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
	promise(fd >= 0);
	if (data[0] & 1) {
		put(fd, data + 1, size - 1, 0);
	} else {
		promise(ftruncate(fd, sizeof(struct ward_file)) == 0);
		put_rows(fd, data + 1, size - 1, data[0] & 2);
	}
	close(fd);
	ward = open_ward();
	check(ward);
	write_all(ward);
	vrrp_ward_close(ward, false);
	return 0;
}
