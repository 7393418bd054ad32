/* SPDX-License-Identifier: MIT */
/*
 * holder.h - who holds a lock on a file now: /proc/locks by device and inode, and, when the process
 * named there is gone, the living process whose descriptor carries it (/proc/PID/fdinfo).
 */
#ifndef TOOL_HOLDER_H
#define TOOL_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

struct holder {
	int pid;
	bool by_descriptor; /* found by fdinfo: the process that took the lock is gone, or it is OFD
			     */
	char comm[32];
	char cmdline[256];
};

/* dev as in struct stat. false: nobody holds a lock on it, or it cannot be seen. */
bool holder_find(uint64_t dev, uint64_t inode, struct holder *ret);
/* Fill comm and cmdline of a living process; empty when it is gone. */
void holder_describe(int pid, struct holder *ret);

#endif
