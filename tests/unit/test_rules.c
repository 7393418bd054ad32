/* SPDX-License-Identifier: MIT */
/* test_rules.c - which rule acts on which call, and the arguments of shortened calls. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <sys/un.h>
#include "calls.h"
#include "cut.h"
#include "record.h"
#include "rules.h"
#include "rules_count.h"
#include "rules_parse.h"

static struct rule rule(const char *text)
{
	struct rules_error e = {0};
	struct rule r = {0};

	if (rules_parse(text, RULE_inject, &r, &e))
		fail_msg("%s:%u: %s", text, e.column, e.message);
	r.id = 1;
	return r;
}

static struct rules_in call(uint16_t number)
{
	return (struct rules_in){.call = number,
				 .pid = 7,
				 .comm = "imap",
				 .exe = "/usr/lib/dovecot/imap",
				 .path = ""};
}

/* ---- patterns ---------------------------------------------------------------------------------
 */

static void stars_and_question_marks(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything/at all", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a*", "ba", false},
		{"*.sock", "/run/x.sock", true},
		{"*.sock", "/run/x.sock2", false},
		{"/run/*/a", "/run/dovecot/a", true},
		{"*a*b*c*", "xxaxxbxxcxx", true},
		{"*a*b*c*", "xxaxxcxxbxx", false},
		{"a**b", "ab", true},
		{"abc", "ab", false},
		/* exponential, if every star were tried against every place */
		{"*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rules_glob(rows[i].pattern, rows[i].text) != rows[i].matches)
			fail_msg("%s against %s", rows[i].pattern, rows[i].text);
}

static bool matches(const char *text, struct rules_in *in)
{
	struct rule r = rule(text);

	return rules_match(&r, in);
}

static void the_process_the_kind_and_the_path(void **state)
{
	struct rules_in in = call(CALL_connect);

	(void)state;
	in.kind = KIND_unix_stream;
	in.path = "/run/dovecot/imap";
	assert_true(matches("connect:error=EIO", &in));
	assert_false(matches("send:error=EIO", &in));
	assert_true(matches("connect:error=EIO:pid=7", &in));
	assert_false(matches("connect:error=EIO:pid=8", &in));
	assert_true(matches("connect:error=EIO:comm=im*", &in));
	assert_false(matches("connect:error=EIO:comm=pop3", &in));
	assert_true(matches("connect:error=EIO:exe=imap", &in)); /* no slash: the last component */
	assert_true(matches("connect:error=EIO:exe=/usr/lib/*", &in));
	assert_false(matches("connect:error=EIO:exe=dovecot", &in));
	assert_true(matches("connect:error=EIO:kind=unix-stream", &in));
	assert_true(matches("connect:error=EIO:kind=unix", &in));
	assert_false(matches("connect:error=EIO:kind=tcp,udp", &in));
	assert_true(matches("connect:error=EIO:path=/run/dovecot/*", &in));
	assert_false(matches("connect:error=EIO:path=/run/postfix/*", &in));
	in.path = ""; /* unknown: a condition on it cannot hold */
	assert_false(matches("connect:error=EIO:path=*", &in));
}

static void addresses_match_by_prefix_and_port(void **state)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(8080)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct rules_in in = call(CALL_connect);

	(void)state;
	assert_false(matches("connect:error=EIO:addr=10.0.0.0/8", &in)); /* none */
	inet_pton(AF_INET, "10.7.255.1", &four.sin_addr);
	in.addr = (const void *)&four;
	in.addr_bytes = sizeof(four);
	assert_true(matches("connect:error=EIO:addr=10.0.0.0/8", &in));
	assert_true(matches("connect:error=EIO:addr=10.7.248.0/21:8000-8080", &in));
	assert_false(matches("connect:error=EIO:addr=10.7.240.0/21", &in));
	assert_false(matches("connect:error=EIO:addr=10.0.0.0/8:80", &in));
	assert_true(matches("connect:error=EIO:addr=*:8080", &in));
	assert_false(matches("connect:error=EIO:addr=[::/0]", &in) &&
		     matches("connect:error=EIO:addr=[::1]", &in));
	in.addr_bytes = 4; /* cut short by its caller */
	assert_false(matches("connect:error=EIO:addr=*:8080", &in));
	inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr);
	in.addr = (const void *)&six;
	in.addr_bytes = sizeof(six);
	assert_true(matches("connect:error=EIO:addr=[2001:db8::/32]:53", &in));
	assert_false(matches("connect:error=EIO:addr=[2001:db9::/32]", &in));
	assert_false(matches("connect:error=EIO:addr=10.0.0.0/8", &in));
	in.addr = (const void *)&un;
	in.addr_bytes = sizeof(un);
	assert_false(matches("connect:error=EIO:addr=*:53", &in));
}

