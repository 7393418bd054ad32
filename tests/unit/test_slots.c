/* SPDX-License-Identifier: MIT */
/*
 * test_slots.c - a million open fds in one record, more than any test machine grants: the numbers
 * are made up, the record and its reader are real.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "calls.h"
#include "record_read.h"
#include "slots.h"

#define MILLION 1000000
#define ROOM_BYTES (160ull << 20)

static char dir[200];

static const char *path_of_record(void)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%d.rec", dir, (int)getpid());
	return path;
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/fdwhy-slots-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	self_init();
	if (store_start(dir, RECORD_FDS_MAX))
		return -1;
	self_gate.pid = store.head->pid;
	self_gate.state = SELF_ready;
	slots_start();
	store_publish();
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path_of_record());
	return rmdir(dir);
}

static bool has_room(void)
{
	struct statvfs v;

	return !statvfs(dir, &v) && (uint64_t)v.f_bavail * v.f_frsize > ROOM_BYTES;
}

static void open_numbers(int from, int to)
{
	const struct slots_birth b = {.now_ns = 5, .call = CALL_socket, .kind = KIND_tcp};

	for (int fd = from; fd < to; fd++)
		slots_birth(fd, &b);
}

static uint64_t open_in_file(void)
{
	struct record_slot s;
	uint64_t open = 0;
	struct record r;
	int fd;

	assert_int_equal(record_open(path_of_record(), &r), 0);
	for (uint64_t i = 0; record_slot(&r, i, &fd, &s); i++)
		open += s.state == SLOT_open && s.kind == KIND_tcp;
	record_close(&r);
	return open;
}

static void a_million_fds_are_known_and_read(void **state)
{
	uint64_t bytes;

	(void)state;
	if (!has_room()) {
		print_message("skip: %s has no room for a record of a million fds\n", dir);
		skip();
	}
	open_numbers(0, MILLION);
	assert_int_equal(store.head->births, MILLION);
	assert_int_equal(store.head->fds_open, MILLION);
	assert_int_equal(store.head->missed[MISS_slot_space], 0);
	for (int fd = 0; fd < MILLION; fd += 777)
		assert_int_equal(slots_at(fd)->state, SLOT_open);
	assert_int_equal(open_in_file(), MILLION);
	bytes = store.head->part[PART_slots].real_bytes;
	assert_in_range(bytes / MILLION, sizeof(struct record_slot),
			sizeof(struct record_slot) + 8);
	for (int fd = 0; fd < MILLION; fd++)
		slots_closed(fd, slots_closing(slots_at(fd)), 0);
	assert_int_equal(store.head->deaths, MILLION);
	assert_int_equal(store.head->fds_open, 0);
	assert_int_equal(store.head->fds_peak, MILLION);
	open_numbers(0, 10); /* their numbers are used again without a word */
	assert_int_equal(store.head->missed[MISS_death_unseen], 0);
	assert_int_equal(open_in_file(), 10);
}

static void a_number_beyond_the_table_is_counted(void **state)
{
	uint64_t before = store.head->missed[MISS_slot_high];

	(void)state;
	open_numbers((int)RECORD_FDS_MAX, (int)RECORD_FDS_MAX + 3);
	assert_int_equal(store.head->missed[MISS_slot_high], before + 3);
}

static void a_place_is_within_the_array_or_not_given(void **state)
{
	const int inside = (int)self_gate.slots_below - 1;
	uint32_t place;

	(void)state;
	assert_true(slots_place(0, 0, &place));
	assert_ptr_equal(slots_in_place(place), slots_at(0));
	assert_true(slots_place(inside, 0, &place));
	assert_ptr_equal(slots_in_place(place), slots_at(inside));
	assert_false(slots_place(inside + 1, 0, &place));
	assert_false(slots_place(-1, 0, &place));
	assert_false(slots_place(-inside, 0, &place));
	for (unsigned action = 1; action < RULE_ACTIONS; action++)
		for (int fd = 0; fd <= inside; fd += 13)
			assert_false(slots_place(fd, RULES_ARMED(action), &place));
}

static void what_failed_is_not_counted(void **state)
{
	struct record_slot *s = slots_at(7);
	uint32_t place;

	(void)state;
	open_numbers(7, 8);
	assert_int_equal(s->uses, 0);
	assert_true(slots_place(7, 0, &place));
	assert_true(slots_count(place));
	assert_true(slots_count(place));
	slots_uncount(7);
	assert_int_equal(s->uses, 1);
	s->uses |= SLOT_USE_PENDING;
	assert_false(slots_count(place));
	slots_uncount(7);
	assert_int_equal(s->uses, SLOT_USE_PENDING | 1);
	s->uses = 0; /* another thread closed and opened it meanwhile */
	slots_uncount(7);
	assert_int_equal(s->uses, 0);
	slots_uncount(-1);
	slots_uncount((int)RECORD_FDS_MAX + 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_fds_are_known_and_read),
		cmocka_unit_test(a_number_beyond_the_table_is_counted),
		cmocka_unit_test(a_place_is_within_the_array_or_not_given),
		cmocka_unit_test(what_failed_is_not_counted),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
