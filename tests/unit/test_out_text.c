/* SPDX-License-Identifier: MIT */
/* test_out_text.c - the report for people: one screen, worst first, folded, cleaned. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "out.h"
#include "record_make.h"
#include "record_place.h"

static struct make made;
static char *page;

static void save(const char *name)
{
	assert_int_equal(make_save(&made, dir, name), 0);
}

static const char *report(bool all, unsigned call)
{
	const struct model_options options = {0};
	const struct out_options out = {.all = all, .call = call, .name = "made"};
	struct model m;
	struct symbols *s;
	size_t bytes;
	FILE *to;

	free(page);
	page = NULL;
	to = open_memstream(&page, &bytes);
	assert_int_equal(model_load(dir, &options, &m), 0);
	s = symbols_open(&m, false, false);
	out_text(to, &m, s, &out);
	fclose(to);
	symbols_close(s);
	model_free(&m);
	return page;
}

static void put_site(uint16_t call, enum record_fate fate, uint64_t count, uint64_t offset)
{
	struct record_site s = {.call = call, .error = EAGAIN, .count = count};

	s.stack = make_stack_at(&made, MAKE_BASE, offset);
	s.fate[fate] = count;
	make_site(&made, s);
}

static void begin_daemon(uint32_t pid)
{
	make_begin(&made, pid, "daemon");
	make_module(&made, "/bin/daemon", MAKE_BASE);
}

static void pitfall_26_what_failed_is_shown_and_what_is_benign_only_when_asked(void **state)
{
	(void)state;
	begin_daemon(11);
	put_site(CALL_recv, FATE_drained, 1000, 0x20);
	put_site(CALL_send, FATE_gave_up, 1, 0x40);
	save("11.rec");
	report(false, 0);
	assert_non_null(strstr(page, "1 failing"));
	assert_non_null(strstr(page, " 1. failure send"));
	assert_non_null(strstr(page, "daemon+0x40"));
	assert_null(strstr(page, "daemon+0x20"));
	report(true, 0);
	assert_non_null(strstr(page, "daemon+0x20"));
	assert_true(strstr(page, "daemon+0x40") < strstr(page, "daemon+0x20"));
	report(false, CALL_recv);
	assert_non_null(strstr(page, "daemon+0x20"));
	assert_null(strstr(page, "daemon+0x40"));
}

static void pitfall_27_many_findings_fit_one_screen(void **state)
{
	unsigned lines = 0;

	(void)state;
	begin_daemon(11);
	for (uint64_t i = 0; i < 12; i++)
		put_site(CALL_send, FATE_gave_up, 1 + i, 0x40 + 16 * i);
	save("11.rec");
	for (const char *s = report(false, 0); (s = strchr(s, '\n')); s++)
		lines++;
	assert_true(lines <= 50);
	assert_non_null(strstr(page, "7 more like these: --all"));
	assert_null(strstr(report(true, 0), "more like these"));
}

/* The fds of a daemon that was stopped: its log, its epoll fd, its pipes. */
static void put_open(unsigned places)
{
	begin_daemon(11);
	for (unsigned i = 0; i < places; i++) {
		const struct record_site s = {
			.stack = make_stack_at(&made, MAKE_BASE, 0x40 + 16 * i),
			.call = CALL_open,
			.kind = KIND_file,
			.count = 1,
			.open = 1,
			.target = make_path(&made, "/var/log/daemon")};

		make_slot(&made, (int)(3 + i),
			  (struct record_slot){.state = SLOT_open,
					       .kind = KIND_file,
					       .call = CALL_open,
					       .target = s.target,
					       .site = make_site(&made, s)});
	}
	make_exit(&made, 1000000000, 0);
	save("11.rec");
}

