/* SPDX-License-Identifier: MIT */
/*
 * hot_lines.c - which memory do calls that succeed write? Compares all that libfdwhy.so may write
 * (its data, and the record) before and after 1,000 send() and recv(), and prints the cache lines
 * that differ: "record 2, library 0".
 */
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "target.h"

#define LINE 64u
#define RANGES 32u

static struct range {
	unsigned char *from, *copy;
	size_t bytes;
	int record;
} ranges[RANGES];
static unsigned count;

/* One line of /proc/self/maps; the library's .bss goes on without a name where its data ends. */
static void look_at(const char *line)
{
	static uintptr_t end;
	uintptr_t from, to;
	char mode[8], path[300] = "";
	int words = sscanf(line, "%lx-%lx %7s %*s %*s %*s %299s", &from, &to, mode, path);
	int record = strstr(path, ".rec") != NULL;
	int ours = words >= 3 && (record || strstr(path, "libfdwhy") || (!*path && from == end));

	end = ours && !record ? to : 0;
	if (ours && mode[1] == 'w' && count < RANGES)
		ranges[count++] = (struct range){(void *)from, NULL, to - from, record};
}

static void find_ranges(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		look_at(line);
	if (maps)
		fclose(maps);
}

static void take_copies(void)
{
	for (unsigned i = 0; i < count; i++) {
		ranges[i].copy = mmap(NULL, ranges[i].bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (ranges[i].copy == MAP_FAILED)
			target_die("mmap");
		memcpy(ranges[i].copy, ranges[i].from, ranges[i].bytes);
	}
}

static NOINLINE void calls(const int s[2], unsigned n)
{
	char c = 1;

	for (unsigned i = 0; i < n; i++)
		if (send(s[0], &c, 1, 0) != 1 || recv(s[1], &c, 1, 0) != 1)
			target_die("send and recv");
}

int main(void)
{
	unsigned differ[2] = {0, 0};
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("socketpair");
	find_ranges();
	calls(s, 1);
	take_copies();
	calls(s, 1000);
	for (unsigned i = 0; i < count; i++)
		for (size_t at = 0; at < ranges[i].bytes; at += LINE)
			differ[ranges[i].record] +=
				memcmp(ranges[i].copy + at, ranges[i].from + at, LINE) != 0;
	printf("%u ranges: record %u, library %u\n", count, differ[1], differ[0]);
	return 0;
}
