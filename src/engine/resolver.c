/* src/engine/resolver.c - who has asked which server is kept in a table of sets. The set
 * is chosen by the protocol and the client's port. In a full set the entry that wasn't
 * used for longest is overwritten. A stranger can overwrite entries only by sending
 * queries through this host, and then only half of them. */
#include "engine/resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "engine/rewrite.h"

#define SETS           256
#define WAYS           8
#define UDP_NS         (30 * NS_PER_SEC)
#define TCP_NS         (120 * NS_PER_SEC)
#define HINTS          16 /* neighbours among the clients have different ones */
#define HINT_NS        (10 * NS_PER_SEC)
#define LATELY_NS      (60 * NS_PER_SEC)
#define NAME_MAX_BYTES 255 /* RFC 1035 2.3.4 */
#define FLAG_RESPONSE  0x80
#define FLAG_TRUNCATED 0x02
#define TCP_FLAGS_AT   13
#define TCP_SYN_ONLY   0x02

/* The first bytes of a query, RFC 1035 4.1.1. */
struct dns_header {
	struct be16 id;
	uint8_t flags[2];
	struct be16 questions, answers, authorities, additionals;
};
_Static_assert(sizeof(struct dns_header) == 12, "wire size");

struct server {
	struct ip_addr addr;
	uint32_t file;     /* id */
	uint64_t asked_ns; /* time of the first unanswered query; 0: all are answered */
	uint64_t dead_until_ns;
	uint64_t silent_since_ns; /* the same, also while it is dead */
	uint64_t last_asked_ns;
};

struct file {
	struct file *next;
	uint32_t id;
	char *name;             /* owned */
	struct server *servers; /* owned */
	size_t server_count;
	char **domains; /* owned */
	size_t domain_count;
};

/* A conversation between a client and a server. */
struct asked {
	uint8_t protocol; /* 0: this entry is unused */
	struct ip_addr client, server;
	uint32_t file; /* whose server it is */
	uint32_t via;  /* the device that it is asked through */
	struct be16 port;
	uint64_t used_ns;
};

/* The last truncated answer of a client: it will ask the same server again, by TCP. */
struct hint {
	struct ip_addr client, server;
	uint32_t file; /* whose server it is */
	uint64_t at_ns;
};

struct resolver {
	struct ip_addr virtual4, virtual6;
	struct file *files;          /* owned, in file order */
	uint32_t default4, default6; /* ids of the files; 0: no file */
	struct asked asked[SETS][WAYS];
	struct asked *latest; /* that was noted last; NULL: none */
	struct hint hints[HINTS];
	uint64_t watch_until_ns; /* see resolver_watches */
};

struct resolver *resolver_new(void)
{
	return calloc(1, sizeof(struct resolver));
}

static void file_free(struct file *f)
{
	for (size_t i = 0; i < f->domain_count; i++)
		free(f->domains[i]);
	free(f->domains);
	free(f->servers);
	free(f->name);
	free(f);
}

void resolver_free(struct resolver *r)
{
	struct file *f;

	if (!r)
		return;
	while ((f = r->files)) {
		r->files = f->next;
		file_free(f);
	}
	free(r);
}

void resolver_set_address(struct resolver *r, const struct ip_addr *ipv4,
                          const struct ip_addr *ipv6)
{
	r->virtual4 = *ipv4;
	r->virtual6 = *ipv6;
}

bool resolver_active(const struct resolver *r)
{
	return r->virtual4.family != IP_NONE || r->virtual6.family != IP_NONE;
}

bool resolver_is_virtual(const struct resolver *r, const struct ip_addr *addr)
{
	return addr->family != IP_NONE &&
	       (ip_addr_equal(addr, &r->virtual4) || ip_addr_equal(addr, &r->virtual6));
}

const struct ip_addr *resolver_address(const struct resolver *r, enum ip_family family)
{
	return family == IP_V4 ? &r->virtual4 : &r->virtual6;
}

static struct server *server_at(const struct resolver *r, const struct ip_addr *addr)
{
	for (const struct file *f = r->files; f; f = f->next) {
		for (size_t i = 0; i < f->server_count; i++) {
			if (ip_addr_equal(&f->servers[i].addr, addr))
				return &f->servers[i];
		}
	}
	return NULL;
}

