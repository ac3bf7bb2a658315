/* src/proxy/http_target.c */
#include "proxy/http_target.h"

#include <strings.h>

bool http_target_read(struct http_span target, struct destination *out,
                      struct http_span *authority, struct http_span *path)
{
	static const char scheme[] = "http://";
	const size_t scheme_n = sizeof(scheme) - 1;
	size_t n = 0;

	if (target.n <= scheme_n || strncasecmp(target.at, scheme, scheme_n) != 0)
		return false;
	target.at += scheme_n;
	target.n -= scheme_n;
	while (n < target.n && target.at[n] != '/' && target.at[n] != '?')
		n++;
	*authority = (struct http_span){ target.at, n };
	*path = (struct http_span){ target.at + n, target.n - n };
	/* a user in the address is refused: RFC 9110 4.2.4 */
	return destination_parse(out, authority->at, authority->n, 80);
}
