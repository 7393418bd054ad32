/* SPDX-License-Identifier: MIT */
/* elfkind.c - see elfkind.h. Reads ELF headers with libelf; Go programs are known by a
 * section. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "elfkind.h"
#include "names.h"
#include "util.h"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#define OWN_LINKER "ld-linux-x86-64"
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#define OWN_LINKER "ld-linux-aarch64"
#endif

static bool has_section(Elf *elf, const char *wanted)
{
	size_t names;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name =
			gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;

		if (name && !strcmp(name, wanted))
			return true;
	}
	return false;
}

static enum exec_why of_linker(Elf *elf, int fd)
{
	size_t n = 0;
	GElf_Phdr p;
	char linker[256] = "";

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(elf, (int)i, &p) || p.p_type != PT_INTERP)
			continue;
		if (pread(fd, linker, p.p_filesz < sizeof(linker) ? p.p_filesz : sizeof(linker) - 1,
			  (off_t)p.p_offset) <= 0)
			return EXEC_unreadable;
		return strstr(linker, OWN_LINKER) ? EXEC_followed : EXEC_libc;
	}
	return has_section(elf, ".go.buildinfo") ? EXEC_go : EXEC_static;
}

static enum exec_why of_elf(int fd)
{
	enum exec_why why = EXEC_unreadable;
	GElf_Ehdr e;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &e))
		why = e.e_machine != OWN_MACHINE || e.e_ident[EI_CLASS] != ELFCLASS64
			      ? EXEC_machine
			      : of_linker(elf, fd);
	elf_end(elf);
	return why;
}

static bool script(int fd, char **ret_interpreter)
{
	char line[256];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *start, *end;

	if (n < 3 || memcmp(line, "#!", 2))
		return false;
	line[n] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	end = start + strcspn(start, " \t\n");
	*end = '\0';
	if (ret_interpreter)
		*ret_interpreter = util_copy(start);
	return true;
}

enum exec_why elfkind_of(const char *path, char **ret_interpreter)
{
	struct stat st;
	enum exec_why why;
	char caps[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return EXEC_unreadable;
	}
	if (script(fd, ret_interpreter))
		why = EXEC_script;
	else
		why = of_elf(fd);
	close(fd);
	if (why != EXEC_followed)
		return why;
	if ((st.st_mode & S_ISUID && st.st_uid != getuid()) ||
	    (st.st_mode & S_ISGID && st.st_gid != getgid()))
		return EXEC_setuid;
	if (getuid() && getxattr(path, "security.capability", caps, sizeof(caps)) > 0)
		return EXEC_caps;
	return EXEC_followed;
}

bool elfkind_is_go(const char *path)
{
	bool go;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	Elf *elf;

	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	go = elf && elf_kind(elf) == ELF_K_ELF && has_section(elf, ".go.buildinfo");
	elf_end(elf);
	close(fd);
	return go;
}

const char *elfkind_reason(const char *path)
{
	enum exec_why why = elfkind_of(path, NULL);

	return why == EXEC_followed ? "its environment or its file access kept the shim out"
				    : names_why(why);
}
