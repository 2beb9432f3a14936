/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-1-3 (Aumasson, Bernstein): a keyed hash whose collisions a client can't choose. */
#ifndef TANDEM_APPS_SIPHASH_H
#define TANDEM_APPS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash13(const uint64_t key[2], const uint8_t *data, size_t len);

#endif
