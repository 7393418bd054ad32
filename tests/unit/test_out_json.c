/* SPDX-License-Identifier: MIT */
/* test_out_json.c - what docs/json.md promises of the JSON, on a made session. */
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
static struct json_object *root;

static void report(unsigned call)
{
	const struct model_options options = {0};
	const struct out_options out = {.call = call, .name = "made"};
	struct model m;
	struct symbols *s;
	char *printed;
	size_t bytes;
	FILE *to;

	json_object_put(root);
	assert_int_equal(make_save(&made, dir, "11.rec"), 0);
	assert_int_equal(model_load(dir, &options, &m), 0);
	s = symbols_open(&m, false, false);
	to = open_memstream(&printed, &bytes);
	assert_non_null(to);
	out_json(to, &m, s, &out);
	fclose(to);
	root = json_tokener_parse(printed);
	assert_non_null(root);
	free(printed);
	symbols_close(s);
	model_free(&m);
}

static struct json_object *at(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no key %s", key);
	return v;
}

static struct json_object *first(const char *list)
{
	assert_true(json_object_array_length(at(root, list)) > 0);
	return json_object_array_get_idx(at(root, list), 0);
}

static const char *word(struct json_object *o, const char *key)
{
	const char *s = json_object_get_string(at(o, key));

	return s ? s : "(null)";
}

static void has_keys(struct json_object *o, const char *names)
{
	char room[512], *save, *name;

	snprintf(room, sizeof(room), "%s", names);
	for (name = strtok_r(room, " ", &save); name; name = strtok_r(NULL, " ", &save))
		at(o, name);
}

/* One of everything: an EAGAIN with facts, a birth with an open fd, a limit, a misuse. */
static void make_all(void)
{
	struct record_module *x;
	uint32_t stack, site, name, facts;

	make_begin(&made, 11, "daemon");
	make_image(&made, "/bin/daemon", "daemon -f");
	x = make_module(&made, "/bin/daemon", MAKE_BASE);
	x->build_id_bytes = 2;
	memcpy(x->build_id, "\x0a\xff", 2);
	stack = make_stack_at(&made, MAKE_BASE, 0x123);
	name = make_path(&made, "/run/x");
	facts = make_facts(&made, (struct record_facts){.have = 1u << FACT_mode | 1u << FACT_outq,
							.mode = MODE_dontwait,
							.outq_bytes = 0});
	make_site(&made, (struct record_site){.stack = stack,
					      .call = CALL_send,
					      .error = EAGAIN,
					      .kind = KIND_unix_stream,
					      .target = name,
					      .count = 2,
					      .first_ns = MAKE_CREATED + 1000000,
					      .facts = facts});
	site = make_site(&made, (struct record_site){.stack = stack,
						     .call = CALL_open,
						     .kind = KIND_file,
						     .count = 1,
						     .open = 1});
	make_slot(&made, 5,
		  (struct record_slot){.state = SLOT_open,
				       .call = CALL_open,
				       .kind = KIND_file,
				       .site = site,
				       .flags = SLOT_CLOEXEC,
				       .target = name,
				       .birth_ns = MAKE_CREATED + 7});
	make_site(&made, (struct record_site){.call = CALL_accept, .error = EMFILE, .count = 1});
	make_site(&made, (struct record_site){.call = CALL_write, .error = EBADF, .count = 1});
	make_head(&made)->missed[MISS_race] = 2;
}

static void every_promised_key_is_there(void **state)
{
	(void)state;
	make_all();
	report(0);
	has_keys(root, "schema version session command start_time start_time_ns report_time live "
		       "totals processes eagain limits fds open_fds misuse coverage");
	has_keys(at(root, "totals"), "processes alive eagain failures suspicious benign leaks "
				     "growing misuse limit open_fds");
	has_keys(first("processes"),
		 "pid ppid uid comm exe argv start_time images end counts eagain_history");
	has_keys(at(first("processes"), "end"), "how status signal time");
	has_keys(at(first("processes"), "counts"),
		 "opened closed eagain misuse limit open peak limit_nofile");
	has_keys(first("eagain"), "call errno count first first_ns last pids target cause sentence "
				  "severity advice evidence fate stack");
	has_keys(at(first("eagain"), "fate"),
		 "waited drained spun gave_up timed_out masked retried unmasked pending waited_ns "
		 "waited_max_ns wait_hist");
	has_keys(at(first("eagain"), "evidence"),
		 "mode timeout_ns waited_ns queued_bytes sndbuf_bytes queue backlog somaxconn "
		 "listener_pid listener_comm last_accept_age_ns peer_pid peer_comm holder_pid "
		 "holder_comm holder_cmdline holder_mode why_unknown");
	has_keys(first("limits"), "call errno count first last pids target stack");
	has_keys(first("fds"), "call verdict reason opened closed open peak inherited kind targets "
			       "first last pids stack");
	has_keys(first("open_fds"), "pid fd call kind target age_ns flags uses inherited stack");
	has_keys(first("misuse"), "kind call count first last pids target stack birth_stack "
				  "death_stack");
	has_keys(first("coverage"), "pid what count");
}

