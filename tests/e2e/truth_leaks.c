/* SPDX-License-Identifier: MIT */
/*
 * truth_leaks.c - released programs with a known leak: how each is started on loopback, and what
 * makes it leak once more. tests/truth/build.sh builds those whose fix was taken out again.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "truth.h"

static void start(struct run *r, char *const argv[])
{
	r->p = preload_start(r->w, work_path(r->w, "s"), argv);
}

static bool answers(void *arg)
{
	int fd = port_connect(((struct run *)arg)->port);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void wait_for_port(struct run *r)
{
	if (wait_until(answers, r, 30))
		return;
	print_error("%s", file_text(r->p.err));
	fail_msg("it does not listen");
}

static void hang_up(struct run *r)
{
	assert_int_equal(kill(r->p.pid, SIGHUP), 0);
}

void nothing(struct run *r)
{
	(void)r;
}

/* By a worker: the master listens long before, and forgets signals until it has workers. */
static void be_served(int port)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	int fd = port_connect(port);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL), sizeof(get) - 1);
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	close(fd);
}

static void start_nginx(struct run *r)
{
	char *argv[] = {"/usr/sbin/nginx", "-c", r->conf,  "-p",
			ARG(r->w->dir),    "-e", "stderr", NULL};

	r->port = port_free();
	file_write(work_path(r->w, "header.html"), "<p>header</p>\n");
	file_write(r->conf,
		   "load_module %1$s;\ndaemon off;\npid %2$s/pid;\nerror_log stderr;\n"
		   "worker_processes 1;\nevents { worker_connections 64; }\nhttp {\n"
		   " access_log off;\n client_body_temp_path %2$s/t1;\n proxy_temp_path %2$s/t2;\n"
		   " fastcgi_temp_path %2$s/t3;\n uwsgi_temp_path %2$s/t4;\n"
		   " scgi_temp_path %2$s/t5;\n server {\n  listen 127.0.0.1:%3$d;\n"
		   "  location / { fancyindex on; fancyindex_header %2$s/header.html local; }\n"
		   " }\n}\n",
		   r->program, r->w->dir, r->port);
	start(r, argv);
	wait_for_port(r);
	be_served(r->port);
}

static void start_socat(struct run *r)
{
	char listen[64];
	char *argv[] = {r->program, listen, "PIPE", NULL};

	r->port = port_free();
	snprintf(listen, sizeof(listen), "TCP4-LISTEN:%d,bind=127.0.0.1,fork,range=10.0.0.0/8",
		 r->port);
	start(r, argv);
	wait_for_port(r);
}

/* Refused because of its address: shut down, and that must be seen before the next. */
static void be_refused(struct run *r)
{
	int fd = port_connect(r->port);
	char c;

	assert_true(fd >= 0);
	assert_true(read(fd, &c, 1) <= 0);
	close(fd);
}

static void start_find(struct run *r)
{
	char *argv[] = {r->program, r->conf, "-type", "f", "-execdir", "true", ";", NULL};
	char path[600];

	assert_int_equal(mkdir(r->conf, 0700), 0);
	for (int i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "%s/%d", r->conf, i);
		file_write(path, "%d\n", i);
	}
	start(r, argv);
	assert_int_equal(proc_wait(&r->p), 0);
	r->ended = true;
}

static void start_rinetd(struct run *r)
{
	char *argv[] = {r->program, "-f", "-c", r->conf, NULL};

	r->port = port_free();
	file_write(r->conf, "127.0.0.1 %d 127.0.0.1 1\npidlogfile %s/pid\n", r->port, r->w->dir);
	start(r, argv);
	wait_for_port(r);
}

static void start_dbus(struct run *r)
{
	char config[600];
	char *argv[] = {r->program, config, "--nofork", "--nopidfile", NULL};

	snprintf(config, sizeof(config), "--config-file=%s", r->conf);
	file_write(r->conf,
		   "<busconfig><type>session</type><listen>unix:path=%s/bus</listen>"
		   "<auth>EXTERNAL</auth><policy context=\"default\"><allow "
		   "receive_type=\"method_return\"/></policy>"
		   "</busconfig>\n",
		   r->w->dir);
	start(r, argv);
	assert_true(wait_until(file_exists, ARG(work_path(r->w, "bus")), 30));
}

static void expect_answer(int fd, const char *say, const char *answer)
{
	char line[256] = "";

	assert_int_equal(send(fd, say, strlen(say), MSG_NOSIGNAL), strlen(say));
	assert_true(recv(fd, line, sizeof(line) - 1, 0) > 0);
	assert_int_equal(strncmp(line, answer, strlen(answer)), 0);
}

static size_t bus_field(unsigned char *m, size_t at, unsigned char code, char type,
			const char *text)
{
	uint32_t len = (uint32_t)strlen(text);

	at = (at + 7) / 8 * 8;
	m[at] = code;
	m[at + 1] = 1;
	m[at + 2] = (unsigned char)type;
	memcpy(m + at + 4, &len, sizeof(len));
	memcpy(m + at + 8, text, len);
	return at + 8 + len + 1;
}

