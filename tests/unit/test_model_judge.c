/* SPDX-License-Identifier: MIT */
/* test_model_judge.c - what the model asks of the verdicts and causes, over several processes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "model.h"
#include "record_make.h"
#include "record_place.h"

static struct make made;
static struct model model;

static void load(void)
{
	const struct model_options options = {0};

	assert_int_equal(model_load(dir, &options, &model), 0);
}

/* A process that opened `opened` at one place and ended with `open` of them. */
static void put_process(uint32_t pid, uint32_t opened, uint32_t open)
{
	char name[32];
	uint32_t site;

	make_begin(&made, pid, "worker");
	make_module(&made, "/bin/worker", MAKE_BASE);
	site = make_site(&made, (struct record_site){.stack = make_stack_at(&made, MAKE_BASE, 16),
						     .call = CALL_open,
						     .count = opened,
						     .deaths = opened - open,
						     .open = open,
						     .open_peak = open});
	for (uint32_t i = 0; i < open; i++)
		make_slot(
			&made, (int)i + 5,
			(struct record_slot){.state = SLOT_open, .call = CALL_open, .site = site});
	make_exit(&made, 1000, 0);
	snprintf(name, sizeof(name), "%u.rec", pid);
	assert_int_equal(make_save(&made, dir, name), 0);
}

static void many_processes_that_ended_with_one_fd_open_leak_nothing(void **state)
{
	(void)state;
	for (uint32_t pid = 11; pid < 31; pid++)
		put_process(pid, 1, 1);
	load();
	assert_int_equal(model.fds_count, 1);
	assert_int_equal(model.fds[0].open, 20);
	assert_int_equal(model.fds[0].verdict.kind, VERDICT_at_exit);
	assert_non_null(strstr(model.fds[0].verdict.reason, "20 processes"));
}

static void one_of_many_processes_that_leaks_is_found(void **state)
{
	(void)state;
	for (uint32_t pid = 11; pid < 31; pid++)
		put_process(pid, 40, pid == 20 ? 30 : 1);
	load();
	assert_int_equal(model.fds[0].verdict.kind, VERDICT_leak);
	assert_non_null(strstr(model.fds[0].verdict.reason, "30 of 40"));
}

static void one_process_is_judged_by_its_own_numbers(void **state)
{
	(void)state;
	put_process(11, 9, 9);
	load();
	assert_int_equal(model.fds[0].verdict.kind, VERDICT_leak);
	assert_null(strstr(model.fds[0].verdict.reason, "processes"));
}

/* What a killed process opened at its start was open as long as the session lasted. */
static void a_killed_process_had_a_life(void **state)
{
	uint32_t site;

	(void)state;
	make_begin(&made, 11, "server");
	make_module(&made, "/bin/server", MAKE_BASE);
	make_head(&made)->series_width_ns = 1000000000;
	site = make_site(&made, (struct record_site){.stack = make_stack_at(&made, MAKE_BASE, 16),
						     .call = CALL_pipe2,
						     .count = 6,
						     .open = 6,
						     .open_peak = 6,
						     .series[0] = 7});
	for (int i = 0; i < 6; i++)
		make_slot(
			&made, i + 5,
			(struct record_slot){.state = SLOT_open, .call = CALL_pipe2, .site = site});
	assert_int_equal(make_save(&made, dir, "11.rec"), 0);
	make_begin(&made, 12, "client");
	make_exit(&made, 150000000000, 0);
	assert_int_equal(make_save(&made, dir, "12.rec"), 0);
	load();
	assert_int_equal(model.fds[0].open, 6);
	assert_int_equal(model.fds[0].verdict.kind, VERDICT_at_exit);
}

/* A site of one failing call, with the fate it met. */
static void put_failing(uint16_t call, enum record_fate fate, uint64_t count)
{
	struct record_site site = {.call = call,
				   .error = EAGAIN,
				   .kind = KIND_unix_stream,
				   .count = count,
				   .first_ns = MAKE_CREATED,
				   .last_ns = MAKE_CREATED + 1000};

	site.fate[fate] = count;
	make_begin(&made, 11, "worker");
	make_module(&made, "/bin/worker", MAKE_BASE);
	make_site(&made, site);
	make_site(&made, (struct record_site){.stack = make_stack_at(&made, MAKE_BASE, 16),
					      .call = CALL_recv,
					      .error = EAGAIN,
					      .count = 1000,
					      .fate[FATE_drained] = 1000});
	assert_int_equal(make_save(&made, dir, "11.rec"), 0);
	load();
}

static void what_was_given_up_comes_before_what_was_drained(void **state)
{
	struct model_summary t;

	(void)state;
	put_failing(CALL_send, FATE_gave_up, 2);
	assert_int_equal(model.eagains[0].call, CALL_send);
	assert_int_equal(model.eagains[0].why.severity, SEVERITY_failure);
	assert_int_equal(model.eagains[1].why.severity, SEVERITY_benign);
	model_summarize(&model, &t);
	assert_int_equal(t.failures, 1);
	assert_int_equal(t.benign, 1);
	assert_int_equal(t.processes, 1);
	assert_int_equal(t.alive, 0);
}

static void what_met_no_fate_yet_is_pending(void **state)
{
	(void)state;
	put_failing(CALL_send, FATE_waited, 3);
	for (size_t i = 0; i < model.eagains_count; i++)
		assert_int_equal(model.eagains[i].pending, 0);
	model_free(&model);
	make_begin(&made, 11, "worker");
	make_site(&made, (struct record_site){
				 .call = CALL_send, .error = EAGAIN, .count = 5, .fate[0] = 2});
	assert_int_equal(make_save(&made, dir, "11.rec"), 0);
	load();
	assert_int_equal(model.eagains[0].pending, 3);
}

static int after(void **state)
{
	(void)state;
	model_free(&model);
	place_clear();
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_processes_that_ended_with_one_fd_open_leak_nothing),
		TEST(one_of_many_processes_that_leaks_is_found),
		TEST(one_process_is_judged_by_its_own_numbers),
		TEST(a_killed_process_had_a_life),
		TEST(what_was_given_up_comes_before_what_was_drained),
		TEST(what_met_no_fate_yet_is_pending),
	};

	return cmocka_run_group_tests(tests, place_begin, place_end);
}