static void unknown_is_null_and_a_known_zero_is_zero(void **state)
{
	struct json_object *evidence;

	(void)state;
	make_all();
	report(0);
	assert_null(at(root, "command"));
	assert_null(at(first("eagain"), "last"));
	assert_null(at(first("eagain"), "last_ns"));
	assert_string_equal(word(first("eagain"), "first"), "2023-11-14T22:13:20.001Z");
	evidence = at(first("eagain"), "evidence");
	assert_null(at(evidence, "sndbuf_bytes"));
	assert_null(at(evidence, "holder_pid"));
	assert_non_null(at(evidence, "queued_bytes"));
	assert_int_equal(json_object_get_int(at(evidence, "queued_bytes")), 0);
	assert_string_equal(word(evidence, "mode"), "MSG_DONTWAIT");
	assert_null(at(at(first("processes"), "end"), "status"));
	assert_null(at(first("misuse"), "stack"));
}

static void the_age_of_an_fd_of_a_process_nobody_saw_end_is_unknown(void **state)
{
	(void)state;
	make_all();
	report(0);
	assert_string_equal(word(at(first("processes"), "end"), "how"), "lost");
	assert_null(at(first("open_fds"), "age_ns"));
	make_exit(&made, 1007, 0);
	report(0);
	assert_int_equal(json_object_get_int64(at(first("open_fds"), "age_ns")), 1000);
}

static void frames_are_module_and_offset_without_symbols(void **state)
{
	struct json_object *stack, *frame;

	(void)state;
	make_all();
	report(0);
	stack = at(first("eagain"), "stack");
	assert_int_equal(json_object_array_length(stack), 2);
	frame = json_object_array_get_idx(stack, 0);
	assert_null(at(frame, "function"));
	assert_null(at(frame, "line"));
	assert_string_equal(word(frame, "module"), "/bin/daemon");
	assert_string_equal(word(frame, "offset"), "0x123");
	assert_string_equal(word(frame, "build_id"), "0aff");
	assert_false(json_object_get_boolean(at(frame, "inlined")));
}

static void one_call_is_shown_when_asked_for(void **state)
{
	(void)state;
	make_all();
	report(CALL_open);
	assert_int_equal(json_object_array_length(at(root, "eagain")), 0);
	assert_int_equal(json_object_array_length(at(root, "limits")), 0);
	assert_int_equal(json_object_array_length(at(root, "misuse")), 0);
	assert_int_equal(json_object_array_length(at(root, "fds")), 1);
	assert_int_equal(json_object_array_length(at(root, "open_fds")), 1);
}

/* Decodes strictly: what json_tokener's own strict mode refuses is no JSON. */
static bool is_utf8_json(const char *s)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, s, (int)strlen(s) + 1);
	json_object_put(o);
	json_tokener_free(t);
	return o != NULL;
}

static void names_in_no_known_encoding_still_give_valid_json(void **state)
{
	static const char *const names[] = {"/run/\xff",     "/run/\xc3",         "/run/\xe2\x82",
					    "/run/\xc0\xaf", "/run/\xed\xa0\x80", "/run/\"\\"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make_begin(&made, 11, names[i] + 4);
		make_site(&made, (struct record_site){.call = CALL_open,
						      .target = make_path(&made, names[i]),
						      .count = 1});
		report(0);
		assert_true(is_utf8_json(json_object_to_json_string(root)));
	}
	make_begin(&made, 11, "x");
	make_site(&made, (struct record_site){.call = CALL_open,
					      .target = make_path(&made, "/run/\xc3\xa9t\xc3\xa9"),
					      .count = 1});
	report(0);
	assert_string_equal(
		json_object_get_string(json_object_array_get_idx(at(first("fds"), "targets"), 0)),
		"/run/\xc3\xa9t\xc3\xa9");
}

static int end(void **state)
{
	json_object_put(root);
	return place_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_promised_key_is_there),
		cmocka_unit_test(unknown_is_null_and_a_known_zero_is_zero),
		cmocka_unit_test(the_age_of_an_fd_of_a_process_nobody_saw_end_is_unknown),
		cmocka_unit_test(frames_are_module_and_offset_without_symbols),
		cmocka_unit_test(one_call_is_shown_when_asked_for),
		cmocka_unit_test(names_in_no_known_encoding_still_give_valid_json),
	};

	return cmocka_run_group_tests(tests, place_begin, end);
}
