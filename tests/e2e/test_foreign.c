/* SPDX-License-Identifier: MIT */
/*
 * test_foreign.c - small runs of other people's programs and libraries, as they are and under
 * `fdwhy run`: what they print and how they end is the same. The long ones: make check-foreign.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"

static char root[4096]; /* of the source */

/* Both runs; the one with the shim must have recorded `processes` or more. Returns the report. */
static json_object *same(const struct work *w, char *const argv[], int processes)
{
	char *session = strdup(work_path(w, "session"));
	struct outcome bare = outcome_of(proc_start(w, argv, NULL));
	struct outcome with = outcome_of(fdwhy_start(w, session, argv, NULL));
	json_object *r;

	if (with.status != bare.status || strcmp(with.out, bare.out))
		print_error("without: %s%swith: %s%s", bare.out, bare.err, with.out, with.err);
	assert_int_equal(with.status, bare.status);
	assert_string_equal(with.out, bare.out);
	assert_string_equal(with.err, bare.err);
	outcome_free(&bare);
	outcome_free(&with);
	r = report_of(w, session);
	assert_true(number_of(r, "totals.processes") >= processes);
	free(session);
	return r;
}

static void same_script(const struct work *w, const char *script, int processes)
{
	char *argv[] = {"sh", "-c", ARG(script), NULL};

	json_object_put(same(w, argv, processes));
}

/* Older sanitizers find no room for their shadow where addresses are more random than this. */
static bool sanitizers_work(void)
{
	char *bits = file_text("/proc/sys/vm/mmap_rnd_bits");
	bool few = atoi(bits) <= 28;

	free(bits);
	return few;
}

#define SKIP_IF_TOO_RANDOM() \
	SKIP_UNLESS(sanitizers_work(), "vm.mmap_rnd_bits is above 28: sanitizers end at random")

static void a_program_with_asan_linked_in_starts_and_ends_the_same(void **state)
{
	char *argv[] = {strdup(built("targets/sanitized")), NULL};
	json_object *r;

	SKIP_IF_TOO_RANDOM();
	r = same(*state, argv, 1);

	assert_non_null(find_site(r, "eagain", "recv", "main"));
	json_object_put(r);
	free(argv[0]);
}

/* The addresses in the two reports differ; what they find must not. */
static void asan_finds_the_same_under_the_shim(void **state)
{
	char script[600];

	SKIP_IF_TOO_RANDOM();
	snprintf(script, sizeof(script),
		 "%s overflow 2>&1 | grep -o 'AddressSanitizer: [a-z-]*\\|WRITE of size .* thread'",
		 built("targets/sanitized"));
	same_script(*state, script, 1);
}

/* Built here, where there is a compiler with that runtime: none of them is needed for a build. */
static void sanitized_with(const struct work *w, const char *compiler, const char *sanitizer)
{
	char source[4200], option[64];
	char *build[] = {ARG(compiler), option, "-g",      "-D_GNU_SOURCE",
			 source,        "-o",   "program", NULL};
	char *argv[] = {"./program", NULL};

	SKIP_IF_TOO_RANDOM();
	snprintf(source, sizeof(source), "%s/tests/targets/sanitized.c", root);
	snprintf(option, sizeof(option), "-fsanitize=%s", sanitizer);
	SKIP_UNLESS(installed(compiler) && !run(w, build, NULL, NULL),
		    "no compiler with that sanitizer");
	json_object_put(same(w, argv, 1));
}

/* Its runtime starts at the first call that it interposes: that must not be one of the shim's. */
static void a_program_with_msan_runs_the_same(void **state)
{
	sanitized_with(*state, "clang", "memory");
}

static void a_program_with_tsan_runs_the_same(void **state)
{
	sanitized_with(*state, "gcc", "thread");
}

static void a_program_with_static_asan_runs_the_same(void **state)
{
	sanitized_with(*state, "clang", "address");
}

static void exceptions_and_cancellation_leave_wrapped_calls_in_cxx(void **state)
{
	char *argv[] = {strdup(built("targets/thrown")), NULL};

	json_object_put(same(*state, argv, 1));
	free(argv[0]);
}

static void fakeroot_fakes_the_same(void **state)
{
	SKIP_UNLESS(installed("fakeroot"), "fakeroot is not installed");
	same_script(*state,
		    "fakeroot sh -c 'id -u; >a; chown 12:34 a; stat -c \"%u %g\" a; mknod n b 1 2;"
		    " stat -c %t,%T n; ls /proc/self/fd; rm -f a n'",
		    5);
}

static void faketime_fakes_the_same(void **state)
{
	SKIP_UNLESS(installed("faketime"), "faketime is not installed");
	same_script(*state, "faketime -f '2020-01-01 00:00:00' sh -c 'date; exec date -u +%s%N'",
		    2);
}

static void perl_sees_the_same_fds_and_errors(void **state)
{
	SKIP_UNLESS(installed("perl"), "perl is not installed");
	same_script(
		*state,
		"perl -MSocket -MFcntl -MTime::HiRes=ualarm -e '$|=1; "
		"socketpair(A,B,AF_UNIX,SOCK_STREAM,0);"
		"fcntl(A,F_SETFL,O_NONBLOCK); print sysread(A,$x,3)//\"undef $!\",\"\\n\";"
		"$SIG{ALRM}=sub{die \"alarm\\n\"}; eval{ualarm 50000; sysread(B,$x,1)}; print $@;"
		"if(!($p=fork)){print \"child\\n\"; exit 3} waitpid $p,0; print $?>>8,\"\\n\";"
		"print `ls /proc/self/fd`; opendir D,\"/proc/self/fd\";"
		"print join(\" \",sort readdir D),\"\\n\"; exec \"ls\",\"/proc/self/fd\"'",
		4);
}

