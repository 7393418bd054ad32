/* SPDX-License-Identifier: MIT */
/*
 * self.c - see self.h. Holds the state that every other file of the shim asks first; makes no
 * decision itself.
 */
#include <errno.h>
#include <sys/mman.h>
#include "self.h"
#include "sysc.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

__attribute__((section(".bss.self"), aligned(4096))) union self_page self_page;
SEALED __typeof__(&clock_gettime) self_clock_gettime = clock_gettime;
AT_START bool self_began;
THREAD uint32_t self_vfork_depth;
THREAD uint32_t self_waits;
THREAD uint32_t self_tid_cache;

COLD uint32_t self_tid_ask(void)
{
	if (!self_gate.seccomp)
		self_tid_cache = (uint32_t)sysc(SYS_gettid);
	return self_tid_cache;
}

void self_init(void)
{
	sysc(SYS_madvise, &self_page, sizeof(self_page), MADV_WIPEONFORK);
}

void self_forked(void)
{
	self_tid_cache = 0;
	self_vfork_depth = 0;
}

long self_vfork_failed(long neg_errno)
{
	errno = (int)-neg_errno;
	return -1;
}
