/* tests/integration/inside.c - makes system calls from inside another process, by ptrace
 *
 *   inside PID FILE SUPERVISOR [FIRST COUNT]
 *
 * Each call is one that somebody who has taken over the process would like to make: about this file, and
 * about this process. One line for each: NAME, then "refused NUMBER" (of errno), "allowed" or "killed" (then
 * the others are not made). FIRST and COUNT choose some of them. The last one is getpid, which is
 * allowed. Afterwards the process goes on as if nothing had been. Exit status 77: not on this architecture, or ptrace is forbidden. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"

#define CANNOT 77

#ifdef __x86_64__

#define SCRATCH_BYTES 4096 /* below its stack */
#define RED_ZONE      128

/* Where in the scratch area arguments are. */
enum place {
	AT_PATH = 0,
	AT_PROGRAM = 512,
	AT_ARGUMENTS = 600,
	AT_ADDRESS = 700,
	AT_ZEROES = 1024
};

struct inmate {
	pid_t pid;
	struct user_regs_struct saved;
	uint64_t scratch; /* an address in its memory */
};

static int give_up(const char *what)
{
	fprintf(stderr, "inside: %s: %s\n", what, strerror(errno));
	return CANNOT;
}

static bool waits(pid_t pid, int *status)
{
	return waitpid(pid, status, __WALL) == pid && WIFSTOPPED(*status);
}

static bool write_memory(const struct inmate *in, uint64_t at, const void *bytes,
                         size_t n)
{
	struct iovec here = { (void *)(uintptr_t)bytes, n };
	struct iovec there = { (void *)(uintptr_t)at, n };

	return process_vm_writev(in->pid, &here, 1, &there, 1, 0) == (ssize_t)n;
}

static bool fill_scratch(const struct inmate *in, const char *file)
{
	uint8_t bytes[SCRATCH_BYTES] = { 0 };
	uint64_t argv[2] = { in->scratch + AT_PROGRAM, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf((char *)bytes + AT_PATH, 512, "%s", file);
	snprintf((char *)bytes + AT_PROGRAM, 80, "/bin/true");
	memcpy(bytes + AT_ARGUMENTS, argv, sizeof(argv));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", file);
	memcpy(bytes + AT_ADDRESS, &address, sizeof(address));
	return write_memory(in, in->scratch, bytes, sizeof(bytes));
}

/* It waits in a system call, whose instruction is just before the next one. */
static int enter(struct inmate *in, pid_t pid)
{
	int status;
	long code;

	in->pid = pid;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return give_up("ptrace");
	if (!waits(pid, &status) || ptrace(PTRACE_GETREGS, pid, NULL, &in->saved) < 0)
		return give_up("it doesn't stop");
	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, pid, in->saved.rip - 2, NULL);
	if (errno || (code & 0xffff) != 0x050f)
		return give_up("it doesn't wait in a system call");
	in->scratch = (in->saved.rsp - RED_ZONE - SCRATCH_BYTES) & ~UINT64_C(15);
	return 0;
}

struct call {
	const char *name;
	long number;
	uint64_t args[6];
};

/* Steps over one instruction. After a signal that was swallowed, the first step may stop before
 * it. Returns false if the process is gone. */
static bool step(const struct inmate *in, struct user_regs_struct *regs, int *status)
{
	uint64_t at = regs->rip;

	do {
		if (ptrace(PTRACE_SINGLESTEP, in->pid, NULL, NULL) < 0 ||
		    !waits(in->pid, status) ||
		    ptrace(PTRACE_GETREGS, in->pid, NULL, regs) < 0)
			return false;
	} while (regs->rip == at);
	return true;
}

/* Returns false if it was killed. A call that isn't allowed raises SIGSYS, which is swallowed
 * here: the result is already -EPERM or the number then. */
static bool make_call(const struct inmate *in, const struct call *call)
{
	struct user_regs_struct regs = in->saved;
	int status;

	regs.rip -= 2;
	regs.rax = (uint64_t)call->number;
	regs.orig_rax = UINT64_MAX; /* no call to be made again */
	regs.rdi = call->args[0];
	regs.rsi = call->args[1];
	regs.rdx = call->args[2];
	regs.r10 = call->args[3];
	regs.r8 = call->args[4];
	regs.r9 = call->args[5];
	if (ptrace(PTRACE_SETREGS, in->pid, NULL, &regs) < 0 ||
	    !step(in, &regs, &status)) {
		printf("%s killed\n", call->name);
		return false;
	}
	if (WSTOPSIG(status) == SIGSYS)
		printf("%s refused %d\n", call->name, EPERM);
	else if ((int64_t)regs.rax < 0 && (int64_t)regs.rax >= -4095)
		printf("%s refused %d\n", call->name, (int)-(int64_t)regs.rax);
	else
		printf("%s allowed\n", call->name);
	fflush(stdout);
	return true;
}

