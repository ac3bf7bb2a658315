/* src/supervisor/permit.h - what may the worker say now?
 *
 * It may have been taken over. So a table says after which request of ours a message makes
 * sense, and each reply must be to the request whose turn it is: then what we tell of a failed
 * request is what we have asked, and not what the worker says. Supervisor process. */
#ifndef TUNION_SUPERVISOR_PERMIT_H
#define TUNION_SUPERVISOR_PERMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "channel/command.h"

/* A request whose reply has not come. */
struct permit_due {
	enum command_type request;
	char name[IFNAME_MAX + 1];
};

/* What one worker was told. A zeroed struct is one to which nothing was said. */
struct permit {
	bool told[COMMAND_TYPE_COUNT];
	struct permit_due
		*due; /* owned: in the order of the requests, from due[first] on */
	size_t first, due_count, capacity;
};

/* Forgets everything, for the next worker. */
void permit_clear(struct permit *p);

/* Makes room, so that the next permit_request can't fail. Returns 0 or -ENOMEM. */
MUST_CHECK int permit_reserve(struct permit *p);
/* The worker is told this, and will send a reply. */
void permit_request(struct permit *p, const struct command *m);
/* The same for what has another answer than a reply. */
void permit_tell(struct permit *p, enum command_type type);

/* May it say such a message now? Replies aside. */
MUST_CHECK bool permit_now(const struct permit *p, enum command_type type);
/* Does the reply to such a request still come? */
bool permit_awaits(const struct permit *p, enum command_type type);
/* Takes a reply. Returns false if it is not one to the request whose turn it is, or has a
 * result that is none; `out` is the request. */
MUST_CHECK bool permit_reply(struct permit *p, const struct command *m,
                             struct permit_due *out);

#endif
