/* SPDX-License-Identifier: MIT */
/*
 * harness.c - directories, programs and reports for the end-to-end tests.
 *
 * Programs write to files, so nobody blocks on a pipe that a test does not read. The test is the
 * reaper of everything below it (PR_SET_CHILD_SUBREAPER), so a daemon that went to the background
 * is found and ended too. Nothing here judges what fdwhy found.
 */
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

extern char **environ;

static char directory[64];
static unsigned serial; /* for names in the directory */
static struct proc *procs;

/* Everything that lives until the end of the test. */
static struct keep {
	void *text;
	struct json_object *json;
	struct keep *next;
} *kept;

static struct keep *keep(void *memory, struct json_object *json)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	*k = (struct keep){ memory, json, kept };
	kept = k;
	return k;
}

void harness_keep(struct json_object *o)
{
	keep(NULL, o);
}

static const char *vtext(const char *format, va_list args)
{
	char *s;

	if (vasprintf(&s, format, args) < 0)
		abort();
	keep(s, NULL);
	return s;
}

const char *text(const char *format, ...)
{
	va_list args;
	const char *s;

	va_start(args, format);
	s = vtext(format, args);
	va_end(args);
	return s;
}

/* ---- before and after ------------------------------------------------------------------------- */

int harness_before(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/fdwhy-e2e-XXXXXX",
		 tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(directory) || chmod(directory, 0711))
		return -1;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return 0;
}

