/* src/names/lookup.c - connects c-ares with the loop
 *
 * c-ares tells us which of its sockets have to be read or written (watch_changed). We
 * tell it when this is possible (watch_ready), and when time has passed (lookup_run). A
 * watch lives longer than its socket: it is used again for the next one. */
#include "names/lookup.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/timerq.h"
#include "names/hosts_file.h"

/* A tunnel may have to make its handshake first. Each further try waits twice as long. */
#define TIMEOUT_MS 1500
#define TRIES      2
#define SEND_BYTES 1024
#define NAME_BYTES 512 /* more than a name can have */

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
	const struct lookup_sockets *own; /* borrowed; NULL: the kernel's sockets */
	/* of a bare one */
	bool bare, changing;
	const char *hosts; /* borrowed; may be NULL */
	char **domains;    /* owned */
	size_t domain_count, server_count;
	struct ip_addr servers[LOOKUP_SERVERS_MAX];
};

/* One question, from ares_getaddrinfo until its callback. */
struct lookup_call {
	struct lookup *lookup;      /* borrowed */
	struct lookup_query *query; /* borrowed; NULL: nobody wants the answer */
	/* of a bare lookup: what was asked, and how many names were tried for it */
	char *host; /* owned */
	size_t tried;
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

	if (l->own) {
		l->own->watch(l->own->context, fd, readable, writable);
	} else if (w && events) {
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

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *info);

static void ask_for(struct lookup_call *call, const char *name)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		                             .ai_socktype = SOCK_DGRAM,
		                             .ai_flags = ARES_AI_NOSORT };

	ares_getaddrinfo(call->lookup->channel, name, NULL, &hints, answered, call);
}

/* As with `ndots:1` of resolv.conf: a name with a dot is tried as it is first, another one
 * last; one that ends in a dot only as it is. Returns false if all were tried. */
static bool ask_next(struct lookup_call *call)
{
	const struct lookup *l = call->lookup;
	const char *dot = strchr(call->host, '.');
	bool ends = dot && call->host[strlen(call->host) - 1] == '.';
	size_t plain = dot ? 0 : l->domain_count, i = call->tried++;
	char name[NAME_BYTES];

	if (i > (ends ? 0 : l->domain_count))
		return false;
	if (i == plain || ends)
		snprintf(name, sizeof(name), "%s", call->host);
	else
		snprintf(name, sizeof(name), "%s.%s", call->host,
		         l->domains[dot ? i - 1 : i]);
	ask_for(call, name);
	return true;
}

static bool is_no_such_name(int status)
{
	return status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct lookup_call *call = context;
	struct lookup_query *q = call->query;
	struct endpoint found[LOOKUP_ADDRESSES_MAX];
	size_t n = collect(found, info);
	bool changing;

	(void)timeouts;
	if (info)
		ares_freeaddrinfo(info);
	if (status == ARES_SUCCESS && n == 0)
		status = ARES_ENODATA;
	if (q && call->host && is_no_such_name(status) && ask_next(call))
		return;
	changing = call->lookup->changing;
	call->lookup->count--;
	free(call->host);
	free(call);
	if (!q)
		return;
	q->call = NULL;
	if (status == ARES_EDESTRUCTION || (status == ARES_ECANCELLED && !changing))
		return;
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

/* `options` and `mask` are of ares_init_options. */
static int new_lookup(struct lookup **out, struct loop *loop,
                      struct ares_options *options, int mask)
{
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	struct lookup *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	options->timeout = TIMEOUT_MS;
	options->tries = TRIES;
	options->sock_state_cb = watch_changed;
	options->sock_state_cb_data = l;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&l->channel, options,
		                           mask | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		                                   ARES_OPT_LOOKUPS |
		                                   ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		free(l);
		return errno_of(status);
	}
	ares_set_socket_configure_callback(l->channel, configure_socket, l);
	*out = l;
	return 0;
}

