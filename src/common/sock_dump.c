/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's list of sockets, through libnl-3; see sock_dump.h. */
#include "common/sock_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_S 10 /* between two parts of an answer: the kernel makes them at once */

struct dump {
	struct sock_list *list;
	enum sock_kind kind;
	sock_dump_wanted *wanted;
	void *data;
	int error; /* the kernel's, or ours; negative */
};

static int keep(struct sock_list *list, const struct sock_row *row)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct sock_row *rows = reallocarray(list->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->count++] = *row;
	return 0;
}

static int on_socket(struct nl_msg *msg, void *arg)
{
	struct dump *dump = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct sock_row row;

	if (head->nlmsg_type != SOCK_DUMP_TYPE)
		return NL_OK;
	dump->error = sock_diag_decode(dump->kind, nlmsg_data(head), (size_t)nlmsg_datalen(head), &row);
	if (!dump->error && (!dump->wanted || dump->wanted(&row, dump->data)))
		dump->error = keep(dump->list, &row);
	return dump->error ? NL_STOP : NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	((struct dump *)arg)->error = error->error;
	return NL_STOP;
}

/* libnl turns the end of a listing that failed into success: its error stands in the message. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct dump *dump = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);

	if (nlmsg_datalen(head) >= (int)sizeof(int) && *(int *)nlmsg_data(head) < 0)
		dump->error = *(int *)nlmsg_data(head);
	return NL_STOP;
}

static int ask(struct dump *dump, struct nl_sock *socket, int family, uint32_t states)
{
	struct nl_msg *question = nlmsg_alloc_simple(SOCK_DUMP_TYPE, NLM_F_REQUEST | NLM_F_DUMP);
	uint8_t body[SOCK_REQUEST_MAX];
	size_t len = sock_diag_request(dump->kind, family, states, body);
	int rc;

	if (!question)
		return -ENOMEM;
	rc = nlmsg_append(question, body, len, NLMSG_ALIGNTO);
	if (!rc)
		rc = nl_send_auto(socket, question);
	nlmsg_free(question);
	if (rc < 0)
		return -EIO;
	rc = nl_recvmsgs_default(socket);
	if (dump->error)
		return dump->error;
	return rc == -NLE_AGAIN ? -ETIMEDOUT : rc < 0 ? -EIO : 0;
}

int sock_dump(
	struct sock_list *list, enum sock_kind kind, uint32_t states, sock_dump_wanted *wanted, void *data)
{
	struct dump dump = {.list = list, .kind = kind, .wanted = wanted, .data = data};
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	bool of_ip = kind != SOCK_KIND_UNIX && kind != SOCK_KIND_PACKET;
	struct nl_sock *socket = nl_socket_alloc();
	int rc;

	if (!socket)
		return -ENOMEM;
	rc = nl_connect(socket, NETLINK_SOCK_DIAG) < 0 ? -(errno ? errno : EIO) : 0;
	if (!rc &&
		setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		rc = -errno;
	nl_socket_disable_seq_check(socket);
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_socket, &dump);
	nl_socket_modify_cb(socket, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &dump);
	nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, on_error, &dump);
	if (!rc)
		rc = ask(&dump, socket, AF_INET, states);
	if (!rc && of_ip) {
		rc = ask(&dump, socket, AF_INET6, states);
		if (rc == -ENOENT) /* a kernel without IPv6 */
			rc = 0;
	}
	nl_socket_free(socket);
	return rc;
}

void sock_list_clear(struct sock_list *list)
{
	free(list->rows);
	*list = (struct sock_list){};
}

int sock_dump_enter(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat("/proc/self/ns/net", &ours) < 0 || stat(path, &theirs) < 0)
		return -errno;
	if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