/* Kills the children of this process until there are none; their children become ours. */
static void end_all_children(void)
{
	char path[64], line[4096];
	pid_t pid;
	FILE *f;

	for (int round = 0; round < 1000; round++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
		f = fopen(path, "re");
		if (!f)
			return;
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
		for (char *s = strtok(line, " \n"); s; s = strtok(NULL, " \n"))
			kill((pid_t)atol(s), SIGKILL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
		usleep(2000);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

int harness_after(void **state)
{
	(void)state;
	end_all_children();
	while (procs) {
		struct proc *p = procs;

		procs = p->next;
		if (p->in >= 0)
			close(p->in);
		free(p);
	}
	while (kept) {
		struct keep *k = kept;

		kept = k->next;
		free(k->text);
		json_object_put(k->json);
		free(k);
	}
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void skip_unless(bool possible, const char *format, ...)
{
	va_list args;

	if (possible)
		return;
	va_start(args, format);
	printf("skip: ");
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
	skip();
}

const char *program(const char *name)
{
	const char *path = text("%s:/usr/local/sbin:/usr/sbin:/sbin", getenv("PATH"));
	char *copy = strdup(path);
	const char *found = NULL;

	for (char *dir = strtok(copy, ":"); dir && !found; dir = strtok(NULL, ":")) {
		found = text("%s/%s", dir, name);
		if (access(found, X_OK))
			found = NULL;
	}
	free(copy);
	return found;
}

bool am_root(void)
{
	return geteuid() == 0;
}

/* ---- places ----------------------------------------------------------------------------------- */

const char *work(const char *format, ...)
{
	va_list args;
	const char *s;

	va_start(args, format);
	s = vtext(format, args);
	va_end(args);
	return text("%s/%s", directory, s);
}

void work_write(const char *name, const char *format, ...)
{
	FILE *f = fopen(work("%s", name), "we");
	va_list args;

	assert_non_null(f);
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	assert_int_equal(fclose(f), 0);
}

const char *file_text(const char *path)
{
	FILE *f = fopen(path, "re"), *out;
	char *s = NULL, part[4096];
	size_t n, size;

	if (!f)
		return "";
	out = open_memstream(&s, &size);
	while ((n = fread(part, 1, sizeof(part), f)))
		fwrite(part, 1, n, out);
	fclose(f);
	fclose(out);
	keep(s, NULL);
	return s;
}

const char *built(const char *name)
{
	const char *build = getenv("FDWHY_BUILD");
	const char *path = text("%s/%s", build ? build : "build", name);
	char *full = realpath(path, NULL);

	if (!full)
		fail_msg("%s: %s; run make test, or set FDWHY_BUILD", path, strerror(errno));
	keep(full, NULL);
	return full;
}

const char *target(const char *name)
{
	return built(text("targets/%s", name));
}

const char *session_new(void)
{
	return work("s%u", ++serial);
}

int tcp_port_free(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* ---- programs --------------------------------------------------------------------------------- */

static void set_environment(const char *const *env)
{
	for (; env && *env; env++) {
		if (strchr(*env, '='))
			putenv((char *)*env);
		else
			unsetenv(*env);
	}
}

static _Noreturn void become(const struct proc *p, int in, const char *const *env,
			     const char *const *argv)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
	int out = open(p->out, flags, 0666), err = open(p->err, flags, 0666);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0u, 0);
	set_environment(env);
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

struct proc *proc_start(const char *const *env, const char *const *argv)
{
	struct proc *p = calloc(1, sizeof(*p));
	int in[2];

	assert_non_null(p);
	p->out = work("p%u.out", ++serial);
	p->err = work("p%u.err", serial);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (!p->pid)
		become(p, in[0], env, argv);
	close(in[0]);
	p->in = in[1];
	p->next = procs;
	procs = p;
	return p;
}

static size_t list_length(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static const char *const *list_join(const char *const *a, const char *const *b)
{
	size_t na = list_length(a), nb = list_length(b);
	const char **all = calloc(na + nb + 1, sizeof(*all));

	if (!all)
		abort();
	keep(all, NULL);
	for (size_t i = 0; i < na + nb; i++)
		all[i] = i < na ? a[i] : b[i - na];
	return all;
}

struct proc *fdwhy_start(const char *session, const char *const *env, const char *const *argv)
{
	const char *const *head = ARGS(built("fdwhy"), "run", "-q", "-o", session, "--");

	return proc_start(env, list_join(head, argv));
}

struct proc *preload_start(const char *session, const char *const *env, const char *const *argv)
{
	const char *const *head = ENV(text("LD_PRELOAD=%s", built("libfdwhy.so")),
				      text("FDWHY_SESSION=%s", session));

	if (!mkdir(session, 0700) && am_root())
		assert_int_equal(chmod(session, 01733), 0);
	return proc_start(list_join(head, env), argv);
}

void proc_say(struct proc *p, const char *line)
{
	const char *s = text("%s\n", line);

	assert_int_equal(write(p->in, s, strlen(s)), strlen(s));
}

void proc_eof(struct proc *p)
{
	if (p->in >= 0)
		close(p->in);
	p->in = -1;
}

const char *proc_out(const struct proc *p)
{
	return file_text(p->out);
}

const char *proc_err(const struct proc *p)
{
	return file_text(p->err);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What everybody said, for whoever has to find out why a test failed. */
static void show_all(void)
{
	for (struct proc *p = procs; p; p = p->next)
		print_message("-- pid %d%s\n%.4000s%.4000s", (int)p->pid, p->ended ? " (ended)" : "",
			      proc_out(p), proc_err(p));
}

static bool proc_gone(struct proc *p)
{
	int status;

	if (p->ended)
		return true;
	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	p->ended = true;
	p->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

static const char *line_with(const char *s, const char *part)
{
	const char *at = strstr(s, part), *end = at ? strchr(at, '\n') : NULL;

	if (!end)
		return NULL;
	while (at > s && at[-1] != '\n')
		at--;
	return text("%.*s", (int)(end - at), at);
}

const char *proc_line(struct proc *p, const char *part)
{
	int64_t deadline = now_ms() + DEADLINE_MS;
	const char *line = NULL;

	while (!line) {
		bool gone = proc_gone(p);

		line = line_with(proc_out(p), part);
		if (!line && (gone || now_ms() > deadline)) {
			show_all();
			fail_msg("pid %d %s before it said \"%s\"", (int)p->pid,
				 gone ? "ended" : "took too long", part);
		}
		if (!line)
			usleep(3000);
	}
	return line;
}

int proc_end(struct proc *p)
{
	int64_t deadline = now_ms() + 2 * DEADLINE_MS;

	proc_eof(p);
	while (!proc_gone(p)) {
		if (now_ms() > deadline) {
			show_all();
			fail_msg("pid %d does not end", (int)p->pid);
		}
		usleep(2000);
	}
	return p->status;
}

int proc_kill(struct proc *p, int signal)
{
	if (!proc_gone(p))
		kill(p->pid, signal);
	return proc_end(p);
}

int run(const char *const *argv)
{
	return proc_end(proc_start(NULL, argv));
}

int fdwhy_run(const char *session, const char *const *argv)
{
	return proc_end(fdwhy_start(session, NULL, argv));
}

int preload_run(const char *session, const char *const *argv)
{
	return proc_end(preload_start(session, NULL, argv));
}

void until(bool (*condition)(void *arg), void *arg, const char *what)
{
	int64_t deadline = now_ms() + DEADLINE_MS;

	while (!condition(arg)) {
		if (now_ms() > deadline) {
			show_all();
			fail_msg("waited too long: %s", what);
		}
		usleep(5000);
	}
}

bool is_socket(void *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISSOCK(st.st_mode);
}
