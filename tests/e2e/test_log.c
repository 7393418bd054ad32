/* SPDX-License-Identifier: MIT */
/* test_log.c - fdwhy run --log accounts for every EAGAIN: as a line, or in a count of lost ones. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "harness.h"

#define ENOUGH 20000

struct account {
	int64_t lines, lost;
};

static struct account account_of(const char *path)
{
	struct account a = {0};
	char *text = file_text(path), *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		if (!strcmp(text_of(o, "type"), "lost"))
			a.lost += number_of(o, "count");
		else
			a.lines++;
		json_object_put(o);
	}
	free(text);
	return a;
}

static bool has_failed_enough(void *arg)
{
	return ((volatile uint64_t *)arg)[1] >= ENOUGH;
}

static void every_failure_of_a_busy_program_is_a_line_or_counted(void **state)
{
	const struct work *w = *state;
	const char *counts = work_path(w, "counts"), *log = work_path(w, "log");
	char option[400];
	uint64_t *done;
	struct account a;
	struct proc p;
	int fd;

	file_write(counts, "%4096s", "");
	fd = open(counts, O_RDWR | O_CLOEXEC);
	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(done != MAP_FAILED);
	close(fd);
	memset(done, 0, 4096);
	snprintf(option, sizeof(option), "--log=%s", log);
	p = proc_start(w,
		       (char *const[]){ARG(built("fdwhy")), "run", "-q", option,
				       ARG(built("targets/busy")), ARG(counts), NULL},
		       NULL);
	assert_true(wait_until(has_failed_enough, done, 30));
	assert_int_equal(proc_stop(&p, SIGTERM) >> 8, 128 + SIGTERM);
	a = account_of(log);
	assert_true(a.lines > 0);
	assert_true(a.lines <= (int64_t)done[1] + 1);
	assert_true(a.lines + a.lost >= (int64_t)done[1]);
	munmap(done, 4096);
}

static void each_process_of_the_tree_has_its_lines(void **state)
{
	const struct work *w = *state;
	const char *log = work_path(w, "log");
	char option[400], script[1200];
	struct account a;

	snprintf(option, sizeof(option), "--log=%s", log);
	snprintf(script, sizeof(script),
		 "for i in 1 2 3; do %s eventfd_empty </dev/null >/dev/null & done; wait",
		 built("targets/failing"));
	assert_int_equal(run(w,
			     (char *const[]){ARG(built("fdwhy")), "run", "-q", option, "sh", "-c",
					     script, NULL},
			     NULL, NULL),
			 0);
	a = account_of(log);
	assert_int_equal(a.lines, 3);
	assert_int_equal(a.lost, 0);
}

/* The lines of a target that has failed and is in its state, with who is on the other side. */
static void log_of(const struct work *w, char *const argv[], struct proc *ret)
{
	char option[400];
	char *all[16] = {ARG(built("fdwhy")), "run", "-q", "--log-stacks", option};

	snprintf(option, sizeof(option), "--log=%s", work_path(w, "log"));
	for (unsigned i = 0; argv[i]; i++)
		all[5 + i] = argv[i];
	*ret = proc_start(w, all, NULL);
	assert_true(proc_says(ret, "ready"));
}

static json_object *first_line(const char *path)
{
	char *text = file_text(path), *end = strchr(text, '\n');
	json_object *o = NULL;

	if (end) {
		*end = '\0';
		o = json_tokener_parse(text);
	}
	free(text);
	return o;
}

static bool has_a_line(void *path)
{
	char *text = file_text(path);
	bool has = strchr(text, '\n') != NULL;

	free(text);
	return has;
}

static void a_line_says_why_and_where_the_other_side_is(void **state)
{
	const struct work *w = *state;
	char log[400], sentence[400], *out;
	struct proc p;
	json_object *o;
	int listener;

	snprintf(log, sizeof(log), "%s", work_path(w, "log"));
	log_of(w,
	       (char *const[]){ARG(built("targets/eagain_connect")), "nonblock", ARG(w->dir), NULL},
	       &p);
	assert_true(wait_until(has_a_line, log, 30));
	out = file_text(p.out);
	listener = atoi(strstr(out, "listener ") + 9);
	free(out);
	o = first_line(log);
	assert_string_equal(text_of(o, "cause"), "listener-backlog-full");
	snprintf(sentence, sizeof(sentence), "pid %d (eagain_connect) had accepted nothing",
		 listener);
	assert_non_null(strstr(text_of(o, "sentence"), sentence));
	assert_int_equal(number_of(o, "now.queue"), 4);
	assert_true(now_is_in(o, listener, "listen_and_sleep"));
	json_object_put(o);
	assert_int_equal(proc_wait(&p), 0);
}

static void a_line_of_an_empty_read_says_so(void **state)
{
	const struct work *w = *state;
	char log[400];
	struct proc p;
	json_object *o;

	snprintf(log, sizeof(log), "%s", work_path(w, "log"));
	log_of(w, (char *const[]){ARG(built("targets/eagain_recv")), "dontwait", "stream", NULL},
	       &p);
	assert_true(wait_until(has_a_line, log, 30));
	o = first_line(log);
	assert_string_equal(text_of(o, "cause"), "nothing-to-read");
	assert_string_equal(text_of(o, "sentence"),
			    "nothing to read at that moment (MSG_DONTWAIT)");
	assert_null(field(o, "now"));
	json_object_put(o);
	assert_int_equal(proc_wait(&p), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(every_failure_of_a_busy_program_is_a_line_or_counted),
		T(each_process_of_the_tree_has_its_lines),
		T(a_line_says_why_and_where_the_other_side_is),
		T(a_line_of_an_empty_read_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