static void what_a_daemon_left_to_its_end_is_a_line_each(void **state)
{
	(void)state;
	put_open(4);
	report(false, 0);
	assert_non_null(strstr(page, "Open at the end, and not rising before, at 4 places:\n"));
	assert_non_null(strstr(page, "\n     1 file of open at daemon+0x40: /var/log/daemon\n"));
	assert_null(strstr(page, "at-exit file"));
	report(true, 0);
	assert_null(strstr(page, "Open at the end, and"));
	assert_non_null(strstr(page, " 4. at-exit file of open: 1 of 1 open at the end"));
}

static void the_one_fd_that_a_test_forgot_has_its_stack(void **state)
{
	(void)state;
	put_open(1);
	report(false, 0);
	assert_non_null(strstr(page, " 1. at-exit file of open: 1 of 1 open at the end"));
	assert_null(strstr(page, "Open at the end, and"));
}

static void one_of_a_thing_is_no_plural(void **state)
{
	struct record_site site = {.call = CALL_recv, .error = EAGAIN};

	(void)state;
	for (site.count = 1; site.count < 3; site.count++) {
		begin_daemon(11);
		site.stack = make_stack_at(&made, MAKE_BASE, 0x40);
		make_site(&made, site);
		save("11.rec");
		report(true, 0);
		assert_non_null(
			strstr(page, site.count == 1 ? "     1 time in " : "     2 times in "));
		assert_non_null(strstr(page, "1 process ("));
		assert_non_null(strstr(page, "0 failing and 0 suspicious places, "));
		assert_non_null(strstr(page, " EAGAIN at 1 place ("));
	}
}

static void the_same_advice_is_given_once(void **state)
{
	const char *first;

	(void)state;
	begin_daemon(11);
	for (uint64_t i = 0; i < 2; i++)
		make_site(&made, (struct record_site){
					 .stack = make_stack_at(&made, MAKE_BASE, 0x40 + 16 * i),
					 .call = CALL_open,
					 .error = EMFILE,
					 .count = 1});
	save("11.rec");
	report(false, 0);
	first = strstr(page, "advice: find what holds them");
	assert_non_null(strstr(page, " 2. too many open files"));
	assert_non_null(first);
	assert_null(strstr(first + 1, "advice:"));
}

static void what_many_processes_did_not_show_is_one_line(void **state)
{
	(void)state;
	for (uint32_t pid = 11; pid < 20; pid++) {
		char name[16];

		begin_daemon(pid);
		make_head(&made)->missed[MISS_race] = 2;
		snprintf(name, sizeof(name), "%u.rec", pid);
		save(name);
	}
	report(false, 0);
	assert_non_null(strstr(page, "at once (18 times in 9 processes)\n"));
	assert_null(strstr(page, "more: --all"));
	assert_null(strstr(report(true, 0), "18 times"));
}

static void no_control_byte_of_a_record_reaches_the_terminal(void **state)
{
	(void)state;
	make_begin(&made, 11, "a\033[2Jb");
	make_module(&made, "/bin/\033]0;x\007daemon", MAKE_BASE);
	put_site(CALL_send, FATE_gave_up, 1, 0x40);
	make_site(&made, (struct record_site){.call = CALL_open,
					      .error = EMFILE,
					      .count = 1,
					      .target = make_path(&made, "/tmp/\r\nx\x9b")});
	save("11.rec");
	for (const char *s = report(true, 0); *s; s++)
		assert_true(*s == '\n' || (unsigned char)*s >= ' ');
	assert_null(strchr(page, '\x9b'));
}

static int after(void **state)
{
	(void)state;
	place_clear();
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(page);
	return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_teardown(name, after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pitfall_26_what_failed_is_shown_and_what_is_benign_only_when_asked),
		TEST(pitfall_27_many_findings_fit_one_screen),
		TEST(what_a_daemon_left_to_its_end_is_a_line_each),
		TEST(the_one_fd_that_a_test_forgot_has_its_stack),
		TEST(one_of_a_thing_is_no_plural),
		TEST(the_same_advice_is_given_once),
		TEST(what_many_processes_did_not_show_is_one_line),
		TEST(no_control_byte_of_a_record_reaches_the_terminal),
	};

	return cmocka_run_group_tests(tests, place_begin, end);
}
