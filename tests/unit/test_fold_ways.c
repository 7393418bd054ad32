/* SPDX-License-Identifier: MIT */
/* test_fold_ways.c - leaks that are reached in several ways are one; pools are not added up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "calls.h"
#include "fold.h"
#include "util.h"

#define SECOND 1000000000ull
#define BUCKETS 20u

static struct model m;
static struct symbols *symbols;

static uint32_t stack_of(uint64_t first, uint64_t second, uint64_t third)
{
	const uint64_t offsets[] = {first, second, third};
	struct model_stack *s = UTIL_PUSH(m.stacks, m.stacks_count, m.stacks_room);

	*s = (struct model_stack){.first = (uint32_t)m.frames_count, .depth = 3};
	for (size_t i = 0; i < 3; i++)
		*UTIL_PUSH(m.frames, m.frames_count, m.frames_room) =
			(struct model_frame){.module = 0, .offset = offsets[i]};
	return (uint32_t)m.stacks_count - 1;
}

/* Opens one in bucket `from`, and one in each `step`th later one if that is not 0; closes none. */
static void site(uint32_t stack, uint32_t process, unsigned from, unsigned step)
{
	struct model_fds *f = UTIL_PUSH(m.fds, m.fds_count, m.fds_room);
	uint32_t index = (uint32_t)m.fds_count - 1, open = 0;

	*f = (struct model_fds){.call = CALL_socket,
				.kind = KIND_tcp,
				.stack = stack,
				.worst_process = process,
				.series_width_ns = SECOND};
	model_pid_add(&f->pids, m.processes[process].pid);
	for (unsigned i = from; i < BUCKETS; i += step ? step : BUCKETS) {
		f->series[i] = ++open;
		*UTIL_PUSH(m.opens, m.opens_count, m.opens_room) =
			(struct model_open){.process = process,
					    .fd = (int)m.opens_count + 3,
					    .call = CALL_socket,
					    .kind = KIND_tcp,
					    .stack = stack,
					    .site = index,
					    .uses = 1,
					    .birth_ns = SECOND + i * SECOND};
	}
	f->opened = f->open = f->peak = f->worst_open = f->worst_opened = open;
	f->first_ns = f->last_ns = SECOND + from * SECOND;
}

static int begin(void **state)
{
	(void)state;
	*UTIL_PUSH(m.modules, m.modules_count, m.modules_room) =
		(struct model_module){.path = util_copy("/none")};
	for (int i = 0; i < 30; i++)
		*UTIL_PUSH(m.processes, m.processes_count, m.processes_room) =
			(struct model_process){.pid = 10 + i,
					       .comm = util_copy("daemon"),
					       .how = HOW_running,
					       .start_ns = SECOND};
	m.now_ns = SECOND + BUCKETS * SECOND;
	symbols = symbols_open(&m, false, false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	symbols_close(symbols);
	model_free(&m);
	return 0;
}

static size_t suspects(void)
{
	size_t n = 0;

	model_judge_fds(&m);
	fold_fds(&m, symbols);
	for (size_t i = 0; i < m.fds_count; i++)
		n += m.fds[i].verdict.kind >= VERDICT_growing;
	return n;
}

static void two_ways_to_one_leak_are_one_suspect(void **state)
{
	(void)state;
	site(stack_of(0x10, 0x1000, 0x20000), 0, 1, 1);
	site(stack_of(0x10, 0x1000, 0x40000), 0, 1, 1);
	assert_int_equal(suspects(), 1);
	assert_int_equal(m.fds_count, 1);
	assert_int_equal(m.fds[0].open, 38);
	assert_int_equal(m.fds[0].other_ways, 1);
	assert_int_equal(m.fds[0].verdict.kind, VERDICT_leak);
	assert_int_equal(m.opens[37].site, 0);
}

/* The first function opens for all; who forgets it is the second. */
static void another_caller_is_another_suspect(void **state)
{
	(void)state;
	site(stack_of(0x10, 0x1000, 0x20000), 0, 1, 1);
	site(stack_of(0x10, 0x90000, 0x20000), 0, 1, 1);
	assert_int_equal(suspects(), 2);
	assert_int_equal(m.fds[0].other_ways, 0);
}

/* Each way leaks one: a pool of one, if nothing else is known. */
static void ways_that_leak_one_each_are_a_leak_together(void **state)
{
	(void)state;
	for (unsigned i = 1; i < BUCKETS; i++)
		site(stack_of(0x10, 0x1000, 0x20000 * i), 0, i, 0);
	assert_int_equal(suspects(), 1);
	assert_int_equal(m.fds_count, 1);
	assert_int_equal(m.fds[0].open, BUCKETS - 1);
	assert_int_equal(m.fds[0].other_ways, BUCKETS - 2);
}

static void pools_that_were_filled_at_the_start_are_none(void **state)
{
	(void)state;
	for (unsigned i = 1; i < BUCKETS; i++)
		site(stack_of(0x10, 0x1000, 0x20000 * i), 0, i % 3, 0);
	assert_int_equal(suspects(), 0);
	assert_int_equal(m.fds_count, BUCKETS - 1);
}

/* Where a process ended soon, a few that were never closed count: of one place, not of several. */
static void pools_of_a_process_that_ended_soon_are_none(void **state)
{
	(void)state;
	m.processes[0].how = HOW_exited;
	m.processes[0].end_ns = m.processes[0].start_ns + 2 * SECOND;
	for (unsigned i = 1; i <= 2; i++) {
		struct model_fds *f;

		site(stack_of(0x10, 0x1000, 0x20000 * i), 0, 0, 0);
		f = &m.fds[i - 1]; /* two at once */
		f->opened = f->open = f->peak = f->worst_open = f->worst_opened = 2;
	}
	assert_int_equal(suspects(), 0);
	assert_int_equal(m.fds_count, 2);
}

static void one_each_in_many_processes_is_none(void **state)
{
	(void)state;
	for (unsigned i = 1; i < BUCKETS; i++)
		site(stack_of(0x10, 0x1000, 0x20000 * i), i, i, 0);
	assert_int_equal(suspects(), 0);
	assert_int_equal(m.fds_count, BUCKETS - 1);
}

static void one_suspect_takes_no_innocents_with_it(void **state)
{
	(void)state;
	site(stack_of(0x10, 0x1000, 0x20000), 0, 1, 1);
	site(stack_of(0x10, 0x1000, 0x40000), 0, 1, 0);
	assert_int_equal(suspects(), 1);
	assert_int_equal(m.fds_count, 2);
	assert_int_equal(m.fds[0].open, 19);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(two_ways_to_one_leak_are_one_suspect),
		T(another_caller_is_another_suspect),
		T(ways_that_leak_one_each_are_a_leak_together),
		T(pools_that_were_filled_at_the_start_are_none),
		T(pools_of_a_process_that_ended_soon_are_none),
		T(one_each_in_many_processes_is_none),
		T(one_suspect_takes_no_innocents_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
