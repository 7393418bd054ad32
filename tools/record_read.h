/* SPDX-License-Identifier: MIT */
/*
 * record_read.h - one record file, read into memory of our own and checked. Trusts nothing: the
 * writer may be alive, dead in the middle of a store, of another version, or an attacker. Accessors
 * return NULL for whatever does not check out; the rest stays usable.
 */
#ifndef TOOL_RECORD_READ_H
#define TOOL_RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include "record.h"

struct record_buffer {
	unsigned char *data;
	size_t bytes; /* of used content */
	uint64_t count;
};

struct record {
	char *path;
	struct record_header head;
	struct record_buffer part[PART_COUNT];
	uint32_t bad;         /* bit i: part i could not be used */
	unsigned char *slots; /* chunks that are in use, dense */
	uint32_t *slot_base;  /* first fd of each */
	uint32_t slot_chunks;
};

/*
 * 0, or -errno: -EBADMSG no record, -EPROTO another version (head.version says), -ENODATA empty,
 * -ENOENT a spare that is no process's; head is as it was read. */
int record_open(const char *path, struct record *ret);
void record_close(struct record *r);
/* Lines of totals that wait in a spare, at most RECORD_TOTALS; how many. */
size_t record_spare_totals(const char *path, struct record_total *ret);
/* The process that has its record in a spare; 0: none, or no spare. */
int record_spare_pid(const char *path);
/* Why record_open failed, in words. */
const char *record_error(int error);
const char *record_part_name(unsigned part);

const struct record_stack *record_stack(const struct record *r, uint32_t id);
const struct record_string *record_string(const struct record *r, uint32_t id);
/* A path or address as text (allocated): relative paths joined with their directory. NULL: unknown.
 */
char *record_text(const struct record *r, uint32_t id);
/* "127.0.0.1:80", of a struct sockaddr; allocated. */
char *record_address(const void *data, size_t bytes);
const struct record_site *record_site(const struct record *r, uint64_t i);
/* EAGAINs of the process, those that a rule made apart. */
uint64_t record_eagains(const struct record *r);
/* The same by buckets of series_width_ns since the record began; how many, up to the last one. */
unsigned record_eagain_series(const struct record *r, uint64_t ret[RECORD_SERIES]);
const struct record_facts *record_facts(const struct record *r, uint32_t id);
/* Who set a mode; 1 + index as stored. */
const struct record_mode *record_mode(const struct record *r, uint32_t id);
/* i is below part[PART_shared].count; NULL: unused or torn. */
const struct record_shared *record_shared(const struct record *r, uint64_t i);
const struct record_module *record_module_at(const struct record *r, uint64_t pc, uint32_t epoch);
const struct record_image *record_image(const struct record *r, uint64_t i);
/* Slot number i of all that are real; its fd in *ret_fd. false: beyond the end. */
bool record_slot(const struct record *r, uint64_t i, int *ret_fd, struct record_slot *ret);
/* The slot of fd >= 0. false: it never had one. */
bool record_slot_of(const struct record *r, int fd, struct record_slot *ret);

/*
 * Events [*from, ...) still in the ring, oldest first. Calls take() for each whole event and adds
 * to *ret_lost what was overwritten. *from moves behind what was taken: up to an event that is
 * still being written; when the writer is dead (`final`) such an event is lost, and what follows is
 * taken.
 */
void record_events(const struct record *r, bool final, uint64_t *from, uint64_t *ret_lost,
		   void (*take)(const struct record_event *e, void *arg), void *arg);

#endif