bool resolver_is_server(const struct resolver *r, const struct ip_addr *addr)
{
	return server_at(r, addr) != NULL;
}

/* ---- files */

static struct file *file_new(const struct resolver_file *in)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->id = in->id;
	f->servers = calloc(in->server_count + 1, sizeof(*f->servers));
	f->domains = calloc(in->domain_count + 1, sizeof(*f->domains));
	f->name = strdup(in->name);
	if (!f->servers || !f->domains || !f->name)
		goto out;
	for (size_t i = 0; i < in->server_count; i++)
		f->servers[f->server_count++] =
			(struct server){ .addr = in->servers[i], .file = in->id };
	for (size_t i = 0; i < in->domain_count; i++) {
		f->domains[i] = strdup(in->domains[i]);
		if (!f->domains[i])
			goto out;
		f->domain_count++;
	}
	return f;
out:
	file_free(f);
	return NULL;
}

void resolver_forget_file(struct resolver *r, uint32_t id)
{
	struct file **at = &r->files;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at) {
		struct file *old = *at;

		*at = old->next;
		file_free(old);
	}
}

int resolver_set_file(struct resolver *r, const struct resolver_file *file)
{
	struct file *fresh = file->server_count > 0 ? file_new(file) : NULL;
	struct file **at = &r->files;

	if (!fresh && file->server_count > 0)
		return -ENOMEM;
	resolver_forget_file(r, file->id);
	if (!fresh) /* the file has no server */
		return 0;
	while (*at && strcmp((*at)->name, fresh->name) < 0)
		at = &(*at)->next;
	fresh->next = *at;
	*at = fresh;
	return 0;
}

bool resolver_has_server(const struct resolver *r, uint32_t id, enum ip_family family)
{
	const struct file *f = r->files;

	while (f && f->id != id)
		f = f->next;
	for (size_t i = 0; f && i < f->server_count; i++)
		if (f->servers[i].addr.family == family)
			return true;
	return false;
}

void resolver_set_default(struct resolver *r, enum ip_family family, uint32_t id)
{
	*(family == IP_V4 ? &r->default4 : &r->default6) = id;
}

/* ---- the name of a query */

