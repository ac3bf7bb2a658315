/* src/base/secret_page.h - where is the one secret with which a process opens all others?
 *
 * In a page that can't be read, except while the process itself has opened it. If the system
 * lets us, it is secret memory (memfd_secret, since Linux 5.14): the kernel takes such a page
 * out of its own address space too, so that no debugger, no /proc/PID/mem and no core dump
 * has it, not even for root. Otherwise it is libsodium's guarded memory: locked, left out of
 * core dumps, between pages that can't be accessed; a debugger of root's can read that.
 *
 * As long as a process has secret memory, Linux refuses to hibernate. So a host that could
 * hibernate, because it has a swap on a disk, gets guarded memory. So does an app of
 * Android, which would be ended for the system call, and a user who may not lock one page
 * more (RLIMIT_MEMLOCK). */
#ifndef TUNION_BASE_SECRET_PAGE_H
#define TUNION_BASE_SECRET_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define SECRET_PAGE_BYTES 64 /* that may be used */

/* A zeroed struct has no page. */
struct secret_page {
	uint8_t *bytes; /* owned; readable only while it is open. NULL: there is none */
	bool is_secret_memory;
};

/* Makes a page and fills it with random bytes. It is not open. Returns 0 or -ENOMEM.
 * sodium_init must have been called before. */
MUST_CHECK int secret_page_init(struct secret_page *p);
/* Wipes the page. A child that has inherited it by fork has to call this too; the parent's
 * page stays. */
void secret_page_clear(struct secret_page *p);

/* Makes `bytes` readable until secret_page_close. Don't fork meanwhile. Returns 0 or -errno. */
MUST_CHECK int secret_page_open(const struct secret_page *p);
void secret_page_close(const struct secret_page *p);

#endif
