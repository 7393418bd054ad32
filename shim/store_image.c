/* SPDX-License-Identifier: MIT */
/*
 * store_image.c - which program this is. Its name under /proc takes an inode for each part of
 * "/proc/self/exe", 10 us, so that is asked when the name is needed: for the first stack, a module
 * or a rule. Until then, and for ever in a process with nothing to say, it is the path it was
 * started by.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include "store.h"
#include "sysc.h"

#define SCRIPTS 16 /* arguments that interpreters of interpreters may have put before a script */

static AT_START uint32_t present; /* 1 + index of this image; 0: the record has no room for it */
static AT_START bool asked;

static struct record_image *image_of(uint32_t id)
{
	return (struct record_image *)store_part(PART_images) + (id - 1);
}

/*
 * NULL where that need not be the program: of a script it is the script, which its interpreter is
 * given as an argument; of an open file it is a name of the fd.
 */
static const char *started_by(int argc, char **argv)
{
	const char *path = (const char *)getauxval(AT_EXECFN);

	if (!path || *path != '/' || !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6))
		return NULL;
	for (int i = 1; i < argc && i < SCRIPTS && argv[i]; i++)
		if (!strcmp(argv[i], path))
			return NULL;
	return path;
}

/* 0: the kernel does not say, or not what it was: replaced files are "... (deleted)". */
static uint32_t ask(void)
{
	static const char gone[] = " (deleted)";
	char path[RECORD_STRING_MAX + 1];
	long n = sysc(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path));
	size_t end = sizeof(gone) - 1;

	if (n <= 0 || ((size_t)n > end && !memcmp(path + n - end, gone, end)))
		return 0;
	return store_string(STRING_path, path, (size_t)n);
}

uint32_t store_exe(void)
{
	uint32_t id = (uint32_t)store.head->part[PART_images].used, exe;

	if (!id)
		return 0;
	/* In a chroot the path would be another one. */
	if (!asked && id == present && !self_gate.seccomp && !store.head->root) {
		exe = ask();
		if (exe)
			record_poke(&image_of(id)->exe, exe);
		asked = true;
	}
	return image_of(id)->exe;
}

void store_exe_text(char *ret, size_t size)
{
	uint32_t id = store_exe();
	const struct record_string *s = id ? store_string_at(id) : NULL;
	size_t n = s && s->bytes < size ? s->bytes : 0;

	if (n)
		memcpy(ret, s->data, n);
	ret[n] = '\0';
}

void store_image(int argc, char **argv)
{
	char line[RECORD_STRING_MAX];
	const char *exe = started_by(argc, argv);
	struct record_image *image;
	size_t n = 0;

	present = store_take_item(PART_images, sizeof(struct record_image));
	for (int i = 0; i < argc && argv[i] && n < sizeof(line) - 1; i++) {
		size_t len = strnlen(argv[i], sizeof(line) - 1 - n);

		memcpy(line + n, argv[i], len);
		n += len;
		line[n++] = ' ';
	}
	self_add64(&store.head->image_no, 1);
	sysc(SYS_prctl, 16 /* PR_GET_NAME */, store.head->comm);
	if (!present)
		return;
	image = image_of(present);
	if (exe)
		image->exe = store_string(STRING_path, exe, strlen(exe));
	else
		store_exe();
	image->argv = n ? store_string(STRING_text, line, n - 1) : 0;
	image->epoch = store.head->epoch;
	image->time_ns =
		store.continued ? self_clock_asked(CLOCK_MONOTONIC) : store.head->created_ns;
}
