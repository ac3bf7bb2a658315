/* src/conf/amnezia.h - is this a file of AmneziaWG?
 *
 * AmneziaWG is WireGuard with other headers and with junk around its messages. Its files
 * differ by some keys only. No WireGuard can talk to its servers, so that is said once,
 * with the keys that were seen, in place of an error for each. */
#ifndef TUNION_CONF_AMNEZIA_H
#define TUNION_CONF_AMNEZIA_H

#include <stdbool.h>
#include <stddef.h>

#define AMNEZIA_KEYS_MAX 24

/* All zeroes: none was seen. */
struct amnezia {
	unsigned line;                      /* of the first */
	const char *keys[AMNEZIA_KEYS_MAX]; /* each once, in the order they came */
	size_t n;
};

/* Is it a key of AmneziaWG's, in any case? It is then noted down. */
bool amnezia_take(struct amnezia *a, const char *key, unsigned line);

#define AMNEZIA_STRLEN 160
/* "Jc, S1, H1" */
const char *amnezia_format(const struct amnezia *a, char out[static AMNEZIA_STRLEN]);

#endif
