/* src/base/trie.h - which is the longest prefix that holds an address?
 *
 * Both families in one table; serves a device's allowed IPs (wg) and the union (plan). The
 * table holds whatever embeds a trie_entry and owns none of them. */
#ifndef TUNION_BASE_TRIE_H
#define TUNION_BASE_TRIE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"

/* Embedded by the user; valid while it is in the table. */
struct trie_entry {
	struct ip_prefix prefix; /* masked; set by trie_insert */
};

struct trie;

struct trie *trie_new(void);
/* Entries are not freed, they are the user's. NULL is fine. */
void trie_free(struct trie *t);

/* 0 or -ENOMEM, -EEXIST if that very prefix is there (look first with trie_find).
 * Host bits are masked away. */
MUST_CHECK int trie_insert(struct trie *t, struct ip_prefix prefix, struct trie_entry *entry);
/* entry must be in the table. */
void trie_remove(struct trie *t, struct trie_entry *entry);
/* Exactly this prefix, or NULL. */
struct trie_entry *trie_find(const struct trie *t, const struct ip_prefix *prefix);
/* The longest match, or NULL. */
struct trie_entry *trie_lookup(const struct trie *t, const struct ip_addr *addr);
/* The next shorter prefix that holds this one, or NULL: with trie_lookup it walks all
 * matches of an address from the longest to the shortest. */
struct trie_entry *trie_shorter(const struct trie *t, const struct trie_entry *entry);
/* In order of family, address, length. Returns at once when visit returns false. The table
 * must not change meanwhile. */
void trie_walk(const struct trie *t, bool (*visit)(void *context, struct trie_entry *entry),
               void *context);
size_t trie_count(const struct trie *t);

#endif
