/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ward in a directory of its own, and things to put into it. */
#ifndef TANDEM_TESTS_WARD_HARNESS_H
#define TANDEM_TESTS_WARD_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tmp_dir.h"
#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

extern char dir[TMP_DIR_MAX];
extern struct vrrp_ward *ward;

int set_up(void **state);
int tear_down(void **state);

const char *ward_path(void);
void open_ward(void);
void reopen(void);

struct vrrp_held make_held(const char *unit, const char *interface, int ifindex, const char *addr);

/* A last word over IPv6 whose every byte follows from the seed and the length; good until the next one. */
struct vrrp_farewell *make_farewell(int ifindex, uint8_t vrid, size_t peers, size_t len, uint8_t seed);

#endif
