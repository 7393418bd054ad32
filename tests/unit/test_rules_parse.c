/* SPDX-License-Identifier: MIT */
/* test_rules_parse.c - the language of rules: what a rule says, and where a wrong one is wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "calls.h"
#include "record.h"
#include "call_table.h"
#include "rules_parse.h"

static struct rule good(const char *text, enum rule_action action)
{
	struct rules_error e = {0};
	struct rule r = {0};

	if (rules_parse(text, action, &r, &e))
		fail_msg("%s:%u: %s", text, e.column, e.message);
	assert_string_equal(r.text, text);
	assert_int_equal(r.action, action);
	return r;
}

static struct rule inject(const char *text)
{
	return good(text, RULE_inject);
}

static unsigned calls_in(const struct rule *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RULES_CALLS_MAX; i++)
		n += (unsigned)rules_has_call(r, i);
	return n;
}

/* ---- sets of calls ----------------------------------------------------------------------------
 */

static void calls_are_names_aliases_classes_and_expressions(void **state)
{
	struct rule r;

	(void)state;
	r = inject("connect,send:error=EIO");
	assert_int_equal(calls_in(&r), 2);
	assert_true(rules_has_call(&r, CALL_connect) && rules_has_call(&r, CALL_send));
	r = inject("open64:error=EIO"); /* the name of large files: the same row */
	assert_int_equal(calls_in(&r), 1);
	assert_true(rules_has_call(&r, CALL_open));
	r = inject("/^recv/:error=EIO");
	assert_true(rules_has_call(&r, CALL_recv) && rules_has_call(&r, CALL_recvmmsg));
	assert_false(rules_has_call(&r, CALL_read) || rules_has_call(&r, CALL_send));
	r = inject("%lock,accept:error=EIO");
	assert_true(rules_has_call(&r, CALL_flock) && rules_has_call(&r, CALL_accept));
	assert_false(rules_has_call(&r, CALL_accept4));
	r = inject("%all:error=EIO");
	assert_int_equal(calls_in(&r), CALL_COUNT - 1);
	assert_false(rules_has_call(&r, CALL_NONE));
	r = inject("/a,b|^read$/:error=EIO"); /* the comma is the expression's */
	assert_int_equal(calls_in(&r), 1);
}

static void every_call_and_class_can_be_named(void **state)
{
	uint64_t calls[RULES_CALLS_MAX / 64] = {0}, none[RULES_CALLS_MAX / 64] = {0};
	static const char *const classes[] = {"send",      "recv", "connect", "open", "accept",
					      "fd-create", "dup",  "close",   "lock", "mode",
					      "wait",      "exec", "process"};
	struct rules_error e;
	char text[64];

	(void)state;
	for (unsigned call = 1; call < CALL_COUNT; call++) {
		memset(calls, 0, sizeof(calls));
		assert_int_equal(rules_parse_calls(call_name(call), calls, &e), 0);
		assert_true(calls[call / 64] >> call % 64 & 1);
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		memset(calls, 0, sizeof(calls));
		snprintf(text, sizeof(text), "%%%s", classes[i]);
		assert_int_equal(rules_parse_calls(text, calls, &e), 0);
		assert_memory_not_equal(calls, none, sizeof(calls)); /* no class is empty */
	}
}

/* ---- values -----------------------------------------------------------------------------------
 */

static void when_counts(void **state)
{
	static const struct {
		const char *text;
		uint64_t first, last, step;
	} rows[] = {
		{"3", 3, 3, 1},
		{"3+", 3, UINT64_MAX, 1},
		{"3+2", 3, UINT64_MAX, 2},
		{"2..4", 2, 4, 1},
		{"1..9+4", 1, 9, 4},
		{"4294967295", UINT32_MAX, UINT32_MAX, 1},
		{"1..1", 1, 1, 1},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule r;

		snprintf(text, sizeof(text), "send:error=EAGAIN:when=%s", rows[i].text);
		r = inject(text);
		assert_int_equal(r.first, rows[i].first);
		assert_true(r.last == rows[i].last);
		assert_int_equal(r.step, rows[i].step);
	}
	assert_true(inject("send:error=EAGAIN").last == UINT64_MAX);
}

