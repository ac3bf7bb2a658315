/* src/sandbox/call_numbers.h - numbers of system calls: -1 for those that this architecture, or
 * an old header, doesn't have */
#ifndef TUNION_SANDBOX_CALL_NUMBERS_H
#define TUNION_SANDBOX_CALL_NUMBERS_H

#include <sys/syscall.h>

/* musl's names for calls with times of 32 bits */
#if !defined(SYS_clock_gettime) && defined(SYS_clock_gettime32)
#define SYS_clock_gettime SYS_clock_gettime32
#endif
#if !defined(SYS_gettimeofday) && defined(SYS_gettimeofday_time32)
#define SYS_gettimeofday SYS_gettimeofday_time32
#endif
#if !defined(SYS_timerfd_settime) && defined(SYS_timerfd_settime32)
#define SYS_timerfd_settime SYS_timerfd_settime32
#endif

#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 -1
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait -1
#endif
#ifndef SYS_fcntl64
#define SYS_fcntl64 -1
#endif
#ifndef SYS_futex_time64
#define SYS_futex_time64 -1
#endif
#ifndef SYS_mmap
#define SYS_mmap -1
#endif
#ifndef SYS_mmap2
#define SYS_mmap2 -1
#endif
#ifndef SYS_mlock2
#define SYS_mlock2 -1
#endif
#ifndef SYS_recv
#define SYS_recv -1
#endif
#ifndef SYS_recvmmsg_time64
#define SYS_recvmmsg_time64 -1
#endif
#ifndef SYS_send
#define SYS_send -1
#endif
#ifndef SYS_sigreturn
#define SYS_sigreturn -1
#endif
#ifndef SYS_time
#define SYS_time -1
#endif
#ifndef SYS_timerfd_settime64
#define SYS_timerfd_settime64 -1
#endif

#endif
