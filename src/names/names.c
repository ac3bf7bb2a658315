/* src/names/names.c - looks up each name in turn
 *
 * A name asks, gets an answer or not (done), and waits for its next turn (ask_ns). Each
 * question has a lookup of its own, with the servers of that moment. A lookup calls
 * `done`, so it must not be freed there. Therefore questions begin and lookups end only
 * in names_run. */
#include "names/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names/lookup.h"
#include "plan/plan_findings.h"

/* After a failure, like `wg`: waits 1 s, then a fifth longer each time, up to 20 s. */
#define FAILED_FIRST_NS   NS_PER_SEC
#define FAILED_LONGEST_NS (20 * NS_PER_SEC)
/* When a peer doesn't answer: a name server's answer is good for a while. */
#define AGAIN_FIRST_NS   (10 * NS_PER_SEC)
#define AGAIN_LONGEST_NS (120 * NS_PER_SEC)
/* An initiation isn't unanswered before 5 s. So there are no honest complaints about more
 * addresses than one in this time. */
#define TRIED_LEAST_NS (4 * NS_PER_SEC)
/* If there was no complaint about a peer for this time, it has answered meanwhile. */
#define PEACE_NS (60 * NS_PER_SEC)
/* After this time without a complaint a peer is believed to answer. While it doesn't,
 * there is a complaint every 5 to 15 s. */
#define COMPLAINT_NS (20 * NS_PER_SEC)

static const char no_server[] =
	"no name server is known: write one into resolv.conf, or use --resolver";

enum asking {
	ASKING_NETWORK,
	ASKING_HOST,
};

#define SERVERS_MAX 8

struct name {
	struct name *next;
	struct names *names; /* borrowed */
	bool wanted;         /* used by names_update alone */
	/* from the file; owned */
	char *device, *path, *host;
	unsigned line;
	uint8_t public_key[KEY_BYTES];
	uint16_t port;
	bool resolve_off;

	struct candidates candidates;
	uint64_t since_ns; /* since when the present address is in use */
	struct lookup_query query;
	struct lookup *lookup; /* owned; NULL: not needed yet */
	enum asking asking;    /* whom it asks now, or will ask next */
	bool second;           /* the other one has already failed in this turn */
	bool no_server;        /* the network is asked, and no server of it is known */
	bool asked_once;
	uint64_t ask_ns; /* its next turn; NEVER_NS: none, or it is asking */
	uint64_t pause_ns;
	uint64_t again_ns;      /* whatever the peer does, not earlier than this */
	uint64_t unanswered_ns; /* time of the last complaint; 0: there was none */
	const char *error;      /* borrowed, static text; NULL: it was resolved */
};

struct names {
	struct names_env env;
	bool use_host;
	bool started;       /* names_warn has said what isn't known */
	struct name *first; /* owned */
};

static bool known(const struct name *name)
{
	return name->candidates.n > 0;
}

static bool complains(const struct name *name, uint64_t now_ns)
{
	return name->unanswered_ns != 0 && now_ns - name->unanswered_ns < COMPLAINT_NS;
}

static enum candidate_rank rank(void *context, const struct endpoint *e)
{
	const struct name *name = context;
	const struct names_env *env = &name->names->env;

	return env->rank(env->context, name->device, name->public_key, e);
}

static void use_present(struct name *name)
{
	const struct names_env *env = &name->names->env;
	const struct endpoint *e = candidates_present(&name->candidates);
	char text[ENDPOINT_STRLEN];

	name->since_ns = loop_now_ns();
	if (!e)
		return;
	log_line(env->log, name->names->started ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
	         name->device, "%s is tried at %s", name->host, endpoint_format(e, text));
	env->moved(env->context, name->device, name->public_key, e);
}

/* ---- asking */

static void wait_after_failure(struct name *name)
{
	uint64_t pause_ns = name->pause_ns ? name->pause_ns * 6 / 5 : FAILED_FIRST_NS;

	if (pause_ns > FAILED_LONGEST_NS)
		pause_ns = FAILED_LONGEST_NS;
	name->pause_ns = pause_ns;
	name->ask_ns = loop_now_ns() + pause_ns;
}

static void say_failure(const struct name *name, const char *error)
{
	const struct log *log = name->names->env.log;

	if (!name->error && name->names->started)
		log_warn(log, name->device, "%s is not resolved: %s", name->host, error);
	else
		log_debug(log, name->device, "%s is not resolved: %s", name->host, error);
}

static void failed(struct name *name, const char *error)
{
	if (name->names->use_host && !name->second) { /* the other one may know it */
		name->second = true;
		name->asking = name->asking == ASKING_HOST ? ASKING_NETWORK : ASKING_HOST;
		name->ask_ns = 0;
		return;
	}
	say_failure(name, error);
	name->second = false;
	name->asked_once = true;
	name->error = error;
	if (known(name))
		return; /* if the peer stays silent, this asks again */
	name->asking = ASKING_NETWORK;
	wait_after_failure(name);
}