static char lower(uint8_t c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Writes the name of the first question as "a.b.c". Returns false if there is none, or if
 * this is no query. The name in a question is never compressed. */
static bool query_name(char name[static NAME_MAX_BYTES + 1], const uint8_t *dns, size_t n)
{
	struct reader r = reader_of(dns, n);
	const struct dns_header *h = reader_take(&r, sizeof(*h));
	const uint8_t *len, *label;
	size_t at = 0;

	if (!h || (h->flags[0] & FLAG_RESPONSE) || be16_get(h->questions) == 0)
		return false;
	while ((len = reader_take(&r, 1)) && *len > 0) {
		if (*len > 63 || at + *len + 1 > NAME_MAX_BYTES ||
		    !(label = reader_take(&r, *len)))
			return false;
		if (at > 0)
			name[at++] = '.';
		for (size_t i = 0; i < *len; i++)
			name[at++] = lower(label[i]);
	}
	name[at] = '\0';
	return len != NULL;
}

/* Is the name equal to the domain, or inside it? A name may contain zero bytes; only the
 * text before the first of them is compared. */
static bool in_domain(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (d > n || (d < n && name[n - d - 1] != '.'))
		return false;
	for (size_t i = 0; i < d; i++)
		if (name[n - d + i] != lower((uint8_t)domain[i]))
			return false;
	return true;
}

/* ---- choosing */

/* Returns the first server of the family that isn't dead; if all are dead, the first. */
static struct server *live_server(struct file *f, enum ip_family family, uint64_t now_ns)
{
	struct server *first = NULL;

	for (size_t i = 0; i < f->server_count; i++) {
		struct server *s = &f->servers[i];

		if (s->addr.family != family)
			continue;
		if (s->asked_ns && now_ns - s->asked_ns > RESOLVER_PATIENCE_NS) {
			s->asked_ns = 0;
			s->dead_until_ns = now_ns + RESOLVER_DEAD_NS;
		}
		if (now_ns >= s->dead_until_ns)
			return s;
		if (!first)
			first = s;
	}
	return first;
}

/* Returns the file whose search domain is the longest that the name is in, or NULL. */
static struct file *whose_name(const struct resolver *r, const char *name)
{
	struct file *best = NULL;
	size_t best_len = 0;

	for (struct file *f = r->files; f; f = f->next) {
		for (size_t i = 0; f->server_count > 0 && i < f->domain_count; i++) {
			size_t len = strlen(f->domains[i]);

			if (len > best_len && in_domain(name, f->domains[i])) {
				best = f;
				best_len = len;
			}
		}
	}
	return best;
}

/* The name is NULL if it isn't known. A file's names are nobody else's business, even if the
 * file has only servers of the other family: whoever asks then tries the other virtual
 * address. */
static struct server *choose(struct resolver *r, const char *name, enum ip_family family,
                             uint64_t now_ns)
{
	struct file *owner = name ? whose_name(r, name) : NULL;
	struct server *fallback = NULL;
	uint32_t id = family == IP_V4 ? r->default4 : r->default6;

	if (owner)
		return live_server(owner, family, now_ns);
	for (struct file *f = r->files; f; f = f->next) {
		struct server *s = live_server(f, family, now_ns);

		if (s && (!fallback || f->id == id))
			fallback = s;
	}
	return fallback;
}

static struct server *find_server(struct resolver *r, uint32_t file,
                                  const struct ip_addr *addr)
{
	struct file *f = r->files;

	while (f && f->id != file)
		f = f->next;
	for (size_t i = 0; f && i < f->server_count; i++)
		if (ip_addr_equal(&f->servers[i].addr, addr))
			return &f->servers[i];
	return NULL;
}

/* ---- servers that don't answer */

static bool is_asked_lately(const struct server *s, uint64_t now_ns)
{
	return s->last_asked_ns != 0 && now_ns - s->last_asked_ns <= LATELY_NS;
}

static void note_query(struct server *s, uint64_t now_ns)
{
	if (s->silent_since_ns == 0 || !is_asked_lately(s, now_ns))
		s->silent_since_ns = now_ns;
	s->last_asked_ns = now_ns;
}

/* One query alone may have been lost. */
static bool is_silent(const struct server *s, uint64_t now_ns)
{
	return s->silent_since_ns != 0 && is_asked_lately(s, now_ns) &&
	       s->last_asked_ns - s->silent_since_ns > RESOLVER_PATIENCE_NS;
}

void resolver_walk_silent(const struct resolver *r, uint64_t now_ns,
                          void (*visit)(void *context, const struct resolver_silence *s),
                          void *context)
{
	for (const struct file *f = r->files; f; f = f->next) {
		size_t silent = 0;

		for (size_t i = 0; i < f->server_count; i++)
			silent += is_silent(&f->servers[i], now_ns);
		for (size_t i = 0; silent > 0 && i < f->server_count; i++) {
			const struct server *s = &f->servers[i];
			const struct resolver_silence silence = {
				f->id, s->addr, now_ns - s->silent_since_ns,
				silent < f->server_count
			};

			if (is_silent(s, now_ns))
				visit(context, &silence);
		}
	}
}

/* Without a virtual address, the host asks the servers itself, and this only looks on. */

static struct udp_header udp_of(const struct packet *p, const struct ip_view *view)
{
	struct udp_header h = { 0 };

	if (view->protocol == PROTO_UDP && view->first &&
	    view->total_bytes - view->payload_at >= sizeof(h))
		memcpy(&h, p->data + view->payload_at, sizeof(h));
	return h;
}

static void watch_query(struct resolver *r, const struct packet *p,
                        const struct ip_view *view, uint64_t now_ns)
{
	struct server *s = NULL;

	if (r->files && !resolver_active(r) &&
	    be16_get(udp_of(p, view).dst_port) == RESOLVER_PORT)
		s = server_at(r, &view->dst);
	if (!s)
		return;
	note_query(s, now_ns);
	r->watch_until_ns = now_ns + LATELY_NS;
}

bool resolver_watches(const struct resolver *r, uint64_t now_ns)
{
	return now_ns < r->watch_until_ns && !resolver_active(r);
}

static bool any_unanswered(const struct resolver *r, uint64_t now_ns)
{
	for (const struct file *f = r->files; f; f = f->next) {
		for (size_t i = 0; i < f->server_count; i++) {
			const struct server *s = &f->servers[i];

			if (s->silent_since_ns != 0 && is_asked_lately(s, now_ns))
				return true;
		}
	}
	return false;
}

void resolver_watch_answer(struct resolver *r, const struct packet *p, uint64_t now_ns)
{
	struct server *s = NULL;
	struct ip_view view;

	if (ip_view_parse_addresses(&view, p->data, p->len_bytes) &&
	    be16_get(udp_of(p, &view).src_port) == RESOLVER_PORT)
		s = server_at(r, &view.src);
	if (!s)
		return;
	s->silent_since_ns = 0;
	if (!any_unanswered(r, now_ns))
		r->watch_until_ns = 0;
}

/* ---- who asked whom */

static struct asked *set_of(struct resolver *r, uint8_t protocol, struct be16 port)
{
	return r->asked[(port.b[0] * 31U + port.b[1] + protocol) % SETS];
}

/* With whom it is; members that are NULL or 0 don't count. */
struct partner {
	const struct ip_addr *server;
	uint32_t file, via;
};

static bool is_with(const struct asked *a, const struct partner *with)
{
	return (!with->server || ip_addr_equal(&a->server, with->server)) &&
	       (with->file == 0 || a->file == with->file) &&
	       (with->via == 0 || a->via == with->via);
}

/* Returns the latest of all that fit. */
static struct asked *find_asked(struct resolver *r, uint8_t protocol,
                                const struct ip_addr *client, struct be16 port,
                                const struct partner *with, uint64_t now_ns)
{
	struct asked *set = set_of(r, protocol, port), *found = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct asked *a = &set[i];

		if (a->protocol == protocol &&
		    memcmp(&a->port, &port, sizeof(port)) == 0 &&
		    ip_addr_equal(&a->client, client) && is_with(a, with) &&
		    now_ns - a->used_ns <= (protocol == PROTO_TCP ? TCP_NS : UDP_NS) &&
		    (!found || a->used_ns > found->used_ns))
			found = a;
	}
	return found;
}

