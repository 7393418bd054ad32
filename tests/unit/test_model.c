/* SPDX-License-Identifier: MIT */
/* test_model.c - sessions of made records, and what the merged model says of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>
#include "model.h"
#include "record_make.h"
#include "record_place.h"

#define OTHER_BASE 0x560000000000ull
static struct make made;
static struct model model;

static void load(int pid)
{
	const struct model_options options = {.pid = pid};

	assert_int_equal(model_load(dir, &options, &model), 0);
}

static void save(const char *name)
{
	assert_int_equal(make_save(&made, dir, name), 0);
}

static void line(const char *name, const char *text)
{
	assert_int_equal(make_file(dir, name, text, strlen(text)), 0);
}

static bool covered(const char *what)
{
	for (size_t i = 0; i < model.coverage_count; i++)
		if (strstr(model.coverage[i].what, what))
			return true;
	return false;
}

/* A process whose recv() at `offset` of /bin/daemon failed `count` times. */
static void make_failing(uint32_t pid, uint64_t base, uint64_t offset, uint64_t count)
{
	make_begin(&made, pid, "daemon");
	make_module(&made, "/bin/daemon", base);
	make_site(&made, (struct record_site){.stack = make_stack_at(&made, base, offset),
					      .call = CALL_recv,
					      .error = EAGAIN,
					      .count = count,
					      .first_ns = MAKE_CREATED + pid,
					      .last_ns = MAKE_CREATED + 1000 * pid,
					      .fate[FATE_waited] = count - 1,
					      .waited_max_ns = pid,
					      .waited_ns = 10});
}

static void one_place_in_two_processes_is_one_site(void **state)
{
	(void)state;
	make_failing(11, MAKE_BASE, 0x100, 3);
	save("11.rec");
	make_failing(12, OTHER_BASE, 0x100, 4);
	save("12.rec");
	load(0);
	assert_int_equal(model.processes_count, 2);
	assert_int_equal(model.eagains_count, 1);
	assert_int_equal(model.eagains[0].count, 7);
	assert_int_equal(model.processes[0].eagains + model.processes[1].eagains, 7);
	assert_int_equal(model.eagains[0].pids.count, 2);
	assert_int_equal(model.eagains[0].fate[FATE_waited], 5);
	assert_int_equal(model.eagains[0].waited_ns, 20);
	assert_int_equal(model.eagains[0].waited_max_ns, 12);
	assert_int_equal(model.eagains[0].first_ns, MAKE_REAL + 11);
	assert_int_equal(model.eagains[0].last_ns, MAKE_REAL + 12000);
}

/* postgres tries once more when its latch is set: many processes, a few spins each. */
static void one_process_that_loops_spins_and_many_that_try_once_more_do_not(void **state)
{
	(void)state;
	for (uint32_t pid = 11; pid < 20; pid++) {
		char name[16];

		make_failing(pid, MAKE_BASE, 0x100, 60);
		((struct record_site *)make_part(&made, PART_sites))->fate[FATE_spun] = 40;
		snprintf(name, sizeof(name), "%u.rec", pid);
		save(name);
	}
	load(0);
	assert_int_equal(model.eagains[0].fate[FATE_spun], 360);
	assert_int_equal(model.eagains[0].why.severity, SEVERITY_benign);
	model_free(&model);
	make_failing(20, MAKE_BASE, 0x100, 500);
	((struct record_site *)make_part(&made, PART_sites))->fate[FATE_spun] = 250;
	save("20.rec");
	load(0);
	assert_int_equal(model.eagains[0].why.severity, SEVERITY_benign);
	model_free(&model);
	((struct record_site *)make_part(&made, PART_sites))->fate[FATE_spun] = 251;
	save("20.rec");
	load(0);
	assert_int_equal(model.eagains[0].why.severity, SEVERITY_suspicious);
}

static void another_address_or_build_is_another_site(void **state)
{
	struct record_module *x;

	(void)state;
	make_failing(11, MAKE_BASE, 0x100, 3);
	save("11.rec");
	make_failing(12, MAKE_BASE, 0x104, 4);
	save("12.rec");
	make_failing(13, MAKE_BASE, 0x100, 4);
	x = make_part(&made, PART_modules);
	x->build_id_bytes = 20;
	save("13.rec");
	load(0);
	assert_int_equal(model.eagains_count, 3);
}

static void only_the_asked_process_is_shown(void **state)
{
	(void)state;
	make_failing(11, MAKE_BASE, 0x100, 3);
	save("11.rec");
	make_failing(12, MAKE_BASE, 0x100, 4);
	save("12.rec");
	load(12);
	assert_int_equal(model.processes_count, 1);
	assert_int_equal(model.eagains[0].count, 4);
}

