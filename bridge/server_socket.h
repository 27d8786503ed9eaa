/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that a control socket is: made, and removed if it still is ours. */
#ifndef BUMPWIRE_SERVER_SOCKET_H
#define BUMPWIRE_SERVER_SOCKET_H

#include <sys/types.h>

#include "base.h"

struct server_socket {
	const char *path; /* kept by the caller, until it is removed */
	int fd;		  /* that listens; -1: none */
	dev_t dev;	  /* of the file, to remove no other */
	ino_t inode;
};

/*
 * Listen, on what may be connected to by `mode`. A socket that nobody listens on
 * any more is replaced; anything else that stands there is left alone. 0;
 * -EADDRINUSE (not logged): somebody listens there; other -errno (logged): then
 * close it all the same.
 */
int server_socket_open(struct server_socket *s, const char *path,
		       unsigned int mode);

/* Listen no more; the file stays. */
void server_socket_close(struct server_socket *s);

void server_socket_remove(const struct server_socket *s);

#endif
