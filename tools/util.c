/* SPDX-License-Identifier: MIT */
/* util.c - see util.h. The lowest floor of the tool: knows nothing of records or sessions. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util.h"

int util_error(int status, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("fdwhy: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static void *checked(void *p)
{
	if (!p) {
		fputs("fdwhy: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

void *util_alloc(size_t count, size_t bytes)
{
	return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

char *util_copy(const char *s)
{
	return checked(strdup(s));
}

char *util_format(const char *format, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&s, format, ap);
	va_end(ap);
	return checked(n < 0 ? NULL : s);
}

void *util_grow(void *array, size_t count, size_t *room, size_t bytes)
{
	size_t more = *room ? *room * 2 : 16;

	if (count < *room)
		return array;
	array = checked(reallocarray(array, more, bytes));
	memset((char *)array + *room * bytes, 0, (more - *room) * bytes);
	*room = more;
	return array;
}

/* Bytes of the character at s when it is printable UTF-8, else 0. */
static size_t printable(const unsigned char *s)
{
	static const struct {
		unsigned char lead, low, high; /* of the byte after it */
	} second[] = {
		{0xc2, 0xa0, 0xbf}, /* no control characters of Latin 1 */
		{0xe0, 0xa0, 0xbf}, /* no overlong forms */
		{0xed, 0x80, 0x9f}, /* no surrogates */
		{0xf0, 0x90, 0xbf}, {0xf4, 0x80, 0x8f},
	};
	size_t n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;

	if (*s < 0x80)
		return *s >= ' ' && *s != 0x7f;
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
		if (*s == second[i].lead && (s[1] < second[i].low || s[1] > second[i].high))
			return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

char *util_clean(char *s)
{
	unsigned char *p = (unsigned char *)s;

	while (*p) {
		size_t n = printable(p);

		if (!n)
			*p = '?';
		p += n ? n : 1;
	}
	return s;
}

uint32_t util_hash(const void *data, size_t bytes, uint32_t seed)
{
	const unsigned char *p = data;
	uint32_t h = seed ^ 2166136261u;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ p[i]) * 16777619u;
	return h ^ h >> 15;
}

unsigned util_distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	unsigned row[64];

	if (n >= 63 || strlen(a) >= 63)
		return 63;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[n];
}

FILE *util_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	FILE *f = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

long util_read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 1;

	*ret = '\0';
	if (fd < 0)
		return -errno;
	while (got > 0 && n < size - 1) {
		got = read(fd, ret + n, size - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	ret[n] = '\0';
	return got < 0 ? -EIO : (long)n;
}

bool util_comm(int pid, char *ret, size_t size)
{
	char path[64];
	long n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	n = util_read_file(path, ret, size);
	ret[n > 0 ? strcspn(ret, "\n") : 0] = '\0';
	util_clean(ret);
	return n > 0;
}

int util_any_number(const char *directory, bool (*is)(int number, void *arg), void *arg)
{
	DIR *d = opendir(directory);
	struct dirent *e;
	bool found = false;

	if (!d)
		return -errno;
	while (!found && (e = readdir(d)))
		found = isdigit((unsigned char)*e->d_name) && is(atoi(e->d_name), arg);
	closedir(d);
	return found;
}

const char *util_plural(unsigned long long count, const char *ending)
{
	return count == 1 ? "" : ending;
}

uint64_t util_now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool util_own_directory(char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	char *slash;

	if (n <= 0)
		return false;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

const char *util_duration(uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *unit;
	} units[] = {
		{86400000000000u, "d"},
		{3600000000000u, "h"},
		{60000000000u, "min"},
		{1000000000u, "s"},
		{1000000u, "ms"},
		{1000u, "us"},
		{1u, "ns"},
	};
	static char ring[8][24];
	static unsigned at;
	char *s = ring[at++ % 8];
	unsigned i = 0;

	while (i < 6 && ns < units[i].ns)
		i++;
	snprintf(s, sizeof(ring[0]), ns % units[i].ns * 10 / units[i].ns ? "%.1f %s" : "%.0f %s",
		 (double)ns / (double)units[i].ns, units[i].unit);
	return s;
}
