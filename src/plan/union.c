/* src/plan/union.c - a trie with one node for each prefix. A node has the entries of all
 * devices that name the prefix, in the order of R3. Usually the first one is active. The
 * entries of one device are also in a list, so that removing a device does not need a walk
 * over the whole table. */
#include "plan/union.h"

#include <errno.h>
#include <stdlib.h>

#include "plan/way.h"

int union_init(struct union_table *u)
{
	u->trie = trie_new();
	return u->trie ? 0 : -ENOMEM;
}

static struct union_node *node_of(struct trie_entry *entry)
{
	return entry ? CONTAINER_OF(entry, struct union_node, trie) : NULL;
}

static bool first_node(void *context, struct trie_entry *entry)
{
	*(struct trie_entry **)context = entry;
	return false;
}

void union_clear(struct union_table *u)
{
	struct trie_entry *any;

	while (u->trie && trie_count(u->trie) > 0) {
		trie_walk(u->trie, first_node, &any);
		union_remove_device(u, node_of(any)->first->peer->device);
	}
	trie_free(u->trie);
	u->trie = NULL;
}

static bool before(const struct way_peer *a, const struct way_peer *b)
{
	if (a->device->table_off != b->device->table_off)
		return b->device->table_off;
	return a->device->rank < b->device->rank;
}

bool union_stands_by(const struct union_node *node, const struct way_device *device)
{
	const struct way_device *first = node->first->peer->device;

	return device != first && device->has_metric && first->has_metric &&
	       device->table_off == first->table_off;
}

/* ---- which entry of a node is active */

static bool may_carry(const struct way_peer *carrier, const struct way_device *from)
{
	return carrier->device != from && !carrier->device->table_off &&
	       !way_carried_by(carrier, from);
}

/* The first entry that is usable and may be active; the first of all if there is none.
 * For packets that `from` has sent itself (NULL: packets of others), its own entries and
 * those of devices that it carries count as usable: its messages take the way that they
 * would take if it were active. Otherwise a handshake through its own standby would prove
 * that it works. */
static struct way_peer *choose(const struct union_node *node,
                               const struct way_device *from)
{
	const struct union_entry *first = node->first, *e = first;

	do {
		bool usable = !e->peer->unusable || (from && !may_carry(e->peer, from));

		if (usable && (e == first || union_stands_by(node, e->peer->device)))
			return e->peer;
		e = e->next;
	} while (e);
	return first->peer;
}

static void set_active(struct union_node *node)
{
	node->active = choose(node, NULL);
}

static void sort_in(struct union_node *node, struct union_entry *entry)
{
	struct union_entry **at = &node->first;

	while (*at && before((*at)->peer, entry->peer))
		at = &(*at)->next;
	entry->next = *at;
	*at = entry;
}

static struct union_entry *entry_of(const struct union_node *node,
                                    const struct way_device *device)
{
	struct union_entry *e = node->first;

	while (e && e->peer->device != device)
		e = e->next;
	return e;
}

static struct union_node *get_node(struct union_table *u, const struct ip_prefix *prefix)
{
	struct union_node *node = node_of(trie_find(u->trie, prefix));

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (node && trie_insert(u->trie, *prefix, &node->trie) != 0) {
		free(node);
		return NULL;
	}
	return node;
}

int union_add(struct union_table *u, const struct ip_prefix *prefix,
              struct way_peer *peer)
{
	struct union_entry *entry = calloc(1, sizeof(*entry)), *old;
	struct union_node *node = entry ? get_node(u, prefix) : NULL;

	if (!node) {
		free(entry);
		return -ENOMEM;
	}
	old = entry_of(node, peer->device);
	if (old) {
		old->peer = peer;
		set_active(node);
		free(entry);
		return 0;
	}
	*entry = (struct union_entry){
		.peer = peer,
		.node = node,
		.device_next = peer->device->entries,
	};
	peer->device->entries = entry;
	sort_in(node, entry);
	set_active(node);
	return 0;
}

static void remove_entry(struct union_table *u, struct union_entry *entry)
{
	struct union_node *node = entry->node;
	struct union_entry **at = &node->first;

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	free(entry);
	if (node->first) {
		set_active(node);
	} else {
		trie_remove(u->trie, &node->trie);
		free(node);
	}
}

void union_remove_device(struct union_table *u, struct way_device *device)
{
	struct union_entry *entry;

	while ((entry = device->entries)) {
		device->entries = entry->device_next;
		remove_entry(u, entry);
	}
}

/* Most lists are already sorted, or nearly. So the end of the list is tried first. */
static bool sort_node(void *context, struct trie_entry *trie)
{
	struct union_node *node = node_of(trie);
	struct union_entry *rest = node->first, *last = NULL;

	(void)context;
	node->first = NULL;
	while (rest) {
		struct union_entry *e = rest;

		rest = e->next;
		if (last && before(last->peer, e->peer)) {
			e->next = NULL;
			last->next = e;
		} else {
			sort_in(node, e);
		}
		if (!e->next)
			last = e;
	}
	set_active(node);
	return true;
}

void union_sort(struct union_table *u)
{
	trie_walk(u->trie, sort_node, NULL);
}

static bool choose_in(void *context, struct trie_entry *trie)
{
	(void)context;
	set_active(node_of(trie));
	return true;
}

void union_choose(struct union_table *u)
{
	trie_walk(u->trie, choose_in, NULL);
}

const struct union_node *union_find(const struct union_table *u,
                                    const struct ip_prefix *prefix)
{
	return node_of(trie_find(u->trie, prefix));
}

