/* src/proxy/stack.h - what carries the bytes of the proxy?
 *
 * A stack makes connections and exchanges datagrams with destinations. There is one over
 * the kernel's sockets (kernel_stack.h), and one that has TCP in this process
 * (lwip_stack.h). The connections of the clients are streams of the same kind, so that
 * whoever moves bytes doesn't care which end is which.
 *
 * Nothing here waits: a call that can't go on returns -EAGAIN, and `ready` is called when
 * it can. */
#ifndef TUNION_PROXY_STACK_H
#define TUNION_PROXY_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/ip.h"

#define STREAM_READ  1U
#define STREAM_WRITE 2U

/* ---- streams */

struct stream;

struct stream_ops {
	/* Copies bytes that have arrived, and leaves them where they are. Returns how many,
	 * 0 at the end of the stream, or -errno. */
	ssize_t (*peek)(struct stream *s, void *out, size_t n);
	/* Removes n bytes that were seen by peek. */
	void (*consume)(struct stream *s, size_t n);
	/* Returns how many were taken, or -errno. */
	ssize_t (*write)(struct stream *s, const void *bytes, size_t n);
	/* No more will be written; what was written still arrives. */
	void (*shut_down)(struct stream *s);
	/* Of a stream that was connecting and has become ready: 0, or -errno. */
	int (*connected)(struct stream *s);
	/* Asks for `ready` when this is possible: STREAM_READ, STREAM_WRITE, both or
	 * nothing. Broken streams are ready for what was asked. Returns 0 or -errno. */
	int (*want)(struct stream *s, unsigned wanted);
	/* Frees it; with `reset` the other side learns that something went wrong. */
	void (*close)(struct stream *s, bool reset);
	/* Our own end and the other one; IP_NONE if there is no such address. */
	void (*ends)(const struct stream *s, struct endpoint *local,
	             struct endpoint *remote);
};

struct stream {
	const struct stream_ops *ops;
	/* Set by who uses it, before the first `want`. May close the stream. */
	void (*ready)(struct stream *s, unsigned events, uint64_t now_ns);
	void *user; /* borrowed: of `ready` */
	/* A TCP socket of the kernel, for splice(2), which may be used instead of peek,
	 * consume and write if both streams have one; 0: there is none. */
	int splice_fd;
};

/* ---- datagrams */

struct packets;

struct packets_ops {
	/* Returns 0, or -errno after which the datagram is lost. */
	int (*send)(struct packets *p, const struct endpoint *to, const void *bytes,
	            size_t n);
	/* Returns the size of a datagram, or -errno. */
	ssize_t (*receive)(struct packets *p, struct endpoint *from, void *out, size_t n);
	void (*close)(struct packets *p);
};

/* A UDP port of one address family. */
struct packets {
	const struct packets_ops *ops;
	void (*ready)(struct packets *p, uint64_t now_ns); /* as that of a stream */
	void *user;
};

/* ---- the stack */

struct stack;

struct stack_ops {
	/* Begins to connect; it is ready for STREAM_WRITE when that has worked or failed.
	 * Returns 0 or -errno: -ENETUNREACH if there is no way to this address. */
	int (*connect)(struct stack *s, const struct endpoint *to, struct stream **out);
	/* Returns 0 or -errno. */
	int (*open_packets)(struct stack *s, enum ip_family family, struct packets **out);
	/* The rest is NULL where who wants to listen has to make a socket. */
	/* Takes connections at this port until the stack ends. The address may be of IP_NONE:
	 * all of both families. `accepted` owns the stream. Returns 0 or -errno. */
	int (*listen)(struct stack *s, const struct endpoint *at,
	              void (*accepted)(void *context, struct stream *stream,
	                               uint64_t now_ns),
	              void *context);
	/* The same with datagrams. */
	int (*listen_packets)(struct stack *s, const struct endpoint *at,
	                      struct packets **out);
};

struct stack {
	const struct stack_ops *ops;
};

#endif
