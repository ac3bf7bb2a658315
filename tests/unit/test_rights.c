/* What may a process still do after rights_drop? Each test asks a child. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rights.h"

#define FILES     40
#define NO_RIGHTS 99 /* exit status: the child could not get into its surroundings */

/* What a child says of itself. */
struct rights {
	int result; /* of rights_drop */
	uid_t uid, euid;
	gid_t gid;
	int groups;
	uint32_t capabilities; /* any of effective, permitted, inheritable */
	bool rule_networks;
	int death_signal, no_new_privs, dumpable;
	rlim_t core_max;
	int limited; /* what rights_limit returns */
	rlim_t files_max, processes_max, bytes_max;
};

/* What getrlimit takes is an enum in one C library, and an int in others. */
#define LIMIT_OF(resource)                                                               \
	(getrlimit(resource, &limit) < 0 ? RLIM_INFINITY : limit.rlim_max)

static struct rights rights_of_this_process(int result)
{
	struct __user_cap_header_struct header = { .version =
		                                           _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 }, { 0 } };
	struct rlimit limit;
	struct rights r = { .result = result,
		            .uid = getuid(),
		            .euid = geteuid(),
		            .gid = getgid(),
		            .groups = getgroups(0, NULL) };

	syscall(SYS_capget, &header, caps);
	for (int i = 0; i < 2; i++)
		r.capabilities |=
			caps[i].effective | caps[i].permitted | caps[i].inheritable;
	r.rule_networks = rights_rule_networks();
	prctl(PR_GET_PDEATHSIG, &r.death_signal);
	r.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	r.dumpable = prctl(PR_GET_DUMPABLE);
	r.core_max = LIMIT_OF(RLIMIT_CORE);
	r.limited = rights_limit(FILES);
	r.files_max = LIMIT_OF(RLIMIT_NOFILE);
	r.processes_max = LIMIT_OF(RLIMIT_NPROC);
	r.bytes_max = LIMIT_OF(RLIMIT_FSIZE);
	return r;
}

/* Calls `before` (NULL: nothing) and rights_drop in a child. Returns the child's exit
 * status. */
static int in_child(int (*before)(void), pid_t parent, struct rights *out)
{
	int fds[2], status;
	pid_t child;

	*out = (struct rights){ 0 };
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	fflush(NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct rights r;

		if (before && before() < 0)
			exit(NO_RIGHTS);
		r = rights_of_this_process(rights_drop(parent, RIGHTS_WORKER));
		exit(write(fds[1], &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 1);
	}
	close(fds[1]);
	(void)!read(fds[0], out, sizeof(*out));
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

static void expect_few_rights(const struct rights *r)
{
	ck_assert_int_eq(r->result, 0);
	ck_assert_uint_eq(r->capabilities, 0);
	ck_assert(!r->rule_networks);
	ck_assert_int_eq(r->death_signal, SIGKILL);
	ck_assert_int_eq(r->no_new_privs, 1);
	ck_assert_int_eq(r->dumpable, 0);
	ck_assert_uint_eq(r->core_max, 0);
	ck_assert_int_eq(r->limited, 0);
	ck_assert_uint_eq(r->files_max, FILES);
	if (!BUILT_WITH_SANITIZERS) {
		ck_assert_uint_eq(r->processes_max, 0);
		ck_assert_uint_eq(r->bytes_max, under_valgrind() ? RLIM_INFINITY : 0);
	}
}

START_TEST(whoever_we_are)
{
	struct rights r;

	ck_assert_int_eq(in_child(NULL, getpid(), &r), 0);
	expect_few_rights(&r);
	ck_assert_uint_eq(r.uid, geteuid() == 0 ? RIGHTS_WORKER : getuid());
	ck_assert_uint_eq(r.euid, r.uid);
	if (geteuid() == 0) {
		ck_assert_uint_eq(r.gid, RIGHTS_WORKER);
		ck_assert_int_eq(r.groups, 0);
	}
}
END_TEST

static int become_a_user(void)
{
	return setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0
	               ? -1
	               : 0;
}

START_TEST(a_user_stays_the_user)
{
	struct rights r;

	if (geteuid() != 0) {
		unit_lacks("root, to become another user");
		return;
	}
	ck_assert_int_eq(in_child(become_a_user, getpid(), &r), 0);
	expect_few_rights(&r);
	ck_assert_uint_eq(r.uid, 12345);
	ck_assert_uint_eq(r.gid, 12345);
}
END_TEST

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good ? 0 : -1;
}

/* Root of a user namespace that has no other user: as in many containers. */
static int become_the_only_user(void)
{
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) < 0 ||
	    write_file("/proc/self/setgroups", "deny") < 0 ||
	    write_file("/proc/self/uid_map", uids) < 0 ||
	    write_file("/proc/self/gid_map", gids) < 0)
		return -1;
	return 0;
}

START_TEST(root_where_there_is_nobody_else)
{
	struct rights r;

	if (in_child(become_the_only_user, getpid(), &r) == NO_RIGHTS) {
		unit_lacks("a user namespace");
		return;
	}
	expect_few_rights(&r);
	ck_assert_uint_eq(r.uid, 0);
}
END_TEST

/* A parent that died before we asked for its signal would never be noticed. */
START_TEST(the_parent_has_gone_already)
{
	struct rights r;

	ck_assert_int_eq(in_child(NULL, 1, &r), 0);
	ck_assert_int_eq(r.result, getpid() == 1 ? 0 : -ESRCH);
	if (in_child(become_the_only_user, 1, &r) == 0)
		ck_assert_int_eq(r.result, -ESRCH);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/rights");

	tcase_add_test(tc, whoever_we_are);
	tcase_add_test(tc, a_user_stays_the_user);
	tcase_add_test(tc, root_where_there_is_nobody_else);
	tcase_add_test(tc, the_parent_has_gone_already);
	return tc;
}
