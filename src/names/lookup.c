/* src/names/lookup.c - connects c-ares with the loop
 *
 * c-ares tells us which of its sockets have to be read or written (watch_changed). We
 * tell it when this is possible (watch_ready), and when time has passed (lookup_run). A
 * watch lives longer than its socket: it is used again for the next one. */
#include "names/lookup.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/timerq.h"

/* A tunnel may have to make its handshake first. Each further try waits twice as long. */
#define TIMEOUT_MS 1500
#define TRIES      2

struct watch {
	struct loop_source source; /* first member; fd -1: not in use */
	struct watch *next;
	struct lookup *lookup; /* borrowed */
};

struct lookup {
	struct loop *loop; /* borrowed */
	ares_channel channel;
	struct watch *watches; /* owned */
	uint32_t mark;
	size_t count;
	int (*make_socket)(void *context, int family, int type); /* NULL: c-ares does */
	void *make_context;                                      /* borrowed */
};

/* One question, from ares_getaddrinfo until its callback. */
struct lookup_call {
	struct lookup *lookup;      /* borrowed */
	struct lookup_query *query; /* borrowed; NULL: nobody wants the answer */
};

/* ---- sockets */

static void watch_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	const struct watch *w = (struct watch *)source;
	ares_socket_t none = ARES_SOCKET_BAD;
	ares_socket_t fd = source->fd;
	bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;

	(void)now_ns;
	ares_process_fd(w->lookup->channel, broken || (events & EPOLLIN) ? fd : none,
	                events & EPOLLOUT ? fd : none);
}

static struct watch *find_watch(struct lookup *l, int fd)
{
	struct watch *w = l->watches;

	while (w && w->source.fd != fd)
		w = w->next;
	return w;
}

static struct watch *new_watch(struct lookup *l)
{
	struct watch *w = find_watch(l, -1);

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->source = (struct loop_source){ -1, watch_ready };
	w->lookup = l;
	w->next = l->watches;
	l->watches = w;
	return w;
}

/* If a socket can't be watched, its question times out. */
static void watch_changed(void *context, ares_socket_t fd, int readable, int writable)
{
	struct lookup *l = context;
	struct watch *w = find_watch(l, fd);
	uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);

	if (w && events) {
		(void)!loop_modify(l->loop, &w->source, events);
	} else if (w) {
		loop_remove(l->loop, &w->source);
		w->source.fd = -1;
	} else if (events) {
		w = new_watch(l);
		if (!w)
			return;
		w->source.fd = fd;
		if (loop_add(l->loop, &w->source, events) < 0)
			w->source.fd = -1;
	}
}

static void mark_socket(int fd, uint32_t mark)
{
	(void)!setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

static int configure_socket(ares_socket_t fd, int type, void *context)
{
	const struct lookup *l = context;

	(void)type;
	if (l->mark)
		mark_socket(fd, l->mark);
	return 0;
}

/* ---- answers */

static bool contains(const struct endpoint *list, size_t n, const struct endpoint *e)
{
	for (size_t i = 0; i < n; i++)
		if (endpoint_equal(&list[i], e))
			return true;
	return false;
}

static size_t collect(struct endpoint out[static LOOKUP_ADDRESSES_MAX],
                      const struct ares_addrinfo *info)
{
	size_t n = 0;

	for (const struct ares_addrinfo_node *at = info ? info->nodes : NULL;
	     at && n < LOOKUP_ADDRESSES_MAX; at = at->ai_next) {
		if (endpoint_from_sockaddr(&out[n], at->ai_addr) &&
		    !ip_addr_is_unspecified(&out[n].addr) && !contains(out, n, &out[n]))
			n++;
	}
	return n;
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct lookup_call *call = context;
	struct lookup_query *q = call->query;
	struct endpoint found[LOOKUP_ADDRESSES_MAX];
	size_t n = collect(found, info);

	(void)timeouts;
	if (info)
		ares_freeaddrinfo(info);
	call->lookup->count--;
	free(call);
	if (!q)
		return;
	q->call = NULL;
	if (status == ARES_ECANCELLED || status == ARES_EDESTRUCTION)
		return;
	if (status == ARES_SUCCESS && n == 0)
		status = ARES_ENODATA;
	q->done(q, status == ARES_SUCCESS ? NULL : ares_strerror(status), found, n);
}

/* ---- lookup.h */

static int errno_of(int status)
{
	return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

/* Returns a status of c-ares. */
static int set_servers(struct lookup *l, const struct ip_addr *servers, size_t n)
{
	struct ares_addr_node *nodes = calloc(n, sizeof(*nodes));
	int status;

	if (!nodes)
		return ARES_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		nodes[i].family = servers[i].family == IP_V4 ? AF_INET : AF_INET6;
		memcpy(&nodes[i].addr, servers[i].b, ip_addr_bytes(&servers[i]));
		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
	}
	status = ares_set_servers(l->channel, nodes);
	free(nodes);
	return status;
}

int lookup_new(struct lookup **out, struct loop *loop, const struct ip_addr *servers,
               size_t n)
{
	/* The hosts file, then servers, if there are any. Without this option, c-ares
	 * 1.18 leaks memory. */
	char both[] = "fb", hosts[] = "f";
	struct ares_options options = { .timeout = TIMEOUT_MS,
		                        .tries = TRIES,
		                        .lookups = servers && n == 0 ? hosts : both,
		                        .sock_state_cb = watch_changed };
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	struct lookup *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	options.sock_state_cb_data = l;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&l->channel, &options,
		                           ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		                                   ARES_OPT_LOOKUPS |
		                                   ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		free(l);
		return errno_of(status);
	}
	if (servers && n > 0)
		status = set_servers(l, servers, n);
	if (status != ARES_SUCCESS) {
		lookup_free(l);
		return errno_of(status);
	}
	ares_set_socket_configure_callback(l->channel, configure_socket, l);
	*out = l;
	return 0;
}

