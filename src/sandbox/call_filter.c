/* src/sandbox/call_filter.c - the program is a list: for each rule, "is it this call? then look
 * at the argument; allow". What comes first is found first, which only matters to kernels that
 * don't remember.
 *
 * A call that isn't allowed raises SIGSYS instead of failing at once: only so we can tell the
 * number. The handler lets the call return -EPERM. */
#include "sandbox/call_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

/* Since Linux 4.17. Without it, kernels before 5.16 make such a process slower, because they
 * think that it runs programs of strangers. */
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif
#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

#ifdef SANDBOX_KILL
#define REFUSE SECCOMP_RET_KILL_PROCESS
#else
#define REFUSE SECCOMP_RET_TRAP
#endif

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCHITECTURE              AUDIT_ARCH_X86_64
#define RESULT_REGISTER(ucontext) ((ucontext)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE              AUDIT_ARCH_AARCH64
#define RESULT_REGISTER(ucontext) ((ucontext)->uc_mcontext.regs[0])
#elif defined(__arm__) && defined(__ARM_EABI__) &&                                       \
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE              AUDIT_ARCH_ARM
#define RESULT_REGISTER(ucontext) ((ucontext)->uc_mcontext.arm_r0)
#endif

#ifdef ARCHITECTURE

#define RULE_WORDS  7
#define PROGRAM_MAX (4 + CALL_RULES_MAX * RULE_WORDS + 1)

#define LOAD(at)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define LOAD_NUMBER   LOAD(offsetof(struct seccomp_data, nr))
#define ARGUMENT(i)   (offsetof(struct seccomp_data, args) + (i) * sizeof(uint64_t))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
/* Each skips so many words if it is so, and else goes on with the next one. */
#define IF_EQUAL(value, skip)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define UNLESS_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define IF_BITS(value, skip)      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, value, skip, 0)

/* One more than the number of the call, 0: none. A signal handler has nothing else to write
 * to. */
static volatile sig_atomic_t refused;

static void refuse(int signal_number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)signal_number;
	refused = info->si_syscall + 1;
	RESULT_REGISTER(interrupted) = (__typeof__(RESULT_REGISTER(interrupted)))-EPERM;
}

int call_filter_refused(void)
{
	int number = (int)refused - 1;

	refused = 0;
	return number;
}

static size_t add_rule(struct sock_filter *out, const struct call_rule *rule)
{
	uint32_t value = rule->check == CALL_IF_SELF ? (uint32_t)getpid() : rule->value;
	size_t n = 0;

	if (rule->check == CALL_ALWAYS) {
		out[n++] = (struct sock_filter)UNLESS_EQUAL((uint32_t)rule->number, 1);
		out[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
		return n;
	}
	out[n++] = (struct sock_filter)UNLESS_EQUAL((uint32_t)rule->number,
	                                            rule->check == CALL_IF_BOTH ? 6 : 4);
	out[n++] = (struct sock_filter)LOAD(
		(uint32_t)ARGUMENT(rule->argument)); /* its low half */
	if (rule->check == CALL_IF_CLEAR)
		out[n++] = (struct sock_filter)IF_BITS(value, 1);
	else if (rule->check == CALL_IF_BOTH)
		out[n++] = (struct sock_filter)UNLESS_EQUAL(value, 3);
	else
		out[n++] = (struct sock_filter)UNLESS_EQUAL(value, 1);
	if (rule->check == CALL_IF_BOTH) {
		out[n++] =
			(struct sock_filter)LOAD((uint32_t)ARGUMENT(rule->argument + 1));
		out[n++] = (struct sock_filter)UNLESS_EQUAL(rule->second, 1);
	}
	out[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	out[n++] = (struct sock_filter)LOAD_NUMBER;
	return n;
}

static size_t make_program(struct sock_filter *out, const struct call_rule *rules,
                           size_t count)
{
	size_t n = 0;

	out[n++] = (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch));
	out[n++] = (struct sock_filter)IF_EQUAL(ARCHITECTURE, 1);
	out[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	out[n++] = (struct sock_filter)LOAD_NUMBER;
	for (size_t i = 0; i < count; i++)
		if (rules[i].number >= 0)
			n += add_rule(out + n, &rules[i]);
	out[n++] = (struct sock_filter)RETURN(REFUSE);
	return n;
}

static int install(struct sock_fprog *program)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	            program) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) < 0 ? -errno : 0;
}

int call_filter_enter(const struct call_rule *rules, size_t n)
{
	const struct sigaction action = { .sa_sigaction = refuse,
		                          .sa_flags = SA_SIGINFO };
	struct sock_filter words[PROGRAM_MAX];
	struct sock_fprog program = { .filter = words };

	if (n > CALL_RULES_MAX)
		return -E2BIG;
	program.len = (unsigned short)make_program(words, rules, n);
	if (sigaction(SIGSYS, &action, NULL) < 0)
		return -errno;
	return install(&program);
}

#else

int call_filter_refused(void)
{
	return -1;
}

int call_filter_enter(const struct call_rule *rules, size_t n)
{
	(void)rules;
	return n > CALL_RULES_MAX ? -E2BIG : -EOPNOTSUPP;
}

#endif
