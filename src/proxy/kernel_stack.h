/* src/proxy/kernel_stack.h - streams and datagrams over sockets of the kernel
 *
 * A socket belongs to the network namespace in which it was made. So the namespace of a
 * stack is that of who makes its sockets: this process, or another one that hands them
 * over (outlet.h). */
#ifndef TUNION_PROXY_KERNEL_STACK_H
#define TUNION_PROXY_KERNEL_STACK_H

#include "base/attr.h"
#include "io/loop.h"
#include "proxy/stack.h"

/* Embedded; its members are set by its user. */
struct kernel_stack {
	struct stack stack;
	struct loop *loop; /* borrowed */
	/* Makes a socket that doesn't block and is closed by exec. Returns it or -errno. */
	int (*make_socket)(void *context, int family, int type);
	/* NULL, or makes a stream that is connected or connecting, where this process may not
	 * connect. */
	int (*connect_socket)(void *context, const struct endpoint *to);
	bool limit_unsent; /* of all its streams: see kernel_stream_limit_unsent */
	void *context;     /* borrowed */
};

/* make_socket may be NULL: this process makes them. */
void kernel_stack_init(struct kernel_stack *k, struct loop *loop,
                       int (*make_socket)(void *context, int family, int type),
                       void *context);

/* Make a stream or a port of a socket, which is owned from here on, also after an error.
 * Return 0 or -errno. */
MUST_CHECK int kernel_stream_new(struct stream **out, struct loop *loop, int fd);
MUST_CHECK int kernel_packets_new(struct packets **out, struct loop *loop, int fd);

/* Lets the kernel take only little of what the receiver has no room for yet. Otherwise it takes
 * megabytes, so a program that doesn't read looks like one that reads fast, and the sender is
 * offered an ever larger window. */
void kernel_stream_limit_unsent(struct stream *s);

#endif
