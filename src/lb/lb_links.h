/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network around the dataplane: which devices there are, whether what flows remember about their next
 * hop is still true, and on which interfaces the program stands. Follows rtnetlink in the event loop.
 *
 * Writes view.links, the link keys and globals.route_epoch, nobody else does. Owns no route and no
 * neighbour: the dataplane asks the kernel's tables itself, this only says when to ask again.
 */
#ifndef TANDEM_LB_LINKS_H
#define TANDEM_LB_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

#include "lb/lb_bpf.h"

struct lb_links;

enum lb_interface_state {
	LB_INTERFACE_MISSING,     /* no such device: waited for */
	LB_INTERFACE_UNSUPPORTED, /* no Ethernet device */
	LB_INTERFACE_REFUSED, /* the kernel or another tandem's program stands in the way: tried again at the
				 next reload */
	LB_INTERFACE_DOWN,    /* attached, but down or without carrier */
	LB_INTERFACE_ATTACHED,
};

/* Something a person wants to know: "interface back", "attached", "appeared as index 7". All only until
 * return. */
typedef void lb_links_report_fn(void *data, const char *subject, const char *event, const char *cause);

/*
 * Open the netlink socket, take stock of devices and neighbours (synchronously), then follow them in loop.
 * loop and bpf are the caller's and must outlive the lb_links. 0; -ETIMEDOUT: the kernel does not answer;
 * else -errno (logged).
 */
int lb_links_open(struct lb_links **out, struct ev_loop *loop, struct lb_bpf *bpf, lb_links_report_fn *report,
	void *data);

/*
 * The interfaces that the dataplane stands on from now on: attaches to new ones, then detaches from those
 * that are no longer named, also from those a previous run left. What is missing is waited for. -ENOMEM
 * changes nothing; that an interface is missing or refused is no error but its state.
 */
int lb_links_set_interfaces(struct lb_links *links, const char (*names)[16], size_t count);

/* For each interface in the order it was named; state as lb_interface_state_name, detail "" or what is wrong
 * with it. */
void lb_links_each_interface(struct lb_links *links,
	void (*visit)(void *data, const char *name, enum lb_interface_state state, const char *detail),
	void *data);

/* "attached", "missing", "down", "unsupported", "refused". */
const char *lb_interface_state_name(enum lb_interface_state state);

/* Is that device gone, switched off or without carrier? */
bool lb_links_is_down(struct lb_links *links, uint32_t ifindex);

/* Free everything; the program stays attached. NULL is allowed. */
void lb_links_close(struct lb_links *links);

#endif