/* ---- counting ---------------------------------------------------------------------------------
 */

static void when_is_first_last_and_step(void **state)
{
	struct rule r = rule("send:error=EIO:when=2..8+3");
	unsigned acts = 0;

	(void)state;
	for (unsigned n = 1; n <= 12; n++)
		acts |= (unsigned)rules_counted(&r, n, 1, 0) << n;
	assert_int_equal(acts, 1u << 2 | 1u << 5 | 1u << 8);
	r = rule("send:error=EIO:when=3");
	assert_false(rules_counted(&r, 2, 1, 0) || rules_counted(&r, 4, 1, 0));
	assert_true(rules_counted(&r, 3, 1, 0));
	r = rule("send:error=EIO:when=3+");
	assert_true(rules_counted(&r, 3, 1, 0) && rules_counted(&r, 1000000007, 1, 0));
}

static unsigned acted(const struct rule *r, uint64_t key, uint64_t seed, uint64_t *ret_bits)
{
	unsigned acts = 0;

	*ret_bits = 0;
	for (unsigned n = 1; n <= 100000; n++) {
		bool act = rules_counted(r, n, key, seed);

		acts += act;
		if (n <= 64)
			*ret_bits |= (uint64_t)act << (n - 1);
	}
	return acts;
}

/* 100,000 draws: five standard deviations either side. */
static void chance_is_as_said_and_is_the_seeds(void **state)
{
	struct rule rare = rule("send:error=EIO:p=0.01"), half = rule("send:error=EIO:p=50%");
	uint64_t one, again, other, key, id;

	(void)state;
	assert_in_range(acted(&rare, 1, 1, &one), 1000 - 157, 1000 + 157);
	assert_in_range(acted(&half, 1, 1, &one), 50000 - 790, 50000 + 790);
	acted(&half, 1, 1, &again);
	assert_int_equal(one, again);
	assert_in_range(acted(&half, 1, 2, &other), 50000 - 790, 50000 + 790);
	assert_in_range(acted(&half, 2, 1, &key), 50000 - 790, 50000 + 790);
	half.id = 2; /* two rules of the same chance do not act together */
	assert_in_range(acted(&half, 1, 1, &id), 50000 - 790, 50000 + 790);
	assert_true(one != other && one != key && one != id);
}

struct counting {
	const char *text;
	bool acts[4];
};

static void *in_thread(void *arg)
{
	struct counting *c = arg;
	struct rule r = rule(c->text);
	struct rules_in in = call(CALL_send);

	for (int i = 0; i < 4; i++)
		c->acts[i] = rules_count(&r, 5, &in);
	return NULL;
}

static void threads_count_alone_and_processes_together(void **state)
{
	struct counting c[4] = {{.text = "send:error=EIO:when=2:per=thread"},
				{.text = "send:error=EIO:when=2:per=thread"},
				{.text = "send:error=EIO:when=6:per=process"},
				{.text = "send:error=EIO:when=6:per=process"}};

	(void)state;
	for (int i = 0; i < 4; i++) {
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, in_thread, &c[i]), 0);
		pthread_join(t, NULL);
	}
	assert_true(c[0].acts[1] && c[1].acts[1]);
	assert_false(c[0].acts[0] || c[0].acts[2] || c[1].acts[3]);
	assert_false(c[2].acts[0] || c[2].acts[3]);
	assert_true(c[3].acts[1]);
	assert_int_equal(rules_counts[5].matched, 16);
	assert_int_equal(rules_counts[5].acted, 3);
}

