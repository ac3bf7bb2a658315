/* What may a process still do that is locked in? Each attempt is made from inside: by a child
 * of its own, which may be killed for it. The test plays the supervisor: the child's parent has
 * files, a listening socket and a terminal. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "proxy/proxy_calls.h"
#include "sandbox/empty_root.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"
#include "sandbox/usual_calls.h"
#include "worker/worker_calls.h"

#define USER      54321
#define FILES_MAX 64

/* Exit statuses of the child. */
enum outcome {
	REFUSED,
	ALLOWED,
	NO_STAGE,        /* the system doesn't have the stage */
	NO_SURROUNDINGS, /* it could not become whom it should be */
};

/* ---- the supervisor's belongings */

static struct {
	char folder[40], file[60], made[60], socket[60];
	int unix_fd, tcp_fd, terminal_fd;
	struct sockaddr_un unix_address;
	struct sockaddr_in tcp_address;
} host;

static void make_host(void)
{
	socklen_t len = sizeof(host.tcp_address);
	char *terminal;
	int fd;

	memset(&host, 0, sizeof(host));
	snprintf(host.folder, sizeof(host.folder), "/tmp/tunion-sandbox-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(host.folder));
	ck_assert_int_eq(chmod(host.folder, 0777),
	                 0); /* so that only the sandbox refuses */
	snprintf(host.file, sizeof(host.file), "%s/file", host.folder);
	fd = open(host.file, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	close(fd);
	snprintf(host.made, sizeof(host.made), "%s/new", host.folder);
	snprintf(host.socket, sizeof(host.socket), "%s/socket", host.folder);
	host.unix_address.sun_family = AF_UNIX;
	memcpy(host.unix_address.sun_path, host.socket, strlen(host.socket) + 1);
	host.unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(host.unix_fd, (struct sockaddr *)&host.unix_address,
	                      sizeof(host.unix_address)),
	                 0);
	ck_assert_int_eq(chmod(host.socket, 0777), 0);
	ck_assert_int_eq(listen(host.unix_fd, SOMAXCONN), 0);
	host.tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	host.tcp_address.sin_family = AF_INET;
	host.tcp_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(host.tcp_fd, (struct sockaddr *)&host.tcp_address, len), 0);
	ck_assert_int_eq(listen(host.tcp_fd, SOMAXCONN), 0);
	ck_assert_int_eq(
		getsockname(host.tcp_fd, (struct sockaddr *)&host.tcp_address, &len), 0);
	/* the child's end of a terminal, which it has got as the worker would its stderr */
	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	terminal = fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 ? ptsname(fd) : NULL;
	host.terminal_fd = terminal ? open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
}

static void remove_host(void)
{
	close(host.unix_fd);
	close(host.tcp_fd);
	unlink(host.file);
	unlink(host.socket);
	rmdir(host.folder);
}

/* ---- attempts: each returns whether it has succeeded */

static bool open_to_read(void)
{
	return open(host.file, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool write_a_file(void)
{
	return open(host.file, O_WRONLY | O_CLOEXEC) >= 0;
}

static bool make_a_file(void)
{
	return open(host.made, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool make_a_file_in_the_root(void)
{
	return open("/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool remove_a_file(void)
{
	return unlink(host.file) == 0;
}

static bool execute(void)
{
	char name[] = "false", *argv[] = { name, NULL }, *envp[] = { NULL };

	execve("/bin/false", argv, envp); /* ends with ALLOWED */
	return false;
}

static bool connect_to(int domain, const void *address, socklen_t len)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, address, len) == 0;
}

static bool connect_to_the_supervisor(void)
{
	return connect_to(AF_UNIX, &host.unix_address, sizeof(host.unix_address));
}

static bool connect_by_tcp(void)
{
	return connect_to(AF_INET, &host.tcp_address, sizeof(host.tcp_address));
}

/* If the supervisor is sent such a socket, with bytes that nobody takes, it waits in close(). */
static bool make_a_socket_linger(void)
{
	const struct linger hour = { 1, 3600 };

	return setsockopt(host.tcp_fd, SOL_SOCKET, SO_LINGER, &hour, sizeof(hour)) == 0;
}

static bool become_root(void)
{
	return syscall(SYS_setresuid, 0, 0, 0) == 0 && geteuid() == 0 &&
	       open_to_read(); /* where only root exists it was root before */
}

static bool mount_something(void)
{
	return mount("none", "/", "tmpfs", 0, NULL) == 0;
}

static bool make_a_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child > 0;
}

static bool type_into_the_terminal(void)
{
	return host.terminal_fd >= 0 && ioctl(host.terminal_fd, TIOCSTI, "x") == 0;
}

static bool send_a_signal(void)
{
	return kill(getppid(), 0) == 0;
}

static bool send_a_signal_to_a_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool trace_the_supervisor(void)
{
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool write_the_supervisors_memory(void)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };

	return process_vm_writev(getppid(), &here, 1, &there, 1, 0) == 1;
}

static bool make_a_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool make_a_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool leave_the_limits(void)
{
	struct rlimit any;

	return getrlimit(RLIMIT_CORE, &any) == 0 && setrlimit(RLIMIT_CORE, &any) == 0;
}

static bool execute_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	            0) != MAP_FAILED;
}

