/* tests/unit/aead_turn.h - with which AEAD does a test's engine seal and open? All that
 * this CPU has take turns, so that they meet each other and libsodium's; or all engines
 * use the one that TUNION_AEAD names. */
#ifndef TUNION_UNIT_AEAD_TURN_H
#define TUNION_UNIT_AEAD_TURN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "crypto/aead.h"

static inline const struct aead_impl *aead_turn(uint64_t turn)
{
	const char *name = getenv("TUNION_AEAD");
	const struct aead_impl *here[16];
	size_t n = 0;

	for (size_t i = 0; aead_at(i) && n < ARRAY_SIZE(here); i++) {
		if (!aead_at(i)->available())
			continue;
		if (name && strcmp(aead_at(i)->name, name) == 0)
			return aead_at(i);
		here[n++] = aead_at(i);
	}
	if (!name)
		return here[turn % n];
	fprintf(stderr, "TUNION_AEAD=%s is not to be had here\n", name);
	exit(EXIT_FAILURE);
}

#endif
