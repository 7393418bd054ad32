/* SPDX-License-Identifier: MIT */
/*
 * probe_tasks.h - which limit on processes and threads is reached. Numbers in, one of them out; the
 * files they come from are read by probe_tasks.c.
 */
#ifndef SHIM_PROBE_TASKS_H
#define SHIM_PROBE_TASKS_H

#include <stdbool.h>
#include "record.h"

#define PROBE_TASKS_NONE UINT64_MAX /* no such limit, or not known */

struct probe_tasks {
	bool exempt; /* CAP_SYS_ADMIN or CAP_SYS_RESOURCE: RLIMIT_NPROC does not count */
	bool thread; /* a thread is wanted, with a stack */
	uint64_t user, nproc; /* tasks of this user that can be seen */
	uint64_t cgroup, cgroup_max;
	uint64_t threads, threads_max, pid_max;
	uint64_t mapped_bytes, stack_bytes, as_bytes;
};

/* Sets limit, in_use and limit_id; false when none is seen to be reached. */
bool probe_tasks_judge(const struct probe_tasks *t, struct record_facts *f);

#endif
