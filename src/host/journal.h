/* src/host/journal.h - what has to be undone on the host, perhaps by a later instance?
 *
 * The journal lists what remains when an instance is killed. Addresses and routes are not
 * in it, because they disappear together with the tun. Each entry is made, and the file
 * is written, before the change itself. So whoever undoes it has to expect that a change
 * has not been made. */
#ifndef TUNION_HOST_JOURNAL_H
#define TUNION_HOST_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "host/hooks.h"
#include "host/host_items.h"
#include "host/nameservers.h"
#include "host/spawn.h"

#define JOURNAL_STALE_MAX 8

struct journal {
	char tun[IF_NAMESIZE];
	uint32_t ifindex; /* of the tun; 0: there is none */
	/* Of tuns of killed instances, whose barriers (barrier.h) still stand. */
	uint32_t stale[JOURNAL_STALE_MAX];
	size_t stale_count;
	struct host_items rules; /* owned */
	bool guard4, guard6;
	bool dns; /* resolvconf was told something */
	/* The network's servers before that. */
	struct ip_addr servers[NAMESERVERS_MAX];
	size_t server_count;
	bool src_valid_mark;   /* it was 0 before us, or before another instance */
	struct hooks hooks;    /* owned; of the files that are up: PreDown and PostDown */
	unsigned hook_limit_s; /* see hooks.h; 0: the default */
	char *hook_note_path;  /* owned; see hook_note.h; NULL: there is none */
	char *path;            /* owned; NULL: it is only kept in memory */
	int lock_fd; /* borrowed; of the instance, see spawn.h; 0: there is none */
	const struct hooks_events *events; /* borrowed; NULL: there are none */
	bool pre_down_ran; /* as far as it goes, see host_end; only in memory */
	bool held; /* the file is that of a killed instance: nothing is written yet */
};

/* Borrows the name. */
static inline struct spawn_tun journal_tun(const struct journal *j)
{
	return (struct spawn_tun){ j->tun, j->lock_fd };
}

/* tun and path are copied. Returns 0, -ENOMEM or -ENAMETOOLONG. */
MUST_CHECK int journal_init(struct journal *j, const char *tun, const char *path);
void journal_clear(struct journal *j);

/* Reads the file of an earlier instance into an empty journal, and removes a new version
 * that it had not finished. Returns 1 if there was
 * one, 0 if not, or -errno if it can't be read or isn't ours, with the reason in diag. */
MUST_CHECK int journal_load(struct journal *j, struct diag *diag);
/* Writes the whole file, or removes it when there is nothing left to undo. Returns 0 or
 * -errno, with the reason in diag. */
MUST_CHECK int journal_save(const struct journal *j, struct diag *diag);

bool journal_is_empty(const struct journal *j);

/* Does another instance, whose file is next to ours, need src_valid_mark, too? */
bool journal_mark_is_needed_elsewhere(const struct journal *j);

#endif
