/* tests/unit/proxy_lab.h - a proxy, its clients and its servers in one process, over sockets
 * of the loopback device. Its loop runs whenever a test waits for something. */
#ifndef TUNION_UNIT_PROXY_LAB_H
#define TUNION_UNIT_PROXY_LAB_H

#include <netinet/in.h>
#include <stdbool.h>

#include "proxy/kernel_stack.h"
#include "proxy/proxy.h"

#define ROUNDS      10000 /* more than any test needs */
#define BYTES(text) text, sizeof(text) - 1

/* A stack over the kernel's, which has no way to 192.0.2.0/24. */
struct lame_stack {
	struct stack stack;
	struct kernel_stack kernel;
};

struct proxy_lab {
	struct loop *loop;
	struct lame_stack inside;
	struct kernel_stack outside;
	struct proxy *proxy;
	struct proxy_options options;
	struct sockaddr_in at; /* of the proxy */
	int page_fds[2];       /* [1] is where the page gets them; 0: there is no page */
	int page;              /* the newest connection to it; -1: none */
};

/* Returns a socket that listens at a port of the loopback device. */
int proxy_lab_listen_at(struct sockaddr_in *at, int backlog);
/* Returns a socket that is connected, and doesn't block. */
int proxy_lab_connect_to(const struct sockaddr_in *at);
/* Starts a proxy; limits may be NULL. */
void proxy_lab_begin_with(struct proxy_lab *f, const struct users *users, size_t max,
                          const struct conn_limits *limits);
void proxy_lab_begin(struct proxy_lab *f);
/* With a status page, which is the test itself. */
void proxy_lab_begin_with_page(struct proxy_lab *f, const struct users *users);
void proxy_lab_end(struct proxy_lab *f);
/* One round of the loop, which waits at most a millisecond. */
void proxy_lab_serve(struct proxy_lab *f);
/* Serves until so many bytes have come, or the end; returns how many. */
size_t proxy_lab_receive(struct proxy_lab *f, int fd, void *out, size_t n);
/* Is the next that comes the end? */
bool proxy_lab_ends(struct proxy_lab *f, int fd);
void proxy_lab_say(int fd, const void *bytes, size_t n);
void proxy_lab_expect(struct proxy_lab *f, int fd, const void *bytes, size_t n);
int proxy_lab_accept_one(struct proxy_lab *f, int listener);
void proxy_lab_say_socks5(int fd, const struct sockaddr_in *to);
/* A client that is connected with a server. */
void proxy_lab_connect_both(struct proxy_lab *f, int *client, int *server);

#endif
