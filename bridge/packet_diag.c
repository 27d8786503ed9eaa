/* SPDX-License-Identifier: BSD-2-Clause */
/* See packet_diag.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "log.h"
#include "packet_diag.h"

#define DUMP_TRIES 8

struct dump {
	struct packet_diag *diag;
	size_t room;
	bool no_memory;
};

static struct packet_diag_socket *add_socket(struct dump *dump)
{
	struct packet_diag *diag = dump->diag;
	struct packet_diag_socket *grown;
	size_t room = dump->room ? 2 * dump->room : 16;

	if (diag->n == dump->room) {
		grown = reallocarray(diag->socket, room, sizeof(*grown));
		if (!grown) {
			dump->no_memory = true;
			return NULL;
		}
		diag->socket = grown;
		dump->room = room;
	}
	return &diag->socket[diag->n++];
}

static uint64_t ring_bytes(const struct nlattr *attr)
{
	struct packet_diag_ring ring;

	if (!attr || nla_len(attr) < (int)sizeof(ring))
		return 0;
	memcpy(&ring, nla_data(attr), sizeof(ring));
	return (uint64_t)ring.pdr_block_size * ring.pdr_block_nr;
}

static int on_socket(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct nlattr *tb[PACKET_DIAG_MAX + 1];
	const struct packet_diag_msg *pd;
	struct packet_diag_socket *s;
	struct packet_diag_info info;

	if (!nlmsg_valid_hdr(h, sizeof(*pd)) ||
	    nlmsg_parse(h, sizeof(*pd), tb, PACKET_DIAG_MAX, NULL) < 0 ||
	    !tb[PACKET_DIAG_INFO] ||
	    nla_len(tb[PACKET_DIAG_INFO]) < (int)sizeof(info))
		return NL_OK;
	pd = nlmsg_data(h);
	memcpy(&info, nla_data(tb[PACKET_DIAG_INFO]), sizeof(info));
	s = add_socket(arg);
	if (!s)
		return NL_OK; /* the rest must be read all the same */
	*s = (struct packet_diag_socket){
		.index = (int)info.pdi_index,
		.type = pd->pdiag_type,
		.protocol = pd->pdiag_num, /* in the host's order */
		.inode = pd->pdiag_ino,
		.has_fanout = tb[PACKET_DIAG_FANOUT],
		.rx_ring_bytes = ring_bytes(tb[PACKET_DIAG_RX_RING]),
		.tx_ring_bytes = ring_bytes(tb[PACKET_DIAG_TX_RING]),
	};
	if (s->has_fanout)
		s->fanout = (uint16_t)nla_get_u32(tb[PACKET_DIAG_FANOUT]);
	return NL_OK;
}

static int dump_sockets(struct nl_sock *sock, struct dump *dump)
{
	struct packet_diag_req req = {
		.sdiag_family = AF_PACKET,
		.pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_RING_CFG |
			      PACKET_SHOW_FANOUT,
	};
	int r = nl_connect(sock, NETLINK_SOCK_DIAG);

	if (r >= 0)
		r = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM,
					on_socket, dump);
	for (int i = 0; r >= 0 && i < DUMP_TRIES; i++) {
		dump->diag->n = 0;
		r = nl_send_simple(sock, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req,
				   sizeof(req));
		if (r >= 0)
			r = nl_recvmsgs_default(sock);
		if (r != -NLE_DUMP_INTR)
			break;
		r = 0; /* after all tries: as good as it gets */
	}
	if (r == -NLE_OBJ_NOTFOUND)
		return -ENOENT; /* no module packet_diag */
	if (r == -NLE_OPNOTSUPP || r == -NLE_AF_NOSUPPORT ||
	    r == -NLE_PROTO_MISMATCH)
		return -EOPNOTSUPP;
	if (r < 0 || dump->no_memory) {
		log_err("netlink: list of packet sockets: %s",
			nl_geterror(r < 0 ? r : NLE_NOMEM));
		return r < 0 ? -EIO : -ENOMEM;
	}
	return 0;
}

/* ---- whose they are ---- */

static void read_name(int proc, int pid, char *name, size_t size)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%d/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, size - 1);
		close(fd);
	}
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static void claim(struct packet_diag *diag, int proc, int pid, uint32_t inode)
{
	for (size_t i = 0; i < diag->n; i++) {
		struct packet_diag_socket *s = &diag->socket[i];

		if (s->inode != inode || s->pid)
			continue;
		s->pid = pid;
		read_name(proc, pid, s->name, sizeof(s->name));
	}
}

static void look_at_process(struct packet_diag *diag, int proc, int pid)
{
	const struct dirent *entry;
	char path[32], target[64];
	DIR *list;
	int fd;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fd >= 0 ? fdopendir(fd) : NULL;
	if (!list) {
		close_fd(&fd);
		return; /* ended, or not ours to look at */
	}
	while ((entry = readdir(list))) {
		ssize_t n = readlinkat(fd, entry->d_name, target,
				       sizeof(target) - 1);
		unsigned int inode;

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) == 1)
			claim(diag, proc, pid, inode);
	}
	closedir(list);
}

static void find_owners(struct packet_diag *diag)
{
	DIR *list = diag->n ? opendir("/proc") : NULL;
	const struct dirent *entry;

	if (!list)
		return;
	while ((entry = readdir(list))) {
		int pid = atoi(entry->d_name);

		if (pid > 0)
			look_at_process(diag, dirfd(list), pid);
	}
	closedir(list);
}

int packet_diag_read(struct packet_diag *diag)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct dump dump = { .diag = diag };
	int r = -ENOMEM;

	*diag = (struct packet_diag){ 0 };
	if (sock)
		r = dump_sockets(sock, &dump);
	else
		log_err("netlink: %s", strerror(ENOMEM));
	nl_socket_free(sock);
	if (r)
		packet_diag_fini(diag);
	else
		find_owners(diag);
	return r;
}

void packet_diag_fini(struct packet_diag *diag)
{
	free(diag->socket);
	*diag = (struct packet_diag){ 0 };
}
