/* SPDX-License-Identifier: MIT */
/* harness.c - see harness.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

#define DEADLINE_S 30

/* ---- places ---------------------------------------------------------------------------------- */

int work_begin(void **state)
{
	struct work *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/fdwhy-test-XXXXXX");
	if (!mkdtemp(w->dir) || chmod(w->dir, 0755) || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return -1;
	*state = w;
	/* Sessions without a place of their own, and those of plain preloading, go here too. */
	return setenv("XDG_RUNTIME_DIR", w->dir, 1);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Orphans become children of this process (PR_SET_CHILD_SUBREAPER); ends all it has, by pid. */
static bool no_children(void *arg)
{
	char path[64], *list, *at, *rest = NULL;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	list = file_text(path);
	for (at = strtok_r(list, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
		kill((pid_t)atol(at), SIGKILL);
	free(list);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	(void)arg;
	return waitpid(-1, NULL, WNOHANG) < 0;
}

int work_end(void **state)
{
	struct work *w = *state;

	wait_until(no_children, NULL, DEADLINE_S);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static char *ring(void)
{
	static char buffers[16][512];
	static unsigned at;

	return buffers[at++ % 16];
}

const char *work_path(const struct work *w, const char *name)
{
	char *s = ring();

	snprintf(s, 512, "%s/%s", w->dir, name);
	return s;
}

const char *built(const char *name)
{
	const char *build = getenv("FDWHY_BUILD");
	char *s = ring(), *real = realpath(build ? build : "build", NULL);

	snprintf(s, 512, "%s/%s", real ? real : "build", name);
	free(real);
	return s;
}

bool installed(const char *program)
{
	const char *dirs[] = {"/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"};
	char path[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], program);
		if (!access(path, X_OK))
			return true;
	}
	return false;
}

/* ---- programs -------------------------------------------------------------------------------- */

static void child(const struct work *w, const struct proc *p, int in, char *const argv[],
		  char *const env[])
{
	int out = open(p->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int err = open(p->err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (chdir(w->dir))
		_exit(127);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	for (; env && *env; env++)
		putenv(*env);
	execvp(argv[0], argv);
	_exit(127);
}

struct proc proc_start(const struct work *w, char *const argv[], char *const env[])
{
	static unsigned number;
	struct proc p;
	int in[2];

	snprintf(p.out, sizeof(p.out), "%.200s/out.%u", w->dir, number);
	snprintf(p.err, sizeof(p.err), "%.200s/err.%u", w->dir, number++);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (!p.pid)
		child(w, &p, in[0], argv, env);
	close(in[0]);
	p.in = in[1];
	return p;
}

struct outcome outcome_of(struct proc p)
{
	struct outcome o = {.status = proc_wait(&p)};

	o.out = file_text(p.out);
	o.err = file_text(p.err);
	return o;
}

void outcome_free(struct outcome *o)
{
	free(o->out);
	free(o->err);
}

bool wait_until(bool (*condition)(void *arg), void *arg, int seconds)
{
	const struct timespec tick = {.tv_nsec = 10000000};

	for (int i = 0; i < seconds * 100; i++) {
		if (condition(arg))
			return true;
		nanosleep(&tick, NULL);
	}
	return condition(arg);
}

bool file_exists(void *path)
{
	return !access(path, F_OK);
}

struct saying {
	const struct proc *p;
	const char *text;
};

static bool has_said(void *arg)
{
	const struct saying *s = arg;
	char *all = file_text(s->p->out), *line = all;
	bool said = false;

	while (line && !said) {
		said = !strncmp(line, s->text, strlen(s->text));
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	free(all);
	return said;
}

bool proc_says(const struct proc *p, const char *text)
{
	struct saying s = {p, text};

	return wait_until(has_said, &s, DEADLINE_S);
}

void proc_close_input(struct proc *p)
{
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
}

struct waiting {
	pid_t pid;
	int status;
};

static bool has_ended(void *arg)
{
	struct waiting *w = arg;

	return waitpid(w->pid, &w->status, WNOHANG) == w->pid;
}

int proc_wait(struct proc *p)
{
	struct waiting w = {.pid = p->pid};

	proc_close_input(p);
	if (!wait_until(has_ended, &w, 2 * DEADLINE_S)) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &w.status, 0);
		fail_msg("pid %d did not end in time", p->pid);
	}
	return w.status;
}

int proc_stop(struct proc *p, int signo)
{
	kill(p->pid, signo);
	return proc_wait(p);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run(const struct work *w, char *const argv[], char *const env[], struct proc *ret)
{
	struct proc p = proc_start(w, argv, env);
	int status = proc_wait(&p);

	if (ret)
		*ret = p;
	return exit_status(status);
}

char *file_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *s = NULL;
	size_t room = 0;
	ssize_t n = f ? getdelim(&s, &room, '\0', f) : -1;

	if (f)
		fclose(f);
	if (n >= 0)
		return s;
	free(s);
	return strdup("");
}

void file_write(const char *path, const char *format, ...)
{
	FILE *f = fopen(path, "we");
	va_list args;

	assert_non_null(f);
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	assert_int_equal(fclose(f), 0);
}

int port_free(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

int port_connect(int port)
{
	const struct sockaddr_in a = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

/* ---- fdwhy ----------------------------------------------------------------------------------- */

struct proc fdwhy_start(const struct work *w, const char *session, char *const argv[],
			char *const env[])
{
	char *all[64] = {ARG(built("fdwhy")), "run", "-q", "-o", ARG(session), "--"};

	for (size_t i = 0; argv[i] && i < 50; i++)
		all[6 + i] = argv[i];
	return proc_start(w, all, env);
}

int fdwhy_run(const struct work *w, const char *session, char *const argv[])
{
	struct proc p = fdwhy_start(w, session, argv, NULL);

	return exit_status(proc_wait(&p));
}

struct proc preload_start(const struct work *w, const char *session, char *const argv[])
{
	char preload[600], where[600];
	char *env[] = {preload, where, NULL};

	if (!mkdir(session, 0700) && !geteuid())
		assert_int_equal(chmod(session, 01733), 0);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	snprintf(where, sizeof(where), "FDWHY_SESSION=%s", session);
	return proc_start(w, argv, env);
}

static json_object *report_with(const struct work *w, const char *option, const char *session)
{
	char *argv[] = {ARG(built("fdwhy")), "report", ARG(option), ARG(session), NULL};
	struct proc p;
	int status = run(w, argv, NULL, &p);
	json_object *o = json_object_from_file(p.out);

	if (status || !o)
		print_error("%s", file_text(p.err));
	assert_int_equal(status, 0);
	assert_non_null(o);
	return o;
}

json_object *report_of(const struct work *w, const char *session)
{
	return report_with(w, "-j", session);
}

json_object *report_all_of(const struct work *w, const char *session)
{
	return report_with(w, "-ja", session);
}

int64_t rule_counter(const struct work *w, const char *session, const char *key)
{
	char *argv[] = {ARG(built("fdwhy")), "ctl", ARG(session), "list", "--json", NULL};
	struct proc p;
	json_object *list;
	int64_t count = 0;

	if (run(w, argv, NULL, &p))
		return 0; /* not there yet */
	list = json_object_from_file(p.out);
	if (json_object_is_type(list, json_type_array))
		count = number_of(json_object_array_get_idx(list, 0), key);
	json_object_put(list);
	return count;
}

/* ---- reports --------------------------------------------------------------------------------- */

json_object *field(json_object *o, const char *path)
{
	char name[64];

	while (o && *path) {
		size_t n = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		if (!json_object_object_get_ex(o, name, &o))
			return NULL;
		path += n + (path[n] == '.');
	}
	return o;
}

int64_t number_of(json_object *o, const char *path)
{
	json_object *v = field(o, path);

	return v ? json_object_get_int64(v) : -1;
}

const char *text_of(json_object *o, const char *path)
{
	json_object *v = field(o, path);

	return v ? json_object_get_string(v) : "";
}

bool stack_has(json_object *site, const char *key, const char *function)
{
	json_object *stack = field(site, key);
	size_t n = stack ? json_object_array_length(stack) : 0;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(text_of(json_object_array_get_idx(stack, i), "function"), function))
			return true;
	return false;
}

static bool thread_is_in(json_object *thread, const char *function)
{
	json_object *stack = field(thread, "stack");

	for (size_t i = 0; stack && i < json_object_array_length(stack); i++)
		if (strstr(text_of(json_object_array_get_idx(stack, i), "function"), function))
			return true;
	return false;
}

bool now_is_in(json_object *site, int64_t pid, const char *function)
{
	json_object *threads = field(site, "now.threads");
	const char *why = text_of(site, "now.why_unknown");

	if (number_of(site, "now.pid") != pid)
		return false;
	if (strstr(why, "not permitted") || strstr(why, "traces it")) {
		print_message("not looked at: the present stack: %s\n", why);
		return true;
	}
	for (size_t i = 0; threads && i < json_object_array_length(threads); i++)
		if (thread_is_in(json_object_array_get_idx(threads, i), function))
			return true;
	print_error("now: %s\n", json_object_to_json_string(field(site, "now")));
	return false;
}

json_object *find_site(json_object *report, const char *key, const char *call, const char *function)
{
	json_object *list = field(report, key);
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if ((!call || !strcmp(text_of(o, "call"), call)) &&
		    (!function || stack_has(o, "stack", function)))
			return o;
	}
	return NULL;
}