static bool make_memory_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool make_an_io_uring(void)
{
	uint32_t parameters[30] = { 0 }; /* struct io_uring_params */

	return syscall(425, 1, parameters) >= 0;
}

static bool call_what_does_not_exist(void)
{
	return syscall(4095) != -1 || errno != EPERM; /* without a filter: ENOSYS */
}

/* ---- who makes it */

static bool stay(void)
{
	return true;
}

static bool become_a_user(void)
{
	return geteuid() != 0 ||
	       (setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* As in many containers. */
static bool become_the_only_user(void)
{
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getegid());
	return unshare(CLONE_NEWUSER) == 0 &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", uids) &&
	       write_text("/proc/self/gid_map", gids);
}

static const struct {
	const char *name;
	bool (*become)(void);
} people[] = {
	{ "whoever runs the tests", stay },
	{ "a user", become_a_user },
	{ "the only user of a container", become_the_only_user },
};

/* ---- into the sandbox, or one stage of it: 0 or -errno */

static int enter_as(const struct sandbox_inmate *inmate)
{
	struct sandbox s;
	int err = sandbox_enter(&s, inmate);

	for (int i = 0; i < SANDBOX_STAGE_COUNT && !err; i++)
		err = s.result[i];
	return err;
}

static int enter_all(void)
{
	struct sandbox_inmate inmate = { .parent = getppid(),
		                         .user = RIGHTS_WORKER,
		                         .files_max = FILES_MAX };

	inmate.calls = worker_calls(&inmate.call_count);
	return enter_as(&inmate);
}

static int enter_with_network(void)
{
	struct call_rule calls[CALL_RULES_MAX];
	size_t n, sockets_n;
	const struct call_rule *own = proxy_calls(&n);
	const struct call_rule *sockets = proxy_socket_calls(&sockets_n);
	const struct sandbox_inmate inmate = { .parent = getppid(),
		                               .user = RIGHTS_PROXY,
		                               .files_max = FILES_MAX,
		                               .network = true,
		                               .calls = calls,
		                               .call_count = n + sockets_n };

	memcpy(calls, own, n * sizeof(*own));
	memcpy(calls + n, sockets, sockets_n * sizeof(*sockets));
	return enter_as(&inmate);
}

static int enter_namespaces(void)
{
	int err = empty_root_enter(false);

	return err ? err : rights_drop(getppid(), RIGHTS_WORKER);
}

static int enter_landlock(void)
{
	int err = rights_drop(getppid(), RIGHTS_WORKER);

	return err ? err : landlock_close(false);
}

/* Sanitizers make calls of their own. */
static int enter_filter(void)
{
	struct call_rule calls[CALL_RULES_MAX];
	size_t own_n;
	const struct call_rule *own = worker_calls(&own_n);
	size_t n = usual_calls_after(calls, own, own_n);
	int err = BUILT_WITH_SANITIZERS ? -EOPNOTSUPP
	                                : rights_drop(getppid(), RIGHTS_WORKER);

	return err ? err : call_filter_enter(calls, n);
}

static int enter_nothing(void)
{
	return 0;
}

static enum outcome outcome_in_child(bool (*become)(void), int (*enter)(void),
                                     bool (*attempt)(void))
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)setsid();
		if (!become())
			_exit(NO_SURROUNDINGS);
		if (enter() != 0)
			_exit(NO_STAGE);
		_exit(attempt() ? ALLOWED : REFUSED);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGSYS);
		return REFUSED;
	}
	return (enum outcome)WEXITSTATUS(status);
}

struct attempt {
	const char *name;
	bool (*make)(void);
};

