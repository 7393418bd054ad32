/* SPDX-License-Identifier: MIT */
/*
 * quarantine.h - `--quarantine`: the last numbers that the target closed are not used again, so
 * that a use after close fails with EBADF and does not hit a stranger's fd. Off unless asked for,
 * because the target sees other numbers than it would.
 *
 * In place of what was closed stands an O_PATH fd of the shim's own file (FD_CLOEXEC): reading,
 * writing, polling and most else fail with EBADF on it, as they would; wrappers see to close, dup
 * and fcntl. 0, 1 and 2 are not held back: programs close them to get them again. A vfork child,
 * which shares these tables and not the fds, does without.
 */
#ifndef SHIM_QUARANTINE_H
#define SHIM_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>
#include "self.h"

#define QUARANTINE_MOST 128u  /* numbers held back; an eighth of RLIMIT_NOFILE if that is less */
#define QUARANTINE_FDS 65536u /* higher numbers never are */

extern HIDDEN uint32_t quarantine_room; /* 0: off */
extern HIDDEN uint64_t quarantine_bits[QUARANTINE_FDS / 64];

void quarantine_start(uint64_t nofile_soft);

static inline bool quarantine_has(int fd)
{
	return unlikely(quarantine_room) && (uint32_t)fd < QUARANTINE_FDS && !self_vforked() &&
	       __atomic_load_n(&quarantine_bits[fd / 64], __ATOMIC_RELAXED) >> (fd % 64) & 1;
}

/* Close fd, known to be open, and hold its number back. false: it must be closed for real. */
bool quarantine_take(int fd);
/* These numbers are about to be closed for real, or to get an owner by dup2. */
void quarantine_forget(uint32_t first, uint32_t last);
/* dup2 failed: hold it back as before. */
void quarantine_again(int fd);
/* The target needs numbers: give all back. false when there were none. */
bool quarantine_release(void);

#endif
