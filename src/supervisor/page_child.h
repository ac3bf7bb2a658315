/* src/supervisor/page_child.h - the process of the status page, as the supervisor sees it
 *
 * Strangers talk to that process, so it may have been taken over. All it can ask for is what
 * the page shows (channel/page_entry.h), and it can't keep the supervisor busy. If it ends,
 * it is started again, but the instance never ends because of it. Supervisor process. */
#ifndef TUNION_SUPERVISOR_PAGE_CHILD_H
#define TUNION_SUPERVISOR_PAGE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "base/log.h"
#include "channel/frame.h"
#include "channel/page_entry.h"
#include "io/loop.h"
#include "supervisor/clients.h"
#include "supervisor/helper_log.h"
#include "supervisor/restarts.h"

/* What runs there, and what only the caller of the supervisor knows. All borrowed. */
struct page_wanted {
	struct endpoint
		at;    /* where it listens, or where those are who hand it connections */
	bool handed;   /* it doesn't listen, but gets connections by handed_fd */
	int handed_fd; /* a SOCK_SEQPACKET, see struct page_entry */
	enum page_proxy proxy;
	struct page_entry entry;
	/* Both may be NULL: then there are no clients of a gate. They return a text, to be
	 * wiped with its *n bytes and freed; or NULL, with the reason in diag. */
	char *(*clients)(void *context, size_t *n, struct diag *diag);
	char *(*file)(void *context, const char *client, size_t *n, struct diag *diag);
	void *context;
};

#define PAGE_CHILD_URL_MAX (ENDPOINT_STRLEN + PAGE_TOKEN_CHARS + 16)

/* Embedded; made by page_child_of. */
struct page_child {
	const struct page_wanted *wanted; /* borrowed; NULL: none, and nothing is done */
	const struct log *log;            /* borrowed */
	struct helper_log lines;          /* what it says */
	void (*forget)(void *context);    /* see struct child_plan */
	void *context;                    /* borrowed */
	struct clients *clients;          /* borrowed */

	pid_t pid;     /* 0: it doesn't run */
	int listen_fd; /* owned; -1: nobody is listened to */
	struct channel channel;
	struct loop_source source; /* of the channel, in the loop of the clients */
	bool serving;              /* it is there */
	int broken;                /* -errno: it is gone, or has talked nonsense */
	struct restarts restarts;
	struct page_options options;
	char url[PAGE_CHILD_URL_MAX];
};

/* A page_child as it is before page_child_begin. All is borrowed; forget and its context are
 * those of struct child_plan. */
struct page_child page_child_of(const struct page_wanted *wanted, const struct log *log,
                                struct clients *clients, void (*forget)(void *context),
                                void *context);

/* Listens, and forks the process, which serves nobody yet. Returns 0 or -errno, with the
 * reason in diag. End it in both cases. */
MUST_CHECK int page_child_begin(struct page_child *p, struct diag *diag);
/* From now on its questions are answered. clients_start must have been called. Returns 0 or
 * -errno. */
MUST_CHECK int page_child_serve(struct page_child *p);
/* Has page_child_round something to do at once? */
bool page_child_is_due(const struct page_child *p);
/* To be called in each round of the supervisor's loop: starts another one if it has
 * ended. */
void page_child_round(struct page_child *p);
/* Ends the process, before clients_end. */
void page_child_end(struct page_child *p);
/* For a forked child, whose descriptors are closed: frees and wipes what it has
 * inherited. */
void page_child_forget(struct page_child *p);

/* The address of the page, with the token; NULL: there is no page. Borrowed. */
const char *page_child_url(const struct page_child *p);

#endif