/* The first call of every client. Once it is answered, the bus reads messages and their fds. */
static void say_hello(int fd)
{
	const uint16_t one = 1;
	unsigned char m[256] = {*(const unsigned char *)&one ? 'l' : 'B', 1, 0, 1}, answer[512];
	uint32_t serial = 1, fields;
	size_t n = 16;

	n = bus_field(m, n, 1, 'o', "/org/freedesktop/DBus");
	n = bus_field(m, n, 6, 's', "org.freedesktop.DBus");
	n = bus_field(m, n, 2, 's', "org.freedesktop.DBus");
	n = bus_field(m, n, 3, 's', "Hello");
	fields = (uint32_t)n - 16;
	memcpy(m + 8, &serial, sizeof(serial));
	memcpy(m + 12, &fields, sizeof(fields));
	n = (n + 7) / 8 * 8;
	assert_int_equal(send(fd, m, n, MSG_NOSIGNAL), n);
	assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
}

/* A first byte with more fds than a message may have: the bus must hang up, and keep none. */
static void send_many_fds(int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(32 * sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(32 * sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {.iov_base = ARG("l"), .iov_len = 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control.room)};
	int some[32];

	for (int i = 0; i < 32; i++)
		some[i] = STDERR_FILENO;
	memcpy(CMSG_DATA(&control.head), some, sizeof(some));
	assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), 1);
}

static void connect_to_bus(struct run *r)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char auth[128] = "AUTH EXTERNAL ", uid[16];
	size_t n = strlen(auth);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.90s/bus", r->w->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	for (const char *c = uid; *c; c++, n += 2)
		snprintf(auth + n, sizeof(auth) - n, "%02x", (unsigned)*c);
	strcpy(auth + n, "\r\n");
	assert_int_equal(send(fd, "", 1, MSG_NOSIGNAL), 1);
	expect_answer(fd, auth, "OK ");
	expect_answer(fd, "NEGOTIATE_UNIX_FD\r\n", "AGREE_UNIX_FD");
	assert_int_equal(send(fd, "BEGIN\r\n", 7, MSG_NOSIGNAL), 7);
	say_hello(fd);
	send_many_fds(fd);
	while (recv(fd, auth, sizeof(auth), 0) > 0)
		;
	close(fd);
}

static void start_proftpd(struct run *r)
{
	char *argv[] = {r->program, "-n", "-q", "-c", r->conf, NULL};

	r->port = port_free();
	file_write(r->conf,
		   "ServerType standalone\nServerName t\nDefaultAddress 127.0.0.1\n"
		   "Port %1$d\nUseIPv6 off\nUser %2$s\nGroup %3$s\nPidFile %4$s/pid\n"
		   "ScoreboardFile %4$s/scoreboard\nScoreboardScrub 1\nDelayEngine off\n"
		   "WtmpLog off\nTransferLog none\nSystemLog none\n",
		   r->port, geteuid() ? "#-1" : "nobody", geteuid() ? "#-1" : "nogroup", r->w->dir);
	start(r, argv);
	wait_for_port(r);
}

const struct leak leaks[] = {
	{
		.name = "libnginx-mod-http-fancyindex",
		.module = "/usr/lib/nginx/modules/ngx_http_fancyindex_module.so",
		.bug = "ngx-fancyindex #176: a file left open by each reload",
		.fix = "none by then: as released",
		.grows = "header.html",
		.start = start_nginx,
		.once = hang_up,
	},
	{
		.name = "socat",
		.bug = "CVE-2013-3571: connections refused by address",
		.fix = "1.7.2.2",
		.function = "_xioopen_listen",
		.grows = "socket:",
		.start = start_socat,
		.once = be_refused,
	},
	{
		.name = "findutils",
		.bug = "Savannah #34976: find -execdir",
		.fix = "4.5.12",
		.function = "impl_pred_exec",
		.grows = "/files",
		.start = start_find,
		.once = nothing,
	},
	{
		.name = "rinetd",
		.bug = "CHANGES of 0.63: \"file descriptor leak in configuration reload\"",
		.fix = "0.63",
		.function = "readConfiguration",
		.grows = "/files",
		.start = start_rinetd,
		.once = hang_up,
	},
	{
		.name = "dbus",
		.bug = "CVE-2020-12049: messages with too many fds",
		.fix = "1.12.18",
		.function = "_dbus_read_socket_with_unix_fds",
		.grows = "",
		.start = start_dbus,
		.once = connect_to_bus,
	},
	{
		.name = "proftpd-dfsg",
		.bug = "Bug 3668: scoreboard scrubbing",
		.fix = "1.3.4rc3",
		.function = "pr_scoreboard_scrub",
		.grows = "scoreboard",
		.start = start_proftpd,
		.once = nothing,
	},
};

const size_t leaks_count = sizeof(leaks) / sizeof(leaks[0]);
