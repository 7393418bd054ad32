/* SPDX-License-Identifier: MIT */
/*
 * test_healthy.c - released daemons that leak nothing (healthy_daemons.c), all at once and each
 * with a client of its own that keeps many connections busy: no verdict `leak` or `growing`, no
 * failure and no suspicious EAGAIN, at any look after the warm-up. FDWHY_HEALTHY_S=60 (make
 * check-truth) makes it longer, and asks for those of large packages, too.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "healthy.h"

#define SLOTS 16 /* connections of each client */
#define ANSWER_MS 30000
#define ROUND_MS 5 /* between rounds: these are a few hundred requests a second and daemon */
#define LOOKS 2    /* under load */

struct run {
	const struct healthy *d;
	char dir[320];
	int port, port2;
	struct proc p;
	pid_t client;
	bool on;
};

/* ---- starting -------------------------------------------------------------------------------- */

static const char *value_of(const struct run *r, const char *key, size_t n, char *room, size_t size)
{
	const char *user = geteuid() ? getenv("USER") : "www-data";

	if (!strncmp(key, "dir", n))
		return r->dir;
	if (!strncmp(key, "user", n) || !strncmp(key, "group", n))
		return user ? user : "nobody";
	snprintf(room, size, "%d", n == 4 ? r->port : r->port2);
	return room;
}

/* With its {words} replaced; allocated. */
static char *filled(const struct run *r, const char *template)
{
	char *out = NULL, number[16];
	size_t size;
	FILE *f = open_memstream(&out, &size);

	while (*template) {
		size_t plain = strcspn(template, "{"),
		       n = strspn(template + plain + !!template[plain],
				  "abcdefghijklmnopqrstuvwxyz2");
		bool word = template[plain] && n && template[plain + 1 + n] == '}';

		fprintf(f, "%.*s", (int)plain, template);
		template += plain;
		if (word)
			fputs(value_of(r, template + 1, n, number, sizeof(number)), f);
		else if (*template)
			fputc('{', f);
		template += word ? n + 2 : (size_t) !!*template;
	}
	fclose(f);
	return out;
}

static const char *path_in(const struct run *r, const char *name)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	return path;
}

static size_t as_user(const struct run *r, char **argv)
{
	const char *words[] = {"runuser", "-u", r->d->runs, "--"};

	if (geteuid() || !r->d->runs)
		return 0;
	memcpy(argv, words, sizeof(words));
	return sizeof(words) / sizeof(words[0]);
}

static void prepare(const struct work *w, struct run *r)
{
	char *argv[8], *command, *conf;
	size_t n = as_user(r, argv);
	struct proc p;

	assert_int_equal(mkdir(r->dir, 0755) || mkdir(path_in(r, "www"), 0755), 0);
	assert_int_equal(geteuid() ? 0 : chmod(r->dir, 0777), 0);
	file_write(path_in(r, "www/index.html"), "healthy\n");
	if (r->d->conf) {
		conf = filled(r, r->d->conf);
		file_write(path_in(r, "conf"), "%s", conf);
		free(conf);
	}
	if (!r->d->before)
		return;
	command = filled(r, r->d->before);
	argv[n++] = ARG("sh");
	argv[n++] = ARG("-c");
	argv[n++] = command;
	argv[n] = NULL;
	if (run(w, argv, NULL, &p))
		fail_msg("%s: %s", r->d->name, file_text(p.err));
	free(command);
}

static bool is_there(const struct healthy *d)
{
	bool there = d->argv[0][0] == '/' ? !access(d->argv[0], X_OK) : installed(d->argv[0]);

	if (there && (!d->as_root || !geteuid()))
		return true;
	print_message("skip: %s: %s\n", d->name, there ? "not root" : "not installed");
	return false;
}

/* ---- the client: a process for each daemon --------------------------------------------------- */

static volatile sig_atomic_t over;

static void end(int signo)
{
	over = signo;
}

static void give_up(const struct run *r, const char *what)
{
	if (over)
		_exit(0);
	fprintf(stderr, "client of %s: %s (%s)\n", r->d->name, what, strerror(errno));
	_exit(1);
}

static bool say(int fd, struct bytes b)
{
	return !b.count || send(fd, b.at, b.count, MSG_NOSIGNAL) == (ssize_t)b.count;
}

/* false: closed, or no answer in time. */
static bool hear(int fd, struct bytes b)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char got[16384];
	size_t n = 0;
	ssize_t more = 1;

	while (b.count && !memmem(got, n, b.at, b.count)) {
		if (poll(&p, 1, ANSWER_MS) <= 0 && errno != EINTR)
			return false;
		more = recv(fd, got + n, sizeof(got) - n, MSG_DONTWAIT);
		if (more < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (more <= 0)
			return false;
		n += (size_t)more;
	}
	return true;
}