const struct union_node *union_lookup_node(const struct union_table *u,
                                           const struct ip_addr *dst)
{
	return node_of(trie_lookup(u->trie, dst));
}

struct way_peer *union_lookup(const struct union_table *u, const struct ip_addr *dst)
{
	const struct union_node *node = union_lookup_node(u, dst);

	return node ? node->active : NULL;
}

struct way_peer *union_active_for(const struct union_node *node,
                                  const struct way_device *device)
{
	const struct union_entry *own = entry_of(node, device), *e;

	if (!own || device->table_off)
		return node->active;
	if (!own->peer->unusable || !device->has_metric)
		return own->peer;
	for (e = node->first; e; e = e->next) {
		if (!e->peer->unusable && e->peer->device->has_metric &&
		    !e->peer->device->table_off)
			return e->peer;
	}
	return own->peer;
}

/* The device's own allowed IPs tell for which of its peers it seals a packet. They
 * include the prefixes that stand by in the union. This must be so because the
 * answer comes from the peer that has the address there, and would not be accepted
 * from any other. */
static struct way_peer *peer_for(struct way_peer *active, const struct ip_addr *dst)
{
	const struct way_device *d = active->device;
	struct trie_entry *entry =
		d->allowed_ips ? trie_lookup(d->allowed_ips, dst) : NULL;
	struct way_peer *peer = entry ? d->peer_of(entry) : NULL;

	return peer ? peer : active;
}

static const struct union_node *next_shorter(const struct union_table *u,
                                             const struct union_node *node)
{
	return node_of(trie_shorter(u->trie, &node->trie));
}

/* Returns the peer that carries it if R1 and R13 permit that, else NULL. */
static struct way_peer *carrier_of(struct way_peer *active, const struct way_peer *from,
                                   const struct endpoint *to)
{
	struct way_peer *carrier = peer_for(active, &to->addr);

	if (!may_carry(carrier, from->device))
		return NULL;
	if (!endpoint_equal(&carrier->endpoint, to))
		return carrier;
	carrier->passed_over = true;
	return NULL;
}

/* If a standby is active that can't carry it, the unusable one that it stands in for goes
 * on having it. What a dead device carried doesn't fall back to the network. */
static struct way_peer *carrier_at(const struct union_node *node,
                                   const struct way_peer *from, const struct endpoint *to)
{
	struct way_peer *active = choose(node, from->device);
	struct way_peer *carrier = carrier_of(active, from, to);

	if (!carrier && active != node->first->peer && active->device != from->device)
		carrier = carrier_of(node->first->peer, from, to);
	return carrier;
}

/* The longest prefix from this node on that may carry the device's packets. */
static const struct union_node *first_for(const struct union_table *u,
                                          const struct union_node *node,
                                          const struct way_device *from)
{
	while (node && from->has_fwmark && way_is_default(&node->trie.prefix))
		node = next_shorter(u, node);
	return node;
}

static const struct union_node *longest_for(const struct union_table *u,
                                            const struct way_peer *from,
                                            const struct endpoint *to)
{
	return first_for(u, node_of(trie_lookup(u->trie, &to->addr)), from->device);
}

static const struct union_node *next_for(const struct union_table *u,
                                         const struct union_node *node,
                                         const struct way_peer *from)
{
	return first_for(u, next_shorter(u, node), from->device);
}

struct way_peer *union_lookup_outer(const struct union_table *u,
                                    const struct way_peer *from,
                                    const struct endpoint *to)
{
	const struct union_node *node = longest_for(u, from, to);
	struct way_peer *carrier = NULL;

	for (; node && !carrier; node = next_for(u, node, from))
		carrier = carrier_at(node, from, to);
	return carrier;
}

struct way_peer *union_lookup_passed_over(const struct union_table *u,
                                          const struct way_peer *from,
                                          const struct endpoint *to)
{
	const struct union_node *node = longest_for(u, from, to);

	for (; node; node = next_for(u, node, from)) {
		struct way_peer *carrier =
			peer_for(choose(node, from->device), &to->addr);

		if (may_carry(carrier, from->device))
			return endpoint_equal(&carrier->endpoint, to) ? carrier : NULL;
	}
	return NULL;
}

bool union_may_leave(const struct union_table *u, const struct way_peer *from)
{
	const struct endpoint *to = &from->endpoint;
	const struct union_node *node = longest_for(u, from, to);

	for (; node; node = next_for(u, node, from)) {
		if (carrier_at(node, from, to) && !(entry_of(node, from->device) &&
		                                    union_stands_by(node, from->device)))
			return false;
	}
	return true;
}

const struct way_peer *union_lookup_behind(const struct union_table *u,
                                           const struct way_peer *from,
                                           const struct endpoint *to)
{
	const struct union_node *node = longest_for(u, from, to);

	for (; node; node = next_for(u, node, from)) {
		const struct union_entry *e = node->first;

		if (e->peer->device != from->device)
			continue;
		while ((e = e->next)) {
			if (may_carry(e->peer, from->device) &&
			    !endpoint_equal(&e->peer->endpoint, to))
				return e->peer;
		}
	}
	return NULL;
}

struct visitor {
	bool (*visit)(void *context, const struct union_node *node);
	void *context;
};

static bool visit_node(void *context, struct trie_entry *entry)
{
	const struct visitor *v = context;

	return v->visit(v->context, node_of(entry));
}

void union_walk(const struct union_table *u,
                bool (*visit)(void *context, const struct union_node *node),
                void *context)
{
	struct visitor v = { visit, context };

	trie_walk(u->trie, visit_node, &v);
}

size_t union_count(const struct union_table *u)
{
	return trie_count(u->trie);
}
