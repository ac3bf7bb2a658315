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
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/timerq.h"
#include "names/hosts_file.h"

/* A tunnel may have to make its handshake first. Each further try waits twice as long. */
#define TIMEOUT_MS 1500
#define TRIES      2
#define NAME_BYTES 512 /* more than a name can have */

_Static_assert(LOOKUP_SERVER_NS == TIMEOUT_MS * ((1 << TRIES) - 1) * NS_PER_MS,
               "all tries");
_Static_assert(LOOKUP_STATUS_REFUSED == ARES_ECONNREFUSED, "it means the same");

struct watch {
	struct loop_source source; /* first member; fd -1: not in use */
	struct watch *next;
	struct lookup *lookup; /* borrowed */
};

struct lookup {
	struct loop *loop; /* borrowed */
	ares_channel channel;
	struct watch *watches; /* owned */
	size_t count;
	struct lookup_maker maker;
	const struct lookup_sockets *own; /* borrowed; NULL: the kernel's sockets */
	/* of one with a remote */
	const struct lookup_remote *remote; /* borrowed; NULL: it has none */
	struct lookup_call *at_remote;      /* owned: those that it asks for */
	bool network;                       /* the servers are not the host's */
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
	char *host; /* owned; also of one with a remote */
	size_t tried;
	/* of one with a remote */
	struct lookup_errand errand;
	struct lookup_call *next; /* of at_remote */
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

/* ---- answers */

/* A bare lookup is for the proxy, where a name that a stranger has chosen must not lead to the
 * programs of this machine. */
static bool is_of_use(const struct lookup *l, const struct ip_addr *a)
{
	return l->bare ? !ip_addr_is_this_machine(a) : !ip_addr_is_unspecified(a);
}

static size_t collect(const struct lookup *l,
                      struct endpoint out[static LOOKUP_ADDRESSES_MAX],
                      const struct ares_addrinfo *info)
{
	size_t n = 0;

	for (const struct ares_addrinfo_node *at = info ? info->nodes : NULL;
	     at && n < LOOKUP_ADDRESSES_MAX; at = at->ai_next) {
		if (endpoint_from_sockaddr(&out[n], at->ai_addr) &&
		    is_of_use(l, &out[n].addr) && !endpoint_is_among(&out[n], out, n))
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

static const char *reason(int status)
{
	return status == ARES_ENOTFOUND ? LOOKUP_NO_SUCH_NAME : ares_strerror(status);
}

/* The call has ended. */
static void finish(struct lookup_call *call, int status, const struct endpoint *found,
                   size_t n)
{
	struct lookup_query *q = call->query;
	bool changing = call->lookup->changing;

	call->lookup->count--;
	free(call->host);
	free(call);
	if (!q)
		return;
	q->call = NULL;
	if (status == ARES_EDESTRUCTION || (status == ARES_ECANCELLED && !changing))
		return;
	q->status = status;
	q->done(q, status == ARES_SUCCESS ? NULL : reason(status), found, n);
}

static bool ask_remote(struct lookup_call *call, int status);

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct lookup_call *call = context;
	struct endpoint found[LOOKUP_ADDRESSES_MAX];
	size_t n = collect(call->lookup, found, info);

	(void)timeouts;
	if (info)
		ares_freeaddrinfo(info);
	if (status == ARES_SUCCESS && n == 0)
		status = ARES_ENODATA;
	if (call->query && call->lookup->bare && is_no_such_name(status) &&
	    ask_next(call))
		return;
	if (call->query && call->lookup->remote && ask_remote(call, status))
		return;
	finish(call, status, found, n);
}

/* ---- another process */

static void leave_remote(struct lookup_call *call)
{
	struct lookup_call **at = &call->lookup->at_remote;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

/* These two say that a lookup ends and nobody is told. No other process can say that. */
static int status_of_remote(int status)
{
	return status == ARES_EDESTRUCTION || status == ARES_ECANCELLED ? ARES_EBADRESP
	                                                                : status;
}

static void remote_answered(struct lookup_errand *errand, int status,
                            const struct ip_addr *addresses, size_t n)
{
	struct lookup_call *call = CONTAINER_OF(errand, struct lookup_call, errand);
	struct endpoint found[LOOKUP_ADDRESSES_MAX];
	size_t count = 0;

	leave_remote(call);
	for (size_t i = 0; i < n && count < LOOKUP_ADDRESSES_MAX; i++) {
		found[count] = (struct endpoint){ .addr = addresses[i] };
		if (!endpoint_is_among(&found[count], found, count))
			count++;
	}
	finish(call, status_of_remote(status), found, count);
}

/* The hosts file has been asked; `status` says how. Returns false if that was all. */
static bool ask_remote(struct lookup_call *call, int status)
{
	struct lookup *l = call->lookup;
	struct lookup_settings settings;

	if (status == ARES_SUCCESS || status == ARES_EDESTRUCTION ||
	    status == ARES_ECANCELLED || status == ARES_ENOMEM)
		return false;
	if (lookup_settings_of(l->channel, &settings) != ARES_SUCCESS)
		return false;
	call->errand.done = remote_answered;
	if (l->remote->ask(l->remote->context, &call->errand, &settings, l->network,
	                   call->host) < 0)
		return false;
	call->next = l->at_remote;
	l->at_remote = call;
	return true;
}

static void forget_remote(struct lookup *l)
{
	while (l->at_remote) {
		struct lookup_call *call = l->at_remote;

		l->remote->forget(l->remote->context, &call->errand);
		l->at_remote = call->next;
		finish(call, ARES_EDESTRUCTION, NULL, 0);
	}
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
	*out = l;
	return 0;
}

/* Owns *l, which becomes NULL after a failure. */
static int result_of(struct lookup **l, int status)
{
	if (status != ARES_SUCCESS) {
		lookup_free(*l);
		*l = NULL;
	}
	return errno_of(status);
}

int lookup_new(struct lookup **out, struct loop *loop, const struct ip_addr *servers,
               size_t n)
{
	/* The hosts file, then servers, if there are any. Without this option, c-ares
	 * 1.18 leaks memory. */
	char both[] = "fb", hosts[] = "f";
	struct ares_options options = { .lookups = servers && n == 0 ? hosts : both };
	int err = new_lookup(out, loop, &options, 0);

	if (err || !servers || n == 0)
		return err;
	return result_of(out, set_servers(*out, servers, n));
}

int lookup_new_remote(struct lookup **out, struct loop *loop,
                      const struct ip_addr *servers, size_t n,
                      const struct lookup_remote *remote)
{
	char hosts[] = "f";
	struct ares_options options = { .lookups = hosts };
	int err = new_lookup(out, loop, &options, 0);

	if (err || (servers && n == 0))
		return err;
	(*out)->remote = remote;
	(*out)->network = servers != NULL;
	return servers ? result_of(out, set_servers(*out, servers, n)) : 0;
}

/* ---- without files */

int lookup_new_settled(struct lookup **out, struct loop *loop,
                       const struct lookup_settings *settings)
{
	char servers[] = "b", *domains[LOOKUP_SETTINGS_DOMAINS];
	struct in_addr nobody = { htonl(INADDR_LOOPBACK) };
	struct ares_options options = { .lookups = servers,
		                        .servers = &nobody,
		                        .nservers = 1 };
	int mask = lookup_settings_options(settings, domains, &options),
	    err = new_lookup(out, loop, &options, mask | ARES_OPT_SERVERS);

	return err ? err
	           : result_of(out, lookup_settings_servers(settings, (*out)->channel));
}

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
	forget_remote(l);
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

/* ---- sockets that somebody else makes */

void lookup_set_sockets(struct lookup *l,
                        int (*make)(void *context, int family, int type), void *context)
{
	l->maker = (struct lookup_maker){ .make = make, .context = context };
	lookup_sockets_make(l->channel, &l->maker);
}

void lookup_set_connected(struct lookup *l,
                          int (*make)(void *context, int type, const struct endpoint *to),
                          void *context)
{
	l->maker = (struct lookup_maker){ .make_connected = make,
		                          .context = context,
		                          .any_fd = loop_fd(l->loop) };
	lookup_sockets_make(l->channel, &l->maker);
}

void lookup_set_own_sockets(struct lookup *l, const struct lookup_sockets *sockets)
{
	l->own = sockets;
	lookup_sockets_use(l->channel, sockets);
}

void lookup_ready(struct lookup *l, int number, bool readable, bool writable)
{
	ares_process_fd(l->channel, readable ? number : ARES_SOCKET_BAD,
	                writable ? number : ARES_SOCKET_BAD);
}

static void ask_servers(struct lookup *l, struct lookup_query *query, const char *host)
{
	struct lookup_call *call = calloc(1, sizeof(*call));
	bool keeps = l->bare || l->remote;
	char *copy = call && keeps ? strdup(host) : NULL;

	if (!call || (keeps && !copy)) {
		free(call);
		query->status = ARES_ENOMEM;
		query->done(query, "out of memory", NULL, 0);
		return;
	}
	*call = (struct lookup_call){ .lookup = l, .query = query, .host = copy };
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
	query->done(query, n > 0 ? NULL : reason(ARES_ENODATA), found, n);
	return true;
}

/* RFC 6761 6.3: no server is asked. */
static bool answer_localhost(const struct lookup *l, struct lookup_query *query,
                             const char *host)
{
	static const struct endpoint here[] = { { .addr = { IP_V6, { [15] = 1 } } },
		                                { .addr = { IP_V4, { 127, 0, 0, 1 } } } };

	if (!l->bare || strcasecmp(host, "localhost") != 0)
		return false;
	query->done(query, NULL, here, ARRAY_SIZE(here));
	return true;
}

void lookup_ask(struct lookup *l, struct lookup_query *query, const char *host)
{
	if (answer_by_hosts(l, query, host) || answer_localhost(l, query, host))
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
