/* src/host/journal.h - what has to be undone on the host, be it by an instance that comes
 * later
 *
 * What is listed here outlives a killed instance. Addresses and routes are not: they go
 * with the tun. Each entry is made, and the file written, before the change, so undoing
 * takes for granted that a change may not have been made. */
#ifndef TUNION_HOST_JOURNAL_H
#define TUNION_HOST_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/hooks.h"
#include "host/host_items.h"

struct journal {
	char tun[IF_NAMESIZE];
	uint32_t ifindex;        /* of the tun; 0: there is none */
	struct host_items rules; /* owned */
	bool guard4, guard6;
	bool dns;            /* resolvconf has been told */
	bool src_valid_mark; /* set by us, or on behalf of another instance that found it
	                        0 */
	struct hooks hooks;  /* owned; of the files that are up: PreDown and PostDown */
	char *path;          /* owned; NULL: kept in memory only */
	const struct hooks_events *events; /* borrowed; NULL: nothing is done */
	bool pre_down_ran; /* undo_pre_down has succeeded; in memory only */
};

/* Both are copied. 0 or -ENOMEM, -ENAMETOOLONG. */
MUST_CHECK int journal_init(struct journal *j, const char *tun, const char *path);
void journal_clear(struct journal *j);

/* Reads the file of an earlier instance into an empty journal. 1: there was one; 0: none;
 * -errno: it can't be read or isn't one of ours, with the reason in diag. */
MUST_CHECK int journal_load(struct journal *j, struct diag *diag);
/* Writes it whole, or removes it when nothing is left to undo. 0 or -errno, in diag. */
MUST_CHECK int journal_save(const struct journal *j, struct diag *diag);

/* Does another instance, whose file is beside ours, need src_valid_mark, too? */
bool journal_mark_is_needed_elsewhere(const struct journal *j);

#endif
