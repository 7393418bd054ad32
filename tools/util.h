/* SPDX-License-Identifier: MIT */
/* util.h - errors in one line, memory that cannot fail, growing arrays and texts, distances of
 * words. */
#ifndef TOOL_UTIL_H
#define TOOL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Print "fdwhy: ..." on stderr, one line; returns `status` for the caller to return. */
int util_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

void *util_alloc(size_t count, size_t bytes); /* zeroed; ends the program when memory is out */
char *util_copy(const char *s);
char *util_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A growing array: UTIL_PUSH(array, count, room) makes place for one more and yields its address.
 */
void *util_grow(void *array, size_t count, size_t *room, size_t bytes);
#define UTIL_PUSH(array, count, room) \
	((array) = util_grow((array), (count), &(room), sizeof(*(array))), &(array)[(count)++])

/* Of a name that others chose, control bytes and what is no UTF-8 become '?', in place: it will
 * meet terminals and JSON. */
char *util_clean(char *s);

uint32_t util_hash(const void *data, size_t bytes, uint32_t seed);
/* Edits from a to b; for "did you mean". */
unsigned util_distance(const char *a, const char *b);
/* A regular file for reading, else NULL: what others put in its place (a FIFO, a link) is neither
 * waited for nor followed. */
FILE *util_open(const char *path);
/* A small file (a /proc file) as text: its bytes, or -errno. Always terminated. */
long util_read_file(const char *path, char *ret, size_t size);
/* The numbers that are names in a directory of /proc, until is() says so of one: 1. 0: of none,
 * -errno: it cannot be read. */
int util_any_number(const char *directory, bool (*is)(int number, void *arg), void *arg);
/* The name of a process or thread as the kernel has it, fit for printing: false and "" when there
 * is none. */
bool util_comm(int pid, char *ret, size_t size);
uint64_t util_now_ns(clockid_t clock);
/* Absolute path of this program's directory. */
bool util_own_directory(char *ret, size_t size);
/* What follows a word of which there are `count`: "" for one, else `ending`. */
const char *util_plural(unsigned long long count, const char *ending);
/* 1234567890 ns -> "1.2 s"; into a static ring of buffers, for printing only. */
const char *util_duration(uint64_t ns);

#endif
