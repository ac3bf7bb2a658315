/* src/resolver/resolve_calls.c - the comments are the reasons that SECURITY.md gives */
#include "resolver/resolve_calls.h"

static const struct call_rule rules[] = {
	CALL(dup3),        /* a socket takes the number that c-ares has for it */
	CALL(getsockname), /* c-ares 1.33 makes its cookies for this address */
};

const struct call_rule *resolve_calls(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}
