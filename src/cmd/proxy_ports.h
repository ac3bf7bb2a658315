/* src/cmd/proxy_ports.h - where does `tunion proxy` listen? The words of the command line,
 * and the sockets that are made of them */
#ifndef TUNION_CMD_PROXY_PORTS_H
#define TUNION_CMD_PROXY_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "proxy/proxy.h"

#define PROXY_DEFAULT_LISTEN "127.0.0.1:1080"

/* PROXY_OUTSIDE: clients come from the union, and so the socket has to be made inside. */
struct proxy_port {
	const char *word; /* borrowed: as it was given */
	enum proxy_way way;
	bool udp;
	struct endpoint at;    /* IP_NONE: all addresses, of both families */
	char *path;            /* owned; NULL: not a socket in the file system */
	bool made_path;        /* what is there is the socket that was opened */
	struct destination to; /* unless PROXY_ASK */
	int fd;                /* owned; -1: not open */
};

/* All zeroes: there are none. */
struct proxy_ports {
	struct proxy_port *v; /* owned */
	size_t n;
	const char *run_dir; /* borrowed; where other proxies are. NULL: the default */
};

/* Take the argument of --listen, and that of -L (PROXY_INSIDE) or -R (PROXY_OUTSIDE).
 * Return false after it was printed what is wrong. */
MUST_CHECK bool proxy_ports_listen(struct proxy_ports *p, const char *word);
MUST_CHECK bool proxy_ports_forward(struct proxy_ports *p, const char *word,
                                    enum proxy_way way);
/* Do any of the ports have this way? */
bool proxy_ports_have(const struct proxy_ports *p, enum proxy_way way);

/* Where do clients reach it? The words of --listen with " and " between them; to be freed.
 * NULL: out of memory. */
char *proxy_ports_text(const struct proxy_ports *p);
/* Where does a browser on this machine reach the proxy? Returns false if it doesn't. */
bool proxy_ports_at(const struct proxy_ports *p, struct endpoint *out);

/* Opens the sockets that are made inside, or those that are made outside. Returns 0 or
 * -errno, with the reasons in diag. */
MUST_CHECK int proxy_ports_open(struct proxy_ports *p, bool inside, struct diag *diag);
/* Gives all open sockets to the proxy. Returns 0 or -errno. */
MUST_CHECK int proxy_ports_give(struct proxy_ports *p, struct proxy *proxy);
void proxy_ports_close(struct proxy_ports *p);
/* Removes the sockets in the file system that proxy_ports_open has made. */
void proxy_ports_remove_files(const struct proxy_ports *p);
void proxy_ports_clear(struct proxy_ports *p);

#endif
