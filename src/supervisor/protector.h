/* src/supervisor/protector.h - keeps sockets out of the VPN whose tun is an app's
 *
 * Behind Android's VpnService, what a program of the app sends goes back into the VPN,
 * unless the app has called protect() for the socket. So the app is asked for each one, as
 * other programs do it: we connect to a stream socket of the app's and send one byte with
 * the descriptor; its answer is one byte, which is 0 if the socket is protected.
 *
 * The worker gets a socket only after it was protected, so nothing is ever sent by one that
 * isn't. Nobody waits meanwhile: until then the worker goes on with the sockets that it
 * has. An app that refuses, is slow, or isn't there is asked again, later and later up to
 * PROTECTOR_LONGEST_NS. Supervisor process. */
#ifndef TUNION_SUPERVISOR_PROTECTOR_H
#define TUNION_SUPERVISOR_PROTECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"
#include "io/loop.h"
#include "io/outward.h"
#include "supervisor/tunnels.h"
#include "supervisor/worker_child.h"

#define PROTECTOR_ANSWER_NS  (15 * NS_PER_SEC) /* how long an answer may take */
#define PROTECTOR_FIRST_NS   (250 * NS_PER_MS)
#define PROTECTOR_LONGEST_NS (5 * NS_PER_SEC)

/* Embedded. All zeroes: no socket needs protection, and the functions do nothing. */
struct protector {
	const char *name;        /* borrowed: of the app's socket, see unix_socket.h */
	struct loop *loop;       /* borrowed */
	const struct log *log;   /* borrowed */
	struct tunnels *tunnels; /* borrowed */
	struct worker_child *worker; /* borrowed */
	/* Called when there are outward sockets later than when protector_begin returns. */
	void (*can_look)(void *context);
	void *context; /* borrowed */

	struct outward_sockets outward; /* owned: protected ones */
	int unprotected[UDP_FAMILIES];  /* owned: those that will be outward; -1: none */
	struct loop_source request;     /* fd owned; -1: no request is under way */
	int asked;                      /* owned: a copy of the socket that it is about */
	bool has_answer;                /* protector_run has to read it */
	unsigned turn;                  /* which one is asked for next */
	uint64_t due_ns;   /* the answer has to be there; or the next request may begin */
	uint64_t pause_ns; /* before the next request; 0: the last one was successful */
	uint64_t waits_since_ns, waited_ns; /* see protector_socket */
	struct log_limit limit;
};

/* Its name must be set. To be called before all others, except that protector_end may be
 * called on a struct of zeroes. */
void protector_init(struct protector *p);
/* The loop must be set. Waits a short time for the outward sockets. */
void protector_begin(struct protector *p);
/* For lookup_set_sockets: makes a socket and waits for its protection, but not for long, and
 * for some time not at all after the app hasn't answered. Returns it or -errno. The context
 * is the protector. */
MUST_CHECK int protector_socket(void *context, int family, int type);
/* The time at which protector_run is due; NEVER_NS: it isn't. */
uint64_t protector_deadline_ns(const struct protector *p);
/* To be called in each round of the loop: asks for the sockets that aren't protected yet.
 * Returns 0, or -ENOMEM if the worker can't be told. */
MUST_CHECK int protector_run(struct protector *p, uint64_t now_ns);
/* Closes all that it has. */
void protector_end(struct protector *p);

#endif
