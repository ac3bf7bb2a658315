/* src/base/trie.h - which is the longest prefix that contains an address?
 *
 * One table holds both families. It is used for a device's allowed IPs (wg) and for the
 * union (plan). It holds anything that embeds a trie_entry, and owns none of them. */
#ifndef TUNION_BASE_TRIE_H
#define TUNION_BASE_TRIE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"

/* Embedded by the user, who must keep it while it is in the table. */
struct trie_entry {
	struct ip_prefix prefix; /* masked; set by trie_insert */
};

struct trie;

struct trie *trie_new(void);
/* Entries are not freed, because they belong to the user. NULL is fine. */
void trie_free(struct trie *t);

/* 0, -ENOMEM, or -EEXIST if exactly this prefix is in the table (look before with
 * trie_find). Host bits are masked away. */
MUST_CHECK int trie_insert(struct trie *t, struct ip_prefix prefix,
                           struct trie_entry *entry);
/* The entry must be in the table. */
void trie_remove(struct trie *t, struct trie_entry *entry);
/* The entry of exactly this prefix, or NULL. */
struct trie_entry *trie_find(const struct trie *t, const struct ip_prefix *prefix);
/* The entry of the longest prefix that contains the address, or NULL. */
struct trie_entry *trie_lookup(const struct trie *t, const struct ip_addr *addr);
/* The entry of the next shorter prefix that contains this one, or NULL. Together with
 * trie_lookup it visits all matches of an address, from the longest to the shortest. */
struct trie_entry *trie_shorter(const struct trie *t, const struct trie_entry *entry);
/* Visits the entries in order of family, address and length; ends when visit returns
 * false. The table must not change meanwhile. */
void trie_walk(const struct trie *t,
               bool (*visit)(void *context, struct trie_entry *entry), void *context);
size_t trie_count(const struct trie *t);

#endif
