/* src/worker/worker_calls.c - what each packet needs comes first. The comments are the reasons
 * that SECURITY.md gives. */
#include "worker/worker_calls.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* <sys/prctl.h> of some C libraries doesn't have it; the names of memory in /proc/PID/maps. */
#define PR_SET_VMA 0x53564d41

static const struct call_rule rules[] = {
	CALL(epoll_wait),        /* waits for packets, clients and the clock */
	CALL(epoll_pwait),       /* the same */
	CALL(recvmmsg),          /* datagrams from the network */
	CALL(recvmmsg_time64),   /* the same */
	CALL(recvmsg),           /* datagrams; the supervisor's messages */
	CALL(sendmmsg),          /* datagrams to the network */
	CALL(sendmsg),           /* the same, and messages to the supervisor */
	CALL(read),              /* from the tun, the clock, UAPI clients */
	CALL(readv),             /* the same */
	CALL(write),             /* packets to the tun */
	CALL(writev),            /* the same */
	CALL(timerfd_settime),   /* arms the clock */
	CALL(timerfd_settime64), /* the same */
	CALL(sendto),            /* answers to UAPI clients */
	CALL(send),              /* the same */
	CALL(recvfrom),          /* what UAPI clients say */
	CALL(recv),              /* the same */
	CALL(accept4),           /* UAPI clients */
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
	CALL(getsockopt),                        /* of which family is a socket? */
	CALL_EQUAL(setsockopt, 1, IPPROTO_UDP),  /* UDP_GRO: many at a time */
	CALL_EQUAL(ioctl, 1, TUNGETIFF),         /* has the tun headers for offloads? */
	CALL_EQUAL(ioctl, 1, TUNSETOFFLOAD),     /* which offloads does it have? */
	CALL_EQUAL(ioctl, 1, SIOCGIFINDEX),      /* the zone of [fe80::1%eth0]:51820 */
	CALL(clock_gettime),                /* the time, where the vDSO doesn't tell it */
	CALL(clock_gettime64),              /* the same */
	CALL(gettimeofday),                 /* the same */
	CALL(time),                         /* the same */
	CALL(getrandom),                    /* keys */
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
_Static_assert(ARRAY_SIZE(rules) <= CALL_RULES_MAX, "the filter has room for all");

const struct call_rule *worker_calls(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}

size_t worker_calls_with(struct call_rule out[static CALL_RULES_MAX],
                         const struct call_rule *more, size_t n)
{
	if (n > CALL_RULES_MAX - ARRAY_SIZE(rules))
		n = CALL_RULES_MAX - ARRAY_SIZE(rules);
	memcpy(out, rules, sizeof(rules));
	if (n > 0)
		memcpy(out + ARRAY_SIZE(rules), more, n * sizeof(*more));
	return ARRAY_SIZE(rules) + n;
}
