/* src/supervisor/clients.h - who asks the instance on its control socket, and for what?
 *
 * A client sends one line, "status", "reload" or "down". The answer is all that comes
 * until the end: JSON for status; for reload, errors and warnings, a line each, and "ok:
 * ..." or "failed: ..." with what was done; for down, warnings, a line each, and "ok"
 * when the host is as it was, or "refused" when the instance stays up. Anything else is
 * answered by "error: ...". Supervisor process. */
#ifndef TUNION_SUPERVISOR_CLIENTS_H
#define TUNION_SUPERVISOR_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "io/loop.h"

#define CLIENTS_MAX 32

struct client;

struct clients {
	struct loop *loop;           /* borrowed */
	struct loop_source listener; /* its fd is borrowed */
	struct client *first;        /* owned */
	size_t count;
	/* A client has asked; it waits for clients_answer_status or _reload, or for
	 * clients_end. */
	void (*want_status)(void *context);
	void (*want_reload)(void *context);
	void (*want_down)(void *context);
	void *context; /* borrowed */
};

/* The callbacks and their context must be set. 0 or -errno. */
MUST_CHECK int clients_start(struct clients *c, struct loop *loop, int listen_fd);
/* What reload and down are answered: what diag holds, a line each, and a last line. To be
 * freed; NULL: no memory. */
char *clients_text(const struct diag *diag, const char *last);
/* To all who wait for it. NULL: it could not be made. */
void clients_answer_status(struct clients *c, const char *text);
void clients_answer_reload(struct clients *c, const char *text);
bool clients_want_status(const struct clients *c);
/* Tells those who wait for `down` that it stays up. */
void clients_refuse_down(struct clients *c, const char *text);
/* Tells those who wait for `down` how it went, and hangs up on all. Does not wait. Fine
 * if it was not started (loop NULL). */
void clients_end(struct clients *c, const char *text);

#endif
