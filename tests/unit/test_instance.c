#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "instance/instance.h"
#include "instance/instance_find.h"

/* A run directory of its own for each test. */
static char dir[32];

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tunion.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void init(struct instance *i, const char *tun)
{
	struct diag diag = { 0 };

	ck_assert_int_eq(instance_init(i, dir, tun, &diag), 0);
	ck_assert_uint_eq(diag.count, 0);
}

static int lock(struct instance *i)
{
	struct diag diag = { 0 };
	int err = instance_lock(i, &diag);

	ck_assert((err != 0) == (diag.errors > 0));
	diag_clear(&diag);
	return err;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static const struct {
	const char *tun;
	bool good;
} names[] = {
	{ "tunion0", true },
	{ "a", true },
	{ "fifteen-letters", true },
	{ "sixteen-letters!", false },
	{ "", false },
	{ ".", false },
	{ "..", false },
	{ ".hidden", false },
	{ "-f", false },
	{ "a/b", false },
	{ "a:b", false },
	{ "a b", false },
	{ "tun%d", false },
};

START_TEST(names_of_tuns)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct diag diag = { 0 };
		struct instance instance;
		int err = instance_init(&instance, dir, names[i].tun, &diag);

		ck_assert_msg((err == 0) == names[i].good, "\"%s\"", names[i].tun);
		instance_clear(&instance);
		diag_clear(&diag);
	}
}
END_TEST

START_TEST(only_one_of_a_name)
{
	struct instance first, second, other;
	struct diag diag = { 0 };

	init(&first, "one");
	init(&second, "one");
	init(&other, "other");
	ck_assert_int_eq(lock(&first), 0);
	ck_assert(!instance_is_stale(&first));
	ck_assert_int_eq(instance_lock(&second, &diag), -EEXIST);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "reload"));
	diag_clear(&diag);
	ck_assert_int_eq(lock(&other), 0);
	instance_release(&first);
	ck_assert(!exists(first.pid_path));
	ck_assert_int_eq(lock(&second), 0);
	instance_clear(&first);
	instance_clear(&second);
	instance_clear(&other);
}
END_TEST

