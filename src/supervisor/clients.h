/* src/supervisor/clients.h - who asks the instance on its control socket, and for what?
 *
 * A client sends one line: "status", "reload", "down", "enter", "page", "out NAME" or "in PATH".
 * At once it gets an empty line, which says that the request was heard. The answer is
 * everything after that, until the end:
 *   enter    the namespaces of an instance of `exec` (insiders.h), not as text
 *   page     the address of the status page
 *   status   JSON
 *   reload   errors and warnings, one on each line; then "ok: ..." or "failed: ..." with
 *            what was done
 *   down     warnings, one on each line; then "ok" when the host is restored, "failed N" if
 *            a hook has failed with exit status N meanwhile, or "refused N" when the
 *            instance stays up: because of a hook, or of a file that can't be saved (1)
 *   out, in  as reload, about one file of the instance (refresh.h); `out` of the last file is
 *            answered as down
 * To anything else the answer is "error: ...".
 *
 * The status page (page_child.h) isn't on that socket, because it may ask for less: it is lent
 * a client for each answer. Supervisor process. */
#ifndef TUNION_SUPERVISOR_CLIENTS_H
#define TUNION_SUPERVISOR_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "io/loop.h"

/* If there are so many, another one takes the place of the one that has said nothing, or
 * read nothing, for longest. */
#define CLIENTS_MAX      32
#define CLIENTS_LENT_MAX 4 /* of them */

struct client;

struct clients {
	struct loop *outer;          /* borrowed; NULL: not started */
	struct loop_source source;   /* in `outer`: somebody in `loop` is ready */
	struct loop *loop;           /* owned: for the listener and the clients */
	struct loop_source listener; /* its fd is borrowed */
	struct client *first;        /* owned */
	int spare_fd; /* owned: gives way to a client if there is no other descriptor; -1:
	               * it has */
	bool paused;  /* no more clients until one has gone */
	size_t count, lent;
	/* Called when a client has asked. It then waits for clients_answer_status, for
	 * clients_answer_reload, or for clients_end. */
	void (*want_status)(void *context);
	void (*want_reload)(void *context);
	void (*want_down)(void *context);
	/* For "in PATH" and "out NAME", which is `what`. Returns NULL, or why not; then nothing
	 * follows. */
	const char *(*want_file)(void *context, bool in, const char *what);
	/* Answers the client itself. Returns 0 or -errno. */
	int (*enter)(void *context, int client_fd);
	void *context;        /* borrowed */
	const char *page_url; /* borrowed: of the status page; NULL: there is none */
};

/* The callbacks and their context must be set. Returns 0 or -errno. */
MUST_CHECK int clients_start(struct clients *c, struct loop *loop, int listen_fd);
/* For use outside of the loop: this fd is readable when clients_serve has something to
 * do. It is -1 if clients_start wasn't called. */
int clients_fd(const struct clients *c);
/* Serves the clients that are ready, and does not wait. */
void clients_serve(struct clients *c);
/* Makes a client of a connected socket, which wants the status, or gets these n bytes. Owns
 * fd, also after a failure. Return 0 or -errno; -EBUSY: too many are lent. */
MUST_CHECK int clients_lend_status(struct clients *c, int fd);
MUST_CHECK int clients_lend_text(struct clients *c, int fd, const char *text, size_t n);
/* Makes an answer to reload or down: what diag contains, one on each line, and then the
 * last line unless it is NULL. To be freed; NULL if out of memory. */
char *clients_text(const struct diag *diag, const char *last);
/* Answers all clients that wait for the status. text is NULL if it couldn't be made. */
void clients_answer_status(struct clients *c, const char *text);
/* A reload begins. A client that asks from now on, while the hooks of this reload run,
 * asks for the next one. */
void clients_begin_reload(struct clients *c);
void clients_answer_reload(struct clients *c, const char *text);
/* Answers the client that waits for a file; or makes it wait for `down`. */
void clients_answer_file(struct clients *c, const char *text);
void clients_turn_file_to_down(struct clients *c);
bool clients_want_status(const struct clients *c);
/* Sends whole lines to those who wait for `down`, before the answer. */
void clients_tell_down(struct clients *c, const char *text);
/* Answers those who wait for `down` that the instance stays up. */
void clients_refuse_down(struct clients *c, const char *text);
/* Tells those who wait for `down` how it went, and hangs up on all clients. Does not
 * wait. May also be called if clients_start wasn't. */
void clients_end(struct clients *c, const char *text);
/* For a forked child, whose descriptors are closed: frees everything and tells nobody. */
void clients_forget(struct clients *c);

#endif