int lookup_new(struct lookup **out, struct loop *loop, const struct ip_addr *servers,
               size_t n)
{
	/* The hosts file, then servers, if there are any. Without this option, c-ares
	 * 1.18 leaks memory. */
	char both[] = "fb", hosts[] = "f";
	struct ares_options options = { .lookups = servers && n == 0 ? hosts : both };
	int err = new_lookup(out, loop, &options, 0), status;

	if (err || !servers || n == 0)
		return err;
	status = set_servers(*out, servers, n);
	if (status != ARES_SUCCESS) {
		lookup_free(*out);
		*out = NULL;
	}
	return errno_of(status);
}

/* ---- without files */

/* If all of these are given, c-ares reads no file. It takes no domains, either: those are
 * ours, because they may change. */
int lookup_new_bare(struct lookup **out, struct loop *loop)
{
	struct in_addr nobody = { htonl(INADDR_LOOPBACK) };
	char servers[] = "b";
	struct ares_options options = {
		.lookups = servers, .servers = &nobody, .nservers = 1, .ndots = 1
	};
	int err = new_lookup(out, loop, &options,
	                     ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_NDOTS |
	                             ARES_OPT_SORTLIST);

	if (!err)
		(*out)->bare = true;
	return err;
}

static void free_domains(struct lookup *l)
{
	for (size_t i = 0; i < l->domain_count; i++)
		free(l->domains[i]);
	free(l->domains);
	l->domains = NULL;
	l->domain_count = 0;
}

static bool has_servers(const struct lookup *l, const struct ip_addr *servers, size_t n,
                        const char *const *domains, size_t domain_count)
{
	if (!l->domains || n != l->server_count || domain_count != l->domain_count)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!ip_addr_equal(&servers[i], &l->servers[i]))
			return false;
	}
	for (size_t i = 0; i < domain_count; i++) {
		if (strcmp(domains[i], l->domains[i]) != 0)
			return false;
	}
	return true;
}

int lookup_set_servers(struct lookup *l, const struct ip_addr *servers, size_t n,
                       const char *const *domains, size_t domain_count)
{
	int status = ARES_SUCCESS;

	if (has_servers(l, servers, n, domains, domain_count))
		return 0;
	free_domains(l);
	l->server_count = n < LOOKUP_SERVERS_MAX ? n : LOOKUP_SERVERS_MAX;
	memcpy(l->servers, servers, l->server_count * sizeof(*servers));
	l->domains = calloc(domain_count + 1, sizeof(*l->domains));
	if (!l->domains)
		return -ENOMEM;
	for (; l->domain_count < domain_count; l->domain_count++) {
		l->domains[l->domain_count] = strdup(domains[l->domain_count]);
		if (!l->domains[l->domain_count])
			return -ENOMEM;
	}
	l->changing = true; /* those that wait are told */
	ares_cancel(l->channel);
	l->changing = false;
	if (n > 0)
		status = set_servers(l, l->servers, l->server_count);
	return errno_of(status);
}

void lookup_set_hosts(struct lookup *l, const char *text)
{
	l->hosts = text;
}

