/* SPDX-License-Identifier: MIT */
/* test_model_children.c - which inherited fds were leaked into a program, and from where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "calls.h"
#include "model.h"
#include "util.h"

static struct model m;

static uint32_t process(int pid, int ppid, uint32_t born, uint64_t images, uint64_t start)
{
	*UTIL_PUSH(m.processes, m.processes_count, m.processes_room) =
		(struct model_process){.pid = pid,
				       .ppid = ppid,
				       .born_by = born,
				       .images = images,
				       .start_ns = start,
				       .start_raw_ns = start,
				       .comm = util_copy("daemon"),
				       .how = HOW_running};
	return (uint32_t)m.processes_count - 1;
}

static struct model_open *has(uint32_t process, int fd, uint32_t flags, uint32_t stack)
{
	struct model_open *o = UTIL_PUSH(m.opens, m.opens_count, m.opens_room);

	*o = (struct model_open){.process = process,
				 .fd = fd,
				 .call = stack == MODEL_NONE ? 0 : CALL_socket,
				 .kind = KIND_tcp,
				 .flags = flags,
				 .stack = stack,
				 .site = MODEL_NONE,
				 .birth_raw_ns = 100};
	return o;
}

static void had(uint32_t process, int fd, uint32_t stack, uint64_t birth)
{
	*UTIL_PUSH(m.gone, m.gone_count, m.gone_room) = (struct model_gone){.process = process,
									    .fd = fd,
									    .call = CALL_socket,
									    .kind = KIND_tcp,
									    .stack = stack,
									    .birth_raw_ns = birth};
}

#define THROUGH (SLOT_EXECED | SLOT_INHERITED)

static int end(void **state)
{
	(void)state;
	model_free(&m);
	return 0;
}

static void what_a_forked_program_has_is_its_parents(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t program = process(11, 10, BORN_fork, 2, 200);

	(void)state;
	has(daemon, 5, 0, 7);
	has(program, 5, THROUGH, 7);
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 1);
	assert_int_equal(m.child_leaks[0].owner, daemon);
	assert_int_equal(m.child_leaks[0].stack, 7);
	assert_int_equal(m.child_leaks[0].fds, 1);
	assert_int_equal(m.child_leaks[0].kept, 0); /* no inodes are known */
}

static void a_spawned_program_is_asked_for_by_number(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t shell = process(11, 10, BORN_start, 1, 200);
	uint32_t program = process(12, 11, BORN_fork, 2, 300);

	(void)state;
	m.processes[shell].totals_only = true;
	has(daemon, 6, SLOT_CLOEXEC, 8);
	had(daemon, 5, 7, 100);
	has(program, 5, THROUGH, MODEL_NONE);
	has(program, 6, THROUGH, MODEL_NONE); /* not that one: it was closed on exec */
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 1);
	assert_int_equal(m.child_leaks[0].owner, daemon);
	assert_int_equal(m.child_leaks[0].stack, 7);
}

static void a_number_that_was_used_again_since_says_nothing(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t program = process(11, 10, BORN_start, 1, 200);

	(void)state;
	had(daemon, 5, 7, 201);
	has(program, 5, THROUGH, MODEL_NONE);
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 0);
}

static void what_came_from_outside_is_nobodys(void **state)
{
	uint32_t program = process(11, 10, BORN_start, 1, 200);

	(void)state;
	has(program, 5, THROUGH, MODEL_NONE);
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 0);
}

static void use_by_a_worker_of_the_program_is_use(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t program = process(11, 10, BORN_fork, 2, 200);
	uint32_t worker = process(12, 11, BORN_fork, 1, 300);

	(void)state;
	has(daemon, 5, 0, 7);
	has(daemon, 6, 0, 8);
	has(program, 5, THROUGH, 7);
	has(program, 6, THROUGH, 8);
	has(worker, 5, THROUGH, 7)->uses = 1;
	has(worker, 6, THROUGH, 8);
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 1);
	assert_int_equal(m.child_leaks[0].stack, 8);
	assert_int_equal(m.child_leaks[0].fds, 1);
	assert_int_equal(m.child_leaks[0].alive, 2);
}

static void what_is_meant_is_no_leak(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t program = process(11, 10, BORN_fork, 2, 200);

	(void)state;
	has(daemon, 5, 0, 7);
	has(program, 2, THROUGH, 7);
	has(program, 5, THROUGH | SLOT_TOUCHED, 7);
	has(program, 6, THROUGH | SLOT_MEANT, 7);
	has(program, 7, THROUGH, 7)->call = CALL_dup2;
	has(program, 8, SLOT_INHERITED, 7); /* of a fork */
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 0);
}

static void a_socket_that_somebody_else_has_is_not_kept(void **state)
{
	uint32_t daemon = process(10, 1, BORN_start, 1, 50);
	uint32_t program = process(11, 10, BORN_fork, 2, 200);

	(void)state;
	has(daemon, 5, 0, 7)->inode = 1;
	had(daemon, 6, 7, 100);
	has(program, 5, THROUGH, 7)->inode = 1;
	has(program, 6, THROUGH, 7)->inode = 2;
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 1);
	assert_int_equal(m.child_leaks[0].fds, 2);
	assert_int_equal(m.child_leaks[0].kept, 1);
	model_children(&m); /* as often as one likes */
	assert_int_equal(m.child_leaks_count, 1);
	assert_int_equal(m.child_leaks[0].kept, 1);
}

/* Damaged records may say so. */
static void processes_that_are_each_others_parents_end_the_search(void **state)
{
	uint32_t a = process(10, 11, BORN_fork, 1, 50);

	(void)state;
	process(11, 10, BORN_fork, 1, 50);
	has(a, 5, THROUGH, MODEL_NONE);
	model_children(&m);
	assert_int_equal(m.child_leaks_count, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, end)
	const struct CMUnitTest tests[] = {
		T(what_a_forked_program_has_is_its_parents),
		T(a_spawned_program_is_asked_for_by_number),
		T(a_number_that_was_used_again_since_says_nothing),
		T(what_came_from_outside_is_nobodys),
		T(use_by_a_worker_of_the_program_is_use),
		T(what_is_meant_is_no_leak),
		T(a_socket_that_somebody_else_has_is_not_kept),
		T(processes_that_are_each_others_parents_end_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
