/* SPDX-License-Identifier: MIT */
/*
 * test_record_read.c - a record that is whole is read; one that is truncated, torn, of another
 * version or made by an attacker is named, skipped in part, and never crashes its reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "calls.h"
#include "model.h"
#include "record_read.h"

#define FILE_BYTES (16 * RECORD_PAGE)
#define MUTATIONS 20000

static unsigned char image[FILE_BYTES];
static char dir[] = "/tmp/fdwhy-test-XXXXXX", path[64];

static struct record_header *head(void)
{
	return (struct record_header *)(void *)image;
}

static void *part(enum record_part_id id)
{
	return image + head()->part[id].offset_bytes;
}

static uint32_t put_string(enum record_string_type type, const void *data, size_t bytes)
{
	struct record_part *p = &head()->part[PART_strings];
	struct record_string *s = (void *)((unsigned char *)part(PART_strings) + p->used);
	uint32_t id = (uint32_t)(p->used / 8);

	s->bytes = (uint16_t)bytes;
	s->type = (uint8_t)type;
	memcpy(s->data, data, bytes);
	p->used += (sizeof(*s) + bytes + 7) & ~7ull;
	return id;
}

static void put_parts(void)
{
	static const uint16_t pages[PART_COUNT] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	uint64_t at = RECORD_PAGE;

	for (unsigned i = 0; i < PART_COUNT; i++) {
		head()->part[i] = (struct record_part){.offset_bytes = at,
						       .size_bytes = pages[i] * RECORD_PAGE,
						       .real_bytes = RECORD_PAGE};
		at += pages[i] * RECORD_PAGE;
	}
	head()->part[PART_strings].used = head()->part[PART_stacks].used = 8;
}

static void put_header(void)
{
	struct record_header *h = head();

	memset(image, 0, sizeof(image));
	memcpy(h->magic, RECORD_MAGIC, 8);
	h->version = RECORD_VERSION;
	h->header_bytes = sizeof(*h);
	h->file_bytes = FILE_BYTES;
	h->calls = CALL_COUNT;
	h->state = STATE_exited;
	h->pid = 4242;
	h->series_width_ns = 1000000000;
	strcpy(h->comm, "made");
	put_parts();
}

/* One module, one stack, a birth site with an open fd, an EAGAIN site, two events. */
static void put_content(void)
{
	static const char relative[] = "\0\0\0\0login/imap";
	struct record_module *m = part(PART_modules);
	struct record_stack *s = (void *)((unsigned char *)part(PART_stacks) + 8);
	struct record_site *site = part(PART_sites);
	struct record_slot *slot = part(PART_slots);
	struct record_event *e = part(PART_ring);
	uint32_t base = put_string(STRING_path, "/run/dovecot", 12), name;
	char joined[sizeof(relative)];

	memcpy(joined, relative, sizeof(relative));
	memcpy(joined, &base, sizeof(base));
	name = put_string(STRING_path_at, joined, sizeof(relative) - 1);
	m[0] = (struct record_module){
		.start = 0x1000, .end = 0x9000, .bias = 0x1000, .path = base, .to = UINT32_MAX};
	head()->part[PART_modules].used = 1;
	s->depth = 2;
	s->pc[0] = 0x2000;
	s->pc[1] = 0x3000;
	head()->part[PART_stacks].used = 8 + sizeof(*s) + 16;
	site[0] = (struct record_site){
		.stack = 1, .call = CALL_open, .target = name, .count = 3, .deaths = 2, .open = 1};
	site[1] = (struct record_site){.stack = 1, .call = CALL_recv, .error = EAGAIN, .count = 2};
	head()->part[PART_sites].used = 2;
	*(uint32_t *)part(PART_chunks) = 1;
	slot[5] = (struct record_slot){
		.seq = 2, .state = SLOT_open, .call = CALL_open, .site = 1, .target = name};
	head()->part[PART_slots].used = 1;
	for (unsigned i = 0; i < 2; i++)
		e[i] = (struct record_event){.seq = i + 1, .type = EVENT_eagain, .call = CALL_recv};
	head()->part[PART_ring].used = 2;
}

static void make(void)
{
	put_header();
	put_content();
}

static void save(size_t bytes)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(image, 1, bytes, f), bytes);
	fclose(f);
}

static void count(const struct record_event *e, void *arg)
{
	(void)e;
	++*(unsigned *)arg;
}

static void a_whole_record_is_read(void **state)
{
	struct record r;
	struct record_slot s;
	uint64_t from = 0, lost = 0;
	unsigned events = 0;
	char *text;
	int fd;

	(void)state;
	make();
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(r.bad, 0);
	assert_int_equal(record_stack(&r, 1)->depth, 2);
	text = record_text(&r, record_site(&r, 0)->target);
	assert_string_equal(text, "/run/dovecot/login/imap");
	free(text);
	assert_true(record_slot(&r, 5, &fd, &s));
	assert_int_equal(fd, 5);
	assert_int_equal(s.state, SLOT_open);
	record_events(&r, true, &from, &lost, count, &events);
	assert_int_equal(events, 2);
	assert_int_equal(lost, 0);
	assert_non_null(record_module_at(&r, 0x2000, 0));
	assert_null(record_module_at(&r, 0x9000, 0));
	record_close(&r);
}

