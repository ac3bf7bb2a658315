/* tests/integration/android.c - runs a program as Android runs those of an app
 *
 *   android [--no-filter] ROOT UID PROGRAM [ARGUMENT...]
 *
 * The program has this root directory and is this user, without any right. A filter of
 * system calls ends it with SIGSYS where Android's filter for apps ends a process
 * (SECCOMP_BLOCKLIST_APP.TXT of bionic, and calls that none of bionic's lists has ever
 * had, or had only since Android 14), and refuses what SELinux refuses to apps: rtnetlink
 * sockets, which an app may have but not bind, and hard links.
 *
 * Calls that a start of glibc makes are left out (rseq): in Termux there is bionic or
 * musl. The program's architecture must be ours: an emulator needs other calls itself, so
 * it is run with --no-filter. */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define CALLS_MAX 128
#define LOAD(field)                                                                      \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static const int killed[] = {
	/* other users, other times, and the machine as a whole */
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_clock_settime,
	SYS_settimeofday,
	SYS_acct,
	SYS_syslog,
	SYS_chroot,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_mount,
	SYS_umount2,
	SYS_swapon,
	SYS_swapoff,
	SYS_setdomainname,
	SYS_sethostname,
	SYS_reboot,
	/* what bionic doesn't know */
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_bpf,
	SYS_kexec_load,
	SYS_mq_open,
	SYS_semget,
	SYS_msgget,
	SYS_shmget,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_fanotify_init,
	SYS_kcmp,
	SYS_mbind,
	SYS_set_mempolicy,
	SYS_migrate_pages,
	SYS_move_pages,
	SYS_pkey_alloc,
/* newer than the kernel that some phones have */
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
#endif
#ifdef SYS_open_tree
	SYS_open_tree,
	SYS_move_mount,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
#endif
#ifdef SYS_clone3
	SYS_clone3,
#endif
#ifdef SYS_close_range
	SYS_close_range,
#endif
#ifdef SYS_openat2
	SYS_openat2,
	SYS_pidfd_getfd,
	SYS_faccessat2,
#endif
#ifdef SYS_epoll_pwait2
	SYS_epoll_pwait2,
#endif
#ifdef SYS_landlock_create_ruleset
	SYS_landlock_create_ruleset,
	SYS_landlock_add_rule,
	SYS_landlock_restrict_self,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
};

static const int refused[] = {
	SYS_linkat,
#ifdef SYS_link
	SYS_link,
#endif
};

struct code {
	struct sock_filter v[2 * CALLS_MAX + 16];
	unsigned short n;
};

static void put(struct code *c, struct sock_filter instruction)
{
	c->v[c->n++] = instruction;
}

static void put_calls(struct code *c, const int *calls, size_t n, unsigned result)
{
	for (size_t i = 0; i < n; i++) {
		put(c, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                    (unsigned)calls[i], 0, 1));
		put(c, (struct sock_filter)RETURN(result));
	}
}

#ifdef ARCHITECTURE
_Static_assert(ARRAY_SIZE(killed) + ARRAY_SIZE(refused) <= CALLS_MAX, "too many calls");

static int install_filter(void)
{
	struct code c = { .n = 0 };
	struct sock_fprog program;

	put(&c, (struct sock_filter)LOAD(arch));
	put(&c,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	put(&c, (struct sock_filter)RETURN(SECCOMP_RET_TRAP));
	put(&c, (struct sock_filter)LOAD(nr));
	put_calls(&c, killed, ARRAY_SIZE(killed), SECCOMP_RET_TRAP);
	put_calls(&c, refused, ARRAY_SIZE(refused), SECCOMP_RET_ERRNO | EACCES);
	put(&c,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3));
	put(&c, (struct sock_filter)LOAD(args[0])); /* the low half: little endian */
	put(&c,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1));
	put(&c, (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | EACCES));
	put(&c, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	program = (struct sock_fprog){ c.n, c.v };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static int install_filter(void)
{
	errno = ENOTSUP;
	return -1;
}
#endif

static void need(int result, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "android: %s: %s\n", what, strerror(errno));
	exit(126);
}

int main(int argc, char **argv)
{
	int filter = argc < 2 || strcmp(argv[1], "--no-filter") != 0, at = filter ? 1 : 2;
	uid_t uid;

	if (argc < at + 3) {
		fputs("usage: android [--no-filter] ROOT UID PROGRAM [ARGUMENT...]\n",
		      stderr);
		return 126;
	}
	uid = (uid_t)strtoul(argv[at + 1], NULL, 10);
	need(chroot(argv[at]), argv[at]);
	need(chdir("/"), "/");
	need(setgroups(0, NULL), "setgroups");
	need(setresgid(uid, uid, uid), "setresgid");
	need(setresuid(uid, uid, uid), "setresuid");
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	if (filter)
		need(install_filter(), "seccomp");
	execv(argv[at + 2], argv + at + 2);
	need(-1, argv[at + 2]);
	return 126;
}
