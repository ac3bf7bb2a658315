/* tests/unit/worker_lab.h - the parts of a worker, in the process of the test, which
 * plays the supervisor: it gives requests, and reads what the worker tells */
#ifndef TUNION_UNIT_WORKER_LAB_H
#define TUNION_UNIT_WORKER_LAB_H

#include <sys/socket.h>
#include <sys/un.h>

#include "unit.h"
#include "worker/worker_requests.h"

/* A valid private key, and public keys of peers, as hex. */
#define LAB_PRIVATE "40bb3ce5666b8188efe3d632605260a907a829143c479dfbd0ba35b98809b962"
#define LAB_PEER1   "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define LAB_PEER2   "662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58"

struct worker_lab {
	struct loop *loop;
	struct buffers *buffers;
	struct udp_scratch *scratch;
	struct engine *engine;
	struct channel channel;    /* the worker's end */
	struct channel supervisor; /* the test's end */
	struct report report;
	struct log log;
	struct worker_tun tun;
	struct worker_stand_in stand_in; /* there is none */
	struct worker_devices devices;
	struct sandbox sandbox;
	struct worker_outside outside;
	struct worker_requests requests;
};

void worker_lab_begin(struct worker_lab *lab);
void worker_lab_end(struct worker_lab *lab);

/* Lets the loop do everything that it can do now. */
void worker_lab_run(struct worker_lab *lab);
/* The next message that the worker has told; it must be of this type. Clear it. */
void worker_lab_expect(struct worker_lab *lab, enum command_type type,
                       struct command *out);
/* True if the worker has told nothing more. */
bool worker_lab_silent(struct worker_lab *lab);

/* Carries out the request. Its descriptors are given away. Returns the result in its
 * reply, which must be the next thing told. */
int worker_lab_ask(struct worker_lab *lab, struct command *m);
/* The same for requests with only a name. */
int worker_lab_ask_name(struct worker_lab *lab, enum command_type type, const char *name);
/* The same for a piece of UAPI text that completes one set. */
int worker_lab_uapi(struct worker_lab *lab, const char *name, const char *text);
/* Sends a piece of UAPI text, whose replies are still to be read. */
void worker_lab_uapi_piece(struct worker_lab *lab, const char *name, const char *text);

/* Adds a device whose UAPI has this address. */
void worker_lab_device(struct worker_lab *lab, const char *name,
                       struct sockaddr_un *address, socklen_t *address_len);
/* A connected client, non-blocking. */
int worker_lab_client(const struct sockaddr_un *address, socklen_t address_len);
/* A listening socket with an abstract address that the kernel chose. */
int worker_lab_listen(struct sockaddr_un *address, socklen_t *address_len);
/* Is a descriptor closed everywhere? `other` is the other end of its socket pair. */
bool worker_lab_closed(int other);

#endif