/* Of sites that are not there, of a site, and not those that a rule made. */
static void each_eagain_is_counted_once(void **state)
{
	struct record r;

	(void)state;
	make();
	head()->eagains = 5;
	((struct record_site *)part(PART_sites))[1].injected = 1;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(record_eagains(&r), 5 + 1);
	record_close(&r);
}

/* What a site has not told the series since its latest tick belongs to that time. */
static void eagains_over_time_are_all_there(void **state)
{
	struct record_site *site;
	uint64_t times[RECORD_SERIES];
	struct record r;

	(void)state;
	make();
	site = (struct record_site *)part(PART_sites) + 1;
	head()->series_width_ns = 2000000000;
	head()->series_eagains[0] = 3;
	*site = (struct record_site){.call = CALL_recv,
				     .error = EAGAIN,
				     .count = 9,
				     .injected = 1,
				     .told = 3,
				     .last_ns = head()->created_ns + 5000000000};
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(record_eagain_series(&r, times), 3);
	assert_int_equal(times[0], 3);
	assert_int_equal(times[1], 0);
	assert_int_equal(times[2], 5);
	record_close(&r);
	site->last_ns = UINT64_MAX; /* a record of nonsense */
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(record_eagain_series(&r, times), RECORD_SERIES);
	record_close(&r);
	head()->series_width_ns = 0;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(record_eagain_series(&r, times), 0);
	record_close(&r);
}

static void put_line(void)
{
	struct record_total *t = part(PART_totals);

	t[0] = (struct record_total){
		.magic = RECORD_TOTAL_MAGIC, .version = RECORD_VERSION, .pid = 7};
	head()->part[PART_totals].used = 1;
}

static void a_spare_is_nobodys_but_its_lines_are_read(void **state)
{
	struct record_total lines[RECORD_TOTALS];
	struct record r;

	(void)state;
	make();
	save(FILE_BYTES);
	assert_int_equal(record_spare_totals(path, lines), 0); /* an ordinary record */
	assert_int_equal(record_spare_pid(path), 0);
	put_line();
	head()->spare = SPARE_taken;
	head()->state = STATE_running;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	record_close(&r);
	assert_int_equal(record_spare_pid(path), (int)head()->pid);
	memcpy(head()->magic, RECORD_MAGIC_SPARE, sizeof(head()->magic));
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), -ENODATA); /* killed before it began its record */
	assert_int_equal(record_spare_pid(path), 0);
	head()->spare = SPARE_free;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), -ENOENT);
	assert_int_equal(record_spare_totals(path, lines), 1);
	assert_int_equal(lines[0].pid, 7);
	head()->part[PART_totals].used = RECORD_TOTALS + 1;
	save(FILE_BYTES);
	assert_int_equal(record_spare_totals(path, lines), 0);
	head()->part[PART_totals].used = 1;
	head()->part[PART_totals].offset_bytes = UINT64_MAX - 8;
	save(FILE_BYTES);
	assert_int_equal(record_spare_totals(path, lines), 0);
}

static void what_is_no_record_is_refused_by_name(void **state)
{
	struct record r;

	(void)state;
	make();
	image[0] = 'x';
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), -EBADMSG);
	make();
	head()->version++;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), -EPROTO);
	save(100);
	assert_int_equal(record_open(path, &r), -EBADMSG);
	save(0);
	assert_int_equal(record_open(path, &r), -ENODATA);
	assert_int_equal(record_open("/no/such/file", &r), -ENOENT);
	assert_int_equal(record_open("/dev/null", &r), -EBADMSG);
}

static void a_truncated_record_shows_what_is_left(void **state)
{
	struct record r;

	(void)state;
	make();
	save(head()->part[PART_ring].offset_bytes);
	assert_int_equal(record_open(path, &r), 0);
	assert_true(r.bad & 1u << PART_ring);
	assert_false(r.bad & 1u << PART_sites);
	assert_non_null(record_site(&r, 0));
	assert_null(record_string(&r, 1));
	record_close(&r);
}

static void a_part_that_claims_gigabytes_is_skipped(void **state)
{
	struct record r;
	uint64_t huge = 8ull << 30;

	(void)state;
	make();
	head()->part[PART_strings].size_bytes = head()->part[PART_strings].used = huge;
	save(FILE_BYTES);
	assert_int_equal(truncate(path, (off_t)(2 * huge)), 0);
	assert_int_equal(record_open(path, &r), 0);
	assert_int_equal(r.bad, 1u << PART_strings);
	assert_non_null(record_site(&r, 0));
	assert_null(record_text(&r, record_site(&r, 0)->target));
	record_close(&r);
}

