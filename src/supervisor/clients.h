/* src/supervisor/clients.h - who asks the instance on its control socket, and for what?
 *
 * A client sends one line, "status", "reload" or "down". At once comes an empty line: the
 * request is taken. The answer is all that comes after, until the end: JSON for status;
 * for reload, errors and warnings, a line each, and "ok: ..." or "failed: ..." with what
 * was done; for down, warnings, a line each, and "ok" when the host is as it was, or
 * "refused" when the instance stays up. Anything else is answered by "error: ...".
 * Supervisor process. */
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
	struct loop *outer;          /* borrowed; NULL: not started */
	struct loop_source source;   /* there: that somebody in `loop` is ready */
	struct loop *loop;           /* owned: the listener's and the clients' */
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
/* For those who are not in the loop now: readable when clients_serve has something to do.
 * -1: not started. */
int clients_fd(const struct clients *c);
/* Does not wait. */
void clients_serve(struct clients *c);
/* What reload and down are answered: what diag holds, a line each, and a last line (NULL:
 * none). To be freed; NULL: no memory. */
char *clients_text(const struct diag *diag, const char *last);
/* To all who wait for it. NULL: it could not be made. */
void clients_answer_status(struct clients *c, const char *text);
/* A reload begins: whoever asks from now on, while its hooks run, is asking for the next.
 */
void clients_begin_reload(struct clients *c);
void clients_answer_reload(struct clients *c, const char *text);
bool clients_want_status(const struct clients *c);
/* Tells those who wait for `down` something before the answer: whole lines. */
void clients_tell_down(struct clients *c, const char *text);
/* Tells those who wait for `down` that it stays up. */
void clients_refuse_down(struct clients *c, const char *text);
/* Tells those who wait for `down` how it went, and hangs up on all. Does not wait. Fine
 * if it was not started. */
void clients_end(struct clients *c, const char *text);
/* In a forked child, whose descriptors are closed: frees and tells nobody. */
void clients_forget(struct clients *c);

#endif