static void done(struct lookup_query *query, const char *error,
                 const struct endpoint *found, size_t n)
{
	struct name *name = CONTAINER_OF(query, struct name, query);
	const struct candidate_judge judge = { rank, name };
	struct endpoint list[LOOKUP_ADDRESSES_MAX];

	if (error) {
		failed(name, name->no_server ? no_server : error);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		list[i] = found[i];
		list[i].port = name->port;
	}
	name->second = false;
	name->asked_once = true;
	name->error = NULL;
	if (known(name) && !complains(name, loop_now_ns()))
		return; /* the peer has answered meanwhile, so leave it where it is */
	if (!known(name))
		name->pause_ns = 0;
	/* in the next turn the other one is asked, which may know better */
	name->asking = name->asking == ASKING_NETWORK && name->names->use_host
	                       ? ASKING_HOST
	                       : ASKING_NETWORK;
	if (candidates_set(&name->candidates, list, n, &judge))
		use_present(name);
}

/* A new lookup reads the host's files again. servers: NULL for the host's. */
static MUST_CHECK int make_lookup(struct name *name, const struct ip_addr *servers,
                                  size_t count)
{
	const struct names_env *env = &name->names->env;

	if (env->remote)
		return lookup_new_remote(&name->lookup, env->loop, servers, count,
		                         env->remote);
	return lookup_new(&name->lookup, env->loop, servers, count);
}

static MUST_CHECK int open_lookup(struct name *name)
{
	const struct names_env *env = &name->names->env;
	struct ip_addr servers[SERVERS_MAX];
	size_t count;

	name->no_server = false;
	if (name->asking == ASKING_HOST)
		return make_lookup(name, NULL, 0);
	count = env->servers(env->context, servers, SERVERS_MAX);
	name->no_server = count == 0;
	return make_lookup(name, servers, count);
}

static void close_lookup(struct name *name)
{
	lookup_free(name->lookup);
	name->lookup = NULL;
}

static void ask(struct name *name)
{
	if (!name->names->use_host)
		name->asking = ASKING_NETWORK;
	name->ask_ns = NEVER_NS;
	close_lookup(name);
	if (open_lookup(name) == 0)
		lookup_ask(name->lookup, &name->query, name->host);
	else
		failed(name, "no name server can be asked");
}

/* ---- the list */

static void name_free(struct name *name)
{
	lookup_forget(&name->query);
	close_lookup(name);
	free(name->device);
	free(name->path);
	free(name->host);
	free(name);
}

static struct name *find(const struct names *n, const char *device,
                         const uint8_t public_key[static KEY_BYTES])
{
	struct name *name = n->first;

	while (name && (strcmp(name->device, device) != 0 ||
	                memcmp(name->public_key, public_key, KEY_BYTES) != 0))
		name = name->next;
	return name;
}

static bool is_same(const struct name *name, const struct conf_peer *p)
{
	return strcmp(name->host, p->endpoint_host) == 0 &&
	       name->port == p->endpoint_port;
}

static MUST_CHECK int add(struct names *n, const struct conf *conf,
                          const struct conf_peer *p)
{
	struct name *name = calloc(1, sizeof(*name)), **end = &n->first;

	if (!name)
		return -ENOMEM;
	*name = (struct name){ .names = n,
		               .wanted = true,
		               .device = strdup(conf->name),
		               .path = strdup(conf->path),
		               .host = strdup(p->endpoint_host),
		               .line = p->endpoint_line,
		               .port = p->endpoint_port,
		               .resolve_off = conf->switches.resolve_off,
		               .query.done = done };
	memcpy(name->public_key, p->public_key, KEY_BYTES);
	if (!name->device || !name->path || !name->host) {
		name_free(name);
		return -ENOMEM;
	}
	while (*end)
		end = &(*end)->next;
	*end = name;
	return 0;
}

/* Adds the peer's name to the list, or enters what is known of it in the peer. */
static MUST_CHECK int take_peer(struct names *n, const struct conf *conf,
                                struct conf_peer *p)
{
	struct name *name = find(n, conf->name, p->public_key);
	const struct endpoint *e;

	if (!name || !is_same(name, p))
		return add(n, conf, p);
	name->wanted = true;
	name->line = p->endpoint_line;
	name->resolve_off = conf->switches.resolve_off;
	e = candidates_present(&name->candidates);
	if (e)
		p->endpoint = *e;
	return 0;
}

/* Is the Endpoint a name? It may be one although its address has been entered in the
 * peer. */
static bool is_name(const struct names *n, const struct conf *conf,
                    const struct conf_peer *p)
{
	const struct name *name;

	if (!p->has_endpoint || p->endpoint.addr.family == IP_NONE)
		return p->has_endpoint;
	name = find(n, conf->name, p->public_key);
	return name && is_same(name, p);
}

static void free_unwanted(struct names *n)
{
	struct name **at = &n->first;

	while (*at) {
		struct name *name = *at;

		if (name->wanted) {
			at = &name->next;
		} else {
			*at = name->next;
			name_free(name);
		}
	}
}

