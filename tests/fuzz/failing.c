/* tests/fuzz/failing.c */
#include "failing.h"

#include <stdbool.h>
#include <stddef.h>

static unsigned fail_in; /* as failing_in was told, less what has been allocated since */

void *__wrap_calloc(size_t n, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
char *__wrap_strdup(const char *text);
char *__real_strdup(const char *text);
void *__wrap_sodium_malloc(size_t size);
void *__real_sodium_malloc(size_t size);

void failing_in(unsigned n)
{
	fail_in = n;
}

static bool fails(void)
{
	return fail_in > 0 && --fail_in == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void *__wrap_sodium_malloc(size_t size)
{
	return fails() ? NULL : __real_sodium_malloc(size);
}