/* Returns how many attempts were made. */
static size_t expect_refused(int (*enter)(void), const struct attempt *attempts, size_t n)
{
	size_t made = 0;

	make_host();
	for (size_t p = 0; p < ARRAY_SIZE(people); p++) {
		for (size_t i = 0; i < n; i++) {
			enum outcome got = outcome_in_child(people[p].become, enter,
			                                    attempts[i].make);

			ck_assert_msg(got != ALLOWED, "%s: %s", people[p].name,
			              attempts[i].name);
			made += got == REFUSED;
		}
	}
	remove_host();
	return made;
}

/* Otherwise the tests below would show nothing. */
START_TEST(without_a_sandbox_all_this_is_allowed)
{
	static const struct attempt attempts[] = {
		{ "read", open_to_read },  { "write", write_a_file },
		{ "make", make_a_file },   { "connect", connect_to_the_supervisor },
		{ "tcp", connect_by_tcp }, { "fork", make_a_process },
	};

	make_host();
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		ck_assert_msg(outcome_in_child(become_a_user, enter_nothing,
		                               attempts[i].make) == ALLOWED,
		              "%s", attempts[i].name);
	ck_assert_int_eq(unlink(host.made), 0);
	remove_host();
}
END_TEST

START_TEST(nothing_is_seen_of_the_host)
{
	static const struct attempt attempts[] = {
		{ "reads a file", open_to_read },
		{ "writes a file", write_a_file },
		{ "makes a file", make_a_file },
		{ "makes a file in its root", make_a_file_in_the_root },
		{ "removes a file", remove_a_file },
		{ "executes a program", execute },
		{ "connects to the supervisor", connect_to_the_supervisor },
		{ "connects by TCP", connect_by_tcp },
		{ "becomes root", become_root },
		{ "mounts something", mount_something },
	};

	if (expect_refused(enter_namespaces, attempts, ARRAY_SIZE(attempts)) == 0)
		unit_lacks("namespaces");
}
END_TEST

START_TEST(files_are_closed)
{
	static const struct attempt attempts[] = {
		{ "reads a file", open_to_read },
		{ "writes a file", write_a_file },
		{ "makes a file", make_a_file },
		{ "makes a file in its root", make_a_file_in_the_root },
		{ "removes a file", remove_a_file },
		{ "executes a program", execute },
		{ "becomes root", become_root },
		{ "mounts something", mount_something },
	};

	if (expect_refused(enter_landlock, attempts, ARRAY_SIZE(attempts)) == 0)
		unit_lacks("Landlock");
}
END_TEST

START_TEST(calls_are_closed)
{
	static const struct attempt attempts[] = {
		{ "reads a file", open_to_read },
		{ "writes a file", write_a_file },
		{ "makes a file", make_a_file },
		{ "removes a file", remove_a_file },
		{ "executes a program", execute },
		{ "connects to the supervisor", connect_to_the_supervisor },
		{ "makes a socket", make_a_socket },
		{ "makes a process", make_a_process },
		{ "makes a namespace", make_a_namespace },
		{ "types into the terminal", type_into_the_terminal },
		{ "sends a signal", send_a_signal },
		{ "sends a signal to a thread", send_a_signal_to_a_thread },
		{ "traces the supervisor", trace_the_supervisor },
		{ "writes the supervisor's memory", write_the_supervisors_memory },
		{ "sets its limits", leave_the_limits },
		{ "executes memory", execute_memory },
		{ "makes memory executable", make_memory_executable },
		{ "makes an io_uring", make_an_io_uring },
		{ "calls what does not exist", call_what_does_not_exist },
	};

	if (expect_refused(enter_filter, attempts, ARRAY_SIZE(attempts)) == 0)
		unit_lacks("seccomp filters");
}
END_TEST

/* The worker is told so, once for each. */
START_TEST(a_refused_call_is_told)
{
	int result[2] = { 0 }, fds[2], status;
	pid_t child;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (enter_filter() != 0)
			_exit(NO_STAGE);
		result[0] = call_filter_refused() == -1 &&
		            socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM;
		result[1] = call_filter_refused() == SYS_socket &&
		            call_filter_refused() == -1;
		_exit(write(fds[1], result, sizeof(result)) == sizeof(result) ? ALLOWED
		                                                              : REFUSED);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_STAGE) {
		unit_lacks("seccomp filters");
		return;
	}
