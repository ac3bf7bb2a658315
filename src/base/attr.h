/* src/base/attr.h - compiler attributes and the two macros everybody needs */
#ifndef TUNION_BASE_ATTR_H
#define TUNION_BASE_ATTR_H

#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ALWAYS_INLINE          inline __attribute__((always_inline))
#define ARRAY_SIZE(a)          (sizeof(a) / sizeof((a)[0]))

/* A build for tests (configure --enable-sanitizers). What finds errors there writes to
 * stderr, starts another thread, and reads files. */
#if defined(__SANITIZE_ADDRESS__)
#define BUILT_WITH_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUILT_WITH_SANITIZERS 1
#endif
#endif
#ifndef BUILT_WITH_SANITIZERS
#define BUILT_WITH_SANITIZERS 0
#endif

/* From a pointer to `member`, a pointer to the struct of this type that embeds it. */
#define CONTAINER_OF(ptr, type, member)                                                  \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC UINT64_C(1000000000)
#define NEVER_NS   UINT64_MAX /* the deadline of a timer that is not armed */

#endif
