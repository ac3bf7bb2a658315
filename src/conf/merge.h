/* src/conf/merge.h - which peers do the [Peer] sections of one file make?
 *
 * The result is the same as if wg configured a fresh device with one section after the
 * other: sections with the same key are one peer, and a prefix belongs to the last peer
 * that names it. */
#ifndef TUNION_CONF_MERGE_H
#define TUNION_CONF_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/ip.h"
#include "conf/conf.h"

/* An item of AllowedIPs. */
struct merge_allowed {
	struct ip_prefix prefix; /* masked */
	unsigned line;
	bool take_away; /* it is written "-PREFIX" */
};

/* A [Peer] as it is in the file; its allowed_ips are not filled yet. */
struct merge_section {
	struct conf_peer peer;
	bool names_key;                /* has a line PublicKey, even if that is wrong */
	bool has_key;                  /* has a key that can be somebody's */
	bool names_preshared_key;      /* a key of zeroes counts, which removes a key */
	struct merge_allowed *allowed; /* owned */
	size_t allowed_count;
};

/* Moves the sections' peers into conf->peers. Sections without a key must have been
 * removed. Warnings are added to diag. Returns 0 or -ENOMEM. */
MUST_CHECK int merge_peers(struct conf *conf, struct merge_section *sections, size_t n,
                           struct diag *diag);

void merge_section_clear(struct merge_section *section);

#endif
