/* src/proxy/proxy_calls.c - the comments are the reasons that SECURITY.md gives */
#include "proxy/proxy_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define STREAM_TYPE (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static const struct call_rule rules[] = {
	CALL(accept4),     /* clients */
	CALL(getsockopt),  /* has it worked to connect? */
	CALL(bind),        /* a port of UDP for a client of SOCKS5 */
	CALL(connect),     /* to destinations and name servers; ends by a reset */
	CALL(getpeername), /* who is the client? */
	CALL(getsockname), /* where has it come to? */
	CALL_BOTH(socketpair, 0, AF_UNIX, STREAM_TYPE), /* to the process of the page */
	CALL(pipe2),  /* bytes from socket to socket without a copy */
	CALL(splice), /* the same */
	CALL_EQUAL(fcntl, 1, F_SETPIPE_SZ),      /* such a pipe holds more */
	CALL_EQUAL(fcntl64, 1, F_SETPIPE_SZ),    /* as fcntl */
	CALL(shutdown),                          /* one side has ended */
	CALL_EQUAL(setsockopt, 1, IPPROTO_TCP),  /* what is sent when, and kept */
	CALL_EQUAL(setsockopt, 1, IPPROTO_IPV6), /* a port of one family */
	CALL_BOTH(setsockopt, 1, SOL_SOCKET, SO_OOBINLINE), /* urgent bytes */
};

/* The outlet needs no others. */
static const struct call_rule socket_rules[] = {
	CALL_EQUAL(socket, 0, AF_INET),  /* to destinations and name servers */
	CALL_EQUAL(socket, 0, AF_INET6), /* the same */
	CALL(connect),                   /* the same */
};

const struct call_rule *proxy_calls(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}

const struct call_rule *proxy_socket_calls(size_t *n)
{
	*n = ARRAY_SIZE(socket_rules);
	return socket_rules;
}
