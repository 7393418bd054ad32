/* SPDX-License-Identifier: MIT */
/*
 * record_read_spare.c - what a spare says beside the record that may be in it: enum record_spare of
 * record.h. Trusts nothing, as record_read.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "record_read.h"
#include "util.h"

static bool read_head(int fd, struct record_header *h)
{
	return pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) &&
	       (!memcmp(h->magic, RECORD_MAGIC, sizeof(h->magic)) ||
		!memcmp(h->magic, RECORD_MAGIC_SPARE, sizeof(h->magic))) &&
	       h->version == RECORD_VERSION && h->header_bytes == sizeof(*h) && h->spare;
}

static int open_spare(const char *path, struct record_header *h)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && read_head(fd, h))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

size_t record_spare_totals(const char *path, struct record_total *ret)
{
	struct record_header h;
	const struct record_part *p = &h.part[PART_totals];
	int fd = open_spare(path, &h);
	ssize_t got = 0;

	if (fd < 0)
		return 0;
	if (p->used <= RECORD_TOTALS)
		got = pread(fd, ret, p->used * sizeof(*ret), (off_t)p->offset_bytes);
	close(fd);
	return got > 0 ? (size_t)got / sizeof(*ret) : 0;
}

int record_spare_pid(const char *path)
{
	struct record_header h;
	int fd = open_spare(path, &h);

	if (fd < 0)
		return 0;
	close(fd);
	return memcmp(h.magic, RECORD_MAGIC, sizeof(h.magic)) ? 0 : (int)h.pid;
}
