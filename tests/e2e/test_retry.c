/* SPDX-License-Identifier: MIT */
/*
 * test_retry.c - EAGAIN that a rule waits for: each kind of call works once what was in its way
 * has gone, without a busy loop; what was waited for stays in the report.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

/* What one rule did with the one call of targets/retried. */
struct ended {
	char output[64]; /* its first line */
	int64_t masked, gave_up, tries, waited_ns, loop_ns, budget, eagains;
};

static void first_line(const struct proc *p, char *ret, size_t size)
{
	char *text = file_text(p->out);

	snprintf(ret, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

static struct ended retried(const struct work *w, const char *rule, const char *way,
			    const char *when)
{
	char option[160], session[300];
	char *argv[] = {ARG(built("fdwhy")),           ARG("run"), ARG("-q"), session, option,
			ARG(built("targets/retried")), ARG(way),   ARG(when), NULL};
	struct ended e = {.output = ""};
	json_object *report, *r;
	struct proc p;

	snprintf(option, sizeof(option), "--retry=%s", rule);
	snprintf(session, sizeof(session), "-o%s.%s", work_path(w, way), when);
	assert_int_equal(run(w, argv, NULL, &p), 0);
	first_line(&p, e.output, sizeof(e.output));
	report = report_of(w, session + 2);
	r = json_object_array_get_idx(field(report, "rules"), 0);
	e.masked = number_of(r, "masked");
	e.gave_up = number_of(r, "gave_up");
	e.tries = number_of(r, "tries");
	e.waited_ns = number_of(r, "waited_ns");
	e.loop_ns = number_of(r, "loop_blocked_ns");
	e.budget = number_of(r, "budget_refused");
	e.eagains = number_of(report, "totals.eagain");
	json_object_put(report);
	return e;
}

static const char *const ways[] = {
	"send",    "recv",     "pipe",  "fifo", "eventfd", "dgram", "connected_dgram",
	"connect", "accept",   "flock", "ofd",  "fcntl",   "lockf", "lease",
	"tcp",     "dontwait",
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void without_a_rule_each_fails(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct ended e =
			retried(*state, "%all:function=nobody:for=2s", ways[i], "30");

		if (strcmp(e.output, "EAGAIN"))
			print_error("%s\n", ways[i]);
		assert_string_equal(e.output, "EAGAIN");
		assert_int_equal(e.masked, 0);
	}
}

/*
 * 120 ms are some ten steps of back-off, or three slices of poll: a wait that is a busy loop makes
 * ten thousand tries.
 */
static void each_call_works_when_its_way_is_free(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct ended e =
			retried(*state, "%all:function=by_*:for=20s", ways[i], "120");

		if (strcmp(e.output, "ok") || e.tries > 100)
			print_error("%s: %s after %d tries\n", ways[i], e.output, (int)e.tries);
		assert_string_equal(e.output, "ok");
		assert_int_equal(e.masked, 1);
		assert_int_equal(e.gave_up, 0);
		assert_in_range(e.tries, 1, 100);
		assert_true(e.waited_ns > 0);
		assert_true(e.eagains >= 1); /* masked, not forgotten */
	}
}

static void at_the_deadline_the_target_gets_its_eagain(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct ended e = retried(*state, "%all:function=by_*:for=70ms", ways[i], "0");

		if (strcmp(e.output, "EAGAIN"))
			print_error("%s\n", ways[i]);
		assert_string_equal(e.output, "EAGAIN");
		assert_int_equal(e.masked, 0);
		assert_int_equal(e.gave_up, 1);
		assert_in_range(e.tries, 1, 100);
		assert_true(e.waited_ns >= 70000000);
	}
}

/* A wait of an hour ends with the signal, or this test ends with the harness's deadline. */
static void a_signal_ends_the_wait(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct ended e =
			retried(*state, "%all:function=by_*:for=1h:budget=1h", ways[i], "signal");

		assert_string_equal(e.output, "EAGAIN");
		assert_int_equal(e.gave_up, 1);
	}
}

static void a_thread_can_be_cancelled_while_it_waits(void **state)
{
	static const char *const points[] = {"send", "recv", "pipe", "connect", "accept", "dgram"};

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		const struct ended e =
			retried(*state, "%all:function=by_*:for=1h:budget=1h", points[i], "cancel");

		assert_string_equal(e.output, "cancelled");
	}
}

