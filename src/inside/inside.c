/* src/inside/inside.c - first the namespaces, then what is in them */
#include "inside/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside/mounts.h"
#include "inside/namespace.h"
#include "io/tun_open.h"
#include "netlink/netlink.h"

#define WINDOW_MOST (16U << 20) /* bytes; 1.3 Gbit/s at a round trip of 100 ms */

/* Root may lack the right for it in a container. */
static int make_namespaces(bool *user_namespace, const char *what, struct diag *diag)
{
	const int flags = CLONE_NEWNET | CLONE_NEWNS;
	int err;

	*user_namespace = geteuid() != 0 || unshare(flags) != 0;
	if (!*user_namespace)
		return 0;
	err = namespace_user_new(geteuid(), getegid(), what, diag);
	return err ? err : namespace_new(flags, what, diag);
}

static int open_namespaces(struct handover_fds *fds, bool user_namespace)
{
	if (user_namespace)
		fds->user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	fds->net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fds->mount = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	fds->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fds->net < 0 || fds->mount < 0 || fds->mountinfo < 0 ||
	    (user_namespace && fds->user < 0))
		return -errno;
	return 0;
}

/* The kernel asks who has opened such a socket, and who uses it. The one who has made the
 * user namespace may do everything in it, also from outside. */
static int open_netlink(struct handover_fds *fds)
{
	struct netlink *nl;
	int err = netlink_open(&nl);

	if (!err)
		err = netlink_loopback_up(nl);
	netlink_free(nl);
	if (err)
		return err;
	fds->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return fds->netlink < 0 ? -errno : 0;
}

/* Many systems let a connection have 4 MiB on the way, which is 0.3 Gbit/s at a round trip of
 * 100 ms. A larger value is left alone. */
static void allow_large_windows(const char *path)
{
	unsigned least = 0, first = 0, most = 0;
	FILE *in = fopen(path, "re");
	char text[64];

	if (!in)
		return;
	if (fscanf(in, "%u %u %u", &least, &first, &most) == 3 && most < WINDOW_MOST) {
		snprintf(text, sizeof(text), "%u %u %u", least, first, WINDOW_MOST);
		(void)!namespace_write(path, text);
	}
	fclose(in);
}

/* In a new network namespace nobody may ping without capabilities. And on a host that
 * disables IPv6 for new links, the tunnels can still have it. It does not matter if one
 * of the settings isn't there. */
static void change_settings(void)
{
	static const char *const ipv6[] = {
		"/proc/sys/net/ipv6/conf/all/disable_ipv6",
		"/proc/sys/net/ipv6/conf/default/disable_ipv6",
	};
	char group[32];

	snprintf(group, sizeof(group), "%u %u", getegid(), getegid());
	(void)!namespace_write("/proc/sys/net/ipv4/ping_group_range", group);
	for (size_t i = 0; i < ARRAY_SIZE(ipv6); i++)
		(void)!namespace_write(ipv6[i], "0");
	allow_large_windows("/proc/sys/net/ipv4/tcp_rmem");
	allow_large_windows("/proc/sys/net/ipv4/tcp_wmem");
}

#define CAPABILITIES_MAX 64 /* more than the kernel has */