void lookup_free(struct lookup *l)
{
	if (!l)
		return;
	ares_destroy(l->channel); /* closes the sockets, and so ends the watches */
	while (l->watches) {
		struct watch *w = l->watches;

		l->watches = w->next;
		free(w);
	}
	free(l);
	ares_library_cleanup();
}

void lookup_set_mark(struct lookup *l, uint32_t mark)
{
	l->mark = mark;
	for (const struct watch *w = l->watches; w; w = w->next)
		if (w->source.fd >= 0)
			mark_socket(w->source.fd, mark);
}

/* ---- sockets that somebody else makes. c-ares uses all of these functions or none. */

static ares_socket_t other_socket(int family, int type, int protocol, void *context)
{
	const struct lookup *l = context;
	int fd = l->make_socket(l->make_context, family, type);

	(void)protocol;
	if (fd >= 0)
		return fd;
	errno = -fd;
	return ARES_SOCKET_BAD;
}

static int other_close(ares_socket_t fd, void *context)
{
	(void)context;
	return close(fd);
}

static int other_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t size,
                         void *context)
{
	(void)context;
	return connect(fd, to, size);
}

static ares_ssize_t other_receive(ares_socket_t fd, void *bytes, size_t n, int flags,
                                  struct sockaddr *from, ares_socklen_t *size,
                                  void *context)
{
	(void)context;
	return recvfrom(fd, bytes, n, flags, from, size);
}

static ares_ssize_t other_send(ares_socket_t fd, const struct iovec *parts, int count,
                               void *context)
{
	(void)context;
	return writev(fd, parts, count);
}

void lookup_set_sockets(struct lookup *l,
                        int (*make)(void *context, int family, int type), void *context)
{
	static const struct ares_socket_functions functions = {
		other_socket, other_close, other_connect, other_receive, other_send,
	};

	l->make_socket = make;
	l->make_context = context;
	ares_set_socket_functions(l->channel, &functions, l);
}

void lookup_ask(struct lookup *l, struct lookup_query *query, const char *host)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		                             .ai_socktype = SOCK_DGRAM,
		                             .ai_flags = ARES_AI_NOSORT };
	struct lookup_call *call = calloc(1, sizeof(*call));

	if (!call) {
		query->done(query, "out of memory", NULL, 0);
		return;
	}
	*call = (struct lookup_call){ l, query };
	query->call = call;
	l->count++;
	ares_getaddrinfo(l->channel, host, NULL, &hints, answered, call);
}

void lookup_forget(struct lookup_query *query)
{
	if (query->call)
		query->call->query = NULL;
	query->call = NULL;
}

bool lookup_asked(const struct lookup_query *query)
{
	return query->call != NULL;
}

uint64_t lookup_deadline_ns(const struct lookup *l, uint64_t now_ns)
{
	struct timeval left;

	if (l->count == 0 || !ares_timeout(l->channel, NULL, &left))
		return NEVER_NS;
	return now_ns + (uint64_t)left.tv_sec * NS_PER_SEC +
	       (uint64_t)left.tv_usec * (NS_PER_MS / 1000) + NS_PER_MS;
}

void lookup_run(struct lookup *l)
{
	if (l->count > 0)
		ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