/* A client that has half of the set overwrites its own, and not those of the others. */
static struct asked *to_overwrite(struct asked *set, const struct ip_addr *client)
{
	struct asked *oldest = &set[0], *own = NULL;
	size_t count = 0;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].used_ns < oldest->used_ns)
			oldest = &set[i];
		if (!ip_addr_equal(&set[i].client, client))
			continue;
		count++;
		if (!own || set[i].used_ns < own->used_ns)
			own = &set[i];
	}
	return count < WAYS / 2 ? oldest : own;
}

static void note_asked(struct resolver *r, uint8_t protocol, const struct ip_addr *client,
                       struct be16 port, const struct server *server, uint64_t now_ns)
{
	const struct partner with = { .server = &server->addr, .file = server->file };
	struct asked *a = find_asked(r, protocol, client, port, &with, now_ns);
	struct asked *set = set_of(r, protocol, port);

	if (!a)
		a = to_overwrite(set, client);
	*a = (struct asked){ .protocol = protocol,
		             .client = *client,
		             .server = server->addr,
		             .file = server->file,
		             .port = port,
		             .used_ns = now_ns };
	r->latest = a;
}

/* ---- packets */

static struct server *server_for_udp(struct resolver *r, const struct rewrite *x,
                                     size_t left, uint64_t now_ns)
{
	char name[NAME_MAX_BYTES + 1];
	struct server *s;

	if (!query_name(name, x->l4 + sizeof(struct udp_header),
	                left - sizeof(struct udp_header)))
		return NULL;
	s = choose(r, name, x->family, now_ns);
	if (s && s->asked_ns == 0)
		s->asked_ns = now_ns;
	if (s)
		note_query(s, now_ns);
	return s;
}