static void a_process_nobody_saw_end_is_lost(void **state)
{
	(void)state;
	make_failing(11, MAKE_BASE, 0x100, 1);
	save("11.rec");
	load(0);
	assert_int_equal(model.processes[0].how, HOW_lost);
	assert_int_equal(model.processes[0].status, -1);
	assert_int_equal(model.processes[0].signal, -1);
	assert_int_equal(model.processes[0].end_ns, 0);
	assert_false(model.live);
}

static void an_orderly_end_has_its_status(void **state)
{
	(void)state;
	make_begin(&made, 11, "daemon");
	make_image(&made, "/bin/daemon", "daemon -f");
	make_exit(&made, 5000, 3);
	save("11.rec");
	load(0);
	assert_int_equal(model.processes[0].how, HOW_exited);
	assert_int_equal(model.processes[0].status, 3);
	assert_int_equal(model.processes[0].end_ns, MAKE_REAL + 5000);
	assert_string_equal(model.processes[0].exe, "/bin/daemon");
	assert_string_equal(model.processes[0].argv, "daemon -f");
}

static void a_kill_that_run_saw_is_told(void **state)
{
	(void)state;
	make_begin(&made, 11, "daemon");
	save("11.rec");
	line("ends.jsonl", "{\"pid\":11,\"time_real_ns\":1700000001000000000,\"status\":null,"
			   "\"signal\":9}\nno json\n{\"pid\":\"x\"}\n");
	load(0);
	assert_int_equal(model.processes[0].how, HOW_killed);
	assert_int_equal(model.processes[0].signal, 9);
	assert_int_equal(model.processes[0].status, -1);
	assert_int_equal(model.processes[0].end_ns, MAKE_REAL + 1000000000);
}

static void an_unknown_status_is_filled_from_what_run_saw(void **state)
{
	(void)state;
	make_begin(&made, 11, "daemon");
	make_exit(&made, 5000, -1);
	save("11.rec");
	line("ends.jsonl", "{\"pid\":11,\"time_real_ns\":1700000001000000000,\"status\":7,"
			   "\"signal\":null}\n");
	load(0);
	assert_int_equal(model.processes[0].how, HOW_exited);
	assert_int_equal(model.processes[0].status, 7);
}

static void the_end_of_a_later_process_is_not_that_of_an_earlier_one(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 8; i++) { /* whatever order the directory has them in */
		char name[16];

		make_begin(&made, 11, i == 3 ? "later" : "earlier");
		make_head(&made)->created_real_ns += i == 3 ? 2000000000 : i;
		if (i != 3)
			make_exit(&made, 5000, -1);
		snprintf(name, sizeof(name), "11.%u.rec", (unsigned)i);
		save(name);
	}
	line("ends.jsonl", "{\"pid\":11,\"time_real_ns\":1700000003000000000,\"status\":null,"
			   "\"signal\":15}\n");
	load(0);
	assert_int_equal(model.processes_count, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(model.processes[i].how, strcmp(model.processes[i].comm, "later")
								 ? HOW_exited
								 : HOW_killed);
}

static void an_earlier_record_of_a_process_that_went_on_ends_as_it_did(void **state)
{
	(void)state;
	make_begin(&made, 11, "first");
	make_head(&made)->state = STATE_execing;
	save("11.rec");
	make_begin(&made, 11, "second");
	make_head(&made)->created_real_ns += 2000;
	make_exit(&made, 5000, 4);
	save("11.1.rec");
	load(0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(model.processes[i].how, HOW_exited);
		assert_int_equal(model.processes[i].status, 4);
		assert_int_equal(model.processes[i].continued_elsewhere,
				 !strcmp(model.processes[i].comm, "first"));
	}
}

static void silent_processes_come_from_the_totals(void **state)
{
	struct record_total t[4] = {
		{.magic = RECORD_TOTAL_MAGIC, .version = RECORD_VERSION, .pid = 21, .births = 5},
		{.magic = RECORD_TOTAL_MAGIC,
		 .version = RECORD_VERSION,
		 .pid = 22,
		 .end_status = 1},
		{.magic = RECORD_TOTAL_MAGIC, /* it has a record, which it could not remove */
		 .version = RECORD_VERSION,
		 .pid = 11,
		 .created_ns = MAKE_CREATED},
		{.magic = 1},
	};

	(void)state;
	make_begin(&made, 11, "kept");
	save("11.rec");
	memset(t[0].comm, 'c', sizeof(t[0].comm));
	memset(t[0].exe, 'e', sizeof(t[0].exe));
	assert_int_equal(make_file(dir, "totals.0", t, sizeof(t)), 0);
	load(0);
	assert_int_equal(model.processes_count, 3);
	assert_int_equal(model.processes[1].pid, 21);
	assert_int_equal(model.processes[1].births, 5);
	assert_int_equal(model.processes[1].how, HOW_exited);
	assert_int_equal(strlen(model.processes[1].comm), 15);
	assert_int_equal(model.processes[2].status, 1);
	assert_null(model.processes[2].exe);
	assert_true(covered("totals.0"));
}

