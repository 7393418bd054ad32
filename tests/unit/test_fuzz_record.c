/* SPDX-License-Identifier: MIT */
/*
 * test_fuzz_record.c - whole reports, text and JSON, of sessions that a crash or an attacker
 * damaged: no crash, no endless loop, and always valid JSON. FUZZ=N does N rounds, SEED=N other
 * ones; built with SAN=address,undefined it sees every stray access.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "out.h"
#include "record_make.h"
#include "record_place.h"

static struct make whole, damaged;
static FILE *nowhere;

/* Strings of every type, one that names itself, one that is cut. */
static uint32_t put_strings(struct make *m)
{
	uint32_t base = make_path(m, "/run/daemon"), name;
	char at[16] = {0};

	memcpy(at, &base, sizeof(base));
	memcpy(at + 4, "login/imap", 10);
	name = make_bytes(m, STRING_path_at, at, 14);
	make_bytes(m, STRING_addr, "\x02\x00\x00\x50\x7f\x00\x00\x01\0\0\0\0\0\0\0\0", 16);
	make_bytes(m, STRING_addr,
		   "\x01\x00\x00"
		   "abstract",
		   11);
	make_bytes(m, STRING_text, "a\033[1mb\xff", 7);
	return name;
}

static void put_failures(struct make *m, uint32_t stack, uint32_t name)
{
	static const uint16_t calls[] = {CALL_send, CALL_connect, CALL_flock, CALL_recv,
					 CALL_accept};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint32_t facts = make_facts(m, (struct record_facts){.have = UINT32_MAX,
								     .mode = MODE_nonblock,
								     .holder_pid = 1,
								     .peer_pid = 1,
								     .queue = 5});

		make_site(m, (struct record_site){.stack = stack,
						  .call = calls[i],
						  .error = i == 4 ? EMFILE : EAGAIN,
						  .target = name,
						  .count = 9,
						  .fate[FATE_spun] = i,
						  .first_ns = MAKE_CREATED + 1,
						  .last_ns = MAKE_CREATED + 99,
						  .facts = facts});
	}
	make_site(m, (struct record_site){.stack = stack,
					  .call = CALL_close,
					  .error = EBADF,
					  .count = 1,
					  .birth_stack = stack,
					  .death_stack = stack});
}

static void put_fds(struct make *m, uint32_t stack, uint32_t name)
{
	uint32_t site = make_site(m, (struct record_site){.stack = stack,
							  .call = CALL_socket,
							  .target = name,
							  .count = 40,
							  .open = 20,
							  .open_peak = 20,
							  .value = 5});
	uint32_t mode = make_mode(
		m, (struct record_mode){.stack = stack, .mode = MODE_nonblock, .pid = 4242});

	make_shared(m, (struct record_shared){.dev = 1, .inode = 2, .mode = mode});
	for (int fd = 0; fd < 20; fd++)
		make_slot(m, fd,
			  (struct record_slot){.state = (uint8_t)(fd % 4),
					       .call = CALL_socket,
					       .site = site,
					       .flags = 1u << fd,
					       .target = name,
					       .mode_nonblock = mode,
					       .mode_send = mode});
	make_site(m, (struct record_site){.stack = stack, .call = CALL_listen, .target = name});
	for (uint16_t type = 0; type < 8; type++)
		make_event(m, (struct record_event){.type = (uint8_t)type, .target = name});
}

static void make_whole(void)
{
	uint32_t stack, name;

	make_begin(&whole, 4242, "daemon");
	make_image(&whole, "/bin/daemon", "daemon -f");
	make_module(&whole, "/bin/daemon", MAKE_BASE);
	stack = make_stack_at(&whole, MAKE_BASE, 0x100);
	name = put_strings(&whole);
	put_failures(&whole, stack, name);
	put_fds(&whole, stack, name);
	make_exit(&whole, 1000, 0);
}

/* A word at random, or one that limits are made of, mostly where something is. */
static void damage(void)
{
	static const uint64_t edges[] = {0,          1,           0x7fff,
					 0xffff,     0x7fffffff,  UINT32_MAX,
					 UINT64_MAX, RECORD_PAGE, sizeof(whole.image)};
	static const size_t sizes[] = {1, 2, 4, 8};
	uint64_t word = random() % 2 ? edges[(size_t)random() % (sizeof(edges) / 8)]
				     : (uint64_t)random() >> (random() % 24);
	size_t bytes = sizes[random() % 4];
	size_t part = (size_t)random() % (MAKE_PAGES + 4);
	size_t at = (part < MAKE_PAGES ? part * RECORD_PAGE : 0) +
		    (size_t)random() % 1024 / bytes * bytes;

	memcpy(damaged.image + (at < 8 ? 8 : at), &word, bytes);
}