static void whole_sends_all_of_it(void **state)
{
	struct ended e = retried(*state, "send:function=by_*:for=20s", "send_all", "30");
	long sent = 0;

	assert_int_equal(sscanf(e.output, "sent %ld", &sent), 1);
	assert_in_range(sent, 1, (1 << 20) - 1);
	e = retried(*state, "send:function=by_*:for=20s:whole", "send_all", "31");
	assert_string_equal(e.output, "sent 1048576");
}

/* The target chose how long to wait; a rule that overrides it has to say so. */
static void the_targets_own_timeout_stays(void **state)
{
	struct ended e = retried(*state, "send:function=by_*:for=20s", "send_timeout", "60");

	assert_string_equal(e.output, "EAGAIN");
	assert_int_equal(e.masked + e.gave_up, 0);
	e = retried(*state, "send:function=by_*:for=20s:timeouts", "send_timeout", "61");
	assert_string_equal(e.output, "ok");
	assert_int_equal(e.masked, 1);
}

static void a_blocked_event_loop_is_told(void **state)
{
	struct ended e = retried(*state, "recv:function=by_*:for=20s", "loop", "60");

	assert_int_equal(e.masked, 1);
	assert_int_equal(e.loop_ns, e.waited_ns);
	e = retried(*state, "recv:function=by_*:for=20s", "recv", "60");
	assert_int_equal(e.loop_ns, 0);
}

/* One process waits no longer than its budget in all, however many calls are retried. */
static void the_budget_is_the_longest_wait(void **state)
{
	const struct ended e =
		retried(*state, "recv:function=by_*:for=1h:budget=40ms/1h", "recv", "0");

	assert_string_equal(e.output, "EAGAIN");
	assert_int_equal(e.gave_up, 1);
	assert_true(e.waited_ns >= 40000000);
}

static void an_injected_eagain_is_retried_like_a_real_one(void **state)
{
	const struct work *w = *state;
	char session[300];
	char *argv[] = {ARG(built("fdwhy")),
			ARG("run"),
			ARG("-q"),
			session,
			ARG("--retry=read:for=20s"),
			ARG("--inject=read:error=EAGAIN:kind=pipe:when=2..4"),
			ARG(built("targets/ruled")),
			ARG("times"),
			ARG("6"),
			NULL};
	json_object *report;
	struct proc p;
	char *text;

	snprintf(session, sizeof(session), "-o%s", work_path(w, "s"));
	assert_int_equal(run(w, argv, NULL, &p), 0);
	text = file_text(p.out);
	assert_string_equal(text, "1 ok\n2 ok\n3 ok\n4 ok\n5 ok\n6 ok\n");
	free(text);
	report = report_of(w, work_path(w, "s"));
	assert_int_equal(number_of(json_object_array_get_idx(field(report, "rules"), 0), "masked"),
			 1);
	json_object_put(report);
}

/* Both sides of a fork come back from it; one of them has waited. */
static void a_fork_is_retried_once(void **state)
{
	const struct work *w = *state;
	char session[300];
	char *argv[] = {ARG(built("fdwhy")),
			ARG("run"),
			ARG("-q"),
			session,
			ARG("--retry=fork:for=20s"),
			ARG("--inject=fork:error=EAGAIN:when=1"),
			ARG(built("targets/ruled")),
			ARG("forks"),
			ARG("1"),
			NULL};
	struct proc p;
	char *text;

	snprintf(session, sizeof(session), "-o%s", work_path(w, "s"));
	assert_int_equal(run(w, argv, NULL, &p), 0);
	text = file_text(p.out);
	assert_string_equal(text, "p0 1 ok\np1 1 ok\np2 1 ok\np3 1 ok\n");
	free(text);
	assert_int_equal(rule_counter(w, work_path(w, "s"), "masked"), 1);
}

/* A TCP connect on a non-blocking socket is on its way: nothing to wait for. */
static void a_connection_in_progress_stays_so(void **state)
{
	const struct ended e =
		retried(*state, "%all:function=by_*:for=1h:budget=1h", "tcp_connect", "0");

	assert_string_equal(e.output, "EINPROGRESS");
	assert_int_equal(e.tries, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(without_a_rule_each_fails),
		T(each_call_works_when_its_way_is_free),
		T(at_the_deadline_the_target_gets_its_eagain),
		T(a_signal_ends_the_wait),
		T(a_thread_can_be_cancelled_while_it_waits),
		T(whole_sends_all_of_it),
		T(the_targets_own_timeout_stays),
		T(a_blocked_event_loop_is_told),
		T(the_budget_is_the_longest_wait),
		T(an_injected_eagain_is_retried_like_a_real_one),
		T(a_fork_is_retried_once),
		T(a_connection_in_progress_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
