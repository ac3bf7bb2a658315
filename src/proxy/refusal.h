/* src/proxy/refusal.h - what is a client told if a connection fails? */
#ifndef TUNION_PROXY_REFUSAL_H
#define TUNION_PROXY_REFUSAL_H

#include "base/attr.h"
#include "proxy/destination.h"

#define REFUSAL_STRLEN (DESTINATION_STRLEN + 128)

/* The status in HTTP for this -errno. */
unsigned refusal_status(int err);
/* Writes a line for people, and returns `out`. */
const char *refusal_text(const struct destination *to, int err,
                         char out[static REFUSAL_STRLEN]);

#endif