static void an_fd_that_stayed_open_is_listed_with_its_birth(void **state)
{
	uint32_t stack, site, name;

	(void)state;
	make_begin(&made, 11, "daemon");
	make_module(&made, "/bin/daemon", MAKE_BASE);
	stack = make_stack_at(&made, MAKE_BASE, 0x100);
	name = make_path(&made, "/var/spool/x");
	site = make_site(&made, (struct record_site){.stack = stack,
						     .call = CALL_open,
						     .kind = KIND_file,
						     .count = 3,
						     .deaths = 2,
						     .open = 1,
						     .open_peak = 2});
	make_slot(&made, 5,
		  (struct record_slot){.state = SLOT_open,
				       .call = CALL_open,
				       .site = site,
				       .target = name,
				       .uses = SLOT_USE_PENDING | 4,
				       .birth_ns = MAKE_CREATED + 7});
	make_slot(&made, 6, (struct record_slot){.state = SLOT_closing, .site = site});
	make_slot(&made, 7, (struct record_slot){.state = SLOT_closed, .site = site});
	make_exit(&made, 100, 0);
	save("11.rec");
	load(0);
	assert_int_equal(model.opens_count, 1);
	assert_int_equal(model.opens[0].fd, 5);
	assert_int_equal(model.opens[0].uses, 4);
	assert_int_equal(model.opens[0].birth_ns, MAKE_REAL + 7);
	assert_string_equal(model.opens[0].target, "/var/spool/x");
	assert_int_equal(model.fds_count, 1);
	assert_int_equal(model.opens[0].site, 0);
	assert_int_equal(model.opens[0].stack, model.fds[0].stack);
	assert_int_equal(model.fds[0].opened, 3);
	assert_int_equal(model.fds[0].closed, 2);
	assert_int_equal(model.fds[0].open, 1);
	assert_int_equal(model.fds[0].peak, 2);
	assert_string_equal(model.fds[0].targets[0], "/var/spool/x");
}

static void inherited_fds_are_not_counted_as_its_own(void **state)
{
	uint32_t site;

	(void)state;
	make_begin(&made, 11, "daemon");
	site = make_site(&made, (struct record_site){.call = CALL_socket});
	make_slot(&made, 5,
		  (struct record_slot){.state = SLOT_open,
				       .call = CALL_socket,
				       .site = site,
				       .flags = SLOT_INHERITED});
	save("11.rec");
	load(0);
	assert_int_equal(model.opens_count, 1);
	assert_int_equal(model.fds[0].open, 0);
	assert_int_equal(model.fds[0].inherited, 1);
	assert_int_equal(model.fds[0].verdict.kind, VERDICT_inherited);
}

static void a_second_close_is_misuse_and_a_close_loop_is_none(void **state)
{
	uint32_t birth, death;

	(void)state;
	make_begin(&made, 11, "daemon");
	make_module(&made, "/bin/daemon", MAKE_BASE);
	birth = make_stack_at(&made, MAKE_BASE, 0x100);
	death = make_stack_at(&made, MAKE_BASE, 0x200);
	make_site(&made, (struct record_site){.call = CALL_close,
					      .error = EBADF,
					      .count = 2,
					      .stack = death,
					      .birth_stack = birth,
					      .death_stack = death});
	make_site(&made,
		  (struct record_site){
			  .call = CALL_close, .error = EBADF, .count = 9, .flags = SITE_LOOP});
	save("11.rec");
	load(0);
	assert_int_equal(model.misuses_count, 1);
	assert_int_equal(model.misuses[0].count, 2);
	assert_int_equal(model.misuses[0].stack, model.misuses[0].death_stack);
	assert_int_not_equal(model.misuses[0].birth_stack, model.misuses[0].death_stack);
}

static void a_full_table_of_files_is_a_limit_and_no_eagain(void **state)
{
	(void)state;
	make_begin(&made, 11, "daemon");
	make_site(&made, (struct record_site){.call = CALL_accept, .error = EMFILE, .count = 2});
	make_site(&made, (struct record_site){.call = CALL_accept, .error = ENFILE, .count = 1});
	save("11.rec");
	load(0);
	assert_int_equal(model.eagains_count, 0);
	assert_int_equal(model.limits_count, 2);
}