static void times_have_units_and_delays_may_be_bare(void **state)
{
	struct rule r = inject("read:delay_enter=250:delay_exit=2ms:after=1m:until=61s");

	(void)state;
	assert_int_equal(r.delay_enter_ns, 250000); /* microseconds, as strace has it */
	assert_int_equal(r.delay_exit_ns, 2000000);
	assert_int_equal(r.after_ns, 60000000000);
	assert_int_equal(r.until_ns, 61000000000);
	r = good("connect:for=500us:budget=7ns/3s", RULE_retry);
	assert_int_equal(r.for_ns, 500000);
	assert_int_equal(r.budget_ns, 7);
	assert_int_equal(r.window_ns, 3000000000);
}

static void chances_are_fractions_or_percentages(void **state)
{
	(void)state;
	assert_int_equal(inject("read:error=EIO:p=0.5").p, 0x80000000u);
	assert_int_equal(inject("read:error=EIO:p=25%").p, 0x40000000u);
	assert_int_equal(inject("read:error=EIO:p=1").p, 0); /* always */
	assert_int_equal(inject("read:error=EIO:p=100%").p, 0);
	assert_int_equal(inject("read:error=EIO:p=0.000000001").p, 4);
}

static void addresses_have_a_prefix_and_ports(void **state)
{
	struct rule r = inject("connect:error=ECONNREFUSED:addr=10.1.0.0/16:80-99");
	uint8_t six[16];

	(void)state;
	assert_int_equal(r.family, AF_INET);
	assert_int_equal(r.prefix, 16);
	assert_memory_equal(r.addr, "\x0a\x01\0\0", 4);
	assert_int_equal(r.port_first, 80);
	assert_int_equal(r.port_last, 99);
	r = inject("connect:error=EIO:addr=[fe80::1/10]:53:when=1");
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", six), 1);
	assert_int_equal(r.family, AF_INET6);
	assert_int_equal(r.prefix, 10);
	assert_memory_equal(r.addr, six, 16);
	assert_int_equal(r.port_last, 53);
	assert_int_equal(r.last, 1);
	r = inject("connect:error=EIO:addr=*:443");
	assert_int_equal(r.family, 0);
	assert_int_equal(r.port_first, 443);
	assert_int_equal(inject("connect:error=EIO:addr=127.0.0.1").prefix, 32);
}

static void patterns_may_be_quoted(void **state)
{
	struct rule r = inject("open:error=EIO:path=/etc/*.conf:comm=red*:function=\"a::b(int)\"");

	(void)state;
	assert_string_equal(r.path, "/etc/*.conf");
	assert_string_equal(r.comm, "red*");
	assert_string_equal(r.function, "a::b(int)");
	r = inject("open:error=EIO:path=/a\\:b:exe=redis-server:module=libc.so.6:caller=main");
	assert_string_equal(r.path, "/a:b");
	assert_string_equal(r.exe, "redis-server");
	assert_string_equal(r.module, "libc.so.6");
	assert_string_equal(r.caller, "main");
}

static void actions_have_their_values(void **state)
{
	struct rule r = inject("write:short=half");

	(void)state;
	assert_true(r.flags & RULE_HALF && r.short_bytes);
	r = inject("write:short=10:signal=SIGKILL:when=5:per=tree");
	assert_int_equal(r.short_bytes, 10);
	assert_int_equal(r.signo, SIGKILL);
	assert_int_equal(r.per, PER_tree);
	r = inject("read:retval=-1");
	assert_true(r.flags & RULE_RETVAL && r.retval == -1);
	r = inject("send:error=EAGAIN:kind=unix-stream,tcp:pid=12:stack=00ff");
	assert_true(r.kinds == (1ull << KIND_unix_stream | 1ull << KIND_tcp));
	assert_int_equal(r.pid, 12);
	assert_int_equal(r.stack, 255);
	assert_int_equal(r.error, EAGAIN);
}

static void a_retry_has_defaults(void **state)
{
	struct rule r = good("connect", RULE_retry);

	(void)state;
	assert_int_equal(r.for_ns, 1000000000);
	assert_int_equal(r.budget_ns, 30000000000);
	assert_int_equal(r.window_ns, 60000000000);
	assert_int_equal(r.flags, 0);
	r = good("send:whole:timeouts", RULE_retry);
	assert_int_equal(r.flags, RULE_WHOLE | RULE_TIMEOUTS);
}

/* ---- what is wrong, and where -----------------------------------------------------------------
 */

