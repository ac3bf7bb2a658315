/* src/supervisor/outside.c */
#include "supervisor/outside.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip.h"
#include "io/loop.h"

static bool is_named(const struct plan *plan, const struct ip_addr *server)
{
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf_addrs *servers = &plan->devices[i].conf->dns.servers;

		for (size_t j = 0; j < servers->n; j++)
			if (ip_addr_equal(&servers->v[j], server))
				return true;
	}
	return false;
}

static bool is_too_much(struct outside_budget *b)
{
	uint64_t now_ns = loop_now_ns();

	if (now_ns - b->since_ns >= NS_PER_SEC)
		b->made = 0;
	if (b->made == 0)
		b->since_ns = now_ns;
	return b->made++ >= OUTSIDE_PER_SECOND;
}

static int make_socket(const struct outside_budget *b, int family, int type)
{
	int fd;

	if (b->make_socket)
		return b->make_socket(b->socket_context, family, type);
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Returns a socket that is connected, or is about to be; or -errno. */
static int connected_socket(const struct outside_budget *b, int type,
                            const struct ip_addr *addr, uint16_t port)
{
	const struct endpoint to = { .addr = *addr, .port = port };
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(&to, &sa);
	int fd = make_socket(b, sa.ss_family, type);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int add(struct command *answer, int fd)
{
	if (fd < 0)
		return fd;
	answer->fds[answer->fd_count++] = fd;
	return 0;
}

/* The connection through the tun, to where it meets that of the client (engine/
 * outside_meeting.h). Which port it has got is known at once. */
static int add_relay(const struct outside_budget *b, struct command *answer,
                     const struct ip_addr *virtual)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int err = add(answer, connected_socket(b, SOCK_STREAM, virtual, answer->port));

	if (!err && getsockname(answer->fds[0], (struct sockaddr *)&sa, &len) < 0)
		err = -errno;
	if (!err && !endpoint_from_sockaddr(&answer->endpoint, (struct sockaddr *)&sa))
		err = -EAFNOSUPPORT;
	return err;
}

static int make(const struct outside_budget *b, const struct host *host,
                const struct plan *plan, const struct command *request,
                struct command *answer)
{
	const struct ip_addr *server = &request->servers[0];
	struct ip_addr ipv4, ipv6;
	const struct ip_addr *virtual = server->family == IP_V4 ? &ipv4 : &ipv6;
	int err = 0;

	if (!host_may_ask_outside(host) || !is_named(plan, server))
		return -EACCES;
	if (request->port == 0)
		return add(answer,
		           connected_socket(b, SOCK_DGRAM, server, OUTSIDE_DNS_PORT));
	host_resolver(host, &ipv4, &ipv6);
	if (host_tun_fd(host) < 0 || virtual->family == IP_NONE || b->make_socket)
		return -EOPNOTSUPP;
	err = add_relay(b, answer, virtual);
	return err ? err
	           : add(answer,
	                 connected_socket(b, SOCK_STREAM, server, OUTSIDE_DNS_PORT));
}

int outside_make(struct outside_budget *budget, const struct host *host,
                 const struct plan *plan, const struct command *request,
                 struct command *answer)
{
	if (request->server_count != 1 || request->servers[0].family == IP_NONE ||
	    request->port == OUTSIDE_DNS_PORT)
		return -EPROTO;
	*answer = command_of(COMMAND_OUTSIDE, NULL);
	answer->port = request->port;
	answer->servers = request->servers;
	answer->server_count = 1;
	answer->result =
		is_too_much(budget) ? -EAGAIN : make(budget, host, plan, request, answer);
	if (answer->result != 0) {
		while (answer->fd_count > 0)
			close(answer->fds[--answer->fd_count]);
	}
	return 0;
}