static int make_calls(struct inmate *in, pid_t supervisor, int first, int count)
{
	const uint64_t s = in->scratch, path = s + AT_PATH, zeroes = s + AT_ZEROES,
		       boss = (uint64_t)supervisor, cwd = (uint64_t)AT_FDCWD;
	const struct call calls[] = {
		{ "open", SYS_open, { path, O_RDONLY } },
		{ "write-a-file", SYS_openat, { cwd, path, O_WRONLY } },
		{ "execute", SYS_execve, { s + AT_PROGRAM, s + AT_ARGUMENTS, 0 } },
		{ "connect",
		  SYS_connect,
		  { 0, s + AT_ADDRESS, sizeof(struct sockaddr_un) } },
		{ "trace", SYS_ptrace, { PTRACE_ATTACH, boss } },
		{ "kill", SYS_kill, { boss, 0 } },
		{ "type", SYS_ioctl, { 2, TIOCSTI, path } },
		{ "fork", SYS_fork, { 0 } },
		{ "clone", SYS_clone, { SIGCHLD } },
		{ "remove", SYS_unlink, { path } },
		{ "make", SYS_openat, { cwd, path, O_WRONLY | O_CREAT, 0600 } },
		{ "inet-socket", SYS_socket, { AF_INET, SOCK_DGRAM } },
		{ "unix-socket", SYS_socket, { AF_UNIX, SOCK_STREAM } },
		{ "unix-pair", SYS_socketpair, { AF_UNIX, SOCK_DGRAM, 0, zeroes } },
		{ "netlink-socket", SYS_socket, { AF_NETLINK, SOCK_RAW } },
		{ "kill-a-thread", SYS_tgkill, { boss, boss, 0 } },
		{ "write-memory", SYS_process_vm_writev, { boss, zeroes, 1, zeroes, 1 } },
		{ "be-root", SYS_setuid, { 0 } },
		{ "mount", SYS_mount, { path, path, path } },
		{ "namespace", SYS_unshare, { CLONE_NEWUSER } },
		{ "limits", SYS_setrlimit, { RLIMIT_CORE, zeroes } },
		{ "dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
		{ "executable-memory",
		  SYS_mmap,
		  { 0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0 } },
		{ "bpf", SYS_bpf, { 0, zeroes, 64 } },
		{ "io-uring", SYS_io_uring_setup, { 1, zeroes } },
		{ "keyring", SYS_add_key, { path, path, 0, 0, 0 } },
		{ "other-abi", SYS_getpid | 0x40000000, { 0 } }, /* x32 */
	};
	const struct call harmless = { "getpid", SYS_getpid, { 0 } };
	int n = (int)ARRAY_SIZE(calls);

	for (int i = 0; i < count && i < n; i++)
		if (!make_call(in, &calls[(first + i) % n]))
			return 0;
	/* one that is allowed takes away what is left of the last step */
	if (!make_call(in, &harmless))
		return 0;
	if (ptrace(PTRACE_SETREGS, in->pid, NULL, &in->saved) < 0 ||
	    ptrace(PTRACE_DETACH, in->pid, NULL, NULL) < 0)
		return give_up("it can't go on");
	return 0;
}

int main(int argc, char *argv[])
{
	struct inmate in = { 0 };
	int err;

	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: inside PID FILE SUPERVISOR [FIRST COUNT]\n");
		return 1;
	}
	err = enter(&in, atoi(argv[1]));
	if (!err && !fill_scratch(&in, argv[2]))
		err = give_up("its memory can't be written");
	return err ? err
	           : make_calls(&in, atoi(argv[3]), argc == 6 ? atoi(argv[4]) : 0,
	                        argc == 6 ? atoi(argv[5]) : 1000);
}

#else

int main(void)
{
	fprintf(stderr, "inside: only for x86_64\n");
	return CANNOT;
}

#endif