#ifdef SANDBOX_KILL
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
#else
	ck_assert_int_eq(read(fds[0], result, sizeof(result)), sizeof(result));
	ck_assert_int_eq(result[0], 1);
	ck_assert_int_eq(result[1], 1);
#endif
}
END_TEST

START_TEST(too_many_rules)
{
	static const struct call_rule rules[CALL_RULES_MAX + 1];

	ck_assert_int_eq(call_filter_enter(rules, ARRAY_SIZE(rules)), -E2BIG);
}
END_TEST

/* abort() must still end the process, or an assert that fails would go on. */
START_TEST(it_can_abort)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)!enter_filter();
		abort();
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

START_TEST(all_stages_together)
{
	static const struct attempt attempts[] = {
		{ "reads a file", open_to_read },
		{ "writes a file", write_a_file },
		{ "makes a file", make_a_file },
		{ "removes a file", remove_a_file },
		{ "executes a program", execute },
		{ "becomes root", become_root },
		{ "mounts something", mount_something },
		{ "types into the terminal", type_into_the_terminal },
		{ "connects to the supervisor", connect_to_the_supervisor },
		{ "connects by TCP", connect_by_tcp },
		{ "makes a process", make_a_process },
		{ "sends a signal", send_a_signal },
		{ "traces the supervisor", trace_the_supervisor },
		{ "writes the supervisor's memory", write_the_supervisors_memory },
	};

	if (expect_refused(enter_all, attempts, ARRAY_SIZE(attempts)) == 0)
		unit_lacks("all stages of the sandbox");
}
END_TEST

/* The socket in the file system is out of sight. */
START_TEST(a_network_that_is_kept)
{
	static const struct attempt attempts[] = {
		{ "reads a file", open_to_read },
		{ "makes a file", make_a_file },
		{ "executes a program", execute },
		{ "becomes root", become_root },
		{ "types into the terminal", type_into_the_terminal },
		{ "connects to the supervisor", connect_to_the_supervisor },
		{ "makes a socket linger", make_a_socket_linger },
		{ "makes a process", make_a_process },
		{ "sends a signal", send_a_signal },
		{ "traces the supervisor", trace_the_supervisor },
	};

	if (expect_refused(enter_with_network, attempts, ARRAY_SIZE(attempts)) == 0)
		unit_lacks("all stages of the sandbox");
	make_host();
	for (size_t p = 0; p < ARRAY_SIZE(people); p++) {
		enum outcome got = outcome_in_child(people[p].become, enter_with_network,
		                                    connect_by_tcp);

		ck_assert_msg(got != REFUSED, "%s can't connect by TCP", people[p].name);
	}
	remove_host();
}
END_TEST

/* The first ones are never left out. */
START_TEST(usual_calls_come_after_the_own_ones)
{
	static const struct call_rule own[CALL_RULES_MAX] = { CALL(socket),
		                                              CALL(connect) };
	struct call_rule all[CALL_RULES_MAX];
	size_t usual_n = usual_calls_after(all, NULL, 0);

	ck_assert_uint_gt(usual_n, 20);
	ck_assert_uint_le(usual_n, USUAL_CALLS_MAX);
	ck_assert_uint_eq(usual_calls_after(all, own, 2), usual_n + 2);
	ck_assert_str_eq(all[1].name, "connect");
	ck_assert_ptr_nonnull(all[usual_n + 1].name);
	ck_assert_uint_gt(usual_calls_after(all, own, CALL_RULES_MAX), CALL_RULES_MAX);
	ck_assert_str_eq(all[1].name, "connect");
}
END_TEST

START_TEST(each_stage_has_a_name)
{
	for (int i = 0; i < SANDBOX_STAGE_COUNT; i++)
		ck_assert_uint_gt(strlen(sandbox_stage_name((enum sandbox_stage)i)), 3);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("sandbox/sandbox");

	tcase_add_test(tc, without_a_sandbox_all_this_is_allowed);
	tcase_add_test(tc, nothing_is_seen_of_the_host);
	tcase_add_test(tc, files_are_closed);
	tcase_add_test(tc, calls_are_closed);
	tcase_add_test(tc, a_refused_call_is_told);
	tcase_add_test(tc, too_many_rules);
	tcase_add_test(tc, it_can_abort);
	tcase_add_test(tc, all_stages_together);
	tcase_add_test(tc, a_network_that_is_kept);
	tcase_add_test(tc, usual_calls_come_after_the_own_ones);
	tcase_add_test(tc, each_stage_has_a_name);
	return tc;
}