/* Whoever could open it could lock it, and keep `up` and `down` waiting. */
START_TEST(the_pid_file_is_for_nobody_else)
{
	struct instance i;
	struct stat st;
	mode_t mask = umask(0);
	int fd;

	init(&i, "one");
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(stat(i.pid_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	instance_release(&i);
	/* one that was left with another mode */
	fd = open(i.pid_path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(stat(i.pid_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	instance_release(&i);
	umask(mask);
	ck_assert_int_eq(mkfifo(i.pid_path, 0600), 0);
	ck_assert_int_eq(lock(&i), -EPERM);
	ck_assert_int_eq(unlink(i.pid_path), 0);
	instance_clear(&i);
}
END_TEST

START_TEST(sockets_are_private_and_go)
{
	struct instance i;
	struct diag diag = { 0 };
	char path[64];
	struct stat st;
	int fd, asked;

	init(&i, "one");
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(instance_ask(&i, "status", &asked), -ENOENT);
	ck_assert_int_eq(instance_listen(&i, &diag), 0);
	ck_assert_int_eq(instance_listen_uapi(&i, "home", &fd, &diag), 0);
	snprintf(path, sizeof(path), "%s/wireguard/home.sock", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(i.socket_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(instance_ask(&i, "status", &asked), 0);
	close(asked);
	close(fd);
	instance_release(&i);
	ck_assert(!exists(path));
	ck_assert(!exists(i.socket_path));
	instance_clear(&i);
}
END_TEST

START_TEST(a_device_that_somebody_serves)
{
	struct instance first, second;
	struct diag diag = { 0 };
	int fd, other;

	init(&first, "one");
	init(&second, "two");
	ck_assert_int_eq(lock(&first), 0);
	ck_assert_int_eq(lock(&second), 0);
	ck_assert_int_eq(instance_listen_uapi(&first, "home", &fd, &diag), 0);
	ck_assert_int_eq(instance_listen_uapi(&second, "home", &other, &diag), -EEXIST);
	ck_assert_int_eq(other, -1);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_ptr_nonnull(
		strstr(diag.entries[0].text,
	               "is in use: one, another instance, has a file home.conf"));
	diag_clear(&diag);
	close(fd); /* nobody any more */
	ck_assert_int_eq(instance_listen_uapi(&second, "home", &other, &diag), 0);
	close(other);
	diag_clear(&diag);
	instance_clear(&first);
	instance_clear(&second);
}
END_TEST

START_TEST(a_file_in_the_way_is_not_removed)
{
	struct instance i;
	struct diag diag = { 0 };
	char path[64];
	int fd;

	init(&i, "one");
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(mkdir(i.uapi_dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/wireguard/home.sock", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(instance_listen_uapi(&i, "home", &fd, &diag), -EEXIST);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "wg-quick down home ends it"));
	diag_clear(&diag);
	instance_clear(&i);
	ck_assert(exists(path));
}
END_TEST

/* The engine, which ends a moment after its supervisor. */
static void fork_engine(const struct instance *i)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0 || fork() != 0) {
		if (read(ready[0], &byte, 1) != 1)
			_exit(1);
		return;
	}
	close(i->lock_fd);
	close(i->listen_fd);
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	poll(NULL, 0, 100);
	_exit(0);
}

/* In a process that is then killed. */
static void be_killed(const char *tun)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct diag diag = { 0 };
		struct instance i;
		int fd;

		if (instance_init(&i, dir, tun, &diag) != 0 ||
		    instance_lock(&i, &diag) != 0 ||
		    instance_listen_uapi(&i, "home", &fd, &diag) != 0 ||
		    instance_listen(&i, &diag) != 0)
			_exit(1);
		fork_engine(&i);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
}

START_TEST(what_a_killed_one_left_is_cleared)
{
	struct instance i;
	char path[64], *tun;
	struct diag diag = { 0 };
	int fd;

	be_killed("one");
	snprintf(path, sizeof(path), "%s/wireguard/home.sock", dir);
	ck_assert(exists(path));
	init(&i, "one");
	ck_assert(instance_is_stale(&i));
	ck_assert_int_eq(instance_ask(&i, "status", &fd), -ECONNREFUSED);
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), 0);
	ck_assert_str_eq(tun, "one");
	free(tun);
	ck_assert_int_eq(lock(&i), 0);
	ck_assert(!exists(path));
	ck_assert(!exists(i.socket_path));
	instance_clear(&i);
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), -ENOENT);
	diag_clear(&diag);
}
END_TEST

/* A program that is about to be run has inherited it. */
START_TEST(a_killed_one_whose_lock_somebody_still_has)
{
	struct instance i;
	int fd;

	be_killed("one");
	init(&i, "one");
	fd = open(i.pid_path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert(instance_is_stale(&i));
	ck_assert_int_eq(lock(&i), -EEXIST); /* for as long as it has */
	close(fd);
	ck_assert_int_eq(lock(&i), 0);
	ck_assert(!instance_is_stale(&i));
	instance_clear(&i);
}
END_TEST

START_TEST(the_first_number_that_is_free)
{
	struct instance a, b, c;
	struct diag diag = { 0 };
	char state[64];
	int fd;

	make_dir();
	ck_assert_int_eq(instance_lock_numbered(&a, dir, "exec", &diag), 0);
	ck_assert_str_eq(a.tun, "exec0");
	ck_assert_int_eq(instance_lock_numbered(&b, dir, "exec", &diag), 0);
	ck_assert_str_eq(b.tun, "exec1");
	/* what `up --tun exec2` has left is not lost */
	snprintf(state, sizeof(state), "%s/exec2.state", dir);
	fd = open(state, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(instance_lock_numbered(&c, dir, "exec", &diag), 0);
	ck_assert_str_eq(c.tun, "exec3");
	instance_clear(&a);
	ck_assert_int_eq(instance_lock_numbered(&a, dir, "exec", &diag), 0);
	ck_assert_str_eq(a.tun, "exec0");
	ck_assert_uint_eq(diag.count, 0);
	instance_clear(&a);
	instance_clear(&b);
	instance_clear(&c);
	ck_assert(exists(state));
	remove_dir();
}
END_TEST

START_TEST(a_number_where_nothing_can_be_locked)
{
	struct instance i;
	struct diag diag = { 0 };
	char file[64];
	int fd;

	make_dir();
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_lt(instance_lock_numbered(&i, file, "exec", &diag), 0);
	ck_assert_uint_eq(diag.errors, 1);
	diag_clear(&diag);
	instance_clear(&i);
	remove_dir();
}
END_TEST

/* Two instances may have devices of the same name. */
START_TEST(each_has_its_own_sockets)
{
	struct instance a, b;
	struct diag diag = { 0 };
	char *path_a, *path_b;
	int fd_a, fd_b;

	make_dir();
	ck_assert_int_eq(instance_lock_numbered(&a, dir, "exec", &diag), 0);
	ck_assert_int_eq(instance_lock_numbered(&b, dir, "exec", &diag), 0);
	ck_assert_int_eq(instance_listen_uapi(&a, "vpn", &fd_a, &diag), 0);
	ck_assert_int_eq(instance_listen_uapi(&b, "vpn", &fd_b, &diag), 0);
	path_a = instance_uapi_path(&a, "vpn");
	path_b = instance_uapi_path(&b, "vpn");
	ck_assert(exists(path_a) && exists(path_b));
	close(fd_a);
	close(fd_b);
	instance_clear(&a);
	ck_assert(!exists(path_a) && exists(path_b));
	*strrchr(path_a, '/') = '\0';
	ck_assert(!exists(path_a)); /* its directory is gone, too */
	instance_clear(&b);
	free(path_a);
	free(path_b);
	ck_assert_uint_eq(diag.count, 0);
	remove_dir();
}
END_TEST

START_TEST(the_only_one_and_several)
{
	struct instance first, second;
	struct diag diag = { 0 };
	char *tun;

	init(&first, "one");
	init(&second, "two");
	be_killed("killed");
	ck_assert_int_eq(lock(&first), 0);
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), 0);
	ck_assert_str_eq(tun, "one"); /* the one that lives */
	free(tun);
	ck_assert_int_eq(lock(&second), 0);
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), -ENOTUNIQ);
	ck_assert_ptr_null(tun);
	ck_assert_uint_eq(diag.errors, 1);
	/* in any order */
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "2 instances"));
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "one"));
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, "two"));
	diag_clear(&diag);
	instance_clear(&first);
	instance_clear(&second);
}
END_TEST

