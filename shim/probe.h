/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what the kernel knows at the instant a call failed. Called by call.c, rate-limited
 * there.
 *
 * Bounded work, raw system calls only, never blocks, opens no fd that the target could see. Under a
 * seccomp filter (self_gate.seccomp) it makes no system call and says so in facts.why[].
 */
#ifndef SHIM_PROBE_H
#define SHIM_PROBE_H

#include <stdint.h>
#include "record.h"

struct probe_in {
	uint64_t now_ns;
	uint64_t asked_bytes;
	const void *addr;  /* struct sockaddr of a connect or sendto */
	const void *flock; /* struct flock of an fcntl lock */
	const char *path;  /* of an open */
	int at;            /* directory fd of `path` */
	uint32_t addr_bytes;
	uint32_t msg_flags; /* MSG_* */
	int fd;
	int error;
	int lock_cmd; /* flock operation, F_SETLK..., F_TLOCK */
	uint16_t call;
	uint8_t kind; /* enum record_kind as far as known */
	uint8_t class; /* enum call_class */
};

/* Fills *ret, which the caller zeroed. */
void probe_take(const struct probe_in *in, struct record_facts *ret);

#endif
