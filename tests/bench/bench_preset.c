/* SPDX-License-Identifier: MIT */
/*
 * bench_preset.c - makes a record old: bench_preset FILE BY USES adds BY to every number in it that
 * counts events, and sets the uses of every open fd to USES. The process whose record it is goes on
 * with these, because the file is its storage; so years of events need not be waited for.
 *
 * Only while that process waits. Started by scale.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "record.h"

static void *map(const char *path, size_t *ret_bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size < sizeof(struct record_header))
		return NULL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	*ret_bytes = (size_t)st.st_size;
	return at == MAP_FAILED ? NULL : at;
}

static unsigned usual_fate(const struct record_site *s)
{
	unsigned most = 0;

	for (unsigned f = 1; f < FATE_COUNT; f++)
		if (s->fate[f] > s->fate[most])
			most = f;
	return most;
}

/* Sites of EAGAIN: how often, and what became of them. The process's number is their sum. */
static void older_sites(struct record_header *h, uint64_t by)
{
	struct record_site *s = (void *)((char *)h + h->part[PART_sites].offset_bytes);

	for (uint64_t i = 0; i < h->part[PART_sites].used; i++) {
		if (s[i].error != EAGAIN)
			continue;
		s[i].fate[usual_fate(&s[i])] += by;
		s[i].count += by;
		s[i].told += by;
	}
}

static void older_slots(struct record_header *h, uint32_t uses)
{
	struct record_slot *s = (void *)((char *)h + h->part[PART_slots].offset_bytes);

	for (uint64_t i = 0; i < h->part[PART_slots].used * RECORD_CHUNK_FDS; i++)
		if (s[i].state == SLOT_open)
			s[i].uses = (s[i].uses & SLOT_USE_PENDING) | uses;
}

int main(int argc, char **argv)
{
	struct record_header *h;
	size_t bytes;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_preset FILE BY USES\n");
		return 2;
	}
	h = map(argv[1], &bytes);
	if (!h || memcmp(h->magic, RECORD_MAGIC, sizeof(h->magic)) ||
	    h->version != RECORD_VERSION || h->file_bytes > bytes) {
		fprintf(stderr, "bench_preset: %s is no record of this version\n", argv[1]);
		return 1;
	}
	older_sites(h, strtoull(argv[2], NULL, 10));
	h->births += strtoull(argv[2], NULL, 10);
	h->deaths += strtoull(argv[2], NULL, 10);
	h->part[PART_ring].used += strtoull(argv[2], NULL, 10);
	older_slots(h, (uint32_t)strtoull(argv[3], NULL, 10));
	return 0;
}
