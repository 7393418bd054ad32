/* SPDX-License-Identifier: MIT */
/* test_probe_tasks.c - which of the limits on processes and threads is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "probe_tasks.h"

#define NONE PROBE_TASKS_NONE

struct row {
	const char *what;
	uint64_t user, nproc, cgroup, cgroup_max, threads, threads_max;
	bool exempt, thread, tight; /* tight: 10 bytes of address space are left of 100 */
	enum record_task_limit limit;
	uint64_t in_use;
};

/* clang-format off */
static const struct row rows[] = {
	{"nothing is reached", 3, NONE, 0, NONE, 10, 1000, false, false, false, TASKS_unknown, 0},
	{"the user's limit", 7, 7, 0, NONE, 10, 1000, false, false, false, TASKS_nproc, 7},
	{"one is left of it", 6, 7, 0, NONE, 10, 1000, false, false, false, TASKS_unknown, 0},
	{"a limit of none", 1, 0, 0, NONE, 10, 1000, false, false, false, TASKS_nproc, 1},
	{"who may exceed it", 7, 7, 0, NONE, 10, 1000, true, false, false, TASKS_unknown, 0},
	{"nobody was counted", 0, 7, 0, NONE, 10, 1000, false, false, false, TASKS_unknown, 0},
	{"a control group", 3, NONE, 5, 5, 10, 1000, false, false, false, TASKS_cgroup, 5},
	{"it and the user", 7, 7, 5, 5, 10, 1000, false, false, false, TASKS_cgroup, 5},
	{"all threads", 3, NONE, 0, NONE, 1000, 1000, false, false, false, TASKS_threads_max, 1000},
	{"all pids", 3, NONE, 0, NONE, 32500, NONE, false, false, false, TASKS_pid_max, 32500},
	{"no room for a stack", 3, NONE, 0, NONE, 1, 9, false, true, true, TASKS_address_space, 90},
	{"a process needs none", 3, NONE, 0, NONE, 1, 9, false, false, true, TASKS_unknown, 0},
};
/* clang-format on */

static struct probe_tasks tasks_of(const struct row *r)
{
	return (struct probe_tasks){
		.exempt = r->exempt,
		.thread = r->thread,
		.user = r->user,
		.nproc = r->nproc,
		.cgroup = r->cgroup,
		.cgroup_max = r->cgroup_max,
		.threads = r->threads,
		.threads_max = r->threads_max,
		.pid_max = 32768,
		.mapped_bytes = 90,
		.stack_bytes = 20,
		.as_bytes = r->tight ? 100 : NONE,
	};
}

static void the_limit_that_is_reached_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct probe_tasks t = tasks_of(&rows[i]);
		struct record_facts f = {0};
		bool told = probe_tasks_judge(&t, &f);

		if (told != (rows[i].limit != TASKS_unknown) || f.limit_id != rows[i].limit ||
		    f.in_use != rows[i].in_use)
			fail_msg("%s: limit %u, in use %llu", rows[i].what, f.limit_id,
				 (unsigned long long)f.in_use);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_that_is_reached_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
