/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ward_harness.h"

#include <string.h>

char dir[TMP_DIR_MAX];
struct vrrp_ward *ward;

const char *ward_path(void)
{
	static char path[TMP_DIR_MAX + 16];

	snprintf(path, sizeof(path), "%s/" WARD_FILE, dir);
	return path;
}

void open_ward(void)
{
	char error[300] = "";

	if (vrrp_ward_open(&ward, dir, error, sizeof(error)))
		fail_msg("%s", error);
}

void reopen(void)
{
	vrrp_ward_close(ward, false);
	open_ward();
}

int set_up(void **state)
{
	ward = NULL;
	if (tmp_dir_make(dir))
		return -1;
	open_ward();
	return 0;
}

int tear_down(void **state)
{
	vrrp_ward_close(ward, true);
	unlink(ward_path());
	return tmp_dir_remove(dir);
}

struct vrrp_held make_held(const char *unit, const char *interface, int ifindex, const char *addr)
{
	struct vrrp_held held = {.ifindex = ifindex};

	assert_int_equal(addr_parse(addr, &held.address.addr), 0);
	held.address.prefix = held.address.addr.family == AF_INET ? 24 : 64;
	snprintf(held.unit, sizeof(held.unit), "%s", unit);
	snprintf(held.interface, sizeof(held.interface), "%s", interface);
	return held;
}

struct vrrp_farewell *make_farewell(int ifindex, uint8_t vrid, size_t peers, size_t len, uint8_t seed)
{
	static struct vrrp_farewell farewell;

	memset(&farewell, 0, sizeof(farewell));
	farewell.ifindex = ifindex;
	farewell.family = AF_INET6;
	farewell.vrid = vrid;
	farewell.source = (struct net_addr){AF_INET6, {0xfe, 0x80, seed}};
	memset(farewell.mac, seed, 6);
	for (; farewell.peer_count < peers; farewell.peer_count++) {
		farewell.peers[farewell.peer_count].family = AF_INET6;
		memset(farewell.peers[farewell.peer_count].bytes, seed, 16);
	}
	memset(farewell.payload, seed, len);
	farewell.payload[0] = 0x31;
	farewell.payload[1] = vrid;
	farewell.payload[2] = 0;
	farewell.len = len;
	return &farewell;
}