static const struct wrong {
	const char *text;
	enum rule_action action;
	unsigned column, length;
	const char *says;
} wrongs[] = {
	{"conect:error=EIO", RULE_inject, 1, 6, "did you mean \"connect\"?"},
	{"send,recvmsgg:error=EIO", RULE_inject, 6, 8, "did you mean \"recvmsg\"?"},
	{"%conect:error=EIO", RULE_inject, 2, 6,
	 "class of calls \"conect\"; did you mean \"connect\"?"},
	{"/[/:error=EIO", RULE_inject, 1, 3, "bad regular expression \"[\": "},
	{"/zzz/:error=EIO", RULE_inject, 1, 5, "no call matches \"zzz\""},
	{"/send:error=EIO", RULE_inject, 1, 15, "no closing /"},
	{":error=EIO", RULE_inject, 1, 1, "expected a call"},
	{"send,:error=EIO", RULE_inject, 6, 1, "expected a call"},
	{"send:eror=EIO", RULE_inject, 6, 4, "did you mean \"error\"?"},
	{"send:error", RULE_inject, 6, 5, "expected = and a value after \"error\""},
	{"send:error=EGAIN", RULE_inject, 12, 5, "did you mean \"EAGAIN\"?"},
	{"send:error=", RULE_inject, 12, 1, "unknown error \"\""},
	{"send", RULE_inject, 5, 1, "does nothing: add error="},
	{"send:when=3", RULE_inject, 12, 1, "does nothing: add error="},
	{"send:error=EIO:when=0", RULE_inject, 21, 1, "counted from 1"},
	{"send:error=EIO:when=3..2", RULE_inject, 21, 4, "last >= first"},
	{"send:error=EIO:when=3.2", RULE_inject, 21, 2, "expected first..last"},
	{"send:error=EIO:when=1+0", RULE_inject, 21, 3, "counted from 1"},
	{"send:error=EIO:when=x", RULE_inject, 21, 1, "expected a number"},
	{"send:error=EIO:when=99999999999", RULE_inject, 21, 10, "too big"},
	{"send:error=EIO:p=2", RULE_inject, 18, 1, "expected a chance"},
	{"send:error=EIO:p=0", RULE_inject, 18, 1, "expected a chance"},
	{"send:error=EIO:p=101%", RULE_inject, 18, 4, "expected a chance"},
	{"send:kind=unx-stream:error=EIO", RULE_inject, 11, 10, "did you mean \"unix-stream\"?"},
	{"send:addr=1.2.3:error=EIO", RULE_inject, 11, 5, "expected 10.0.0.0/8"},
	{"send:addr=1.2.3.4/33:error=EIO", RULE_inject, 19, 2, ""},
	{"send:per=threads:error=EIO", RULE_inject, 10, 7, "did you mean \"thread\"?"},
	{"send:signal=SIGKIL", RULE_inject, 13, 6, "did you mean \"SIGKILL\"?"},
	{"send:retval=1x", RULE_inject, 13, 2, "value of \"retval\""},
	{"send:short=x", RULE_inject, 12, 1, "expected a number"},
	{"send:delay_enter=1parsec", RULE_inject, 18, 7, "with its unit"},
	{"send:stack=xyz:error=EIO", RULE_inject, 12, 1, "1 to 16 digits"},
	{"send:error=EIO:error=EIO", RULE_inject, 16, 5, "\"error\" is there twice"},
	{"send:error=EIO:retval=3", RULE_inject, 1, 23, "exclude each other"},
	{"send:error=EIO:until=1s:after=2s", RULE_inject, 1, 32, "until= is not later"},
	{"send:error=EIO:path=\"a", RULE_inject, 21, 2, "is not closed"},
	{"send:error=EIO:comm=abcdefghijklmnopqrstuvwxyz", RULE_inject, 21, 15, "too long"},
	{"send:for=1s:error=EIO", RULE_inject, 6, 3, "\"for\" does not go with"},
	{"send:error=EIO", RULE_retry, 6, 5, "\"error\" does not go with"},
	{"send:for=5", RULE_retry, 10, 1, "with its unit"},
	{"send:whole=1", RULE_retry, 6, 5, "\"whole\" takes no value"},
};

static void a_mistake_has_its_column_its_length_and_a_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct rules_error e = {0};
		struct rule r;

		memset(&r, 0x5a, sizeof(r));
		if (rules_parse(w->text, w->action, &r, &e) != -EINVAL)
			fail_msg("%s was taken", w->text);
		assert_int_equal(r.seq, 0x5a5a5a5a); /* untouched */
		if (e.column != w->column || e.length != w->length || !strstr(e.message, w->says))
			fail_msg("%s: %u+%u: %s", w->text, e.column, e.length, e.message);
	}
}

