/* SPDX-License-Identifier: MIT */
/* test_census.c - made processes, counted: shares, growth of one and of many, time to the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "census.h"
#include "record_make.h"
#include "record_place.h"

#define SECOND 1000000000ull

static struct make made;
static struct model model;
static struct census census;

static void take(void)
{
	const struct model_options options = {0};

	assert_int_equal(model_load(dir, &options, &model), 0);
	census_take(&model, &census);
}

/* A process that lived ten seconds from `start_s` on and ended with `open` files of a directory. */
static void put_process(uint32_t pid, const char *comm, unsigned start_s, unsigned open)
{
	char path[64];

	make_begin(&made, pid, comm);
	make_head(&made)->created_real_ns += start_s * SECOND;
	make_head(&made)->nofile_soft = 100;
	make_head(&made)->nofile_hard = 200;
	make_head(&made)->fds_open = open;
	for (unsigned i = 0; i < open; i++) {
		snprintf(path, sizeof(path), "/spool/%u", i);
		make_slot(&made, (int)i + 3,
			  (struct record_slot){.state = SLOT_open,
					       .kind = KIND_file,
					       .birth_ns = MAKE_CREATED,
					       .target = make_path(&made, path)});
	}
	make_exit(&made, 10 * SECOND - 1, 0);
}

static void save(uint32_t pid)
{
	char name[32];

	snprintf(name, sizeof(name), "%u.rec", pid);
	assert_int_equal(make_save(&made, dir, name), 0);
}

static void processes_and_commands_have_their_shares(void **state)
{
	(void)state;
	put_process(11, "small", 0, 5);
	save(11);
	put_process(12, "small", 0, 5);
	save(12);
	put_process(13, "big", 0, 30);
	save(13);
	take();
	assert_int_equal(census.open, 40);
	assert_int_equal(census.process_count, 3);
	assert_int_equal(model.processes[census.process[0].process].pid, 13);
	assert_int_equal((int)(census.process[0].share * 100), 75);
	assert_int_equal(census.command_count, 2);
	assert_string_equal(census.command[1].name, "small");
	assert_int_equal(census.command[1].processes, 2);
	assert_int_equal(census.command[1].open, 10);
	assert_int_equal(census.process[0].soft, 100);
	assert_int_equal(census.process[0].hard, 200);
}

static void one_that_grows_has_a_time_left(void **state)
{
	struct record_header *h = make_head(&made);

	(void)state;
	put_process(11, "grows", 0, 50);
	for (uint32_t i = 0; i < 10; i++)
		h->series_open[i] = 5 + 5 * i; /* 5 a second; 50 more are allowed */
	save(11);
	put_process(12, "stays", 0, 20);
	for (uint32_t i = 0; i < 10; i++)
		h->series_open[i] = 20;
	save(12);
	take();
	assert_int_equal((int)census.process[0].slope_per_hour, 18000);
	assert_int_equal(census.process[0].left_ns / SECOND, 10);
	assert_int_equal((int)census.process[1].slope_per_hour, 0);
	assert_int_equal(census.process[1].left_ns, 0);
}

static void time_is_left_while_there_is_room_and_growth(void **state)
{
	(void)state;
	assert_int_equal(census_left_ns(50, 100, 3600) / SECOND, 50);
	assert_int_equal(census_left_ns(100, 100, 3600), 0);
	assert_int_equal(census_left_ns(50, 0, 3600), 0);
	assert_int_equal(census_left_ns(50, 100, 0), 0);
	assert_int_equal(census_left_ns(50, 100, -3600), 0);
}

/* Each has the same few open, but there are more and more of them. */
static void many_that_become_more_grow_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		put_process(11 + i, "smtpd", 0, 3);
		make_head(&made)->created_real_ns += i * SECOND / 2;
		make_head(&made)->end_ns -= i * SECOND / 2;
		make_head(&made)->series_open[0] = 3;
		save(11 + i);
	}
	take();
	assert_int_equal((int)census.process[0].slope_per_hour, 0);
	assert_true(census.command[0].slope_per_hour > 10000);
	assert_true(census.command[0].confidence > 0.9);
	assert_true(census.process[0].share < 0.06);
}

static void scattered_targets_are_counted_by_where_they_are(void **state)
{
	(void)state;
	put_process(11, "daemon", 0, 10);
	save(11);
	take();
	assert_string_equal(census.kind[0].name, "file");
	assert_int_equal(census.kind[0].targets, 1);
	assert_string_equal(census.kind[0].target[0].name, "/spool/*");
	assert_int_equal(census.kind[0].target[0].open, 10);
}

static int after(void **state)
{
	(void)state;
	census_free(&census);
	model_free(&model);
	place_clear();
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(processes_and_commands_have_their_shares),
		TEST(one_that_grows_has_a_time_left),
		cmocka_unit_test(time_is_left_while_there_is_room_and_growth),
		TEST(many_that_become_more_grow_together),
		TEST(scattered_targets_are_counted_by_where_they_are),
	};

	return cmocka_run_group_tests(tests, place_begin, place_end);
}
