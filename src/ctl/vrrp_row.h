/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a row of tandem-vrrp's answer to `vrrp` says about one instance, for the commands that show it. */
#ifndef TANDEM_CTL_VRRP_ROW_H
#define TANDEM_CTL_VRRP_ROW_H

#include <stdbool.h>

#include "ctl/view.h"

/* Is it the instance, or a member of the group, of that name? */
bool vrrp_row_is(const json_t *row, const char *name);

/* Who is active: the state in its colour. */
enum table_style vrrp_row_style(const json_t *row);

/* "150 (200)": the effective priority, and the config's where it is another; then what a request made of it. */
void vrrp_row_priority(const json_t *row, char out[VIEW_TEXT_MAX]);
enum table_style vrrp_row_priority_style(const json_t *row);

/* What is wrong now, a line for each: say() is called with its text. Things that mend themselves are not told. */
void vrrp_row_trouble(
	const json_t *row, void (*say)(void *data, enum table_style style, const char *text), void *data);

/* Everything about one instance, on one screen. */
void vrrp_row_show(const struct output *output, const json_t *row);

#endif
