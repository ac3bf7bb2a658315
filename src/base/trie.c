/* src/base/trie.c - a path-compressed binary trie for each family, with jump tables where
 * it is dense.
 *
 * A node stands for a prefix. Its children are longer prefixes inside this one; the first
 * bit after the prefix tells which child. A node has an entry, or two children, or both,
 * so there are fewer than twice as many nodes as entries. The nodes alone are the whole
 * table.
 *
 * Jump tables only make lookups faster: with 100,000 prefixes a lookup would pass 17
 * nodes, and each of them would be a cache miss. The table of a node (its anchor) is
 * indexed by the `stride` bits of an address that follow the anchor's prefix. It says
 * where a walk over the nodes would be after these bits, and which entry it would have
 * met on the way. Whatever changes the nodes below an anchor fills the slots concerned
 * again from the nodes. A table is made when a subtree has grown and enough of the slots
 * would be used, and it is replaced by a larger one as the subtree grows on (the idea of
 * LC-tries, Nilsson and Karlsson 1999). If there is no memory for a table, lookups are
 * slower but still correct. */
#include "base/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STRIDE_MIN    3  /* bits; smaller tables save too little */
#define STRIDE_MAX    16 /* bits; such a table has 1 MiB */
#define SPARSE        4  /* one of so many slots must be used */
#define ENTRIES_MIN   8  /* entries that must be below an anchor */
#define SHRINK_FACTOR 16 /* a table with so many times more slots than entries is freed */

/* An address, left-aligned: its first bit is the top bit of hi. */
struct key {
	uint64_t hi, lo;
};

/* The state of a walk after `stride` bits behind the anchor's prefix. */
struct slot {
	/* the longest entry between the anchor and the end of the stride */
	struct trie_entry *best;
	/* the first node that isn't shorter than the anchor and the stride; it
	 * may not match */
	struct node *next;
};

struct jump {
	unsigned stride;
	struct slot slots[];
};

struct node {
	struct key key; /* of the prefix, masked */
	uint8_t len;
	uint32_t count;           /* entries in this subtree */
	uint32_t checked;         /* value of count when a table was last considered */
	struct trie_entry *entry; /* NULL if the node is only a fork */
	struct jump *jump;        /* owned; NULL if it has no table */
	struct node *child[2];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct node) == 64, "a node is one cache line, on 32 bits too");

/* Nodes are allocated in blocks. Each block has twice as many as the one before, so
 * that a small trie stays small; the alignment keeps a node from lying across two
 * cache lines. */
struct block {
	struct block *next; /* followed by padding up to the size of a node */
	struct node nodes[];
};
#define BLOCK_NODES_MAX 1023

struct trie {
	struct node *root4, *root6;
	size_t count;
	struct block *blocks; /* owned; all nodes are in them */
	struct node *unused;  /* a list, linked through child[0] */
	size_t block_nodes;   /* number of nodes in the last block */
};

/* ---- keys */

