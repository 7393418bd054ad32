/* SPDX-License-Identifier: MIT */
/*
 * api.c - asks all of fdwhy.h, in modes, and checks the answers itself: exit status 0, or 1 with
 * the line that was wrong.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fdwhy.h"

#define CHECK(x)                                                                 \
	do {                                                                     \
		if (!(x)) {                                                      \
			printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #x); \
			_exit(1);                                                \
		}                                                                \
	} while (0)

/* ---- without fdwhy ---- */

static void unloaded(void)
{
	struct fdwhy_failure f;
	unsigned id = 7;

	errno = 99;
	CHECK(!fdwhy_active());
	CHECK(!strcmp(fdwhy_session(), ""));
	CHECK(fdwhy_mark() == 0);
	CHECK(fdwhy_leaks_since(1, NULL, NULL) == -ENOSYS);
	CHECK(fdwhy_count("send", EAGAIN) == -ENOSYS);
	CHECK(fdwhy_rule_add("send:error=EAGAIN", &id) == -ENOSYS && id == 7);
	CHECK(!strcmp(fdwhy_rule_error(), ""));
	CHECK(fdwhy_rule_remove(1) == -ENOSYS);
	CHECK(fdwhy_rule_hits(1) == -ENOSYS);
	CHECK(fdwhy_last_failure(&f) == -ENOSYS);
	CHECK(errno == 99);
}

/* ---- loaded, but FDWHY=off ---- */

static void off(void)
{
	struct fdwhy_failure f;
	unsigned id;

	CHECK(!fdwhy_active());
	CHECK(fdwhy_mark() == 0);
	CHECK(fdwhy_leaks_since(1, NULL, NULL) == -ENODEV);
	CHECK(fdwhy_count("send", EAGAIN) == -ENODEV);
	CHECK(fdwhy_rule_add("send:error=EAGAIN", &id) == -ENODEV);
	CHECK(fdwhy_rule_remove(1) == -ENODEV);
	CHECK(fdwhy_rule_hits(1) == -ENODEV);
	CHECK(fdwhy_last_failure(&f) == -ENODEV);
}

/* ---- leaks ---- */

struct seen {
	int count;
	struct fdwhy_leak leak[8];
};

static void remember(const struct fdwhy_leak *leak, void *arg)
{
	struct seen *s = arg;

	if (s->count < 8)
		s->leak[s->count] = *leak;
	s->count++;
	CHECK(!leak->depth || leak->pc[0]);
}

__attribute__((noinline)) static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK(fd >= 0);
	return fd;
}

