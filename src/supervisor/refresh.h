/* src/supervisor/refresh.h - what does an instance read again when a client asks: all its files, or
 * one of them?
 *
 * A client takes one file out of a running instance, or into it (`tunion down NAME`,
 * `tunion up NAME`). The other devices go on, as in a reload. A file that is taken out stays
 * where it is, and is left out until somebody takes it in again or the instance goes down.
 * Supervisor process; blocks as long as hooks run. */
#ifndef TUNION_SUPERVISOR_REFRESH_H
#define TUNION_SUPERVISOR_REFRESH_H

#include <stdbool.h>

#include "supervisor/clients.h"
#include "supervisor/follow.h"
#include "supervisor/keeper.h"
#include "supervisor/live.h"
#include "supervisor/takedown.h"
#include "supervisor/tunnels.h"

#define REFRESH_REFUSED_MAX (INSTANCE_OPTIONS_MAX + 128)

/* Embedded; the pointers are borrowed. */
struct refresh {
	struct clients *clients;
	struct follow *follow;
	struct live *live;
	struct keeper *keeper;
	const struct takedown *takedown;
	struct tunnels *tunnels;
	bool in;    /* the file comes, or goes */
	char *what; /* owned: its path if it comes, its NAME if it goes; NULL: nobody asks */
	char refused[REFRESH_REFUSED_MAX]; /* what refresh_want_file has answered */
};

/* A reload: reads all files again, and answers the clients that wait for that. */
void refresh_all(struct refresh *r);

/* For clients.want_file. The answer is valid until the next one. */
const char *refresh_want_file(struct refresh *r, bool in, const char *what);
/* Does what refresh_want_file was asked for, and answers the client. Returns true if the whole
 * instance should go down, because it has no other file; then the client waits for that. */
MUST_CHECK bool refresh_file(struct refresh *r);
void refresh_clear(struct refresh *r);

#endif
