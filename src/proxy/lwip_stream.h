/* src/proxy/lwip_stream.h - the streams of lwip_stack.h */
#ifndef TUNION_PROXY_LWIP_STREAM_H
#define TUNION_PROXY_LWIP_STREAM_H

#include "base/attr.h"
#include "proxy/lwip_core.h"
#include "proxy/lwip_wire.h"

/* As `connect` and `listen` of stack.h. */
MUST_CHECK int lwip_stream_connect(struct lwip_stack *s, const struct endpoint *to,
                                   struct stream **out);
MUST_CHECK int lwip_stream_listen(struct lwip_stack *s, const struct endpoint *at,
                                  void (*accepted)(void *context, struct stream *stream,
                                                   uint64_t now_ns),
                                  void *context);
/* Ends all listeners. */
void lwip_stream_listen_no_more(struct lwip_stack *s);

/* An ICMP error has come for what was sent. */
void lwip_stream_error(struct lwip_stack *s, const struct lwip_wire_error *error);

#endif
