/* src/supervisor/resolver_child.h - the process that asks name servers, as the supervisor sees
 * it
 *
 * What name servers answer is read there and not here, since whoever sends it may take that
 * process over. It only runs while there are questions, and for some time after that. It gets
 * sockets, but only such as are connected to the name servers that it is to ask. If it ends,
 * doesn't answer in time or talks nonsense, another one is asked the same questions.
 * Supervisor process. */
#ifndef TUNION_SUPERVISOR_RESOLVER_CHILD_H
#define TUNION_SUPERVISOR_RESOLVER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/log.h"
#include "channel/frame.h"
#include "io/loop.h"
#include "names/lookup.h"
#include "names/resolver_entry.h"
#include "supervisor/backoff.h"
#include "supervisor/helper_log.h"

#define RESOLVER_CHILD_IDLE_NS (30 * NS_PER_SEC) /* so long it runs without a question */
#define RESOLVER_CHILD_TRIES   3 /* so often a question is asked if the process ends */

/* All borrowed. */
struct resolver_child_env {
	const struct log *log;
	struct loop *loop;
	struct resolver_entry entry;
	bool keep_stderr;              /* see struct child_plan, also for the next two */
	void (*forget)(void *context); /* it calls resolver_child_forget */
	void *context;
	/* Makes a socket as lookup_set_sockets wants it; NULL: any socket will do. */
	int (*make_socket)(void *context, int family, int type);
	void *socket_context;
};

struct resolver_asked; /* a question */

/* Embedded. All zeroes: nothing can be asked, and nothing is done. */
struct resolver_child {
	struct resolver_child_env env;
	uint32_t mark;                  /* of the sockets that ask the network; 0: none */
	struct resolver_options wanted; /* what it should ask */
	bool stale;                     /* it asks other ones, or by another mark */
	struct helper_log lines;        /* what it says, of all processes */
	struct resolver_asked *first;   /* owned: the questions, the oldest first */
	uint32_t last_id;

	pid_t pid; /* 0: it doesn't run, and then the next members are not used */
	struct channel channel;
	struct loop_source source;  /* of the channel */
	struct loop_source sockets; /* fd owned: its requests for sockets */
	uint32_t events;            /* the events of the channel that are waited for */
	size_t sockets_left;        /* how many sockets it may still ask for */
	int broken;                 /* -errno: it can't be used any more */
	uint64_t end_ns;            /* it has no question, and ends then; 0: it has */

	struct backoff backoff;
	uint64_t start_ns; /* before this time no other one is started */
};

/* Before the first question. env is copied. */
void resolver_child_init(struct resolver_child *c, const struct resolver_child_env *env);
/* For names_env; borrows c. */
struct lookup_remote resolver_child_remote(struct resolver_child *c);
/* Sets SO_MARK of the sockets that ask the network; without the right to do so, they stay
 * unmarked. What is being asked is asked once more, by other sockets. */
void resolver_child_set_mark(struct resolver_child *c, uint32_t mark);

/* The time at which resolver_child_run is due; NEVER_NS: it isn't. */
uint64_t resolver_child_deadline_ns(const struct resolver_child *c);
/* To be called in each round of the loop: starts and ends the process, and asks. */
void resolver_child_run(struct resolver_child *c, uint64_t now_ns);
/* Ends the process. Nobody must ask any more. */
void resolver_child_end(struct resolver_child *c);
/* The same for a forked child, which has only copies, and closed descriptors. */
void resolver_child_forget(struct resolver_child *c);

#endif
