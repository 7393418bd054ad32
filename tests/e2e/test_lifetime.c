/* SPDX-License-Identifier: MIT */
/*
 * test_lifetime.c - fds from birth to death in targets that are wrong in one way each: what is left
 * open is reported with the place it was born at, and nothing else is.
 */
#include <signal.h>
#include "harness.h"

static void an_open_file_is_reported_with_the_function_that_opened_it(void **state)
{
	const char *session = session_new();
	struct json_object *report, *leak;
	(void)state;

	assert_int_equal(fdwhy_run(session, ARGS(target("leak_open"), "20")), 0);
	report = report_json(session);
	leak = the_fds(report, "open", "forget_message");
	assert_int_equal(json_number(leak, "open"), 20);
	assert_int_equal(json_number(leak, "opened"), 20);
	assert_true(json_is(leak, "verdict", "leak"));
	assert_true(is_called_by(leak, "forget_message"));
	assert_true(has_frame(leak, "stack", "main"));
	assert_true(json_is(leak, "kind", "file"));
	assert_null(find_fds(report, "open", "handle_message"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		E2E(an_open_file_is_reported_with_the_function_that_opened_it),
	};

	return E2E_MAIN(tests);
}
