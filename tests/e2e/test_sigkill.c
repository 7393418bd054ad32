/* SPDX-License-Identifier: MIT */
/*
 * test_sigkill.c - a busy process killed at 200 random instants: each record can be read, and holds
 * every step that was complete when the kill came.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"
#include "record_read.h"
#include "session.h"

#define KILLS 200

static void find_record(const char *path, void *arg)
{
	snprintf(arg, 512, "%s", path);
}

static void count_event(const struct record_event *e, void *arg)
{
	*(uint64_t *)arg += e->type == EVENT_eagain;
}

static void check_record(const char *session, const volatile uint64_t *done)
{
	char path[512] = "";
	uint64_t from = 0, lost = 0, events = 0, site_eagains = 0, births = 0;
	struct record r;

	assert_int_equal(session_records(session, find_record, path), 0);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(r.bad, 0);
	record_events(&r, true, &from, &lost, count_event, &events);
	for (uint64_t i = 0; i < r.part[PART_sites].count; i++) {
		const struct record_site *s = record_site(&r, i);

		if (s && s->error == 11)
			site_eagains += s->count;
		else if (s && !s->error)
			births += s->count;
	}
	/* At most the one step that was under way is there without being counted as done. */
	assert_in_range(site_eagains, done[1], done[1] + 1);
	assert_in_range(events + lost, done[1], done[1] + 1);
	assert_true(births >= done[0] + 2 && births <= done[0] + 4);
	assert_true(r.head.deaths >= done[2] && r.head.deaths <= done[2] + 2);
	record_close(&r);
}

static void kill_once(const struct work *w, int number)
{
	char session[300], preload[600], where[400], counts[300];
	char *env[] = {preload, where, NULL};
	char *argv[] = {ARG(built("targets/busy")), counts, NULL};
	struct timespec pause = {.tv_nsec = random() % 5000000};
	volatile uint64_t *done;
	struct proc p;
	int fd;

	snprintf(session, sizeof(session), "%.200s/s%d", w->dir, number);
	snprintf(counts, sizeof(counts), "%.200s/counts", w->dir);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	snprintf(where, sizeof(where), "FDWHY_SESSION=%s", session);
	assert_int_equal(mkdir(session, 0700), 0);
	fd = open(counts, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(ftruncate(fd, 4096), 0);
	done = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	p = proc_start(w, argv, env);
	assert_true(proc_says(&p, "ready"));
	nanosleep(&pause, NULL);
	assert_int_equal(WTERMSIG(proc_stop(&p, SIGKILL)), SIGKILL);
	check_record(session, done);
	munmap((void *)(uintptr_t)done, 4096);
}

static void no_completed_step_is_lost_by_a_kill(void **state)
{
	const struct work *w = *state;

	srandom((unsigned)time(NULL));
	for (int i = 0; i < KILLS; i++)
		kill_once(w, i);
}

static void a_killed_session_is_reported(void **state)
{
	const struct work *w = *state;
	json_object *r;

	kill_once(w, 0);
	r = report_of(w, work_path(w, "s0"));
	assert_non_null(find_site(r, "eagain", "recv", "main"));
	assert_string_equal(text_of(json_object_array_get_idx(field(r, "processes"), 0), "end.how"),
			    "lost");
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(no_completed_step_is_lost_by_a_kill),
		T(a_killed_session_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
