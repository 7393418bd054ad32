/* SPDX-License-Identifier: MIT */
/*
 * probe_tasks.c - which limit a new process or thread ran into: RLIMIT_NPROC, pids.max of a control
 * group, kernel.threads-max, kernel.pid_max; of a thread also RLIMIT_AS, because pthread_create()
 * says EAGAIN when its stack cannot be mapped. One that is reached is told, with its use; when none
 * is seen to be, nothing is: a user has tasks that cannot be seen from here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include "attrs.h"
#include "calls.h"
#include "probe_aside.h"
#include "probe_parts.h"
#include "probe_tasks.h"
#include "sysc.h"

#define PATH_ROOM 512
#define COUNTING_NS 4000000u /* processor time: a thousand processes, and rare */
#define RESERVED_PIDS 300 /* the kernel gives these out once only */
#define MAY_EXCEED (1u << CAP_SYS_ADMIN | 1u << CAP_SYS_RESOURCE)

struct search {
	struct probe_aside aside;
	struct probe_tasks t;
	uint32_t uid;
	char path[PATH_ROOM];
};

/* ---- what is reached? ---------------------------------------------------------------------------
 */

bool probe_tasks_judge(const struct probe_tasks *t, struct record_facts *f)
{
	const struct {
		enum record_task_limit id;
		uint64_t in_use, limit, margin;
	} rows[] = {
		{TASKS_cgroup, t->cgroup, t->cgroup_max, 0},
		{TASKS_nproc, t->exempt ? 0 : t->user, t->nproc, 0},
		{TASKS_threads_max, t->threads, t->threads_max, 0},
		{TASKS_pid_max, t->threads, t->pid_max, RESERVED_PIDS},
		{TASKS_address_space, t->thread ? t->mapped_bytes : 0, t->as_bytes, t->stack_bytes},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].limit == PROBE_TASKS_NONE || !rows[i].in_use ||
		    rows[i].in_use + rows[i].margin < rows[i].limit)
			continue;
		f->limit_id = rows[i].id;
		f->in_use = rows[i].in_use;
		f->limit = rows[i].limit;
		return true;
	}
	return false;
}

/* ---- control groups -----------------------------------------------------------------------------
 */

/* "0::/path" of version 2, "7:pids:/path" of version 1. */
static const char *group_path(const char *text, bool *ret_v1)
{
	const char *pids = strstr(text, ":pids:");
	const char *v2 = !strncmp(text, "0::", 3) ? text : strstr(text, "\n0::");

	*ret_v1 = pids != NULL;
	if (pids)
		return pids + 6;
	return v2 ? strchr(v2, '/') : NULL;
}

static uint64_t number_at(char *path, size_t dir, const char *file)
{
	int64_t n;

	memcpy(path + dir, file, strlen(file) + 1);
	n = probe_aside_number(path);
	path[dir] = '\0';
	return n < 0 || n == INT64_MAX ? PROBE_TASKS_NONE : (uint64_t)n;
}

/* From the innermost group outwards: one that is full stops all below it. */
static void read_groups(struct probe_aside *a, struct search *s)
{
	static const char v1[] = "/sys/fs/cgroup/pids", v2[] = "/sys/fs/cgroup";
	size_t root, n;
	const char *at;
	bool old;

	if (probe_aside_read("/proc/self/cgroup", a->room, PROBE_ROOM) <= 0)
		return;
	at = group_path(a->room, &old);
	root = old ? sizeof(v1) - 1 : sizeof(v2) - 1;
	n = at ? strcspn(at, "\n") : 0;
	if (!n || root + n + 16 > PATH_ROOM)
		return;
	memcpy(s->path, old ? v1 : v2, root);
	memcpy(s->path + root, at, n);
	for (n += root; n >= root && !probe_aside_late(a); n--) {
		if (n > root && s->path[n] && s->path[n] != '/')
			continue;
		s->t.cgroup_max = number_at(s->path, n, "/pids.max");
		s->t.cgroup = number_at(s->path, n, "/pids.current");
		if (s->t.cgroup_max != PROBE_TASKS_NONE && s->t.cgroup != PROBE_TASKS_NONE &&
		    s->t.cgroup >= s->t.cgroup_max)
			return;
	}
	s->t.cgroup_max = PROBE_TASKS_NONE;
}