/* The first rule that acts is picked; those after it count the call all the same. */
static void the_first_rule_that_acts_is_picked(void **state)
{
	struct rule first = rule("send:error=EPIPE:when=2"), second = rule("send:error=EIO");
	struct rules_in in = call(CALL_send);
	struct rules_pick pick;
	uint32_t one, two;

	(void)state;
	one = rules_add(&first);
	two = rules_add(&second);
	assert_true(one && two && one != two);
	assert_true(rules_armed(CALL_send));
	assert_false(rules_armed(CALL_recv));
	assert_true(rules_pick(&in, RULE_inject, &pick));
	assert_int_equal(pick.rule.error, 5 /* EIO */);
	assert_true(rules_pick(&in, RULE_inject, &pick));
	assert_int_equal(pick.rule.error, 32 /* EPIPE */);
	assert_int_equal(rules_counts[rules_place(two)].matched, 2);
	assert_false(rules_pick(&in, RULE_retry, &pick));
	assert_true(rules_remove(one));
	assert_false(rules_remove(one));
	assert_true(rules_armed(CALL_send));
	assert_true(rules_remove(two));
	assert_false(rules_armed(CALL_send));
	assert_false(rules_pick(&in, RULE_inject, &pick));
	assert_int_equal(rules_place(two), RULES_MAX);
}

/* ---- shortened calls --------------------------------------------------------------------------
 */

static void a_short_call_is_never_empty_nor_longer(void **state)
{
	(void)state;
	assert_int_equal(cut_limit(10, 0, false), 10);
	assert_int_equal(cut_limit(10, 3, false), 3);
	assert_int_equal(cut_limit(2, 3, false), 2);
	assert_int_equal(cut_limit(10, 1, true), 5);
	assert_int_equal(cut_limit(1, 1, true), 1);
	assert_int_equal(cut_limit(0, 1, true), 0);
}

static size_t flatten(const struct iovec *v, size_t count, char *ret)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		memcpy(ret + at, v[i].iov_base, v[i].iov_len);
		at += v[i].iov_len;
	}
	return at;
}

/* Every cut of a vector, byte by byte, against the flat bytes. */
static void a_vector_is_cut_at_every_byte(void **state)
{
	static char bytes[40];
	struct iovec v[5] = {
		{bytes, 3}, {bytes + 3, 0}, {bytes + 3, 1}, {bytes + 4, 20}, {bytes + 24, 16}};
	struct iovec cut[CUT_IOVS];
	char flat[40];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	assert_int_equal(cut_total(v, 5), 40);
	for (size_t skip = 0; skip <= 40; skip++)
		for (size_t limit = 0; skip + limit <= 40; limit++) {
			size_t n = cut_iov(v, 5, skip, limit, cut);

			assert_int_equal(flatten(cut, n, flat), limit);
			assert_memory_equal(flat, bytes + skip, limit);
		}
}

static void a_vector_of_many_parts_is_cut_to_what_fits(void **state)
{
	static char bytes[100];
	struct iovec v[100], cut[CUT_IOVS];

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		v[i] = (struct iovec){bytes + i, 1};
	assert_int_equal(cut_iov(v, 100, 0, 100, cut), CUT_IOVS);
	assert_int_equal(cut_total(cut, CUT_IOVS), CUT_IOVS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_and_question_marks),
		cmocka_unit_test(the_process_the_kind_and_the_path),
		cmocka_unit_test(addresses_match_by_prefix_and_port),
		cmocka_unit_test(when_is_first_last_and_step),
		cmocka_unit_test(chance_is_as_said_and_is_the_seeds),
		cmocka_unit_test(threads_count_alone_and_processes_together),
		cmocka_unit_test(the_first_rule_that_acts_is_picked),
		cmocka_unit_test(a_short_call_is_never_empty_nor_longer),
		cmocka_unit_test(a_vector_is_cut_at_every_byte),
		cmocka_unit_test(a_vector_of_many_parts_is_cut_to_what_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
