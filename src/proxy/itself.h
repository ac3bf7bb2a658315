/* src/proxy/itself.h - what does a browser get that asks the proxy itself for something?
 *
 * Programs use the proxy with CONNECT or an address that begins with http://. A request
 * whose target is only a path is for the proxy as a server. It has two things: /proxy.pac,
 * which tells a browser that there is a proxy, and the status page, which is served by
 * another process. Pure functions over text from strangers. */
#ifndef TUNION_PROXY_ITSELF_H
#define TUNION_PROXY_ITSELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/ip.h"
#include "http/http_head.h"
#include "proxy/users.h"

/* Is the request for the proxy as a server? */
bool itself_is_meant(const struct http_message *m);

/* Who asks, and what there is. All borrowed. */
struct itself {
	const struct users *users; /* NULL: everybody may use the proxy */
	struct endpoint local; /* where the client has connected to; IP_NONE: a path */
	bool has_page;
};

/* Returns true if the request is to be passed on to the process of the page, which looks at
 * Host and token. That is so only for clients of this machine and, if there are users,
 * only for them. Otherwise *answer is what the client gets, of *n bytes: to be freed; NULL
 * if out of memory. */
MUST_CHECK bool itself_ask(const struct itself *i, const struct http_message *m,
                           char **answer, size_t *n);

#endif
