/* src/proxy/stack_lookup.h - looks up names through a stack, and not by the kernel's sockets */
#ifndef TUNION_PROXY_STACK_LOOKUP_H
#define TUNION_PROXY_STACK_LOOKUP_H

#include <stddef.h>

#include "base/attr.h"
#include "names/lookup.h"
#include "proxy/stack.h"

#define STACK_LOOKUP_SOCKETS 32

struct stack_lookup_socket {
	struct stack_lookup *all; /* borrowed; NULL: not in use */
	struct packets *packets;  /* owned; NULL: it is a stream, or not open yet */
	struct stream *stream;    /* owned */
	int family, type;
	struct endpoint to;
};

/* The sockets of one lookup. Embedded; must not be moved while there is that lookup. */
struct stack_lookup {
	struct lookup_sockets functions;
	struct stack *stack;   /* borrowed */
	struct lookup *lookup; /* borrowed */
	struct stack_lookup_socket sockets[STACK_LOOKUP_SOCKETS];
};

void stack_lookup_init(struct stack_lookup *s, struct stack *stack);
/* Makes the lookup, a bare one (names/lookup.h), which the caller owns. Returns 0 or -errno. */
MUST_CHECK int stack_lookup_new(struct lookup **out, struct stack_lookup *s,
                                struct loop *loop);

#endif
