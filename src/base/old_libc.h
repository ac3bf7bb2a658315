/* src/base/old_libc.h - calls that the C library of an older Android doesn't have
 *
 * Termux builds for Android 7, whose bionic lacks a few calls that glibc and musl have. A
 * compiler before clang 16 only warns of them, takes their results for ints, and so cuts
 * off half of each pointer. If configure finds that one is missing, every file is compiled
 * as if this were its first line. */
#ifndef TUNION_BASE_OLD_LIBC_H
#define TUNION_BASE_OLD_LIBC_H

#include <errno.h>
#include <langinfo.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef LACKS_REALLOCARRAY
static inline void *old_libc_reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}
#define reallocarray old_libc_reallocarray
#endif

#ifdef LACKS_ALIGNED_ALLOC
static inline void *old_libc_aligned_alloc(size_t alignment, size_t bytes)
{
	void *p;
	int error = posix_memalign(&p, alignment, bytes);

	if (error)
		errno = error;
	return error ? NULL : p;
}
#define aligned_alloc old_libc_aligned_alloc
#endif

#ifdef LACKS_MEMFD_CREATE
long syscall(long number, ...); /* <unistd.h> would declare too much else */
static inline int old_libc_memfd_create(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}
#define memfd_create old_libc_memfd_create
#endif

/* Bionic knows no other encoding. */
#ifdef LACKS_NL_LANGINFO
#define nl_langinfo(item) "UTF-8"
#endif

#endif
