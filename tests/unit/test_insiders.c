#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "inside/insiders.h"

struct fixture {
	struct loop *loop;
	struct handover_fds fds;
	struct ending ending;
	struct insiders insiders;
};

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .fds = HANDOVER_NO_FDS };
	ck_assert_int_eq(loop_new(&f->loop), 0);
	f->fds.net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	f->fds.mount = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	f->fds.mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	f->insiders.fds = &f->fds;
	f->insiders.ending = &f->ending;
}

static void end(struct fixture *f)
{
	insiders_clear(&f->insiders);
	insiders_clear(&f->insiders); /* this may be called again */
	handover_close(&f->fds);
	loop_free(f->loop);
}

/* A process that waits until it is killed. */
static pid_t start(int *pidfd)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		for (;;)
			pause();
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd < 0)
		unit_lacks("pidfd_open(2)");
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void serve(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(loop_wait(f->loop, 0), 0);
}

START_TEST(the_last_one_ends_it)
{
	struct fixture f;
	struct handover_fds taken;
	int pidfd, pair[2], err;
	pid_t first = start(&pidfd);

	if (pidfd < 0) {
		stop(first);
		return;
	}
	begin(&f);
	ck_assert_int_eq(insiders_start(&f.insiders, f.loop, pidfd), 0);
	serve(&f);
	ck_assert(!f.ending.wanted);
	/* this process follows: it gets the namespaces, and nothing else */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(insiders_admit(&f.insiders, pair[0]), 0);
	err = handover_take(pair[1], &taken);
	ck_assert_int_eq(err, 0);
	ck_assert(taken.net >= 0 && taken.mount >= 0);
	ck_assert(taken.user < 0 && taken.netlink < 0 && taken.resolv_conf < 0 &&
	          taken.mountinfo < 0);
	handover_close(&taken);
	close(pair[0]);
	close(pair[1]);
	stop(first);
	serve(&f);
	ck_assert(!f.ending.wanted);
	end(&f);
}
END_TEST

START_TEST(the_only_one_ends_it)
{
	struct fixture f;
	int pidfd;
	pid_t first = start(&pidfd);

	if (pidfd < 0) {
		stop(first);
		return;
	}
	begin(&f);
	ck_assert_int_eq(insiders_start(&f.insiders, f.loop, pidfd), 0);
	stop(first);
	serve(&f);
	ck_assert(f.ending.wanted);
	ck_assert_int_eq(f.ending.error, 0);
	end(&f);
}
END_TEST

START_TEST(nobody_enters_what_is_not_there)
{
	struct insiders none = { 0 };

	ck_assert_int_eq(insiders_admit(&none, 0), -ENOENT);
	insiders_clear(&none);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("inside/insiders");

	tcase_add_test(tc, the_last_one_ends_it);
	tcase_add_test(tc, the_only_one_ends_it);
	tcase_add_test(tc, nobody_enters_what_is_not_there);
	return tc;
}
