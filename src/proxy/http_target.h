/* src/proxy/http_target.h - where does a request to a proxy have to go? */
#ifndef TUNION_PROXY_HTTP_TARGET_H
#define TUNION_PROXY_HTTP_TARGET_H

#include <stdbool.h>

#include "base/attr.h"
#include "http/http_span.h"
#include "proxy/destination.h"

/* Reads "http://HOST[:PORT][/PATH]". *path is empty or begins with '/' or '?'. Returns
 * false if it isn't such a target. */
MUST_CHECK bool http_target_read(struct http_span target, struct destination *out,
                                 struct http_span *authority, struct http_span *path);

#endif