static void a_rule_that_does_not_fit_is_refused(void **state)
{
	char text[600] = "open:error=EIO:path=";
	struct rules_error e = {0};
	struct rule r;

	(void)state;
	memset(text + strlen(text), 'x', 500);
	assert_int_equal(rules_parse(text, RULE_inject, &r, &e), -EINVAL);
	assert_non_null(strstr(e.message, "too long"));
}

static void a_line_of_a_file_has_its_action_first(void **state)
{
	struct rules_error e = {0};
	struct rule r = {0};

	(void)state;
	assert_int_equal(rules_parse_line("", &r, &e), 1);
	assert_int_equal(rules_parse_line("  \t\r\n", &r, &e), 1);
	assert_int_equal(rules_parse_line("  # send:error=EIO", &r, &e), 1);
	assert_int_equal(rules_parse_line("  inject\tsend:error=EIO \r\n", &r, &e), 0);
	assert_string_equal(r.text, "send:error=EIO");
	assert_int_equal(r.action, RULE_inject);
	assert_int_equal(rules_parse_line("ignore recv", &r, &e), 0);
	assert_int_equal(rules_parse_line("note %all", &r, &e), 0);
	assert_int_equal(rules_parse_line("ijnect send:error=EIO", &r, &e), -EINVAL);
	assert_int_equal(e.column, 1);
	assert_non_null(strstr(e.message, "did you mean \"inject\"?"));
	assert_int_equal(rules_parse_line(" retry  send:fro=1s", &r, &e), -EINVAL);
	assert_int_equal(e.column, 14);
	assert_non_null(strstr(e.message, "did you mean \"for\"?"));
}

/* No text, however cut or changed, does more than be refused. */
static void damaged_rules_do_no_harm(void **state)
{
	static const char base[] = "send,/^re(cv|ad)$/,%lock:error=EAGAIN:when=1..9+2:p=1.5%:"
				   "addr=[::1/128]:80-90:kind=tcp:path=\"/a b\":per=site:after=1s";
	struct rules_error e;
	uint32_t seed = 1;
	struct rule r;
	char text[256];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t length = sizeof(base) - 1;

		strcpy(text, base);
		for (unsigned k = 0; k < 3; k++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % length] = base[(seed >> 16) % length];
		}
		if (i % 2)
			text[(seed >> 4) % length] = '\0';
		e.column = 0;
		if (rules_parse(text, RULE_inject, &r, &e)) {
			assert_in_range(e.column, 1, strlen(text) + 1);
			assert_in_range(e.length, 1, strlen(text) + 1);
			assert_non_null(memchr(e.message, 0, sizeof(e.message)));
		}
	}
}

static void every_errno_has_its_name(void **state)
{
	int names = 0;

	(void)state;
	for (int error = 1; error < 200; error++) {
		const char *name = strerrorname_np(error), *ours = rules_error_name(error);

		if (!name)
			continue;
		names++;
		if (!ours)
			fail_msg("no name for %s", name);
		assert_int_equal(rules_error_number(name, strlen(name)), error);
		assert_int_equal(rules_error_number(ours, strlen(ours)), error);
	}
	assert_true(names > 130);
	assert_string_equal(rules_error_name(EAGAIN), "EAGAIN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_names_aliases_classes_and_expressions),
		cmocka_unit_test(every_call_and_class_can_be_named),
		cmocka_unit_test(when_counts),
		cmocka_unit_test(times_have_units_and_delays_may_be_bare),
		cmocka_unit_test(chances_are_fractions_or_percentages),
		cmocka_unit_test(addresses_have_a_prefix_and_ports),
		cmocka_unit_test(patterns_may_be_quoted),
		cmocka_unit_test(actions_have_their_values),
		cmocka_unit_test(a_retry_has_defaults),
		cmocka_unit_test(a_mistake_has_its_column_its_length_and_a_cure),
		cmocka_unit_test(a_rule_that_does_not_fit_is_refused),
		cmocka_unit_test(a_line_of_a_file_has_its_action_first),
		cmocka_unit_test(every_errno_has_its_name),
		cmocka_unit_test(damaged_rules_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
