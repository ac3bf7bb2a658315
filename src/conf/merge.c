/* src/conf/merge.c - works in two passes. The first one sorts the sections to find those
 * with the same key, and makes one peer of them. The second one goes through all
 * AllowedIPs in the order of the file, with a trie that knows who has each prefix now.
 * Except for the sort, the time is linear. */
#include "conf/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/trie.h"

/* A section and the peer it becomes part of. */
struct part {
	struct merge_section *section; /* borrowed */
	size_t order;                  /* its place in the file */
	size_t peer;                   /* index in conf->peers; NO_PEER: left out */
};
#define NO_PEER SIZE_MAX

/* A prefix that a peer has. It is in that peer's list, which begins with the oldest. */
struct owned {
	struct trie_entry entry;
	unsigned line;
	size_t peer;
	struct owned *next, *previous; /* borrowed: other prefixes of the same peer */
};

struct owner {
	struct owned *first, *last; /* borrowed: elements of merge.owned */
	size_t count;
};

struct merge {
	struct conf *conf;    /* borrowed */
	struct diag *diag;    /* borrowed */
	struct part *parts;   /* one for each section, in the order of the file */
	struct owner *owners; /* one for each peer */
	struct owned *owned;  /* one for each item of all AllowedIPs */
	size_t owned_count;
	struct trie *trie;
};

void merge_section_clear(struct merge_section *section)
{
	free(section->peer.endpoint_host);
	free(section->peer.via.name);
	sealed_clear(&section->peer.preshared_key);
	free(section->peer.allowed_ips.v);
	free(section->allowed);
	*section = (struct merge_section){ .allowed_count = 0 };
}

static int by_key(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int c = memcmp(x->section->peer.public_key, y->section->peer.public_key,
	               KEY_BYTES);

	if (c == 0)
		c = x->order < y->order ? -1 : x->order > y->order;
	return c;
}

static int by_order(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_own(const struct merge *m, const struct part *part)
{
	return sealed_is_set(&m->conf->identity.private_key) &&
	       memcmp(part->section->peer.public_key, m->conf->identity.public_key,
	              KEY_BYTES) == 0;
}

/* Sets the peer of every part to the order of the first section with its key, for now. */
static void find_peers(struct merge *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		m->parts[i].peer = m->parts[i].order;
		if (is_own(m, &m->parts[i])) {
			diag_warning(
				m->diag, m->conf->path, m->parts[i].section->peer.line,
				"this peer has the device's own key and is left out; expected the other side's PublicKey");
			m->parts[i].peer = NO_PEER;
		}
	}
	qsort(m->parts, n, sizeof(*m->parts), by_key);
	for (size_t i = 1; i < n; i++)
		if (memcmp(m->parts[i].section->peer.public_key,
		           m->parts[i - 1].section->peer.public_key, KEY_BYTES) == 0)
			m->parts[i].peer = m->parts[i - 1].peer;
	qsort(m->parts, n, sizeof(*m->parts), by_order);
}

/* A later section has the same key: what it contains replaces what the peer had. */
static void add_to_peer(struct conf_peer *peer, struct merge_section *section)
{
	struct conf_peer *from = &section->peer;

	if (section->names_preshared_key) {
		sealed_clear(&peer->preshared_key);
		peer->preshared_key = from->preshared_key;
		from->preshared_key = (struct sealed_key){ .seal = NULL };
	}
	if (from->has_endpoint) {
		free(peer->endpoint_host);
		peer->has_endpoint = true;
		peer->endpoint = from->endpoint;
		peer->endpoint_host = from->endpoint_host;
		peer->endpoint_port = from->endpoint_port;
		peer->endpoint_line = from->endpoint_line;
		from->endpoint_host = NULL;
	}
	if (from->has_keepalive) {
		peer->has_keepalive = true;
		peer->keepalive_s = from->keepalive_s;
	}
	if (from->via.kind != CONF_VIA_UNION) {
		free(peer->via.name);
		peer->via = from->via;
		from->via.name = NULL;
	}
}

