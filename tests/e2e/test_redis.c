/* SPDX-License-Identifier: MIT */
/* test_redis.c - a real server under load: nothing it does is changed, nothing healthy is blamed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static void expect_healthy_load(json_object *r)
{
	json_object *e = find_site(r, "eagain", "accept4", NULL);

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "nothing-pending");
	assert_string_equal(text_of(e, "severity"), "benign");
	assert_true(number_of(find_site(r, "fds", "accept4", NULL), "opened") >= 2000);
	if (json_object_array_length(field(r, "coverage")))
		fail_msg("not seen: %s", json_object_to_json_string(field(r, "coverage")));
	json_object_put(r);
}

static void expect_healthy_end(json_object *r)
{
	assert_int_equal(number_of(r, "totals.leaks"), 0);
	assert_int_equal(number_of(r, "totals.growing"), 0);
	assert_int_equal(number_of(r, "totals.failures"), 0);
	assert_int_equal(number_of(r, "totals.suspicious"), 0);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void redis_serves_thousands_and_is_found_healthy(void **state)
{
	const struct work *w = *state;
	char socket[300], *errors;
	struct proc server, load;
	char *start[] = {"redis-server",
			 "--port",
			 "0",
			 "--unixsocket",
			 socket,
			 "--save",
			 "",
			 "--dir",
			 ARG(w->dir),
			 "--maxclients",
			 "3000",
			 NULL};
	char *benchmark[] = {"redis-benchmark", "-s", socket, "-c",      "1000", "-n",
			     "20000",           "-q", "-t",   "set,get", NULL};
	char *shutdown[] = {"redis-cli", "-s", socket, "shutdown", "nosave", NULL};

	SKIP_UNLESS(installed("redis-server") && installed("redis-benchmark"),
		    "redis-server and redis-tools are not installed");
	snprintf(socket, sizeof(socket), "%.200s/redis.sock", w->dir);
	server = fdwhy_start(w, work_path(w, "s"), start, NULL);
	assert_true(wait_until(file_exists, socket, 20));
	assert_int_equal(run(w, benchmark, NULL, &load), 0);
	errors = file_text(load.err);
	assert_null(strstr(errors, "rror"));
	free(errors);
	expect_healthy_load(report_of(w, work_path(w, "s")));
	assert_int_equal(run(w, shutdown, NULL, NULL), 0);
	assert_int_equal(proc_wait(&server), 0);
	expect_healthy_end(report_of(w, work_path(w, "s")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		redis_serves_thousands_and_is_found_healthy, work_begin, work_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