static struct hint *hint_of(struct resolver *r, const struct ip_addr *client)
{
	return &r->hints[client->b[ip_addr_bytes(client) - 1] % HINTS];
}

static struct server *server_for_tcp(struct resolver *r, const struct rewrite *x,
                                     const struct ip_addr *client, uint64_t now_ns)
{
	const struct partner anybody = { 0 };
	const struct hint *hint = hint_of(r, client);
	struct server *s = NULL;

	if ((x->l4[TCP_FLAGS_AT] & 0x17) != TCP_SYN_ONLY) {
		struct asked *a =
			find_asked(r, PROTO_TCP, client, rewrite_port_at(x->src_port),
		                   &anybody, now_ns);

		return a ? find_server(r, a->file, &a->server) : NULL;
	}
	if (now_ns - hint->at_ns < HINT_NS && ip_addr_equal(&hint->client, client))
		s = find_server(r, hint->file, &hint->server);
	return s ? s : choose(r, NULL, x->family, now_ns);
}

/* ICMP has an id in the place of a port. */
static bool is_dns_protocol(const struct ip_view *view)
{
	return view->protocol == PROTO_UDP || view->protocol == PROTO_TCP;
}

enum resolver_result resolver_out(struct resolver *r, struct packet *p,
                                  struct ip_view *view, uint32_t *file, uint64_t now_ns)
{
	struct rewrite x;
	struct server *s = NULL;
	size_t left;

	if (!resolver_is_virtual(r, &view->dst)) {
		watch_query(r, p, view, now_ns);
		return RESOLVER_NOT_OURS;
	}
	if (!ip_view_parse(view, p->data, p->len_bytes))
		return RESOLVER_NO_SERVER;
	if (!view->first)
		return RESOLVER_LATER;
	x = rewrite_fields(p, view);
	left = view->total_bytes - view->payload_at;
	if (!is_dns_protocol(view) ||
	    be16_get(rewrite_port_at(x.dst_port)) != RESOLVER_PORT)
		return RESOLVER_NO_SERVER;
	if (view->protocol == PROTO_UDP)
		s = server_for_udp(r, &x, left, now_ns);
	else if (left >= 20)
		s = server_for_tcp(r, &x, &view->src, now_ns);
	if (!s)
		return RESOLVER_NO_SERVER;
	note_asked(r, view->protocol, &view->src, rewrite_port_at(x.src_port), s, now_ns);
	*file = s->file;
	rewrite_addr(&x, false, s->addr.b);
	view->dst = s->addr;
	return RESOLVER_SENT_ON;
}

void resolver_goes_through(struct resolver *r, uint32_t id)
{
	if (r->latest)
		r->latest->via = id;
	r->latest = NULL;
}

void resolver_answered(struct resolver *r, uint32_t file, const struct ip_addr *server,
                       const struct ip_addr *client, bool truncated, uint64_t now_ns)
{
	struct server *s = find_server(r, file, server);

	if (s)
		s->asked_ns = s->dead_until_ns = s->silent_since_ns = 0;
	if (truncated)
		*hint_of(r, client) = (struct hint){ *client, *server, file, now_ns };
}

void resolver_in(struct resolver *r, uint32_t id, struct packet *p, struct ip_view *view,
                 uint64_t now_ns)
{
	const struct partner from = { .server = &view->src, .via = id };
	const struct ip_addr *v = resolver_address(r, view->family);
	struct rewrite x;
	struct asked *a;
	bool truncated;

	if (v->family == IP_NONE)
		return;
	x = rewrite_fields(p, view);
	if (!x.l4 || !is_dns_protocol(view) ||
	    be16_get(rewrite_port_at(x.src_port)) != RESOLVER_PORT)
		return;
	a = find_asked(r, view->protocol, &view->dst, rewrite_port_at(x.dst_port), &from,
	               now_ns);
	if (!a)
		return;
	a->used_ns = now_ns;
	truncated = view->protocol == PROTO_UDP &&
	            view->total_bytes - view->payload_at >= 12 &&
	            (x.l4[10] & FLAG_TRUNCATED);
	resolver_answered(r, a->file, &view->src, &view->dst, truncated, now_ns);
	rewrite_addr(&x, true, v->b);
	view->src = *v;
}
