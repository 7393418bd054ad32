/* SPDX-License-Identifier: MIT */
/*
 * probe_aside.h - a look at files and sockets that needs an fd, made so that the target cannot see
 * it. In a process of one thread with all signals blocked nobody can: it borrows the lowest free
 * number for some microseconds. Where there are threads, or no number is free, a thread that the
 * kernel alone knows looks, with an fd table of its own that starts empty; the caller sleeps.
 */
#ifndef SHIM_PROBE_ASIDE_H
#define SHIM_PROBE_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_ROOM 8192       /* bytes of room */
#define PROBE_ASIDE_NS 500000u /* of processor time, unless told otherwise */
#define PROBE_KNOWN_NS 1000000000u /* so long a name or a setting is not asked for again */
#define PROBE_COMM 16

struct probe_aside {
	/* Raw system calls only, nothing that blocks. 0, or -errno; after -EMFILE called again. */
	int (*look)(struct probe_aside *a);
	void *arg;
	char *room;       /* PROBE_ROOM bytes, aligned for anything */
	uint64_t now_ns;
	uint64_t budget_ns; /* processor time, for more than one step; 0: PROBE_ASIDE_NS */
	uint64_t late_ns;   /* on the clock of the thread that looks: give up then */
	int error;
};

/*
 * What a->look(a) returned; else it did not run, because no thread may be made here (a limit is
 * reached: -EAGAIN), or another thread is looking (-EBUSY).
 */
int probe_aside_run(struct probe_aside *a);
/* To be asked between two steps of a look that may have many. */
bool probe_aside_late(struct probe_aside *a);
/* Read a file, at most `size` - 1 bytes, terminated. Bytes, or -errno. For look() only. */
long probe_aside_read(const char *path, char *to, size_t size);
/* The name of a process as it was PROBE_KNOWN_NS ago at most, if that is known. Anywhere. */
bool probe_aside_known(unsigned pid, uint64_t now_ns, char ret[PROBE_COMM]);
/* The same, asked for when it is not; "" unknown. For look() only. */
void probe_aside_comm(const struct probe_aside *a, unsigned pid, char ret[PROBE_COMM]);
/* Writes digits, returns the place behind them. */
char *probe_aside_decimal(unsigned n, char *to);
/* The number at the start of a file; -errno. "max" is INT64_MAX. For look() only. */
int64_t probe_aside_number(const char *path);

#endif
