/* src/names/lookup_settings.h - which name servers are asked, and for which names?
 *
 * What resolv.conf says, as c-ares reads it, in a form that can be handed to a process that
 * reads no files. */
#ifndef TUNION_NAMES_LOOKUP_SETTINGS_H
#define TUNION_NAMES_LOOKUP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

struct ares_channeldata;
struct ares_options;

#define LOOKUP_SETTINGS_SERVERS      8
#define LOOKUP_SETTINGS_DOMAINS      8
#define LOOKUP_SETTINGS_DOMAIN_BYTES 256 /* with the NUL */

/* What doesn't fit is left out. All zeroes: nobody is asked. */
struct lookup_settings {
	struct endpoint servers[LOOKUP_SETTINGS_SERVERS];
	size_t server_count;
	char domains[LOOKUP_SETTINGS_DOMAINS][LOOKUP_SETTINGS_DOMAIN_BYTES];
	size_t domain_count; /* domains to search in */
	int ndots, flags;    /* as in struct ares_options */
	bool rotate;
};

/* Reads those of a channel. Returns a status of c-ares. */
MUST_CHECK int lookup_settings_of(struct ares_channeldata *channel,
                                  struct lookup_settings *out);
bool lookup_settings_equal(const struct lookup_settings *a,
                           const struct lookup_settings *b);

/* Sets all for which c-ares would read files, except for the servers. Returns the mask that
 * says what is set. `domains` has room for all of them, and is borrowed like the settings. */
int lookup_settings_options(const struct lookup_settings *s,
                            char *domains[static LOOKUP_SETTINGS_DOMAINS],
                            struct ares_options *out);
/* Returns a status of c-ares. */
MUST_CHECK int lookup_settings_servers(const struct lookup_settings *s,
                                       struct ares_channeldata *channel);

#endif
