/* src/conf/amnezia.c - knows the keys of AmneziaWG's versions 1.0 to 2.0 */
#include "conf/amnezia.h"

#include <string.h>
#include <strings.h>

#include "base/attr.h"

static const char *const names[] = {
	"Jc", "Jmin", "Jmax", "S1", "S2", "S3",    "S4",
	"H1", "H2",   "H3",   "H4", "I1", "I2",    "I3",
	"I4", "I5",   "J1",   "J2", "J3", "Itime", "AdvancedSecurity",
};
_Static_assert(ARRAY_SIZE(names) <= AMNEZIA_KEYS_MAX, "all of them can be noted down");

static void note(struct amnezia *a, const char *name, unsigned line)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->keys[i] == name)
			return;
	if (a->n == 0)
		a->line = line;
	a->keys[a->n++] = name;
}

bool amnezia_take(struct amnezia *a, const char *key, unsigned line)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(names[i], key) != 0)
			continue;
		note(a, names[i], line);
		return true;
	}
	return false;
}

const char *amnezia_format(const struct amnezia *a, char out[static AMNEZIA_STRLEN])
{
	char *at = out;

	*at = '\0';
	for (size_t i = 0; i < a->n; i++) {
		if (i > 0)
			at = stpcpy(at, ", ");
		at = stpcpy(at, a->keys[i]);
	}
	return out;
}
