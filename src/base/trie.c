/* src/base/trie.c - a path-compressed binary trie per family. A node stands for a prefix;
 * its children are longer prefixes inside it, told apart by the first bit behind it. A node
 * has an entry, or two children, or both; so there are fewer than twice as many nodes as
 * entries. */
#include "base/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct ip_prefix prefix;
	struct node *child[2];
	struct trie_entry *entry; /* NULL: only a fork */
};

struct trie {
	struct node *root4, *root6;
	size_t count;
};

struct trie *trie_new(void)
{
	return calloc(1, sizeof(struct trie));
}

static void free_nodes(struct node *n)
{
	if (!n)
		return;
	free_nodes(n->child[0]); /* as deep as an address has bits, at most */
	free_nodes(n->child[1]);
	free(n);
}

void trie_free(struct trie *t)
{
	if (!t)
		return;
	free_nodes(t->root4);
	free_nodes(t->root6);
	free(t);
}

static struct node *const *root_of(const struct trie *t, enum ip_family family)
{
	return family == IP_V4 ? &t->root4 : &t->root6;
}

/* Bits that both have in common from the left, at most max. */
static uint8_t common_bits(const struct ip_addr *a, const struct ip_addr *b, uint8_t max)
{
	unsigned i = 0;

	while (i / 8 < max / 8U && a->b[i / 8] == b->b[i / 8])
		i += 8;
	while (i < max && ip_addr_bit(a, i) == ip_addr_bit(b, i))
		i++;
	return (uint8_t)i;
}

static struct node *node_new(struct ip_prefix prefix, struct trie_entry *entry)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n) {
		n->prefix = ip_prefix_mask(prefix);
		n->entry = entry;
	}
	return n;
}

static unsigned side(const struct node *n, const struct ip_addr *addr)
{
	return ip_addr_bit(addr, n->prefix.len);
}

/* Puts leaf where `at` has a node that does not hold leaf's prefix. */
static int insert_beside(struct node **at, struct node *leaf)
{
	struct node *old = *at, *fork;
	uint8_t max = old->prefix.len < leaf->prefix.len ? old->prefix.len : leaf->prefix.len;
	uint8_t len = common_bits(&old->prefix.addr, &leaf->prefix.addr, max);

	if (len == leaf->prefix.len) {
		leaf->child[side(leaf, &old->prefix.addr)] = old;
		*at = leaf;
		return 0;
	}
	fork = node_new((struct ip_prefix){ leaf->prefix.addr, len }, NULL);
	if (!fork)
		return -ENOMEM;
	fork->child[side(fork, &old->prefix.addr)] = old;
	fork->child[side(fork, &leaf->prefix.addr)] = leaf;
	*at = fork;
	return 0;
}

int trie_insert(struct trie *t, struct ip_prefix prefix, struct trie_entry *entry)
{
	struct node **at = (prefix.addr.family == IP_V4) ? &t->root4 : &t->root6;
	struct node *leaf;
	int err;

	prefix = ip_prefix_mask(prefix);
	while (*at && (*at)->prefix.len < prefix.len &&
	       ip_prefix_contains(&(*at)->prefix, &prefix.addr))
		at = &(*at)->child[side(*at, &prefix.addr)];
	if (*at && ip_prefix_equal(&(*at)->prefix, &prefix)) {
		if ((*at)->entry)
			return -EEXIST;
		(*at)->entry = entry;
	} else {
		leaf = node_new(prefix, entry);
		if (!leaf)
			return -ENOMEM;
		err = *at ? insert_beside(at, leaf) : 0;
		if (err) {
			free(leaf);
			return err;
		}
		if (!*at)
			*at = leaf;
	}
	entry->prefix = prefix;
	t->count++;
	return 0;
}

/* A node that is left without entry goes when it has not two children. */
static void prune(struct node **at)
{
	struct node *n = *at;

	if (n->entry || (n->child[0] && n->child[1]))
		return;
	*at = n->child[0] ? n->child[0] : n->child[1];
	free(n);
}

void trie_remove(struct trie *t, struct trie_entry *entry)
{
	const struct ip_addr *addr = &entry->prefix.addr;
	struct node **parent = NULL;
	struct node **at = addr->family == IP_V4 ? &t->root4 : &t->root6;

	while ((*at)->entry != entry) {
		parent = at;
		at = &(*at)->child[side(*at, addr)];
	}
	(*at)->entry = NULL;
	t->count--;
	prune(at);
	if (parent)
		prune(parent);
}

struct trie_entry *trie_find(const struct trie *t, const struct ip_prefix *prefix)
{
	struct ip_prefix masked = ip_prefix_mask(*prefix);
	const struct node *n = *root_of(t, masked.addr.family);

	while (n && n->prefix.len < masked.len)
		n = n->child[side(n, &masked.addr)];
	return n && ip_prefix_equal(&n->prefix, &masked) ? n->entry : NULL;
}

/* The longest entry that holds addr and is shorter than len bits. */
static struct trie_entry *lookup(const struct trie *t, const struct ip_addr *addr, unsigned len)
{
	const struct node *n = *root_of(t, addr->family);
	struct trie_entry *best = NULL;
	unsigned bits = ip_addr_bits(addr);

	while (n && n->prefix.len < len && ip_prefix_contains(&n->prefix, addr)) {
		if (n->entry)
			best = n->entry;
		n = n->prefix.len < bits ? n->child[side(n, addr)] : NULL;
	}
	return best;
}

struct trie_entry *trie_lookup(const struct trie *t, const struct ip_addr *addr)
{
	return lookup(t, addr, UINT8_MAX);
}

struct trie_entry *trie_shorter(const struct trie *t, const struct trie_entry *entry)
{
	return lookup(t, &entry->prefix.addr, entry->prefix.len);
}

static bool walk(const struct node *n, bool (*visit)(void *context, struct trie_entry *entry),
                 void *context)
{
	return !n || ((!n->entry || visit(context, n->entry)) &&
	              walk(n->child[0], visit, context) && walk(n->child[1], visit, context));
}

void trie_walk(const struct trie *t, bool (*visit)(void *context, struct trie_entry *entry),
               void *context)
{
	if (walk(t->root4, visit, context))
		walk(t->root6, visit, context);
}

size_t trie_count(const struct trie *t)
{
	return t->count;
}
