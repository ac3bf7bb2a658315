/* src/gate/gate_clients.h - the files for the WireGuard apps of a gate's clients
 *
 * Such a file has to be imported by hand, so it is only written when something in it is
 * different; of the MTU, only when it must be less. Its key is kept. */
#ifndef TUNION_GATE_GATE_CLIENTS_H
#define TUNION_GATE_GATE_CLIENTS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "gate/gate_folder.h"
#include "plan/plan.h"

/* The Android app of tunion, which must be left out of the VPN. */
#define GATE_CLIENTS_APP "com.termux"

/* What the files depend on. */
struct gate_view {
	const struct plan *plan;             /* borrowed; with the gate */
	struct ip_addr resolver4, resolver6; /* the virtual one; IP_NONE: none */
	bool all; /* all traffic goes to the gate, and not only that to the union */
};

enum gate_news {
	GATE_NEWS_NEW,     /* it was never complete */
	GATE_NEWS_CHANGED, /* it has to be imported again */
	GATE_NEWS_OLD_KEY, /* also, because the gate has another key */
};

/* Who wants to hear of files that were written. path is only valid during the call. */
struct gate_clients_events {
	void (*written)(void *context, const char *client, const char *path,
	                enum gate_news news);
	void *context; /* borrowed */
};

/* Brings the files of all clients up to date that the gate's file names. Returns 0 or the
 * first error; all errors are in diag. */
MUST_CHECK int gate_clients_update(const struct gate_folder *f,
                                   const struct gate_view *view,
                                   const struct gate_clients_events *events,
                                   struct diag *diag);

/* Returns the text of a client's file, to be wiped with its n bytes and freed; or NULL,
 * with the reason in diag: there is no such client, or its file isn't usable with the
 * gate's present key. */
char *gate_clients_show(const struct gate_folder *f, const char *client, size_t *n,
                        struct diag *diag);

#endif
