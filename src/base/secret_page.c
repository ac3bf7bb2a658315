/* src/base/secret_page.c - the descriptor of secret memory is closed at once, because the
 * mapping keeps it. The mapping stays, without any access: to make another one later could
 * fail, and then all that was sealed would be lost.
 *
 * A child inherits secret memory as shared memory. So it must not be wiped there; the kernel
 * wipes it when the last process has given it back. */
#include "base/secret_page.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sodium.h>

#include "base/termux.h"

/* The same on all architectures that have it. */
#if !defined(SYS_memfd_secret) && (defined(__x86_64__) || defined(__aarch64__))
#define SYS_memfd_secret 447
#endif

/* ---- can the host hibernate? */

/* Reads the beginning of a file that the kernel writes; all of it, if it is short. */
static void read_start(const char *path, char *out, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, room - 1);

	out[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
}

/* A compressed swap in memory is of no use for it. */
static bool has_swap_on_disk(void)
{
	char swaps[4096];
	const char *line;

	read_start("/proc/swaps", swaps, sizeof(swaps));
	for (line = strchr(swaps, '\n'); line && line[1] != '\0';
	     line = strchr(line + 1, '\n'))
		if (strncmp(line + 1, "/dev/zram", strlen("/dev/zram")) != 0)
			return true;
	return false;
}

static bool may_hibernate(void)
{
	char states[128];

	read_start("/sys/power/state", states, sizeof(states));
	return strstr(states, "disk") && has_swap_on_disk();
}

/* ---- secret memory */

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

#ifdef SYS_memfd_secret
/* Returns NULL if it can't be had. */
static uint8_t *map_secret_memory(void)
{
	void *at = MAP_FAILED;
	int fd;

	if (termux_app_filter() || may_hibernate())
		return NULL;
	fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)page_bytes()) == 0)
		at = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}
#else
static uint8_t *map_secret_memory(void)
{
	return NULL;
}
#endif

int secret_page_init(struct secret_page *p)
{
	p->bytes = map_secret_memory();
	p->is_secret_memory = p->bytes != NULL;
	if (!p->bytes)
		p->bytes = sodium_malloc(SECRET_PAGE_BYTES);
	if (!p->bytes)
		return -ENOMEM;
	randombytes_buf(p->bytes, SECRET_PAGE_BYTES);
	secret_page_close(p);
	return 0;
}

void secret_page_clear(struct secret_page *p)
{
	if (p->is_secret_memory)
		munmap(p->bytes, page_bytes());
	else
		sodium_free(p->bytes);
	*p = (struct secret_page){ .bytes = NULL };
}

int secret_page_open(const struct secret_page *p)
{
	int done = p->is_secret_memory ? mprotect(p->bytes, page_bytes(), PROT_READ)
	                               : sodium_mprotect_readonly(p->bytes);

	return done < 0 ? -errno : 0;
}

void secret_page_close(const struct secret_page *p)
{
	if (p->is_secret_memory)
		(void)mprotect(p->bytes, page_bytes(), PROT_NONE);
	else
		(void)sodium_mprotect_noaccess(p->bytes);
}
