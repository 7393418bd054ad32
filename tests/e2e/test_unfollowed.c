/* SPDX-License-Identifier: MIT */
/*
 * test_unfollowed.c - programs that the dynamic linker does not load the shim into: each runs as it
 * would without us, nothing is printed, and the report of its parent says why it is not followed.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "harness.h"

static bool told(json_object *report, const char *path, const char *why)
{
	json_object *list = field(report, "coverage");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *what = text_of(json_object_array_get_idx(list, i), "what");

		if (strstr(what, path) && strstr(what, why))
			return true;
	}
	return false;
}

/* A shell starts `path`; what comes of it is the same without the shim. */
static void expect_told(const struct work *w, const char *path, const char *option, const char *why)
{
	char script[600];
	char *bare[] = {ARG("/bin/sh"), ARG("-c"), script, NULL};
	char *with[] = {
		ARG(built("fdwhy")), ARG("run"),     ARG("-q"), ARG("-o"), ARG(work_path(w, "s")),
		ARG("--"),           ARG("/bin/sh"), ARG("-c"), script,    NULL};
	struct proc p, q;
	json_object *r;
	char *said;

	snprintf(script, sizeof(script), "'%s' %s </dev/null; echo \"status $?\"; :", path, option);
	assert_int_equal(run(w, bare, NULL, &p), run(w, with, NULL, &q));
	said = file_text(p.out);
	assert_non_null(strstr(said, "status "));
	assert_string_equal(said, file_text(q.out));
	assert_string_equal(file_text(p.err), file_text(q.err));
	free(said);
	r = report_of(w, work_path(w, "s"));
	if (!told(r, path, why))
		fail_msg("%s: %s", path, json_object_to_json_string(field(r, "coverage")));
	json_object_put(r);
}

static void copy_program(const char *from, const char *to)
{
	char buffer[65536];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(buffer, 1, sizeof(buffer), in)))
		assert_int_equal(fwrite(buffer, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void pitfall_13_a_setuid_program_is_told(void **state)
{
	const struct work *w = *state;
	const char *path = work_path(w, "suid");
	struct statvfs v;

	SKIP_UNLESS(geteuid() == 0, "only root can make a program of another user");
	assert_int_equal(statvfs(w->dir, &v), 0);
	SKIP_UNLESS(!(v.f_flag & ST_NOSUID), "the file system has no setuid programs");
	assert_int_equal(chmod(w->dir, 0755), 0);
	copy_program(built("targets/errno_on_success"), path);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(chmod(path, 04755), 0);
	expect_told(w, path, "", "setuid");
}

/* The kernel may run it or say ENOEXEC: to us it is the same. */
static void pitfall_16_a_32_bit_program_is_told(void **state)
{
	static const unsigned char code[] = {0x31, 0xdb, 0x31, 0xc0, 0x40, 0xcd, 0x80};
	const struct work *w = *state;
	const char *path = work_path(w, "bits32");
	struct {
		Elf32_Ehdr e;
		Elf32_Phdr p;
		unsigned char code[sizeof(code)];
	} file = {.e = {.e_ident = ELFMAG "\1\1\1",
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = 1,
			.e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr),
			.e_ehsize = sizeof(Elf32_Ehdr),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1},
		  .p = {.p_type = PT_LOAD,
			.p_vaddr = 0x8048000,
			.p_filesz = sizeof(file),
			.p_memsz = sizeof(file),
			.p_flags = PF_R | PF_X,
			.p_align = 4096}};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	memcpy(file.code, code, sizeof(code));
	assert_int_equal(write(fd, &file, sizeof(file)), sizeof(file));
	close(fd);
	expect_told(w, path, "", "another architecture");
}

static void pitfall_15_a_static_program_is_told(void **state)
{
	char *check[] = {ARG(built("fdwhy")), ARG("check"), ARG("/sbin/ldconfig"), NULL};
	struct proc p;

	SKIP_UNLESS(run(*state, check, NULL, &p) == 1, "no static ldconfig here");
	expect_told(*state, "/sbin/ldconfig", "--version", "statically linked");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(pitfall_13_a_setuid_program_is_told),
		T(pitfall_16_a_32_bit_program_is_told),
		T(pitfall_15_a_static_program_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