static uint64_t load_be64(const uint8_t *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

static struct key key_of(const struct ip_addr *a)
{
	struct key k = { load_be64(a->b), 0 };

	if (a->family == IP_V4)
		k.hi &= UINT64_C(0xffffffff00000000);
	else
		k.lo = load_be64(a->b + 8);
	return k;
}

/* The number of leading bits that both have in common: 0..128. */
static unsigned common_bits(const struct key *a, const struct key *b)
{
	uint64_t hi = a->hi ^ b->hi, lo = a->lo ^ b->lo;

	if (hi)
		return (unsigned)__builtin_clzll(hi);
	return lo ? 64 + (unsigned)__builtin_clzll(lo) : 128;
}

/* n bits beginning at position `at`; 1 <= n <= 64, at < 128. */
static unsigned bits_at(const struct key *k, unsigned at, unsigned n)
{
	uint64_t v = k->hi;

	if (at >= 64)
		v = k->lo << (at - 64);
	else if (at > 0)
		v = k->hi << at | k->lo >> (64 - at);
	return (unsigned)(v >> (64 - n));
}

static struct key masked(struct key k, unsigned len)
{
	if (len < 64) {
		k.hi = len ? k.hi & ~UINT64_C(0) << (64 - len) : 0;
		k.lo = 0;
	} else if (len < 128) {
		k.lo = len > 64 ? k.lo & ~UINT64_C(0) << (128 - len) : 0;
	}
	return k;
}

static bool holds(const struct node *n, const struct key *key)
{
	return common_bits(&n->key, key) >= n->len;
}

/* Not for a node of full length, which has no children. */
static struct node **side(struct node *n, const struct key *key)
{
	return &n->child[bits_at(key, n->len, 1)];
}

/* ---- jump tables */

/* A range of slots: those below a prefix inside the anchor's prefix. For a prefix that
 * contains the anchor's it is all slots. */
struct range {
	unsigned first, count;
};

static struct range range_of(const struct node *anchor, const struct jump *j,
                             const struct key *key, unsigned len)
{
	unsigned free_bits, end = anchor->len + j->stride;

	if (len <= anchor->len)
		return (struct range){ 0, 1U << j->stride };
	free_bits = len < end ? end - len : 0;
	return (struct range){ bits_at(key, anchor->len, j->stride) >>
		                       free_bits << free_bits,
		               1U << free_bits };
}

static void set_range(struct jump *j, struct range r, struct slot slot)
{
	for (unsigned i = 0; i < r.count; i++)
		j->slots[r.first + i] = slot;
}

/* Fills the slots of a range. n and the nodes below it are the only nodes in the
 * range. */
static void fill(const struct node *anchor, struct jump *j, struct range r,
                 struct node *n, struct trie_entry *best)
{
	struct range own, half;

	if (!n) {
		set_range(j, r, (struct slot){ best, NULL });
		return;
	}
	own = range_of(anchor, j, &n->key, n->len);
	if (own.count < r.count || own.first != r.first)
		set_range(j, r, (struct slot){ best, NULL });
	if (own.first < r.first || own.first >= r.first + r.count)
		return; /* the node is not in the range */
	if (n->len >= anchor->len + j->stride) {
		j->slots[own.first] = (struct slot){ best, n };
		return;
	}
	if (n->entry)
		best = n->entry;
	/* the recursion is at most as deep as the stride */
	half = (struct range){ own.first, own.count / 2 };
	fill(anchor, j, half, n->child[0], best);
	half.first += half.count;
	fill(anchor, j, half, n->child[1], best);
}

/* Fills the slots below a prefix again, after nodes below it have changed. */
static void refresh(struct node *anchor, const struct key *key, unsigned len)
{
	struct jump *j = anchor->jump;
	struct node *n = *side(anchor, key);
	struct trie_entry *best = NULL;

	while (n && n->len < len && n->len < anchor->len + j->stride && holds(n, key)) {
		if (n->entry)
			best = n->entry;
		n = *side(n, key);
	}
	fill(anchor, j, range_of(anchor, j, key, len), n, best);
}

/* Refreshes the table of every node shorter than `len` on the way to the key. */
static void refresh_above(struct node *root, const struct key *key, unsigned len)
{
	for (struct node *n = root; n && n->len < len && holds(n, key);
	     n = *side(n, key)) {
		if (n->jump)
			refresh(n, key, len);
	}
}

static void drop_jump(struct node *n)
{
	free(n->jump);
	n->jump = NULL;
	n->checked = 0;
}

/* A lookup jumps over the nodes inside an anchor's stride, so they need no tables. */
static void drop_inside(struct node *n, unsigned end)
{
	if (!n || n->len >= end)
		return;
	drop_jump(n);
	drop_inside(n->child[0], end);
	drop_inside(n->child[1], end);
}

/* How many slots would be used in a table that reaches to bit `end`? */
static unsigned used_slots(const struct node *n, unsigned end)
{
	unsigned used;

	if (!n)
		return 0;
	if (n->len >= end)
		return 1;
	used = used_slots(n->child[0], end) + used_slots(n->child[1], end);
	return used ? used : 1;
}

/* 0 if no table is worth its memory. */
static unsigned best_stride(const struct node *n, unsigned address_bits)
{
	unsigned stride = STRIDE_MAX;

	while (stride >= STRIDE_MIN &&
	       ((UINT32_C(1) << stride) / SPARSE > n->count ||
	        n->len + stride > address_bits ||
	        used_slots(n, n->len + stride) * SPARSE < 1U << stride))
		stride--;
	return stride < STRIDE_MIN ? 0 : stride;
}

static void make_jump(struct node *n, unsigned address_bits)
{
	unsigned stride = best_stride(n, address_bits);
	struct jump *j;

	n->checked = n->count;
	if (stride == 0 || (n->jump && n->jump->stride == stride))
		return;
	j = malloc(sizeof(*j) + (sizeof(struct slot) << stride));
	if (!j)
		return;
	free(n->jump);
	n->jump = j;
	j->stride = stride;
	fill(n, j, (struct range){ 0, 1U << (stride - 1) }, n->child[0], NULL);
	fill(n, j, (struct range){ 1U << (stride - 1), 1U << (stride - 1) }, n->child[1],
	     NULL);
	drop_inside(n->child[0], n->len + stride);
	drop_inside(n->child[1], n->len + stride);
}

static struct node *jump_over(const struct node *n, const struct key *key,
                              struct trie_entry **best)
{
	const struct slot *slot = &n->jump->slots[bits_at(key, n->len, n->jump->stride)];

	if (slot->best)
		*best = slot->best;
	return slot->next;
}

/* Considers a table for each node that a lookup of the key passes, whenever the subtree
 * of the node has doubled. */
static void grow_jumps(struct node *root, const struct key *key, unsigned address_bits)
{
	struct trie_entry *ignored;
	struct node *n = root;

	while (n && n->len < address_bits && holds(n, key)) {
		if (n->count >= ENTRIES_MIN && n->count / 2 >= n->checked)
			make_jump(n, address_bits);
		n = n->jump ? jump_over(n, key, &ignored) : *side(n, key);
	}
}

/* ---- the trie */

struct trie *trie_new(void)
{
	return calloc(1, sizeof(struct trie));
}

static void free_jumps(struct node *n)
{
	if (!n)
		return;
	free_jumps(n->child[0]); /* at most as deep as an address has bits */
	free_jumps(n->child[1]);
	free(n->jump);
}

void trie_free(struct trie *t)
{
	struct block *b;

	if (!t)
		return;
	free_jumps(t->root4);
	free_jumps(t->root6);
	while ((b = t->blocks)) {
		t->blocks = b->next;
		free(b);
	}
	free(t);
}

static void free_node(struct trie *t, struct node *n)
{
	free(n->jump);
	n->child[0] = t->unused;
	t->unused = n;
}

/* Leaves `unused` NULL if out of memory. */
static void add_block(struct trie *t)
{
	size_t nodes = 2 * t->block_nodes + 1;
	struct block *b;

	if (nodes > BLOCK_NODES_MAX)
		nodes = BLOCK_NODES_MAX;
	b = aligned_alloc(sizeof(struct node), sizeof(*b) + nodes * sizeof(struct node));
	if (!b)
		return;
	b->next = t->blocks;
	t->blocks = b;
	t->block_nodes = nodes;
	for (size_t i = nodes; i > 0; i--) {
		b->nodes[i - 1].jump = NULL;
		free_node(t, &b->nodes[i - 1]);
	}
}

static struct node **root_of(struct trie *t, uint8_t family)
{
	return family == IP_V4 ? &t->root4 : &t->root6;
}

/* For lookups: an address of no family has no root. */
static struct node *root_for(const struct trie *t, uint8_t family)
{
	if (family == IP_V4)
		return t->root4;
	return family == IP_V6 ? t->root6 : NULL;
}

static struct node *node_new(struct trie *t, const struct key *key, unsigned len,
                             struct trie_entry *entry)
{
	struct node *n;

	if (!t->unused)
		add_block(t);
	n = t->unused;
	if (!n)
		return NULL;
	t->unused = n->child[0];
	*n = (struct node){
		.key = masked(*key, len),
		.len = (uint8_t)len,
		.entry = entry,
		.count = entry != NULL,
	};
	return n;
}

/* Inserts leaf at `at`, where there is no node, or one whose prefix does not contain that
 * of the leaf. Returns the node that is there afterwards; NULL if out of memory. */
static struct node *insert_leaf(struct trie *t, struct node **at, struct node *leaf)
{
	struct node *old = *at, *fork;
	unsigned len = old ? common_bits(&old->key, &leaf->key) : leaf->len;

	if (old && len > old->len)
		len = old->len;
	if (!old || len >= leaf->len) {
		fork = leaf;
	} else {
		fork = node_new(t, &leaf->key, len, NULL);
		if (!fork)
			return NULL;
		*side(fork, &leaf->key) = leaf;
		fork->count = leaf->count;
	}
	if (old) {
		*side(fork, &old->key) = old;
		fork->count += old->count;
	}
	*at = fork;
	return fork;
}

/* Changes the count of all nodes above `to`, which is on the way to the key. */
static void count_above(struct node *root, const struct node *to, const struct key *key,
                        int by)
{
	for (; root != to; root = *side(root, key))
		root->count += (uint32_t)by;
}

int trie_insert(struct trie *t, struct ip_prefix prefix, struct trie_entry *entry)
{
	struct node **root = root_of(t, prefix.addr.family), **at = root, *n, *leaf;
	struct key key;

	prefix = ip_prefix_mask(prefix);
	key = key_of(&prefix.addr);
	while (*at && (*at)->len < prefix.len && holds(*at, &key))
		at = side(*at, &key);
	n = *at;
	if (n && n->len == prefix.len && holds(n, &key)) {
		if (n->entry)
			return -EEXIST;
		n->entry = entry;
		n->count++;
	} else {
		leaf = node_new(t, &key, prefix.len, entry);
		n = leaf ? insert_leaf(t, at, leaf) : NULL;
		if (!n) {
			if (leaf)
				free_node(t, leaf);
			return -ENOMEM;
		}
	}
	entry->prefix = prefix;
	t->count++;
	count_above(*root, n, &key, 1);
	refresh_above(*root, &n->key, n->len);
	grow_jumps(*root, &key, ip_addr_bits(&prefix.addr));
	return 0;
}

/* Removes a node that has no entry and fewer than two children. */
static void prune(struct trie *t, struct node **at)
{
	struct node *n = *at;

	if (n->entry || (n->child[0] && n->child[1]))
		return;
	*at = n->child[0] ? n->child[0] : n->child[1];
	free_node(t, n);
}

/* A table costs more than it saves when only few entries are left below it. */
static void shrink_jump(struct node *n)
{
	if (n->jump && (1U << n->jump->stride) / SHRINK_FACTOR > n->count)
		drop_jump(n);
}

void trie_remove(struct trie *t, struct trie_entry *entry)
{
	struct key key = key_of(&entry->prefix.addr);
	struct node **root = root_of(t, entry->prefix.addr.family);
	struct node **parent = NULL, **at = root;

	while ((*at)->entry != entry) {
		(*at)->count--;
		shrink_jump(*at);
		parent = at;
		at = side(*at, &key);
	}
	(*at)->count--;
	(*at)->entry = NULL;
	t->count--;
	prune(t, at);
	if (parent)
		prune(t, parent);
	/* Where the parent was removed, its other child takes its place; that child's
	 * slots are still right. */
	refresh_above(*root, &key, entry->prefix.len);
}

struct trie_entry *trie_find(const struct trie *t, const struct ip_prefix *prefix)
{
	struct node *n = root_for(t, prefix->addr.family);
	struct key key = masked(key_of(&prefix->addr), prefix->len);

	while (n && n->len < prefix->len && holds(n, &key))
		n = *side(n, &key);
	return n && n->len == prefix->len && holds(n, &key) ? n->entry : NULL;
}

struct trie_entry *trie_lookup(const struct trie *t, const struct ip_addr *addr)
{
	struct node *n = root_for(t, addr->family);
	struct key key = key_of(addr);
	struct trie_entry *best = NULL;
	unsigned bits = ip_addr_bits(addr);

	while (n && holds(n, &key)) {
		if (n->entry)
			best = n->entry;
		if (n->jump)
			n = jump_over(n, &key, &best);
		else
			n = n->len < bits ? *side(n, &key) : NULL;
	}
	return best;
}

struct trie_entry *trie_shorter(const struct trie *t, const struct trie_entry *entry)
{
	struct node *n = root_for(t, entry->prefix.addr.family);
	struct key key = key_of(&entry->prefix.addr);
	struct trie_entry *best = NULL;

	for (; n->len < entry->prefix.len; n = *side(n, &key)) {
		if (n->entry)
			best = n->entry;
	}
	return best;
}

static bool walk(const struct node *n,
                 bool (*visit)(void *context, struct trie_entry *entry), void *context)
{
	return !n ||
	       ((!n->entry || visit(context, n->entry)) &&
	        walk(n->child[0], visit, context) && walk(n->child[1], visit, context));
}

void trie_walk(const struct trie *t,
               bool (*visit)(void *context, struct trie_entry *entry), void *context)
{
	if (walk(t->root4, visit, context))
		walk(t->root6, visit, context);
}

size_t trie_count(const struct trie *t)
{
	return t->count;
}