/* Root may name a directory of a user, who can make what he likes in it. */
START_TEST(a_fifo_is_not_waited_for)
{
	struct instance i;
	struct diag diag = { 0 };
	char *tun;

	init(&i, "one");
	ck_assert_int_eq(mkfifo(i.pid_path, 0600), 0);
	ck_assert(instance_is_stale(&i));
	ck_assert_int_eq(instance_pid(&i), 0);
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), 0);
	free(tun);
	ck_assert_int_eq(instance_lock(&i, &diag), -EPERM);
	diag_clear(&diag);
	ck_assert_int_eq(unlink(i.pid_path), 0);
	instance_clear(&i);
}
END_TEST

/* The message names the next step: what is up in another directory, or how to start one. */
START_TEST(none_here)
{
	struct diag diag = { 0 };
	char elsewhere[sizeof(dir)], expected[200], *tun;
	struct instance i;

	memcpy(elsewhere, dir, sizeof(dir));
	init(&i, "one");
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(instance_listen(&i, &diag), 0);
	make_dir();
	ck_assert_int_eq(instance_find_only(dir, &tun, &diag), -ENOENT);
	/* others may have instances on this machine, too */
	snprintf(expected, sizeof(expected), "no instance is up (%s), but ", dir);
	ck_assert_uint_eq(diag.count, 1);
	ck_assert_ptr_nonnull(strstr(diag.entries[0].text, expected));
	diag_clear(&diag);
	instance_clear(&i);
	remove_dir();
	memcpy(dir, elsewhere, sizeof(dir));
}
END_TEST

