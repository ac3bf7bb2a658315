/* src/supervisor/port_wait.h - opens a tunnel's sockets at the start, also where another instance
 * of ours has the port
 *
 * An instance of `exec` ends a moment after its command. So the next one, with the same file,
 * may find its ListenPort still in use, and waits for that to end. */
#ifndef TUNION_SUPERVISOR_PORT_WAIT_H
#define TUNION_SUPERVISOR_PORT_WAIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "instance/instance.h"
#include "supervisor/tunnel.h"

/* One for all tunnels of a start: together they wait for up to 10 s. */
struct port_wait {
	const struct instance *self; /* borrowed */
	int interrupt_fd; /* readable: somebody wants to end; -1: there is none */
	int64_t since_ms, asked_ms; /* 0: nobody has waited, or asked, yet */
};

/* Calls tunnel_open_udp. If the port is in use, and other instances of the same run directory
 * are there, it tries again until they are gone, or until one of them, which goes on running,
 * says that the port is its own; then the error names that one. Returns 0 or -errno, with the
 * reason in diag; -EINTR if interrupt_fd has become readable meanwhile. */
MUST_CHECK int port_wait_open(struct port_wait *w, struct tunnel *t, uint32_t mark,
                              struct diag *diag);

#endif
