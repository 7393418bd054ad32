/* SPDX-License-Identifier: MIT */
/* probe_diag.h - what sock_diag(7) tells of AF_UNIX sockets. Runs aside: probe_aside.h. */
#ifndef SHIM_PROBE_DIAG_H
#define SHIM_PROBE_DIAG_H

#include <stdint.h>
#include "probe_aside.h"

struct probe_diag {
	/* asked: a listener by its socket file (inode, 0: abstract) or its abstract name */
	uint64_t dev, inode;
	const char *name; /* sun_path */
	uint32_t name_bytes;
	bool stream; /* a peer has a queue of its own, and stays the same */
	/* told */
	uint32_t ino;  /* of the socket */
	uint32_t peer; /* its peer's */
	uint32_t rqueue, wqueue; /* listener: waiting, backlog; else bytes unread, unsent */
};

/* Finds the listener. 0, or -errno: -ENOENT not there (another network namespace). */
int probe_diag_listener(struct probe_aside *a, struct probe_diag *d);
/* d->ino: the peer of socket `ino`; of a stream d->rqueue, what it has not read. 0, or -errno. */
int probe_diag_peer(struct probe_aside *a, uint32_t ino, struct probe_diag *d);

#endif
