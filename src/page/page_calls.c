/* src/page/page_calls.c - the comments are the reasons that SECURITY.md gives */
#include "page/page_calls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static const struct call_rule rules[] = {
	CALL(accept4),                                      /* browsers */
	CALL(shutdown),                                     /* the answer is complete */
	CALL_BOTH(setsockopt, 1, IPPROTO_TCP, TCP_NODELAY), /* its end goes at once */
};

const struct call_rule *page_calls(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}