int names_update(struct names *n, struct conf_set *set)
{
	int err = 0;

	for (struct name *name = n->first; name; name = name->next)
		name->wanted = false;
	for (size_t i = 0; i < set->n; i++) {
		for (size_t k = 0; k < set->v[i]->peer_count && !err; k++) {
			struct conf_peer *p = &set->v[i]->peers[k];

			if (is_name(n, set->v[i], p))
				err = take_peer(n, set->v[i], p);
		}
	}
	free_unwanted(n);
	return err;
}

size_t names_unasked(const struct names *n)
{
	size_t count = 0;

	for (const struct name *name = n->first; name; name = name->next)
		count += !name->asked_once;
	return count;
}

void names_walk(const struct names *n,
                void (*visit)(void *context, const struct names_state *state),
                void *context)
{
	for (const struct name *name = n->first; name; name = name->next) {
		const struct names_state state = { .device = name->device,
			                           .host = name->host,
			                           .public_key = name->public_key,
			                           .port = name->port,
			                           .known = known(name),
			                           .error = name->error,
			                           .ask_ns = name->ask_ns };

		visit(context, &state);
	}
}

void names_warn(struct names *n, struct diag *diag)
{
	n->started = true;
	for (const struct name *name = n->first; name; name = name->next) {
		if (!known(name))
			plan_findings_unresolved(diag, name->path, name->line, name->host,
			                         name->error ? name->error : "no answer");
	}
}

/* ---- events */

void names_use_host(struct names *n)
{
	n->use_host = true;
	for (struct name *name = n->first; name; name = name->next)
		if (known(name))
			name->asking = ASKING_HOST;
}

void names_unanswered(struct names *n, const char *device,
                      const uint8_t public_key[static KEY_BYTES],
                      const struct endpoint *tried, uint64_t now_ns)
{
	struct name *name = find(n, device, public_key);
	uint64_t in_use_ns;

	if (!name || !known(name))
		return;
	if (name->unanswered_ns == 0 || now_ns - name->unanswered_ns > PEACE_NS) {
		name->pause_ns = 0; /* the first complaint */
		name->ask_ns = name->again_ns;
	}
	name->unanswered_ns = now_ns;
	in_use_ns = now_ns - name->since_ns;
	if (in_use_ns >= TRIED_LEAST_NS &&
	    candidates_unanswered(&name->candidates, tried, in_use_ns))
		use_present(name);
	if (name->resolve_off || lookup_asked(&name->query))
		name->ask_ns = NEVER_NS;
	else if (name->ask_ns == NEVER_NS)
		name->ask_ns = now_ns + name->pause_ns;
	if (name->ask_ns < name->again_ns)
		name->ask_ns = name->again_ns;
}

void names_found(struct names *n, const char *device,
                 const uint8_t public_key[static KEY_BYTES],
                 const struct endpoint *endpoint)
{
	struct name *name = find(n, device, public_key);

	if (!name)
		return;
	candidates_found(&name->candidates, endpoint);
	name->unanswered_ns = 0;
}

void names_network_changed(struct names *n, uint64_t now_ns)
{
	for (struct name *name = n->first; name; name = name->next) {
		const struct candidate_judge judge = { rank, name };

		if (candidates_judge(&name->candidates, &judge))
			use_present(name);
		if (known(name) || lookup_asked(&name->query))
			continue;
		name->pause_ns = 0;
		name->ask_ns = now_ns;
	}
}

/* ---- time */

uint64_t names_deadline_ns(const struct names *n, uint64_t now_ns)
{
	uint64_t next_ns = NEVER_NS;

	for (const struct name *name = n->first; name; name = name->next) {
		uint64_t due_ns = name->ask_ns;

		if (name->lookup && due_ns == NEVER_NS)
			due_ns = lookup_deadline_ns(name->lookup, now_ns);
		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

/* A name that is asked again because its peer is silent waits longer each time. */
static void begin_turn(struct name *name, uint64_t now_ns)
{
	if (known(name) && !name->second) {
		name->pause_ns = name->pause_ns ? name->pause_ns * 2 : AGAIN_FIRST_NS;
		if (name->pause_ns > AGAIN_LONGEST_NS)
			name->pause_ns = AGAIN_LONGEST_NS;
		name->again_ns = now_ns + AGAIN_FIRST_NS;
	}
	ask(name);
}

static void run(struct name *name, uint64_t now_ns)
{
	if (name->lookup)
		lookup_run(name->lookup);
	if (lookup_asked(&name->query))
		return;
	close_lookup(name);
	if (name->ask_ns > now_ns)
		return;
	if (known(name) && !name->second && !complains(name, now_ns))
		name->ask_ns = NEVER_NS; /* the peer has answered meanwhile */
	else
		begin_turn(name, now_ns);
}

void names_run(struct names *n, uint64_t now_ns)
{
	for (struct name *name = n->first; name; name = name->next)
		run(name, now_ns);
}

int names_new(struct names **out, const struct names_env *env)
{
	struct names *n = calloc(1, sizeof(*n));

	*out = n;
	if (!n)
		return -ENOMEM;
	n->env = *env;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	while (n->first) {
		struct name *name = n->first;

		n->first = name->next;
		name_free(name);
	}
	free(n);
}