static void the_listener_that_accepts_is_the_one_to_name(void **state)
{
	const struct record_mode listening = {.mode = MODE_backlog, .value = 128};
	const struct model_listener *worker;
	uint32_t name;

	(void)state;
	make_begin(&made, 11, "master");
	name = make_path(&made, "/run/login");
	make_slot(&made, 5,
		  (struct record_slot){.state = SLOT_open,
				       .flags = SLOT_LISTENING,
				       .mode_send = make_mode(&made, listening),
				       .target = name});
	/* It drops what its workers do not take. */
	make_site(&made, (struct record_site){.call = CALL_accept, .count = 5, .target = name});
	save("11.rec");
	make_begin(&made, 12, "worker");
	name = make_path(&made, "/run/login");
	make_slot(&made, 5,
		  (struct record_slot){.state = SLOT_open,
				       .flags = SLOT_LISTENING | SLOT_INHERITED,
				       .mode_send = make_mode(&made, listening),
				       .target = name});
	make_site(&made, (struct record_site){.call = CALL_accept,
					      .count = 2,
					      .target = name,
					      .last_ns = MAKE_CREATED + 50});
	save("12.rec");
	load(0);
	assert_int_equal(model_listener_of(&model, "/run/other"), MODEL_NONE);
	assert_int_equal(model_listener_of(&model, NULL), MODEL_NONE);
	worker = &model.listeners[model_listener_of(&model, "/run/login")];
	assert_string_equal(worker->comm, "worker");
	assert_int_equal(worker->last_accept_ns, MAKE_REAL + 50);
}

static void what_was_not_seen_is_said(void **state)
{
	(void)state;
	make_begin(&made, 11, "daemon");
	make_head(&made)->missed[MISS_stack_space] = 3;
	make_head(&made)->off = OFF_no_space;
	make_head(&made)->off_errno = ENOSPC;
	make_event(&made, (struct record_event){.type = EVENT_exec,
						.target = make_path(&made, "/bin/static"),
						.arg = EXEC_static});
	save("11.rec");
	make_begin(&made, 12, "newer");
	make_head(&made)->version++;
	save("12.rec");
	line("13.rec", "this is not a record, whatever its name may say");
	line("unfollowed.jsonl", "{\"pid\":14,\"exe\":\"/bin/go\",\"why\":\"raw\"}\n");
	load(0);
	assert_int_equal(model.processes_count, 1);
	assert_true(covered("no space for stacks"));
	assert_true(covered("disk is full"));
	assert_true(covered("/bin/static: statically linked"));
	assert_true(covered("12.rec: written by another version"));
	assert_true(covered("13.rec: not a record"));
	assert_true(covered("/bin/go"));
}

static void names_of_processes_cannot_speak_to_the_terminal(void **state)
{
	struct record_total t = {.magic = RECORD_TOTAL_MAGIC, .version = RECORD_VERSION};

	(void)state;
	make_begin(&made, 11, "a\033[31mb");
	save("11.rec");
	strcpy(t.comm, "c\033[0m");
	strcpy(t.exe, "/bin/\nx");
	assert_int_equal(make_file(dir, "totals.0", &t, sizeof(t)), 0);
	load(0);
	assert_string_equal(model.processes[0].comm, "a?[31mb");
	assert_string_equal(model.processes[1].comm, "c?[0m");
	assert_string_equal(model.processes[1].exe, "/bin/?x");
}

static void a_session_that_is_not_there_is_an_error(void **state)
{
	const struct model_options options = {0};

	(void)state;
	assert_int_equal(model_load("/no/such/session", &options, &model), -ENOENT);
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
		TEST(one_place_in_two_processes_is_one_site),
		TEST(one_process_that_loops_spins_and_many_that_try_once_more_do_not),
		TEST(another_address_or_build_is_another_site),
		TEST(only_the_asked_process_is_shown),
		TEST(a_process_nobody_saw_end_is_lost),
		TEST(an_orderly_end_has_its_status),
		TEST(a_kill_that_run_saw_is_told),
		TEST(an_unknown_status_is_filled_from_what_run_saw),
		TEST(the_end_of_a_later_process_is_not_that_of_an_earlier_one),
		TEST(an_earlier_record_of_a_process_that_went_on_ends_as_it_did),
		TEST(silent_processes_come_from_the_totals),
		TEST(an_fd_that_stayed_open_is_listed_with_its_birth),
		TEST(inherited_fds_are_not_counted_as_its_own),
		TEST(a_second_close_is_misuse_and_a_close_loop_is_none),
		TEST(a_full_table_of_files_is_a_limit_and_no_eagain),
		TEST(the_listener_that_accepts_is_the_one_to_name),
		TEST(what_was_not_seen_is_said),
		TEST(names_of_processes_cannot_speak_to_the_terminal),
		TEST(a_session_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, place_begin, place_end);
}
