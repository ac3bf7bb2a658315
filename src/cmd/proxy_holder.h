/* src/cmd/proxy_holder.h - is it a proxy of ours that listens at an address? */
#ifndef TUNION_CMD_PROXY_HOLDER_H
#define TUNION_CMD_PROXY_HOLDER_H

#include "base/ip.h"

/* Asks the proxies that run in the directory (NULL: the default) where their pages are, which
 * is where they listen. Returns the name of that one, such as "proxy0", to be freed; NULL if
 * there is none. */
char *proxy_holder_find(const char *run_dir, const struct endpoint *at);

#endif