/* The capabilities that a program could give him: the bounding set. */
static uint64_t possible_capabilities(void)
{
	uint64_t set = 0;

	for (int i = 0; i < CAPABILITIES_MAX; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			set |= UINT64_C(1) << i;
	return set;
}

/* In a user namespace this set is full again. Gives it back what it was before; but
 * whoever is root in there would keep what is in it, and could undo the mounts. */
static int limit_capabilities(uint64_t before)
{
	uint64_t allowed = geteuid() == 0 ? 0 : before;

	for (int i = 0; i < CAPABILITIES_MAX; i++) {
		/* EINVAL: there is no such capability */
		if (!(allowed & UINT64_C(1) << i) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	}
	return 0;
}

int inside_enter(struct handover_fds *fds, const char *what, struct diag *diag)
{
	uint64_t capabilities = possible_capabilities();
	bool user_namespace;
	int err;

	*fds = HANDOVER_NO_FDS;
	err = make_namespaces(&user_namespace, what, diag);
	if (err)
		return err;
	err = open_namespaces(fds, user_namespace);
	if (!err)
		err = open_netlink(fds);
	if (err) {
		diag_error(diag, NULL, 0, "can't prepare a network namespace for %s: %s",
		           what, strerror(-err));
		return err;
	}
	change_settings();
	err = inside_mounts(&fds->resolv_conf, diag);
	if (!err && user_namespace)
		err = limit_capabilities(capabilities);
	return err;
}

/* In a process of its own: makes everything once. */
static void try(int out)
{
	struct handover_fds fds;
	struct diag diag = { 0 };
	int tun_fd, err = inside_enter(&fds, "the proxy", &diag);

	if (!err)
		err = tun_open(&tun_fd, "tunion0", false, &diag);
	for (size_t i = 0; i < diag.count; i++) {
		const char *text = diag.entries[i].text;

		if (diag.entries[i].severity == DIAG_ERROR)
			(void)!write(out, text, strlen(text));
	}
	_exit(err ? EXIT_FAILURE : EXIT_SUCCESS);
}

bool inside_is_possible(char why[static INSIDE_WHY_STRLEN])
{
	int fds[2], status = 0;
	ssize_t got;
	pid_t child;

	snprintf(why, INSIDE_WHY_STRLEN, "it can't be tried");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	fflush(NULL);
	child = fork();
	if (child == 0)
		try(fds[1]);
	close(fds[1]);
	if (child > 0) {
		got = read(fds[0], why, INSIDE_WHY_STRLEN - 1);
		if (got > 0)
			why[got] = '\0';
	}
	close(fds[0]);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int make_tun(int socket, const struct handover_wanted *wanted, struct diag *diag)
{
	int tun_fd, err = tun_open(&tun_fd, wanted->tun, wanted->vnet_hdr, diag);
	int sent = handover_give_tun(socket, err ? err : tun_fd);

	if (!err)
		close(tun_fd);
	return err ? err : sent;
}

int inside_serve(int socket, struct diag *diag)
{
	struct handover_wanted wanted;
	int err;

	do {
		err = handover_wait(socket, &wanted);
		if (!err && wanted.request == HANDOVER_TUN)
			err = make_tun(socket, &wanted, diag);
	} while (!err && wanted.request != HANDOVER_GO);
	return err;
}

/* Who is in a user namespace can't leave it again. */
int inside_mend(const struct handover_fds *fds)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		if ((fds->user >= 0 && setns(fds->user, CLONE_NEWUSER) < 0) ||
		    setns(fds->mount, CLONE_NEWNS) < 0)
			_exit(1);
		_exit(inside_mounts_mend() ? 1 : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static bool is_same(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Only who is outside of all user namespaces of ours, or has made the one that he is in, may
 * enter another one. */
static void report_no_entry(int err, struct diag *diag)
{
	if (err == -EPERM || err == -EINVAL)
		diag_error(
			diag, NULL, 0,
			"can't enter the namespaces of the instance: %s; inside another exec it is not possible: run it outside",
			strerror(-err));
	else
		diag_error(diag, NULL, 0,
		           "can't enter the namespaces of the instance: %s",
		           strerror(-err));
}

int inside_join(const struct handover_fds *fds, struct diag *diag)
{
	uint64_t capabilities = possible_capabilities();
	char *cwd;
	int err = 0;

	if (is_same(fds->net, "/proc/self/ns/net") &&
	    is_same(fds->mount, "/proc/self/ns/mnt")) {
		diag_error(
			diag, NULL, 0,
			"--in: this is inside that instance already: run the command as it is, without tunion exec");
		return -EALREADY;
	}
	cwd = getcwd(NULL, 0); /* setns(2) changes it */

	if ((fds->user >= 0 && setns(fds->user, CLONE_NEWUSER) < 0) ||
	    setns(fds->net, CLONE_NEWNET) < 0 || setns(fds->mount, CLONE_NEWNS) < 0)
		err = -errno;
	if (!err && fds->user >= 0)
		err = limit_capabilities(capabilities);
	if (err)
		report_no_entry(err, diag);
	else if (!cwd || chdir(cwd) < 0)
		diag_warning(diag, NULL, 0, "can't stay in the working directory: %s",
		             strerror(errno));
	free(cwd);
	return err;
}