static bool is_json(const char *s)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, s, (int)strlen(s) + 1);
	json_object_put(o);
	json_tokener_free(t);
	return o != NULL;
}

static void report(bool check)
{
	const struct model_options options = {0};
	const struct out_options out = {.all = random() % 2, .name = "damaged"};
	struct model m;
	struct symbols *s;
	char *printed;
	size_t bytes;
	FILE *to;

	assert_int_equal(model_load(dir, &options, &m), 0);
	s = symbols_open(&m, false, false);
	out_text(nowhere, &m, s, &out);
	to = open_memstream(&printed, &bytes);
	out_json(to, &m, s, &out);
	fclose(to);
	if (check)
		assert_true(is_json(printed));
	free(printed);
	symbols_close(s);
	model_free(&m);
}

static long setting(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s ? atol(s) : otherwise;
}

static void damaged_records_are_reported_without_a_crash(void **state)
{
	long rounds = setting("FUZZ", 2000);

	(void)state;
	make_whole();
	assert_int_equal(make_save(&whole, dir, "1.rec"), 0);
	srandom((unsigned)setting("SEED", 1));
	for (long i = 0; i < rounds; i++) {
		size_t bytes = random() % 8 ? sizeof(damaged.image)
					    : (size_t)random() % sizeof(damaged.image);

		damaged = whole;
		for (long changes = 1 + random() % 6; changes > 0; changes--)
			damage();
		assert_int_equal(make_file(dir, "2.rec", damaged.image, bytes), 0);
		report(i % 16 == 0);
	}
}

static void spoil(char *text, size_t bytes)
{
	for (long changes = 1 + random() % 4; changes > 0; changes--)
		text[(size_t)random() % bytes] = (char)(random() >> 5);
}

static void put_side_file(const char *name, const char *content, bool whole_file)
{
	size_t n = strlen(content);
	char text[512];

	memcpy(text, content, n);
	if (!whole_file)
		spoil(text, n);
	assert_int_equal(make_file(dir, name, text, n), 0);
}

static void damaged_side_files_are_reported_without_a_crash(void **state)
{
	static const char ends[] = "{\"pid\":4242,\"time_real_ns\":1700000001000000000,"
				   "\"status\":1,\"signal\":null}\n{\"pid\":4242}\n[]\n3\nnull\n";
	static const char unfollowed[] =
		"{\"pid\":7,\"exe\":\"/bin/x\",\"why\":\"static\"}\n{}\n[]\n";
	static const char session[] = "{\"schema\":1,\"command\":[\"a\",[],null,7,{\"b\":1}]}";

	(void)state;
	for (long i = 0; i < setting("FUZZ", 2000) / 4; i++) {
		struct record_total t = {.magic = RECORD_TOTAL_MAGIC, .version = RECORD_VERSION};

		put_side_file("ends.jsonl", ends, !i);
		put_side_file("unfollowed.jsonl", unfollowed, !i);
		put_side_file("session.json", session, !i);
		if (i)
			spoil((char *)&t + 8, sizeof(t) - 8);
		assert_int_equal(make_file(dir, "totals.0", &t, sizeof(t) - (size_t)i % 3), 0);
		report(i % 16 == 0);
	}
}

/* Anybody may put names into a session of root's; opening a FIFO would wait for ever. */
static void fifos_in_place_of_files_are_not_waited_for(void **state)
{
	static const char *const names[] = {"9.rec", "totals.9", "ends.jsonl", "unfollowed.jsonl",
					    "session.json"};
	char path[128];

	(void)state;
	place_clear();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(mkfifo(path, 0600), 0);
	}
	report(true);
	place_clear();
}

static int begin(void **state)
{
	nowhere = fopen("/dev/null", "we");
	return nowhere ? place_begin(state) : -1;
}

static int end(void **state)
{
	fclose(nowhere);
	return place_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_records_are_reported_without_a_crash),
		cmocka_unit_test(damaged_side_files_are_reported_without_a_crash),
		cmocka_unit_test(fifos_in_place_of_files_are_not_waited_for),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
