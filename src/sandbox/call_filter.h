/* src/sandbox/call_filter.h - which system calls may a process still make?
 *
 * Those of a table. The kernel looks at each call by seccomp-BPF; for calls that are allowed
 * whatever their arguments are, it remembers that (Linux 5.11). For x86_64, aarch64 and arm. */
#ifndef TUNION_SANDBOX_CALL_FILTER_H
#define TUNION_SANDBOX_CALL_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "sandbox/call_numbers.h"

enum call_check {
	CALL_ALWAYS,
	CALL_IF_EQUAL, /* only if the argument is the value */
	CALL_IF_BOTH,  /* the same, and the next argument is the second value */
	CALL_IF_CLEAR, /* only if the argument has none of the value's bits */
	CALL_IF_SELF,  /* only if the argument is the number of this process */
};

/* A call may have several rules: one that allows it is enough. The kernel reads 32 bits of
 * these arguments. */
struct call_rule {
	const char *name;
	int number; /* -1: this architecture doesn't have it */
	enum call_check check;
	unsigned argument; /* 0 is the first one */
	uint32_t value, second;
};

/* The macros for a table. SECURITY.md is made from such lines and the comments behind them:
 * build-aux/check-security. */
#define CALL(call)                                                                       \
	{                                                                                \
		.name = #call, SYS_##call, CALL_ALWAYS, 0, 0, 0                          \
	}
#define CALL_EQUAL(call, n, v)                                                           \
	{                                                                                \
		.name = #call, SYS_##call, CALL_IF_EQUAL, n, v, 0                        \
	}
#define CALL_BOTH(call, n, v, w)                                                         \
	{                                                                                \
		.name = #call, SYS_##call, CALL_IF_BOTH, n, v, w                         \
	}
#define CALL_CLEAR(call, n, v)                                                           \
	{                                                                                \
		.name = #call, SYS_##call, CALL_IF_CLEAR, n, v, 0                        \
	}
#define CALL_SELF(call, n)                                                               \
	{                                                                                \
		.name = #call, SYS_##call, CALL_IF_SELF, n, 0, 0                         \
	}

#define CALL_RULES_MAX 128

/* From now on all other calls fail with EPERM, and call_filter_refused tells of them. If
 * configured with --enable-sandbox-kill, for tests, they end the process with SIGSYS.
 * no_new_privs must be set. Returns 0; or -errno, and then nothing is refused: -ENOSYS if the
 * kernel or an emulator can't do it, -EOPNOTSUPP on other architectures, -E2BIG for more than
 * CALL_RULES_MAX rules. Only once in a process. */
MUST_CHECK int call_filter_enter(const struct call_rule *rules, size_t n);

/* Returns the number of the call that was refused last, once; -1: none was. */
int call_filter_refused(void);

#endif