/* ---- tasks of the user --------------------------------------------------------------------------
 */

struct entry {
	uint64_t inode, offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* The task directory belongs to its process's user; each thread is a link to it. */
static void count_entry(struct search *s, const char *name)
{
	struct stat st;
	char path[48] = "/proc/";

	if (strlen(name) > 12)
		return;
	memcpy(path + 6, name, strlen(name));
	memcpy(path + 6 + strlen(name), "/task", 6);
	if (!sysc(SYS_newfstatat, AT_FDCWD, path, &st, 0) && st.st_uid == s->uid && st.st_nlink > 2)
		s->t.user += st.st_nlink - 2;
}

static void count_entries(struct search *s, const char *entries, long bytes)
{
	const struct entry *e;

	for (long at = 0; at < bytes; at += e->bytes) {
		e = (const void *)(entries + at);
		if (*e->name >= '1' && *e->name <= '9')
			count_entry(s, e->name);
	}
}

/* The process's own alone may do; else those of all, which takes its time. */
static int count_tasks(struct probe_aside *a, struct search *s)
{
	long fd, n = 0;

	count_entry(s, "self");
	if (s->t.user >= s->t.nproc)
		return 0;
	s->t.user = 0;
	fd = sysc(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return (int)fd;
	while (!probe_aside_late(a) && (n = sysc(SYS_getdents64, fd, a->room, PROBE_ROOM)) > 0)
		count_entries(s, a->room, n);
	sysc(SYS_close, fd);
	return n > 0 ? -ETIMEDOUT : (int)n;
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static int look(struct probe_aside *a)
{
	struct search *s = a->arg;
	int64_t n = probe_aside_number("/proc/sys/kernel/threads-max");

	if (n < 0)
		return (int)n;
	s->t.threads_max = (uint64_t)n;
	n = probe_aside_number("/proc/sys/kernel/pid_max");
	if (n > 0)
		s->t.pid_max = (uint64_t)n;
	n = s->t.thread ? probe_aside_number("/proc/self/statm") : 0;
	if (n > 0)
		s->t.mapped_bytes = (uint64_t)n * RECORD_PAGE;
	read_groups(a, s);
	s->t.user = 0;
	return s->t.exempt || s->t.nproc == PROBE_TASKS_NONE ? 0 : count_tasks(a, s);
}

static uint64_t soft_limit(int which)
{
	struct rlimit r = {.rlim_cur = RLIM_INFINITY};

	sysc(SYS_prlimit64, 0, which, 0, &r);
	return r.rlim_cur == RLIM_INFINITY ? PROBE_TASKS_NONE : r.rlim_cur;
}

/* Without any file. */
static void ask(struct search *s)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}};
	struct sysinfo info = {0};

	s->t.nproc = soft_limit(RLIMIT_NPROC);
	s->t.as_bytes = soft_limit(RLIMIT_AS);
	s->t.stack_bytes = soft_limit(RLIMIT_STACK);
	if (s->t.stack_bytes == PROBE_TASKS_NONE)
		s->t.stack_bytes = 2u << 20;
	s->uid = (uint32_t)sysc(SYS_getuid);
	sysc(SYS_capget, &head, caps);
	s->t.exempt = caps[0].effective & MAY_EXCEED;
	sysc(SYS_sysinfo, &info);
	s->t.threads = info.procs;
}

static COLD void look_for_limit(const struct probe_in *in, struct record_facts *f)
{
	struct search s = {.t = {.thread = in->call == CALL_pthread_create,
				 .cgroup_max = PROBE_TASKS_NONE,
				 .threads_max = PROBE_TASKS_NONE,
				 .pid_max = PROBE_TASKS_NONE}};
	int error;

	ask(&s);
	s.aside = (struct probe_aside){.look = look, .arg = &s, .budget_ns = COUNTING_NS};
	error = probe_aside_run(&s.aside);
	if (probe_tasks_judge(&s.t, f))
		f->have |= 1u << FACT_limit;
	else
		f->why[WHY_proc] = error ? (uint16_t)-error : ENOENT;
}

void probe_limits(const struct probe_in *in, struct record_facts *f)
{
	if (in->class == CLASS_process || in->class == CLASS_exec)
		look_for_limit(in, f);
}
