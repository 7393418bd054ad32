/* SPDX-License-Identifier: MIT */
/* test_elfkind.c - which programs can be preloaded, told from files made here. */
#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elfkind.h"

#if defined(__x86_64__)
#define OWN EM_X86_64
#define OTHER EM_AARCH64
#define LINKER "/lib64/ld-linux-x86-64.so.2"
#else
#define OWN EM_AARCH64
#define OTHER EM_X86_64
#define LINKER "/lib/ld-linux-aarch64.so.1"
#endif
#define MUSL "/lib/ld-musl-x86_64.so.1"

static char dir[64];

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/fdwhy-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int end(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *make(const void *bytes, size_t n)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/program", dir);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	return path;
}

struct image {
	Elf64_Ehdr e;
	Elf64_Phdr p;
	char linker[64];
	char names[64]; /* of sections */
	Elf64_Shdr s[3];
};

/* A program with a linker (NULL: none) and one section beside the table of names. */
static struct image image(uint16_t machine, const char *linker, const char *section)
{
	struct image i = {
		.e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT},
		      .e_type = ET_EXEC,
		      .e_machine = machine,
		      .e_version = EV_CURRENT,
		      .e_phoff = offsetof(struct image, p),
		      .e_shoff = offsetof(struct image, s),
		      .e_ehsize = sizeof(Elf64_Ehdr),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 1,
		      .e_shentsize = sizeof(Elf64_Shdr),
		      .e_shnum = 3,
		      .e_shstrndx = 1},
		.p = {.p_type = linker ? PT_INTERP : PT_NULL,
		      .p_offset = offsetof(struct image, linker),
		      .p_filesz = linker ? strlen(linker) + 1 : 0},
		.s[1] = {.sh_name = 1,
			 .sh_type = SHT_STRTAB,
			 .sh_offset = offsetof(struct image, names),
			 .sh_size = sizeof(i.names)},
		.s[2] = {.sh_name = 11, .sh_type = SHT_PROGBITS},
	};

	memcpy(i.names + 1, ".shstrtab", 9);
	strcpy(i.names + 11, section);
	strcpy(i.linker, linker ? linker : "");
	return i;
}

static enum exec_why kind(const struct image *i)
{
	return elfkind_of(make(i, sizeof(*i)), NULL);
}

static void the_linker_and_the_machine_decide(void **state)
{
	static const struct {
		uint16_t machine;
		const char *linker, *section;
		enum exec_why why;
	} rows[] = {
		{OWN, LINKER, ".text", EXEC_followed},
		{OWN, LINKER, ".go.buildinfo", EXEC_followed}, /* Go with cgo: its libc part */
		{OWN, NULL, ".text", EXEC_static},
		{OWN, NULL, ".go.buildinfo", EXEC_go},
		{OWN, MUSL, ".text", EXEC_libc},
		{OTHER, LINKER, ".text", EXEC_machine},
		{OTHER, NULL, ".go.buildinfo", EXEC_machine},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image made = image(rows[i].machine, rows[i].linker, rows[i].section);

		assert_int_equal(kind(&made), rows[i].why);
	}
}

static void a_32_bit_program_is_another_machine(void **state)
{
	Elf32_Ehdr e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_ehsize = sizeof(e)};

	(void)state;
	assert_int_equal(elfkind_of(make(&e, sizeof(e)), NULL), EXEC_machine);
}

static void what_lies_outside_of_the_file_is_not_read(void **state)
{
	struct image i = image(OWN, LINKER, ".text");

	(void)state;
	i.p.p_offset = UINT64_MAX - 3;
	assert_int_equal(kind(&i), EXEC_unreadable);
	i = image(OWN, NULL, ".text");
	i.e.e_shoff = UINT64_MAX - 3;
	assert_int_equal(kind(&i), EXEC_static);
	i = image(OWN, NULL, ".text");
	i.s[2].sh_name = UINT32_MAX;
	assert_int_equal(kind(&i), EXEC_static);
}

static void every_length_of_a_program_has_an_answer(void **state)
{
	struct image i = image(OWN, LINKER, ".text");

	(void)state;
	for (size_t n = 0; n < sizeof(i); n++)
		assert_in_range(elfkind_of(make(&i, n), NULL), EXEC_followed, EXEC_COUNT - 1);
}

static void a_script_tells_its_interpreter(void **state)
{
	static const struct {
		const char *text, *interpreter;
	} rows[] = {
		{"#!/bin/sh\n", "/bin/sh"},
		{"#! \t/bin/sh -e\necho", "/bin/sh"},
		{"#!/usr/bin/env python3\n", "/usr/bin/env"},
		{"#!/no/newline", "/no/newline"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *found = NULL;

		assert_int_equal(elfkind_of(make(rows[i].text, strlen(rows[i].text)), &found),
				 EXEC_script);
		assert_string_equal(found, rows[i].interpreter);
		free(found);
	}
}

static void what_is_no_program_is_unreadable(void **state)
{
	(void)state;
	assert_int_equal(elfkind_of("/no/such/program", NULL), EXEC_unreadable);
	assert_int_equal(elfkind_of(dir, NULL), EXEC_unreadable);
	assert_int_equal(elfkind_of("/dev/null", NULL), EXEC_unreadable);
	assert_int_equal(elfkind_of(make("text", 4), NULL), EXEC_unreadable);
	assert_int_equal(elfkind_of(make("", 0), NULL), EXEC_unreadable);
}

static void another_users_setuid_program_is_not_followed(void **state)
{
	struct image i = image(OWN, LINKER, ".text");
	const char *path = make(&i, sizeof(i));

	(void)state;
	assert_int_equal(chmod(path, 04755), 0);
	assert_int_equal(elfkind_of(path, NULL), EXEC_followed); /* changes nothing */
	if (geteuid()) {
		print_message("skip: only root can make another user's program\n");
		skip();
	}
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(chmod(path, 04755), 0);
	assert_int_equal(elfkind_of(path, NULL), EXEC_setuid);
	assert_int_equal(chmod(path, 02755), 0);
	assert_int_equal(elfkind_of(path, NULL), EXEC_setuid);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(elfkind_of(path, NULL), EXEC_followed);
}

/* Whether it has a libc part or not. */
static void go_is_known_by_its_section(void **state)
{
	struct image i = image(OWN, LINKER, ".go.buildinfo");

	(void)state;
	assert_true(elfkind_is_go(make(&i, sizeof(i))));
	i = image(OWN, NULL, ".go.buildinfo");
	assert_true(elfkind_is_go(make(&i, sizeof(i))));
	i = image(OWN, LINKER, ".text");
	assert_false(elfkind_is_go(make(&i, sizeof(i))));
	assert_false(elfkind_is_go(make("#!/bin/sh\n", 10)));
	assert_false(elfkind_is_go("/nonexistent"));
}

static void the_reason_is_in_words(void **state)
{
	struct image i = image(OWN, NULL, ".text");

	(void)state;
	assert_non_null(strstr(elfkind_reason(make(&i, sizeof(i))), "statically linked"));
	i = image(OWN, LINKER, ".text");
	assert_non_null(strstr(elfkind_reason(make(&i, sizeof(i))), "environment"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(the_linker_and_the_machine_decide),
		T(a_32_bit_program_is_another_machine),
		T(what_lies_outside_of_the_file_is_not_read),
		T(every_length_of_a_program_has_an_answer),
		T(a_script_tells_its_interpreter),
		T(what_is_no_program_is_unreadable),
		T(another_users_setuid_program_is_not_followed),
		T(go_is_known_by_its_section),
		T(the_reason_is_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