static void child_has_no_leaks_of_its_parent(unsigned long long mark)
{
	int status, own;
	pid_t pid = fork();

	if (!pid) {
		CHECK(fdwhy_leaks_since(mark, NULL, NULL) == 0);
		own = open_one();
		CHECK(fdwhy_leaks_since(mark, NULL, NULL) == 1);
		close(own);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Where the file system has none, nothing is tested. */
static void a_temporary_file_is_a_file(void)
{
	unsigned long long mark = fdwhy_mark();
	struct seen s = {0};
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	CHECK(fd < 0 || fdwhy_leaks_since(mark, remember, &s) == 1);
	CHECK(fd < 0 || !strcmp(s.leak[0].kind, "file"));
	close(fd);
}

/* One place, before the first mark and after it. */
static void a_known_place_after_the_first_mark(void)
{
	unsigned long long mark = 0;

	for (volatile int i = 0; i < 3; i++) { /* not one call for each */
		int fd = open_one();

		CHECK(i < 2 || fdwhy_leaks_since(mark, NULL, NULL) == 1);
		close(fd);
		if (i == 1)
			mark = fdwhy_mark();
	}
}

static void some_leaks(void)
{
	struct seen s = {0};
	int before = open_one(), after, raw, pair[2];
	unsigned long long outer = fdwhy_mark(), inner;

	CHECK(fdwhy_active());
	CHECK(outer);
	CHECK(fdwhy_leaks_since(outer, remember, &s) == 0 && !s.count);
	close(open_one());
	CHECK(fdwhy_leaks_since(outer, NULL, NULL) == 0);
	after = open_one();
	inner = fdwhy_mark();
	CHECK(inner > outer);
	CHECK(fdwhy_leaks_since(inner, NULL, NULL) == 0);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	raw = (int)syscall(SYS_dup, before);
	CHECK(raw >= 0);
	CHECK(fdwhy_leaks_since(inner, NULL, NULL) == 3);
	CHECK(fdwhy_leaks_since(outer, remember, &s) == 4 && s.count == 4);
	CHECK(s.leak[0].fd == after);
	CHECK(!strcmp(s.leak[0].call, "open"));
	CHECK(!strcmp(s.leak[0].kind, "file"));
	CHECK(!strcmp(s.leak[0].target, "/dev/null"));
	CHECK(strstr(s.leak[0].stack, "/api") && strstr(s.leak[0].stack, "+0x"));
	CHECK(s.leak[0].depth >= 3);
	CHECK(!strcmp(s.leak[1].call, "socketpair"));
	CHECK(!strcmp(s.leak[1].kind, "unix-stream"));
	CHECK(s.leak[3].fd == raw); /* seen or not, it is found */
	child_has_no_leaks_of_its_parent(outer);
	syscall(SYS_close, raw);
	close(pair[0]);
	close(pair[1]);
	CHECK(fdwhy_leaks_since(outer, NULL, NULL) == 1);
	close(after);
	CHECK(fdwhy_leaks_since(outer, NULL, NULL) == 0);
	close(before);
	CHECK(fdwhy_leaks_since(0, NULL, NULL) == -EINVAL);
	errno = 99;
	CHECK(fdwhy_mark() > inner);
	CHECK(fdwhy_leaks_since(outer, NULL, NULL) == 0 && errno == 99);
}

static void leaks(void)
{
	a_known_place_after_the_first_mark();
	some_leaks();
	a_temporary_file_is_a_file();
}

/* ---- leaks, while other threads open and close ---- */

static volatile int stop;

static void *churns(void *arg)
{
	while (!stop)
		close(open_one());
	return arg;
}

static void threads(void)
{
	unsigned long long mark = fdwhy_mark();
	pthread_t t[3];
	int kept;

	for (int i = 0; i < 3; i++)
		CHECK(!pthread_create(&t[i], NULL, churns, NULL));
	for (int i = 0; i < 300; i++) {
		unsigned long long inner = fdwhy_mark();

		kept = open_one();
		CHECK(fdwhy_leaks_since(inner, NULL, NULL) >= 1);
		close(kept);
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(fdwhy_leaks_since(mark, NULL, NULL) == 0);
}

/* ---- counts ---- */

static void counts(void)
{
	char buf[4096] = "";
	int p[2];

	CHECK(!pipe2(p, O_NONBLOCK));
	CHECK(fdwhy_count("read", EAGAIN) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(read(p[0], buf, 1) < 0 && errno == EAGAIN);
	while (write(p[1], buf, sizeof(buf)) > 0)
		;
	CHECK(errno == EAGAIN);
	CHECK(fdwhy_count("read", EAGAIN) == 3);
	CHECK(fdwhy_count("write", EAGAIN) == 1);
	CHECK(fdwhy_count("read,write", EAGAIN) == 4);
	CHECK(fdwhy_count("%recv", EAGAIN) == 3);
	CHECK(fdwhy_count("/^wri/", EAGAIN) == 1);
	CHECK(fdwhy_count(NULL, EAGAIN) == 4);
	CHECK(fdwhy_count("read", EPIPE) == 0);
	CHECK(fdwhy_count("pipe2", 0) == 2);
	CHECK(fdwhy_count("raed", EAGAIN) == -EINVAL);
	CHECK(!close(p[0]) && close(p[0]) < 0 && errno == EBADF);
	CHECK(fdwhy_count("close", EBADF) == 1);
	close(p[1]);
}

/* ---- rules ---- */

static void rules(void)
{
	unsigned a = 0, b = 0;
	int s[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK(fdwhy_rule_add("send:error=EAGAIN:when=1..3", &a) == 0 && a > 1000);
	CHECK(!strcmp(fdwhy_rule_error(), ""));
	for (int i = 0; i < 3; i++)
		CHECK(send(s[0], "x", 1, 0) < 0 && errno == EAGAIN);
	CHECK(send(s[0], "x", 1, 0) == 1);
	CHECK(fdwhy_rule_hits(a) == 3);
	CHECK(fdwhy_count("send", EAGAIN) == 3);
	CHECK(fdwhy_rule_remove(a) == 0);
	CHECK(fdwhy_rule_remove(a) == -ENOENT);
	CHECK(fdwhy_rule_hits(a) == -ENOENT);
	/* Counting begins anew, whatever was counted before. */
	CHECK(fdwhy_rule_add("inject send:error=EPIPE:when=1", &b) == 0 && b > a);
	CHECK(send(s[0], "x", 1, 0) < 0 && errno == EPIPE);
	CHECK(send(s[0], "x", 1, 0) == 1);
	CHECK(fdwhy_rule_remove(b) == 0);
	CHECK(fdwhy_rule_add("inject send:error=EIO:when=1:per=thread", &a) == 0);
	CHECK(send(s[0], "x", 1, 0) < 0 && errno == EIO);
	CHECK(fdwhy_rule_remove(a) == 0);
	CHECK(fdwhy_rule_add("inject send:error=EIO:when=1:per=thread", &a) == 0);
	CHECK(send(s[0], "x", 1, 0) < 0 && errno == EIO);
	CHECK(fdwhy_rule_remove(a) == 0);
	CHECK(fdwhy_rule_add("note send", &a) == 0);
	CHECK(send(s[0], "x", 1, 0) == 1);
	CHECK(fdwhy_rule_hits(a) == 1);
	CHECK(fdwhy_rule_remove(a) == 0);
	errno = 99;
	CHECK(fdwhy_rule_add("send:error=EAGIAN", &a) == -EINVAL && errno == 99);
	CHECK(strstr(fdwhy_rule_error(), "column 12") && strstr(fdwhy_rule_error(), "EAGAIN"));
	for (int i = 0; i < 63; i++)
		CHECK(fdwhy_rule_add("tee:error=EAGAIN", NULL) == 0 ||
		      fdwhy_rule_add("send:error=EIO:path=/none", NULL) == 0);
	CHECK(fdwhy_rule_add("send:error=EIO:path=/none", NULL) == -ENOSPC);
	close(s[0]);
	close(s[1]);
}

/* ---- rules of its own beside those of the session, which says inject open:path=/none:error=EIO
 * ---- */

static const char *self;

static bool dup_fails(void)
{
	int fd = dup(1);

	close(fd);
	return fd < 0;
}

static void executed(void)
{
	CHECK(!dup_fails());
	CHECK(open("/none", O_RDONLY) < 0 && errno == EIO);
}

static void own(void)
{
	char *argv[] = {(char *)self, "executed", NULL};
	int status;
	unsigned id;
	pid_t pid;

	CHECK(!fdwhy_rule_add("dup:error=EMFILE", &id) && dup_fails());
	CHECK(open("/none", O_RDONLY) < 0 && errno == EIO); /* the copy acts as well */
	pid = fork();
	if (!pid) {
		CHECK(dup_fails()); /* inherited by the fork, gone with the exec */
		execv(self, argv);
		_exit(9);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(fdwhy_rule_hits(id) == 1);
}

/* ---- the latest failure ---- */

static void *other_thread(void *arg)
{
	struct fdwhy_failure f;

	CHECK(fdwhy_last_failure(&f) == -ENOENT);
	return arg;
}

static void fails(const char *call, const char *kind, const char *cause)
{
	struct fdwhy_failure f;

	CHECK(fdwhy_last_failure(&f) == 0);
	printf("%s %s %s %s\n", f.call, f.kind, f.cause, f.target);
	CHECK(!strcmp(f.call, call));
	CHECK(f.error == EAGAIN);
	CHECK(!strcmp(f.kind, kind));
	CHECK(!strcmp(f.cause, cause));
	CHECK(strstr(f.stack, "/api"));
	CHECK(f.time_ns);
}

static void backlog(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "full"};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c[2];

	CHECK(!bind(l, (struct sockaddr *)&a, sizeof(a)) && !listen(l, 0));
	for (int i = 0; i < 2; i++)
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(!connect(c[0], (struct sockaddr *)&a, sizeof(a)));
	CHECK(connect(c[1], (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EAGAIN);
	fails("connect", "unix-stream", "listener-backlog-full");
	close(c[0]);
	close(c[1]);
	close(l);
}

static void locked(void)
{
	int one = open("lock", O_CREAT | O_RDWR, 0600), two = open("lock", O_RDWR);
	struct fdwhy_failure f;

	CHECK(!flock(one, LOCK_EX) && flock(two, LOCK_EX | LOCK_NB) < 0);
	fails("flock", "file", "lock-held");
	CHECK(!fdwhy_last_failure(&f) && strstr(f.target, "/lock") && f.fd == two && !f.rule);
	close(one);
	close(two);
}

static void failure(void)
{
	struct fdwhy_failure f;
	char buf[4096] = "";
	unsigned id;
	pthread_t t;
	int p[2];

	CHECK(fdwhy_last_failure(&f) == -ENOENT);
	CHECK(!pipe2(p, O_NONBLOCK));
	CHECK(read(p[0], buf, 1) < 0);
	fails("read", "pipe-read", "nothing-to-read");
	while (write(p[1], buf, sizeof(buf)) > 0)
		;
	fails("write", "pipe-write", "pipe-full");
	backlog();
	locked();
	CHECK(!pthread_create(&t, NULL, other_thread, NULL) && !pthread_join(t, NULL));
	CHECK(close(p[1]) == 0 && close(p[1]) < 0);
	CHECK(!fdwhy_last_failure(&f) && f.error == EBADF && !strcmp(f.cause, "misuse"));
	CHECK(!fdwhy_rule_add("read:error=EIO", &id) && read(p[0], buf, 1) < 0);
	CHECK(!fdwhy_last_failure(&f) && f.error == EIO && !strcmp(f.cause, "injected"));
	CHECK(f.rule == id && f.fd == p[0]);
	close(p[0]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {{"unloaded", unloaded}, {"off", off},     {"leaks", leaks},
		     {"threads", threads},   {"own", own},     {"executed", executed},
		     {"counts", counts},     {"rules", rules}, {"failure", failure}};

	self = argv[0];
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, argv[1])) {
			modes[i].run();
			return 0;
		}
	return 2;
}
