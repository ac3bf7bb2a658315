/* src/conf/merge.h - which peers come of the [Peer] sections of one file?
 *
 * As wg configures a fresh device with them one after the other: the same key twice is
 * one peer, and a prefix belongs to the last peer that named it. */
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
	bool take_away; /* "-PREFIX" */
};

/* A [Peer] as it stands in the file; its allowed_ips are not filled in yet. */
struct merge_section {
	struct conf_peer peer;
	bool names_key;                /* has a PublicKey line, be it a bad one */
	bool has_key;                  /* and it is a key that somebody can have */
	bool names_preshared_key;      /* all zero counts: it takes an earlier one away */
	struct merge_allowed *allowed; /* owned */
	size_t allowed_count;
};

/* Moves the sections' peers into conf->peers. Sections without a key must have been
 * sorted out. Warnings go to diag. 0 or -ENOMEM. */
MUST_CHECK int merge_peers(struct conf *conf, struct merge_section *sections, size_t n,
                           struct diag *diag);

void merge_section_clear(struct merge_section *section);

#endif
