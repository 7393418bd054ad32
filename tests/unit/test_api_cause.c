/* SPDX-License-Identifier: MIT */
/*
 * test_api_cause.c - the C API tells the causes of the report: the same word for every call, kind
 * of fd and set of facts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "api_cause.h"
#include "explain.h"
#include "names.h"

static const uint32_t full = 1u << FACT_outq | 1u << FACT_sndbuf | 1u << FACT_mode;

static const struct record_facts scenes[] = {
	{.have = 0},
	{.have = 1u << FACT_mode, .mode = MODE_nonblock},
	{.have = 1u << FACT_mode, .mode = MODE_rcvtimeo},
	{.have = 1u << FACT_mode, .mode = MODE_nonblock, .msg_flags = FACTS_INPUT},
	{.have = full, .mode = MODE_sndtimeo, .outq_bytes = 9, .sndbuf_bytes = 10},
	{.have = full, .outq_bytes = 9, .asked_bytes = 1, .sndbuf_bytes = 10},
	{.have = 1u << FACT_outq, .outq_bytes = 9, .sndbuf_bytes = 10},
};

static void same(uint16_t call, uint8_t kind, const struct record_facts *f)
{
	const struct explain_in in = {.call = call, .kind = kind, .facts = f, .count = 1};
	const char *own = api_cause(call, kind, f), *report;
	struct explanation why;

	explain(&in, &why);
	report = why.cause ? why.cause : "unknown";
	if (strcmp(own, report))
		fail_msg("%s on %s: %s, but in the report %s", call_name(call), names_kind(kind),
			 own, report);
}

static void in_all_scenes(uint16_t call, uint8_t kind)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		same(call, kind, &scenes[i]);
}

static void causes_are_those_of_the_report(void **state)
{
	(void)state;
	for (uint16_t call = 1; call < CALL_COUNT; call++)
		for (uint8_t kind = 0; kind < KIND_COUNT; kind++)
			in_all_scenes(call, kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_are_those_of_the_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