/* Fills conf->peers in the order of the file, and sets each part's index into it. */
static void make_peers(struct merge *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct part *part = &m->parts[i];
		struct conf_peer *peer = &part->section->peer;

		if (part->peer == NO_PEER)
			continue;
		if (part->peer == i) {
			part->peer = m->conf->peer_count;
			m->conf->peers[m->conf->peer_count++] = *peer;
			*peer = (struct conf_peer){ .line = peer->line };
			continue;
		}
		part->peer = m->parts[part->peer].peer;
		diag_warning(
			m->diag, m->conf->path, peer->line,
			"this peer has the same key as the peer in line %u: they are one peer, with the AllowedIPs given here",
			m->conf->peers[part->peer].line);
		add_to_peer(&m->conf->peers[part->peer], part->section);
	}
}

static void disown(struct merge *m, struct owned *o)
{
	struct owner *owner = &m->owners[o->peer];

	*(o->previous ? &o->previous->next : &owner->first) = o->next;
	*(o->next ? &o->next->previous : &owner->last) = o->previous;
	owner->count--;
}

static void own(struct merge *m, struct owned *o, size_t peer, unsigned line)
{
	struct owner *owner = &m->owners[peer];

	o->peer = peer;
	o->line = line;
	o->previous = owner->last;
	o->next = NULL;
	*(owner->last ? &owner->last->next : &owner->first) = o;
	owner->last = o;
	owner->count++;
}

static struct owned *owned_of(struct trie_entry *entry)
{
	return entry ? CONTAINER_OF(entry, struct owned, entry) : NULL;
}

static int allow(struct merge *m, size_t peer, const struct merge_allowed *allowed)
{
	struct owned *o = owned_of(trie_find(m->trie, &allowed->prefix));
	char text[IP_PREFIX_STRLEN];
	int err;

	if (allowed->take_away) {
		if (o && o->peer == peer) {
			trie_remove(m->trie, &o->entry);
			disown(m, o);
		}
		return 0;
	}
	if (o && o->peer == peer)
		return 0;
	if (o) {
		diag_warning(
			m->diag, m->conf->path, allowed->line,
			"AllowedIPs %s was already given to another peer in line %u; now this peer has it",
			ip_prefix_format(&allowed->prefix, text), o->line);
		disown(m, o);
	} else {
		o = &m->owned[m->owned_count++];
		err = trie_insert(m->trie, allowed->prefix, &o->entry);
		if (err < 0)
			return err;
	}
	own(m, o, peer, allowed->line);
	return 0;
}

static int allow_all(struct merge *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct part *part = &m->parts[i];

		if (part->peer == NO_PEER)
			continue;
		for (struct owned *o = m->owners[part->peer].first; o; o = o->next)
			trie_remove(m->trie, &o->entry);
		m->owners[part->peer] = (struct owner){ 0 };
		for (size_t k = 0; k < part->section->allowed_count; k++) {
			int err = allow(m, part->peer, &part->section->allowed[k]);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

static int write_allowed_ips(struct merge *m)
{
	for (size_t i = 0; i < m->conf->peer_count; i++) {
		struct conf_prefixes *list = &m->conf->peers[i].allowed_ips;

		if (m->owners[i].count == 0)
			continue;
		list->v = calloc(m->owners[i].count, sizeof(*list->v));
		if (!list->v)
			return -ENOMEM;
		for (const struct owned *o = m->owners[i].first; o; o = o->next)
			list->v[list->n++] =
				(struct conf_prefix){ .prefix = o->entry.prefix,
				                      .line = o->line };
	}
	return 0;
}

int merge_peers(struct conf *conf, struct merge_section *sections, size_t n,
                struct diag *diag)
{
	struct merge m = { .conf = conf, .diag = diag };
	size_t items = 0;
	int err = -ENOMEM;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		items += sections[i].allowed_count;
	m.parts = calloc(n, sizeof(*m.parts));
	m.owners = calloc(n, sizeof(*m.owners));
	m.owned = calloc(items + 1, sizeof(*m.owned));
	m.trie = trie_new();
	conf->peers = calloc(n, sizeof(*conf->peers));
	if (!m.parts || !m.owners || !m.owned || !m.trie || !conf->peers)
		goto out;
	for (size_t i = 0; i < n; i++)
		m.parts[i] = (struct part){ .section = &sections[i], .order = i };
	find_peers(&m, n);
	make_peers(&m, n);
	err = allow_all(&m, n);
	if (err == 0)
		err = write_allowed_ips(&m);
out:
	trie_free(m.trie);
	free(m.owned);
	free(m.owners);
	free(m.parts);
	return err;
}