size_t lookup_system_servers(struct ip_addr *out, size_t max)
{
	ares_channel channel;
	struct ares_addr_node *servers = NULL;
	size_t n = 0;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return 0;
	if (ares_init(&channel) == ARES_SUCCESS) {
		(void)ares_get_servers(channel, &servers);
		for (const struct ares_addr_node *s = servers; s && n < max; s = s->next)
			out[n++] =
				ip_addr_from_bytes(s->family == AF_INET6 ? IP_V6 : IP_V4,
			                           (const uint8_t *)&s->addr);
		if (servers)
			ares_free_data(servers);
		ares_destroy(channel);
	}
	ares_library_cleanup();
	return n;
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
	free_domains(l);
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

/* ---- sockets of another kind, see lookup.h */

static int as_system(ssize_t result)
{
	if (result >= 0)
		return (int)result;
	errno = (int)-result;
	return -1;
}

static ares_socket_t own_socket(int family, int type, int protocol, void *context)
{
	const struct lookup_sockets *own = context;

	(void)protocol;
	return as_system(own->open(own->context, family, type));
}

static int own_close(ares_socket_t number, void *context)
{
	const struct lookup_sockets *own = context;

	own->close(own->context, number);
	return 0;
}

static int own_connect(ares_socket_t number, const struct sockaddr *to,
                       ares_socklen_t size, void *context)
{
	const struct lookup_sockets *own = context;
	struct endpoint at = { 0 };

	(void)size;
	return as_system(endpoint_from_sockaddr(&at, to)
	                         ? own->connect(own->context, number, &at)
	                         : -EAFNOSUPPORT);
}

static ares_ssize_t own_receive(ares_socket_t number, void *bytes, size_t n, int flags,
                                struct sockaddr *from, ares_socklen_t *size,
                                void *context)
{
	const struct lookup_sockets *own = context;
	struct endpoint at = { 0 };
	struct sockaddr_storage ss;
	int got = as_system(own->receive(own->context, number, bytes, n, &at));
	socklen_t needed;

	(void)flags;
	if (got < 0 || !from || at.addr.family == IP_NONE)
		return got;
	needed = endpoint_to_sockaddr(&at, &ss);
	if (needed <= *size)
		memcpy(from, &ss, needed);
	*size = needed;
	return got;
}

/* What doesn't fit is sent later, if it is a stream; a query by UDP always fits. */
static ares_ssize_t own_send(ares_socket_t number, const struct iovec *parts, int count,
                             void *context)
{
	const struct lookup_sockets *own = context;
	uint8_t all[SEND_BYTES];
	size_t n = 0;

	for (int i = 0; i < count && n < sizeof(all); i++) {
		size_t some = parts[i].iov_len < sizeof(all) - n ? parts[i].iov_len
		                                                 : sizeof(all) - n;

		memcpy(all + n, parts[i].iov_base, some);
		n += some;
	}
	return as_system(own->send(own->context, number, all, n));
}

void lookup_set_own_sockets(struct lookup *l, const struct lookup_sockets *sockets)
{
	static const struct ares_socket_functions functions = {
		own_socket, own_close, own_connect, own_receive, own_send,
	};

	l->own = sockets;
	ares_set_socket_functions(l->channel, &functions, (void *)(uintptr_t)sockets);
}

void lookup_ready(struct lookup *l, int number, bool readable, bool writable)
{
	ares_process_fd(l->channel, readable ? number : ARES_SOCKET_BAD,
	                writable ? number : ARES_SOCKET_BAD);
}

static void ask_servers(struct lookup *l, struct lookup_query *query, const char *host)
{
	struct lookup_call *call = calloc(1, sizeof(*call));
	char *copy = call && l->bare ? strdup(host) : NULL;

	if (!call || (l->bare && !copy)) {
		free(call);
		query->done(query, "out of memory", NULL, 0);
		return;
	}
	*call = (struct lookup_call){ l, query, copy, 0 };
	query->call = call;
	l->count++;
	if (l->bare)
		(void)ask_next(call);
	else
		ask_for(call, host);
}

static bool answer_by_hosts(const struct lookup *l, struct lookup_query *query,
                            const char *host)
{
	struct endpoint found[LOOKUP_ADDRESSES_MAX];
	size_t n;

	if (!l->hosts ||
	    !hosts_file_find(l->hosts, host, found, LOOKUP_ADDRESSES_MAX, &n))
		return false;
	query->done(query, n > 0 ? NULL : ares_strerror(ARES_ENODATA), found, n);
	return true;
}

void lookup_ask(struct lookup *l, struct lookup_query *query, const char *host)
{
	if (answer_by_hosts(l, query, host))
		return;
	ask_servers(l, query, host);
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
