/* SPDX-License-Identifier: MIT */
/*
 * present.h - what the threads of a living process are doing now, with the shim in it or without:
 * each is stopped (ptrace) for as long as it takes to copy its registers and the top of its stack,
 * and unwound from the copy by libunwind after it runs again.
 *
 * All of that happens in a child of ours: whatever goes wrong there, however late it is, the kernel
 * lets everything that it traced run on when it ends.
 */
#ifndef TOOL_PRESENT_H
#define TOOL_PRESENT_H

#include <stdint.h>
#include <sys/types.h>

#define PRESENT_THREADS 8u
#define PRESENT_FRAMES 64u
#define PRESENT_MODULES 48u
#define PRESENT_NO_MODULE UINT32_MAX

struct present_module {
	char path[256]; /* as this process sees it; "" unknown */
	uint8_t build_id[20];
	uint8_t build_id_bytes;
};

struct present_frame {
	uint64_t offset; /* file address, or the bare one where there is no module */
	uint32_t module;
	uint32_t exact; /* not a return address */
};

struct present_thread {
	int tid;
	char name[16];
	char state;   /* as in /proc/PID/stat, before it was stopped */
	char why[96]; /* there is no stack because; "" there is */
	uint32_t depth;
	uint32_t flags; /* STACK_* of record.h */
	uint64_t stopped_ns;
	struct present_frame frame[PRESENT_FRAMES];
};

struct present {
	char why[128]; /* nothing could be seen because; "" something was */
	uint32_t threads, threads_all;
	uint32_t modules;
	struct present_thread thread[PRESENT_THREADS];
	struct present_module module[PRESENT_MODULES];
};

/* The process's own thread first. Returns within a few seconds, whatever the process does. */
void present_take(pid_t pid, struct present *ret);

#endif
