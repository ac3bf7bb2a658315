/* src/names/resolver_entry.h - how does the process start that asks name servers?
 *
 * The supervisor forks it but doesn't know what runs in it: it only gets the function that
 * it has to call there. The resolver gets questions and answers them by frames
 * (channel/resolver_message.h). It can't make sockets: it sends a request by socket_fd, and
 * waits for one that is connected to the name server. */
#ifndef TUNION_NAMES_RESOLVER_ENTRY_H
#define TUNION_NAMES_RESOLVER_ENTRY_H

#include <sys/types.h>

#include "names/lookup_settings.h"

enum resolver_servers {
	RESOLVER_HOST,
	RESOLVER_NETWORK,
	RESOLVER_SERVERS_COUNT,
};

/* What the resolver has to know from the start. */
struct resolver_options {
	struct lookup_settings settings[RESOLVER_SERVERS_COUNT];
};

/* Runs it in a process that was forked for it, which has no descriptors except 0 to 2 and
 * these, which it owns. Returns the exit status: 0 after the supervisor has closed the
 * channel. NULL: there is no such process, and no name server is asked. */
struct resolver_entry {
	int (*run)(int channel_fd, int socket_fd, pid_t supervisor,
	           const struct resolver_options *options);
	/* Called before that: wipes secrets of who has started the supervisor, which the
	 * resolver doesn't need. NULL: there are none. */
	void (*forget)(void *context);
	void *context; /* borrowed */
};

#endif
