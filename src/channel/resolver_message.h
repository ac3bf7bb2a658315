/* src/channel/resolver_message.h - what do the supervisor and its resolver say to each other?
 *
 * The resolver asks name servers, so whatever it says may be a stranger's. Its messages have
 * fixed sizes, but for lines of the log; one that has another size, or a value that is not
 * allowed, can't be read. All but the requests for sockets are frames (frame.h) without descriptors. */
#ifndef TUNION_CHANNEL_RESOLVER_MESSAGE_H
#define TUNION_CHANNEL_RESOLVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"
#include "base/wire.h"

/* The types of the frames. */
enum resolver_message {
	RESOLVER_MESSAGE_NONE = 0,
	RESOLVER_MESSAGE_QUESTION, /* from the supervisor */
	RESOLVER_MESSAGE_ANSWER,   /* from the resolver, and so is all else */
	RESOLVER_MESSAGE_LINE,     /* for the log: line.h */
};

#define RESOLVER_MESSAGE_NAME_MAX  255 /* characters */
#define RESOLVER_MESSAGE_ADDRESSES 16

/* The name servers to ask are those of the network, or those of the host. */
struct resolver_question {
	uint32_t id;
	bool network;
	char name[RESOLVER_MESSAGE_NAME_MAX + 1];
};

struct resolver_answer {
	uint32_t id;
	uint8_t status; /* of c-ares; 0: there are addresses */
	size_t count;   /* 0 if there is another status */
	struct ip_addr found[RESOLVER_MESSAGE_ADDRESSES]; /* each is specified */
};

/* A request for a socket that is connected to a name server, see resolver_entry.h. It is a
 * message of its own socket; the answer is struct resolver_socket_made, with the descriptor. */
struct resolver_socket {
	bool network;
	bool stream;    /* TCP; else UDP */
	uint8_t server; /* its place in the list */
};

struct resolver_question_wire {
	struct be32 id;
	uint8_t network;
	char name[RESOLVER_MESSAGE_NAME_MAX + 1]; /* the rest is zero */
};
struct resolver_answer_wire {
	struct be32 id;
	uint8_t status, count;
	struct {
		uint8_t family; /* 4 or 6; behind the last one all is zero */
		uint8_t bytes[16];
	} found[RESOLVER_MESSAGE_ADDRESSES];
};
struct resolver_socket_wire {
	uint8_t network, stream, server;
};
struct resolver_socket_made {
	struct be32 error; /* an errno, or 0 */
};
_Static_assert(sizeof(struct resolver_question_wire) == 261, "wire size");
_Static_assert(sizeof(struct resolver_answer_wire) == 278, "wire size");
_Static_assert(sizeof(struct resolver_socket_wire) == 3, "wire size");

struct resolver_question_wire
resolver_message_put_question(const struct resolver_question *q);
struct resolver_answer_wire resolver_message_put_answer(const struct resolver_answer *a);
struct resolver_socket_wire resolver_message_put_socket(const struct resolver_socket *s);

/* These return false if the bytes are no such message; then *out is not to be used. */
MUST_CHECK bool resolver_message_get_question(struct resolver_question *out,
                                              const void *bytes, size_t n);
MUST_CHECK bool resolver_message_get_answer(struct resolver_answer *out,
                                            const void *bytes, size_t n);
MUST_CHECK bool resolver_message_get_socket(struct resolver_socket *out,
                                            const void *bytes, size_t n);

#endif
