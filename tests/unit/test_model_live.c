/* SPDX-License-Identifier: MIT */
/* test_model_live.c - a record against /proc of its living process, which this one plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "model.h"
#include "record_make.h"
#include "record_place.h"
#include "record_read.h"

static struct make made;
static struct model model;

static void save(const char *name)
{
	assert_int_equal(make_save(&made, dir, name), 0);
}

/* This very process plays the recorded one: fd 40 is there unrecorded, 41 is recorded but gone. */
static void a_living_process_is_held_against_proc(void **state)
{
	char name[32];
	bool unseen = false, told = false;

	(void)state;
	assert_int_equal(dup2(0, 40), 40);
	close(41);
	make_begin(&made, (uint32_t)getpid(), "self");
	make_head(&made)->created_boot_ns = UINT64_MAX / 2;
	make_slot(&made, 0, (struct record_slot){.state = SLOT_closing, .call = CALL_open});
	make_slot(&made, 41, (struct record_slot){.state = SLOT_open, .call = CALL_open});
	snprintf(name, sizeof(name), "%d.rec", (int)getpid());
	save(name);
	assert_int_equal(model_load(dir, &(struct model_options){0}, &model), 0);
	close(40);
	assert_true(model.live);
	assert_int_equal(model.processes[0].how, HOW_running);
	for (size_t i = 0; i < model.opens_count; i++) {
		assert_int_not_equal(model.opens[i].fd, 41);
		if (model.opens[i].fd == 0)
			assert_int_equal(model.opens[i].call, CALL_open);
		if (model.opens[i].fd != 40)
			continue;
		unseen = true;
		assert_int_equal(model.opens[i].call, 0);
		assert_true(model.opens[i].flags & SLOT_UNSEEN);
		assert_non_null(model.opens[i].target);
	}
	assert_true(unseen);
	for (size_t i = 0; i < model.coverage_count; i++)
		told |= strstr(model.coverage[i].what, "appeared unseen") != NULL;
	assert_true(told);
	model_free(&model);
}

/* Between the looks at the record 41 is closed, 40 opened, 44 opened and closed again. */
static void what_the_process_does_meanwhile_is_not_unseen(void **state)
{
	struct record_slot open = {.state = SLOT_open, .call = CALL_open}, s, *slots;
	struct model_live v;
	unsigned patience = 1;
	struct record r;
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/1.rec", dir);
	make_begin(&made, (uint32_t)getpid(), "self");
	make_slot(&made, 41, open);
	make_slot(&made, 42, open);
	slots = make_part(&made, PART_slots);
	save("1.rec");
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(dup2(0, 40), 40);
	assert_int_equal(dup2(0, 43), 43);
	assert_int_equal(dup2(0, 44), 44);
	close(41);
	close(42);
	model_live_begin(&v, &r, &patience);
	make_slot(&made, 40, open);
	slots[41].seq += 2;
	slots[44].seq += 4;
	save("1.rec");
	assert_true(record_slot_of(&r, 41, &s));
	assert_false(model_live_lost(&v, 41, &s));
	assert_true(model_live_lost(&v, 42, &s));
	assert_false(model_live_unseen(&v, 40));
	assert_true(model_live_unseen(&v, 43));
	assert_false(model_live_unseen(&v, 44));
	assert_int_equal(patience, 0); /* this process runs */
	model_live_end(&v);
	record_close(&r);
	close(40);
	close(43);
	close(44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_living_process_is_held_against_proc),
		cmocka_unit_test(what_the_process_does_meanwhile_is_not_unseen),
	};

	return cmocka_run_group_tests(tests, place_begin, place_end);
}
