/* SPDX-License-Identifier: MIT */
/*
 * exec.c - see exec.h. Looks at a program by stat, getxattr and its first bytes; the fd for these
 * lives for one read in a process that is about to be replaced.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "call.h"
#include "config.h"
#include "exec.h"
#include "store_spare.h"
#include "sysc.h"

#ifdef __x86_64__
#define OWN_MACHINE EM_X86_64
#else
#define OWN_MACHINE EM_AARCH64
#endif

/* ---- can it be followed? ----------------------------------------------------------------------
 */

struct head {
	union {
		Elf64_Ehdr e;
		char bytes[2048];
	} u;
	long n;
};

static enum exec_why why_elf(const struct head *h)
{
	const Elf64_Ehdr *e = &h->u.e;

	if (h->n > 2 && !memcmp(h->u.bytes, "#!", 2))
		return EXEC_script;
	if (h->n < (long)sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG))
		return EXEC_followed; /* not ours to judge: the kernel will */
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != OWN_MACHINE)
		return EXEC_machine;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		const Elf64_Phdr *p = (const void *)(h->u.bytes + e->e_phoff + i * sizeof(*p));

		if (e->e_phoff + (i + 1) * sizeof(*p) > (uint64_t)h->n)
			return EXEC_followed;
		if (p->p_type == PT_INTERP)
			return EXEC_followed;
	}
	return EXEC_static;
}

static enum exec_why why_not(const char *path)
{
	struct head h;
	struct stat st;
	long fd;
	enum exec_why why;

	if (sysc(SYS_newfstatat, AT_FDCWD, path, &st, 0) || !S_ISREG(st.st_mode))
		return EXEC_followed;
	fd = sysc(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	h.n = fd < 0 ? 0 : sysc(SYS_pread64, fd, h.u.bytes, sizeof(h.u.bytes), 0L);
	if (fd >= 0)
		sysc(SYS_close, fd);
	why = why_elf(&h);
	if (why == EXEC_script || why == EXEC_machine || why == EXEC_static)
		return why == EXEC_script ? EXEC_followed : why;
	if ((st.st_mode & S_ISUID && st.st_uid != (uid_t)sysc(SYS_getuid)) ||
	    (st.st_mode & S_ISGID && st.st_gid != (gid_t)sysc(SYS_getgid)))
		return EXEC_setuid;
	if (sysc(SYS_getuid) && sysc(SYS_getxattr, path, "security.capability", h.u.bytes, 64) > 0)
		return EXEC_caps;
	if (config.library && *config.library == '/' &&
	    sysc(SYS_faccessat, AT_FDCWD, config.library, 4 /* R_OK */) < 0)
		return EXEC_unreachable;
	return why;
}

/* ---- the environment --------------------------------------------------------------------------
 */

static size_t name_bytes(const char *var)
{
	return strcspn(var, "=");
}

static const char *find(char *const envp[], const char *var)
{
	size_t n = name_bytes(var);

	for (; envp && *envp; envp++)
		if (!strncmp(*envp, var, n) && (*envp)[n] == '=')
			return *envp;
	return NULL;
}

static bool names_us(const char *list)
{
	return list && config.library && strstr(list, config.library);
}

static bool complete(char *const envp[])
{
	for (unsigned i = 0; i < config.var_count; i++)
		if (!find(envp, config.vars[i]))
			return false;
	return names_us(find(envp, "LD_PRELOAD="));
}

size_t exec_slots(char *const envp[])
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n > 16384 ? 0 : n + CONFIG_VARS_MAX + 2;
}

/* "LD_PRELOAD=<theirs>:<ours>": another preload (a sanitizer) may have to be the first. */
static bool join_preload(const char *theirs, char *ret)
{
	static const char name[] = "LD_PRELOAD=";
	const char *list = theirs ? theirs + sizeof(name) - 1 : "";
	size_t n = strlen(list), own = strlen(config.library), at = sizeof(name) - 1;

	if (at + n + own + 2 > EXEC_TEXT)
		return false;
	memcpy(ret, name, at);
	memcpy(ret + at, list, n);
	at += n;
	if (n)
		ret[at++] = ':';
	memcpy(ret + at, config.library, own + 1);
	return true;
}

void exec_prepare(const char *path, char *const envp[], char **array, struct exec_env *ret)
{
	const char *preload = find(envp, "LD_PRELOAD=");
	size_t n = 0;

	ret->envp = envp;
	ret->why = EXEC_followed;
	if (!config.library || !config.session || self_gate.seccomp)
		return;
	if (path)
		ret->why = why_not(path);
	if (complete(envp) || ret->why == EXEC_machine || ret->why == EXEC_unreachable || !array)
		return;
	if (!names_us(preload) && !join_preload(preload, ret->preload))
		return;
	for (; envp && *envp; envp++)
		array[n++] = *envp == preload && !names_us(preload) ? ret->preload : *envp;
	if (!preload)
		array[n++] = ret->preload;
	for (unsigned i = 0; i < config.var_count; i++)
		if (!find(ret->envp, config.vars[i]))
			array[n++] = (char *)(uintptr_t)config.vars[i];
	array[n] = NULL;
	ret->envp = array;
}

/* ---- the record -------------------------------------------------------------------------------
 */

void exec_note(const char *path, const struct exec_env *env)
{
	uint64_t seq;
	struct record_event *e;

	if (self_gate.state != SELF_ready || env->why == EXEC_followed)
		return;
	e = store_event_begin(false, &seq);
	if (!e)
		return;
	*e = (struct record_event){.time_ns = self_now_coarse(),
				   .tid = self_tid(),
				   .call = CALL_execve,
				   .fd = -1,
				   .type = EVENT_exec,
				   .target = store_path(STORE_CWD, path),
				   .arg = (uint64_t)env->why,
				   .arg2 = (uint64_t)sysc(SYS_getpid)};
	store_event_end(e, seq);
}

void exec_begin(void)
{
	if (self_gate.state != SELF_ready || self_vforked())
		return;
	record_poke(&store.head->state, STATE_execing);
	if (self_gate.seccomp)
		return;
	store_spare_drop(config.session, NULL);
	store_spare_rename(config.session);
}

void exec_failed(void)
{
	if (self_gate.state == SELF_ready && !self_vforked())
		record_poke(&store.head->state, STATE_running);
}
