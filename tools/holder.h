/* SPDX-License-Identifier: MIT */
/*
 * holder.h - who holds a lock on a file now: /proc/locks by device and inode, and, when the process
 * named there is gone, the living process whose descriptor carries it (/proc/PID/fdinfo).
 */
#ifndef TOOL_HOLDER_H
#define TOOL_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

/* The kinds do not exclude each other: only one of the same kind is in the way. */
enum holder_kind {
	HOLDER_flock,
	HOLDER_posix, /* fcntl and lockf; also open file description locks */
	HOLDER_lease,
};

struct holder {
	int pid;
	int taker;      /* took the lock and is gone, or gave its descriptor away; 0 none */
	bool exclusive; /* for writing */
	char comm[32];
	char cmdline[256];
};

/* dev as in struct stat. false: nobody holds such a lock on it, or it cannot be seen. */
bool holder_find(enum holder_kind kind, uint64_t dev, uint64_t inode, struct holder *ret);
/* The lock that a thread of this process sleeps for, if it does. */
struct holder_awaited {
	char path[256]; /* "" unknown */
	int holder_pid; /* 0: of no process, or not told */
};
bool holder_awaited(int pid, struct holder_awaited *ret);
/* Fill comm and cmdline of a living process; empty when it is gone. */
void holder_describe(int pid, struct holder *ret);

#endif
