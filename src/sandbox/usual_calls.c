/* src/sandbox/usual_calls.c - what is needed most often comes first. The comments are the reasons
 * that SECURITY.md gives. */
#include "sandbox/usual_calls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* <sys/prctl.h> of some C libraries doesn't have it; the names of memory in /proc/PID/maps. */
#define PR_SET_VMA 0x53564d41

static const struct call_rule rules[] = {
	CALL(epoll_wait),        /* waits for its descriptors and the clock */
	CALL(epoll_pwait),       /* the same */
	CALL(recvmsg),           /* messages of the supervisor; datagrams */
	CALL(sendmsg),           /* messages to the supervisor; datagrams */
	CALL(read),              /* from descriptors that it has */
	CALL(readv),             /* the same */
	CALL(write),             /* to descriptors that it has */
	CALL(writev),            /* the same */
	CALL(timerfd_settime),   /* arms the clock */
	CALL(timerfd_settime64), /* the same */
	CALL(sendto),            /* to its sockets */
	CALL(send),              /* the same */
	CALL(recvfrom),          /* from its sockets */
	CALL(recv),              /* the same */
	CALL(epoll_ctl),         /* another descriptor to wait for */
	CALL(close),             /* descriptors */
	CALL_EQUAL(fcntl, 1, F_DUPFD_CLOEXEC), /* one to be sent waits */
	CALL_EQUAL(fcntl, 1, F_SETFD),         /* musl makes it close on exec once more */
	CALL_EQUAL(fcntl, 1, F_GETFL),         /* is it non-blocking? */
	CALL_EQUAL(fcntl, 1, F_SETFL),         /* makes it non-blocking */
	CALL_EQUAL(fcntl64, 1, F_DUPFD_CLOEXEC), /* as fcntl */
	CALL_EQUAL(fcntl64, 1, F_SETFD),         /* as fcntl */
	CALL_EQUAL(fcntl64, 1, F_GETFL),         /* as fcntl */
	CALL_EQUAL(fcntl64, 1, F_SETFL),         /* as fcntl */
	CALL(clock_gettime),                /* the time, where the vDSO doesn't tell it */
	CALL(clock_gettime64),              /* the same */
	CALL(gettimeofday),                 /* the same */
	CALL(time),                         /* the same */
	CALL(getrandom),                    /* keys; numbers of DNS queries */
	CALL(brk),                          /* memory */
	CALL_CLEAR(mmap, 2, PROT_EXEC),     /* memory, none of it executable */
	CALL_CLEAR(mmap2, 2, PROT_EXEC),    /* the same */
	CALL_CLEAR(mprotect, 2, PROT_EXEC), /* guarded memory for keys */
	CALL(munmap),                       /* memory */
	CALL(mremap),                       /* memory */
	CALL(madvise),                      /* gives memory back; no keys in core dumps */
	CALL(mlock),                        /* keys don't go to the swap */
	CALL(mlock2),                       /* the same */
	CALL(munlock),                      /* memory of keys that are gone */
	CALL_EQUAL(prctl, 0, PR_SET_VMA),   /* some C libraries name their memory */
	CALL(futex),                        /* locks of the C library */
	CALL(futex_time64),                 /* the same */
	CALL(getpid),                       /* for abort() */
	CALL(gettid),                       /* for abort() */
	CALL_SELF(tgkill, 0),               /* for abort(): a signal to itself */
	CALL_SELF(tkill, 0),                /* the same */
	CALL(rt_sigaction),                 /* for abort() */
	CALL(rt_sigprocmask),               /* for abort() */
	CALL(rt_sigreturn),                 /* the end of a signal handler */
	CALL(sigreturn),                    /* the same */
	CALL(restart_syscall),              /* a call goes on after SIGSTOP and SIGCONT */
	CALL(exit),                         /* the end */
	CALL(exit_group),                   /* the end */
};
_Static_assert(ARRAY_SIZE(rules) <= USUAL_CALLS_MAX,
               "a process knows how much room it has for its own");

size_t usual_calls_after(struct call_rule out[static CALL_RULES_MAX],
                         const struct call_rule *own, size_t n)
{
	size_t own_n = n < CALL_RULES_MAX ? n : CALL_RULES_MAX;
	size_t room = CALL_RULES_MAX - own_n;

	if (own_n > 0)
		memcpy(out, own, own_n * sizeof(*own));
	memcpy(out + own_n, rules,
	       (room < ARRAY_SIZE(rules) ? room : ARRAY_SIZE(rules)) * sizeof(*rules));
	return n + ARRAY_SIZE(rules);
}
