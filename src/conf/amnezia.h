/* src/conf/amnezia.h - is this a file of AmneziaWG?
 *
 * AmneziaWG is WireGuard with other headers and with junk around its messages. Its files
 * only differ by some keys. No WireGuard can talk to its servers. Therefore one error
 * with all the keys that were seen is reported, instead of one for each key. */
#ifndef TUNION_CONF_AMNEZIA_H
#define TUNION_CONF_AMNEZIA_H

#include <stdbool.h>
#include <stddef.h>

#define AMNEZIA_KEYS_MAX 24

/* All zeroes: no such key was seen. */
struct amnezia {
	unsigned line;                      /* of the first key */
	const char *keys[AMNEZIA_KEYS_MAX]; /* each once, in the order of the file */
	size_t n;
};

/* Is it a key of AmneziaWG, in upper or lower case? If so, it is noted. */
bool amnezia_take(struct amnezia *a, const char *key, unsigned line);

#define AMNEZIA_STRLEN 160
/* Writes the keys that were noted: "Jc, S1, H1" */
const char *amnezia_format(const struct amnezia *a, char out[static AMNEZIA_STRLEN]);

#endif
