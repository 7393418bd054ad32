/* SPDX-License-Identifier: MIT */
/*
 * test_storm.c - signals at any instruction of the shim, whose handler goes through the shim as
 * well: nothing hangs, nothing changes for the target, and nothing is counted twice or lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

/* Not the child that only sends. */
static json_object *busiest(json_object *processes)
{
	json_object *best = NULL;

	for (size_t i = 0; i < json_object_array_length(processes); i++) {
		json_object *p = json_object_array_get_idx(processes, i);

		if (number_of(p, "counts.eagain") > number_of(best, "counts.eagain"))
			best = p;
	}
	return best;
}

static void expect_counted(const struct work *w, unsigned long eagains, unsigned long births)
{
	json_object *r = report_of(w, work_path(w, "s"));
	json_object *process = busiest(field(r, "processes"));

	assert_int_equal(number_of(process, "counts.eagain"), eagains);
	assert_int_equal(number_of(process, "counts.opened"), births);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	assert_int_equal(number_of(r, "totals.leaks"), 0);
	json_object_put(r);
}

static void a_storm_of_signals_changes_nothing(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/storm")), "3000", NULL};
	unsigned long signals = 0, eagains = 0, births = 0;
	struct outcome o = outcome_of(fdwhy_start(w, work_path(w, "s"), argv, NULL));

	assert_int_equal(o.status, 0);
	if (sscanf(o.out, "signals %lu eagains %lu births %lu", &signals, &eagains, &births) != 3)
		print_error("%s%s", o.out, o.err);
	outcome_free(&o);
	assert_true(signals >= 3000);
	expect_counted(w, eagains, births);
}

/*
 * FDWHY_STORM_S: so many seconds. Every signal may hit the dynamic linker with its tables half
 * changed, and every trace may go through an object that is gone in the next moment.
 */
static void a_storm_while_objects_come_and_go_changes_nothing(void **state)
{
	const struct work *w = *state;
	const char *seconds = getenv("FDWHY_STORM_S");
	char *plugin = strdup(built("targets/plugin")),
	     *other = strdup(built("targets/storm_plugin"));
	char *argv[] = {ARG(built("targets/storm_load")),
			ARG("2000"),
			ARG(seconds ? seconds : "2"),
			plugin,
			other,
			NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	unsigned long signals = 0, eagains = 0, births = 0, loads = 0;
	struct outcome o;

	for (int left = atoi(argv[2]); left > 0 && !proc_says(&p, "signals"); left -= 30)
		;
	o = outcome_of(p);
	assert_int_equal(o.status, 0);
	if (sscanf(o.out, "signals %lu eagains %lu births %lu loads %lu", &signals, &eagains,
		   &births, &loads) != 4)
		print_error("%s%s", o.out, o.err);
	print_message("%s", o.out);
	assert_true(signals >= 2000 && loads > 0);
	expect_counted(w, eagains, births);
	outcome_free(&o);
	free(plugin);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_storm_of_signals_changes_nothing, work_begin,
						work_end),
		cmocka_unit_test_setup_teardown(a_storm_while_objects_come_and_go_changes_nothing,
						work_begin, work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