static void bad_ids_are_unknown(void **state)
{
	struct record r;

	(void)state;
	make();
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	assert_null(record_stack(&r, 0));
	assert_null(record_stack(&r, UINT32_MAX));
	assert_null(record_string(&r, 100000));
	assert_null(record_text(&r, 77777));
	assert_null(record_site(&r, 2));
	assert_null(record_facts(&r, 1));
	record_close(&r);
}

static void a_netlink_address_is_named(void **state)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct sockaddr_nl other = {.nl_family = AF_NETLINK, .nl_pid = 77};
	uint32_t ids[2];
	struct record r;
	char *text;

	(void)state;
	make();
	ids[0] = put_string(STRING_addr, &kernel, sizeof(kernel));
	ids[1] = put_string(STRING_addr, &other, sizeof(other));
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	text = record_text(&r, ids[0]);
	assert_string_equal(text, "netlink:kernel");
	free(text);
	text = record_text(&r, ids[1]);
	assert_string_equal(text, "netlink:77");
	free(text);
	record_close(&r);
}

static void a_directory_that_names_itself_ends(void **state)
{
	struct record r;
	char self[8] = {0};
	uint32_t id;

	(void)state;
	make();
	id = put_string(STRING_path_at, self, sizeof(self));
	memcpy((char *)part(PART_strings) + (uint64_t)id * 8 + sizeof(struct record_string), &id,
	       sizeof(id));
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	free(record_text(&r, id));
	record_close(&r);
}

static void an_event_that_was_being_written_is_waited_for_or_lost(void **state)
{
	struct record r;
	uint64_t from = 0, lost = 0;
	unsigned events = 0;

	(void)state;
	make();
	((struct record_event *)part(PART_ring))[0].seq = 0;
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	record_events(&r, false, &from, &lost, count, &events);
	assert_int_equal(events + lost, 0);
	record_events(&r, true, &from, &lost, count, &events);
	assert_int_equal(events, 1);
	assert_int_equal(lost, 1);
	record_close(&r);
}

static void an_overrun_ring_says_how_much_it_lost(void **state)
{
	struct record r;
	uint64_t from = 0, lost = 0, room = RECORD_PAGE / sizeof(struct record_event);
	unsigned events = 0;

	(void)state;
	make();
	for (uint64_t i = 0; i < room; i++)
		((struct record_event *)part(PART_ring))[i].seq = 1000 - room + i + 1;
	head()->part[PART_ring].used = 1000;
	for (uint64_t i = 0; i < room; i++) { /* in ring order */
		uint64_t n = 1000 - room + i;

		((struct record_event *)part(PART_ring))[n % room].seq = n + 1;
	}
	save(FILE_BYTES);
	assert_int_equal(record_open(path, &r), 0);
	record_events(&r, true, &from, &lost, count, &events);
	assert_int_equal(events, room);
	assert_int_equal(lost, 1000 - room);
	record_close(&r);
}

/* What a report does with a record, on records that an attacker or a crash might leave. */
static void twenty_thousand_damaged_records_crash_nothing(void **state)
{
	const struct model_options options = {0};

	(void)state;
	srandom(7);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct model m;
		unsigned changes = 1 + (unsigned)random() % 8;

		make();
		while (changes--) {
			/* Mostly where it hurts: the header and its table of parts. */
			size_t limit = random() % 4 ? sizeof(struct record_header) : FILE_BYTES;
			size_t at = (size_t)random() % limit;

			image[at < 8 ? 8 : at] = (unsigned char)(random() >> 5);
		}
		save(random() % 8 ? FILE_BYTES : (size_t)random() % FILE_BYTES);
		assert_int_equal(model_load(dir, &options, &m), 0);
		model_free(&m);
	}
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/4242.rec", dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_record_is_read),
		cmocka_unit_test(each_eagain_is_counted_once),
		cmocka_unit_test(eagains_over_time_are_all_there),
		cmocka_unit_test(a_spare_is_nobodys_but_its_lines_are_read),
		cmocka_unit_test(what_is_no_record_is_refused_by_name),
		cmocka_unit_test(a_truncated_record_shows_what_is_left),
		cmocka_unit_test(a_part_that_claims_gigabytes_is_skipped),
		cmocka_unit_test(bad_ids_are_unknown),
		cmocka_unit_test(a_netlink_address_is_named),
		cmocka_unit_test(a_directory_that_names_itself_ends),
		cmocka_unit_test(an_event_that_was_being_written_is_waited_for_or_lost),
		cmocka_unit_test(an_overrun_ring_says_how_much_it_lost),
		cmocka_unit_test(twenty_thousand_damaged_records_crash_nothing),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
