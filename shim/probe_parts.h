/* SPDX-License-Identifier: MIT */
/* probe_parts.h - the parts of probe_take() that have a file of their own. */
#ifndef SHIM_PROBE_PARTS_H
#define SHIM_PROBE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "calls.h"
#include "probe.h"

/* It waits for input, else for room. */
static inline bool probe_receives(const struct probe_in *in)
{
	return in->class == CLASS_recv || in->class == CLASS_accept ||
	       (in->class == CLASS_move && in->msg_flags & FACTS_INPUT);
}

/* It is an AF_UNIX socket that looks for a listener, by name. */
static inline bool probe_connects_unix(const struct probe_in *in)
{
	const struct sockaddr_un *un = in->addr;

	return in->call == CALL_connect && un &&
	       in->addr_bytes > offsetof(struct sockaddr_un, sun_path) && un->sun_family == AF_UNIX;
}

/* Who holds the lock that in->fd could not get, and over what range. */
void probe_lock(const struct probe_in *in, struct record_facts *f);
/* The listener behind a refused connect: its socket file, queue, backlog and owner. */
void probe_listener(const struct probe_in *in, struct record_facts *f);
/* Which limit on processes and threads is reached. */
void probe_limits(const struct probe_in *in, struct record_facts *f);
/* The other side of a full AF_UNIX socket, after the facts of the socket itself. */
void probe_peer(const struct probe_in *in, struct record_facts *f);

#endif