/* An ordinary user may see that there is one, but must not ask it. */
START_TEST(an_instance_of_another_user)
{
	struct diag diag = { 0 };
	struct instance i;
	char *tun;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(dir, 0755), 0);
	init(&i, "roots");
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_ptr_null(instance_find_other(dir)); /* root may ask it */
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_ptr_null(instance_find_other(dir)); /* it doesn't serve yet */
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(instance_listen(&i, &diag), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	tun = instance_find_other(dir);
	ck_assert_pstr_eq(tun, "roots");
	free(tun);
	ck_assert_ptr_null(instance_find_killed_other(dir));
	ck_assert_int_eq(seteuid(0), 0);
	instance_abandon(&i); /* as if it were killed */
	ck_assert_int_eq(access(i.socket_path, F_OK), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_ptr_null(instance_find_other(dir));
	tun = instance_find_killed_other(dir);
	ck_assert_pstr_eq(tun, "roots");
	free(tun);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_ptr_null(instance_find_killed_other(dir)); /* root knows all of it */
	instance_clear(&i);
}
END_TEST

/* As root, too: in Termux there is no other place where one can write. */
START_TEST(the_run_directory_in_termux)
{
	char prefix[64], tmp[64], expected[128];
	struct diag diag = { 0 };
	struct instance i;

	make_dir();
	snprintf(prefix, sizeof(prefix), "%s/com.termux", dir);
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	ck_assert_int_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
	ck_assert_int_eq(setenv("PREFIX", prefix, 1), 0);
	ck_assert_int_eq(setenv("TMPDIR", tmp, 1), 0);
	ck_assert_int_eq(instance_init(&i, NULL, "one", &diag), 0);
	snprintf(expected, sizeof(expected), "%s/var/run/tunion", prefix);
	ck_assert_str_eq(i.run_dir, expected);
	snprintf(expected, sizeof(expected), "%s/var/run/wireguard", prefix);
	ck_assert_str_eq(i.uapi_dir, expected);
	ck_assert_int_eq(lock(&i), 0);
	instance_clear(&i);
	ck_assert_int_eq(instance_init(&i, dir, "one", &diag), 0);
	ck_assert_str_eq(i.run_dir, dir);
	instance_clear(&i);
	ck_assert_int_eq(setenv("PREFIX", "/usr/local", 1), 0);
	ck_assert_int_eq(instance_init(&i, NULL, "one", &diag), 0);
	ck_assert_str_eq(i.uapi_dir, "/var/run/wireguard");
	ck_assert_ptr_null(strstr(i.run_dir, dir));
	instance_clear(&i);
	remove_dir();
}
END_TEST

/* As the daemon does, which leaves the working directory of its start. */
START_TEST(a_relative_run_directory)
{
	struct diag diag = { 0 };
	struct instance i;
	char path[64];
	int fd;

	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(instance_init(&i, "run/here", "one", &diag), 0);
	ck_assert_int_eq(lock(&i), 0);
	ck_assert_int_eq(instance_listen(&i, &diag), 0);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(path, sizeof(path), "%s/run/here", dir);
	ck_assert_str_eq(i.run_dir, path);
	ck_assert_int_eq(instance_listen_uapi(&i, "home", &fd, &diag), 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/run/here/wireguard/home.sock", dir);
	ck_assert_msg(exists(path), "%s", path);
	instance_release(&i);
	ck_assert_msg(!exists(path), "%s", path);
	snprintf(path, sizeof(path), "%s/run/here/one.pid", dir);
	ck_assert_msg(!exists(path), "%s", path);
	snprintf(path, sizeof(path), "%s/run/here/one.sock", dir);
	ck_assert_msg(!exists(path), "%s", path);
	instance_clear(&i);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("instance/instance");

	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_add_test(tc, names_of_tuns);
	tcase_add_test(tc, only_one_of_a_name);
	tcase_add_test(tc, the_pid_file_is_for_nobody_else);
	tcase_add_test(tc, sockets_are_private_and_go);
	tcase_add_test(tc, a_device_that_somebody_serves);
	tcase_add_test(tc, a_file_in_the_way_is_not_removed);
	tcase_add_test(tc, what_a_killed_one_left_is_cleared);
	tcase_add_test(tc, a_killed_one_whose_lock_somebody_still_has);
	tcase_add_test(tc, the_first_number_that_is_free);
	tcase_add_test(tc, a_number_where_nothing_can_be_locked);
	tcase_add_test(tc, each_has_its_own_sockets);
	tcase_add_test(tc, the_only_one_and_several);
	tcase_add_test(tc, a_fifo_is_not_waited_for);
	tcase_add_test(tc, none_here);
	tcase_add_test(tc, an_instance_of_another_user);
	tcase_add_test(tc, the_run_directory_in_termux);
	tcase_add_test(tc, a_relative_run_directory);
	return tc;
}