/* A new connection that is ready for requests; -1: refused, or cut off. */
static int greet(const struct run *r)
{
	const struct healthy *d = r->d;
	int fd = port_connect(r->port);

	if (fd >= 0 && hear(fd, d->greeting) && say(fd, d->hello) && hear(fd, d->hello_end))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * All speak before the first is heard; a third of them then hangs up. A daemon may close an old
 * connection when it likes, but must answer a new one.
 */
static void round_of_requests(const struct run *r, int fd[SLOTS], unsigned number)
{
	bool fresh[SLOTS];

	for (unsigned i = 0; i < SLOTS; i++) {
		fresh[i] = fd[i] < 0;
		if (fresh[i])
			fd[i] = greet(r);
		if (fd[i] < 0 || (!say(fd[i], r->d->request) && fresh[i]))
			give_up(r, "cannot connect");
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		bool heard = hear(fd[i], r->d->answer_end);

		if (!heard && fresh[i])
			give_up(r, "no answer");
		if (!heard || r->d->one_request || i % 3 == number % 3) {
			close(fd[i]);
			fd[i] = -1;
		}
	}
}

static void start_client(struct run *r)
{
	int fd[SLOTS];

	r->client = fork();
	assert_true(r->client >= 0);
	if (r->client)
		return;
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
	memset(fd, -1, sizeof(fd));
	for (unsigned number = 0; !over; number++) {
		round_of_requests(r, fd, number);
		poll(NULL, 0, r->d->round_ms ? r->d->round_ms : ROUND_MS);
	}
	_exit(0);
}

static bool answers(void *arg)
{
	const struct run *r = arg;
	int fd = greet(r);
	bool well = fd >= 0 && say(fd, r->d->request) && hear(fd, r->d->answer_end);

	if (fd >= 0)
		close(fd);
	return well;
}

static void start(const struct work *w, const struct healthy *d, struct run *ret)
{
	char *argv[32];
	size_t n;

	*ret = (struct run){.d = d, .port = port_free(), .port2 = port_free(), .on = true};
	snprintf(ret->dir, sizeof(ret->dir), "%s/%s", w->dir, d->name);
	prepare(w, ret);
	argv[0] = ARG("setsid"); /* some end their whole process group */
	n = 1 + as_user(ret, argv + 1);
	for (size_t i = 0; d->argv[i]; i++)
		argv[n++] = filled(ret, d->argv[i]);
	argv[n] = NULL;
	ret->p = preload_start(w, work_path(w, "s"), argv);
	if (!wait_until(answers, ret, 30))
		fail_msg("%s does not serve: %s%s", d->name, file_text(ret->p.err),
			 file_text(path_in(ret, "log")));
}

/* ---- looking at them ------------------------------------------------------------------------- */

static const char *const expect_none[] = {"totals.leaks", "totals.growing", "totals.failures",
					  "totals.suspicious", "totals.misuse"};

static void tell_wrong(json_object *list, const char *key, const char *word, const char *other)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *x = json_object_array_get_idx(list, i);

		if (!strcmp(text_of(x, key), word) || !strcmp(text_of(x, key), other))
			print_error("%s\n",
				    json_object_to_json_string_ext(x, JSON_C_TO_STRING_PRETTY));
	}
}

/* Every daemon was recorded, and there was load. */
static void expect_load(json_object *report, const struct run *runs)
{
	json_object *processes = field(report, "processes"), *fds = field(report, "fds");
	int64_t accepted = 0, recorded = 0;
	size_t count = 0;

	for (size_t i = 0; i < daemons_count; i++)
		count += runs[i].on;
	for (size_t i = 0; i < json_object_array_length(fds); i++) {
		json_object *x = json_object_array_get_idx(fds, i);

		if (!strncmp(text_of(x, "call"), "accept", 6))
			accepted += number_of(x, "opened");
	}
	for (size_t i = 0; i < json_object_array_length(processes); i++) {
		json_object *x = json_object_array_get_idx(processes, i);

		for (size_t k = 0; k < daemons_count; k++)
			recorded += runs[k].on && runs[k].p.pid == number_of(x, "pid");
	}
	assert_int_equal(recorded, count);
	assert_true(accepted > (int64_t)count * 100);
}

static int look(const struct work *w, const struct run *runs, const char *when)
{
	json_object *report = report_of(w, work_path(w, "s"));
	int bad = 0;

	for (size_t i = 0; i < sizeof(expect_none) / sizeof(expect_none[0]); i++) {
		if (!number_of(report, expect_none[i]))
			continue;
		print_error("%s: %s is %d\n", when, expect_none[i],
			    (int)number_of(report, expect_none[i]));
		bad++;
	}
	if (bad) {
		tell_wrong(field(report, "fds"), "verdict", "leak", "growing");
		tell_wrong(field(report, "eagain"), "severity", "failure", "suspicious");
	}
	if (!bad)
		expect_load(report, runs);
	json_object_put(report);
	return bad;
}

static int seconds(void)
{
	const char *s = getenv("FDWHY_HEALTHY_S");

	return s ? atoi(s) : 8;
}

static bool at_time(void *arg)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec >= *(time_t *)arg;
}

static void stop_clients(struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct proc client = {.pid = runs[i].client, .in = -1};

		if (runs[i].on)
			assert_int_equal(proc_stop(&client, SIGTERM), 0);
	}
}

static void healthy_daemons_under_load_raise_no_alarm(void **state)
{
	struct run runs[32] = {{.on = false}};
	struct timespec now;
	time_t until;
	int bad = 0;

	assert_true(daemons_count <= sizeof(runs) / sizeof(runs[0]));
	for (size_t i = 0; i < daemons_count; i++)
		if ((!daemons[i].big || getenv("FDWHY_HEALTHY_S")) && is_there(&daemons[i]))
			start(*state, &daemons[i], &runs[i]);
	for (size_t i = 0; i < daemons_count; i++)
		if (runs[i].on)
			start_client(&runs[i]);
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 1; i <= LOOKS; i++) {
		until = now.tv_sec + i * seconds() / LOOKS;
		wait_until(at_time, &until, seconds());
		bad += look(*state, runs, "under load");
	}
	stop_clients(runs, daemons_count);
	bad += look(*state, runs, "after the load");
	for (size_t i = 0; i < daemons_count; i++)
		if (runs[i].on)
			proc_stop(&runs[i].p, SIGTERM);
	bad += look(*state, runs, "at its end");
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		healthy_daemons_under_load_raise_no_alarm, work_begin, work_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