/* An allocator or a wrapper of sockets, preloaded by the program's own environment. */
static void beside(const struct work *w, const char *library, const char *env)
{
	char script[900];

	snprintf(
		script, sizeof(script),
		"mkdir -p wrapped; rm -f wrapped/*; export "
		"LD_PRELOAD=%s${LD_PRELOAD:+:$LD_PRELOAD} %s;"
		"grep -c 'r-xp.*%s' /proc/self/maps; python3 -c '"
		"import os, socket, threading\n"
		"s = socket.socket(); s.bind((\"127.0.0.10\", %d)); s.listen()\n"
		"c = socket.create_connection(s.getsockname()); a = s.accept()[0]\n"
		"a.send(b\"hello\"); print(c.recv(9)); c.setblocking(False)\n"
		"try: c.recv(1)\n"
		"except BlockingIOError as e: print(e)\n"
		"t = threading.Thread(target=print, args=(\"thread\",)); t.start(); t.join()\n"
		"d = os.dup(a.fileno()); print(s.fileno(), c.fileno(), a.fileno(), d, flush=True)\n"
		"print(os.popen(\"ls /proc/self/fd\").read())'",
		library, env, library, port_free());
	same_script(w, script, 3);
}

static void jemalloc_beside_us(void **state)
{
	SKIP_UNLESS(installed("python3"), "python3 is not installed");
	beside(*state, "libjemalloc.so.2", "MALLOC_CONF=abort_conf:true");
}

static void tcmalloc_beside_us(void **state)
{
	SKIP_UNLESS(installed("python3"), "python3 is not installed");
	beside(*state, "libtcmalloc_minimal.so.4", "TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD=0");
}

static void socket_wrapper_beside_us(void **state)
{
	SKIP_UNLESS(installed("python3"), "python3 is not installed");
	beside(*state, "libsocket_wrapper.so",
	       "SOCKET_WRAPPER_DIR=$PWD/wrapped SOCKET_WRAPPER_DEFAULT_IFACE=10");
}

/* ---- check-foreign's own judgement ---------------------------------------------------------- */

static int keep_root(void **state)
{
	(void)state;
	return !getcwd(root, sizeof(root));
}

/* Runs run.sh over one suite of selftest.sh; what it says is in *ret_out. */
static int judge(const struct work *w, const char *suite, char **ret_out)
{
	char path[4200];
	char *argv[] = {"bash", path, NULL};
	char suites[300], build[4200], once[300];
	char *env[] = {suites, build, once, "TRIES=2", NULL};
	struct proc p;
	int r;

	snprintf(path, sizeof(path), "%s/tests/foreign/run.sh", root);
	snprintf(suites, sizeof(suites), "SUITES_FILE=%s", work_path(w, "suites"));
	snprintf(build, sizeof(build), "O=%s", work_path(w, "build"));
	snprintf(once, sizeof(once), "ONCE=%s", work_path(w, "once"));
	file_write(work_path(w, "suites"), "it 60 selftest.sh %s\n", suite);
	mkdir(work_path(w, "build"), 0755);
	if (symlink(built("fdwhy"), work_path(w, "build/fdwhy")) && errno != EEXIST)
		fail_msg("symlink");
	r = run(w, argv, env, &p);
	*ret_out = file_text(p.out);
	return r;
}

static void expect_judgement(void **state, const char *suite, int status, const char *says)
{
	char *out;
	int r = judge(*state, suite, &out);

	if (r != status || !strstr(out, says))
		fail_msg("%s: %d: %s", suite, r, out);
	free(out);
}

static void check_foreign_passes_what_is_the_same(void **state)
{
	expect_judgement(state, "same", 0, "it: 1 same, 0 differ");
}

static void check_foreign_fails_what_differs_each_time(void **state)
{
	expect_judgement(state, "differs", 1, "it: 1 same, 1 differ");
}

static void check_foreign_fails_a_test_that_ran_on_one_side_only(void **state)
{
	expect_judgement(state, "missing", 1, "it: 1 same, 1 differ");
}

static void check_foreign_names_a_test_that_differs_once(void **state)
{
	expect_judgement(state, "once", 0, "differed once but not always: flaky");
}

static void check_foreign_fails_a_run_that_recorded_nothing(void **state)
{
	expect_judgement(state, "unrecorded", 1, "NOTHING WAS RECORDED");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, work_begin, work_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_with_asan_linked_in_starts_and_ends_the_same),
		TEST(asan_finds_the_same_under_the_shim),
		TEST(a_program_with_msan_runs_the_same),
		TEST(a_program_with_tsan_runs_the_same),
		TEST(a_program_with_static_asan_runs_the_same),
		TEST(exceptions_and_cancellation_leave_wrapped_calls_in_cxx),
		TEST(fakeroot_fakes_the_same),
		TEST(faketime_fakes_the_same),
		TEST(perl_sees_the_same_fds_and_errors),
		TEST(jemalloc_beside_us),
		TEST(tcmalloc_beside_us),
		TEST(socket_wrapper_beside_us),
		TEST(check_foreign_passes_what_is_the_same),
		TEST(check_foreign_fails_what_differs_each_time),
		TEST(check_foreign_fails_a_test_that_ran_on_one_side_only),
		TEST(check_foreign_names_a_test_that_differs_once),
		TEST(check_foreign_fails_a_run_that_recorded_nothing),
	};

	return cmocka_run_group_tests(tests, keep_root, NULL);
}
