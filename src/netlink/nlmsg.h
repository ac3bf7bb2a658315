/* src/netlink/nlmsg.h - writes and reads rtnetlink messages, without a socket
 *
 * RFC 3549. Attributes are nested TLVs, aligned to four bytes, in host byte order except
 * for addresses. The reading functions accept any bytes; what is cut off or contradicts
 * itself is refused. */
#ifndef TUNION_NETLINK_NLMSG_H
#define TUNION_NETLINK_NLMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/reader.h"
#include "netlink/netlink_item.h"

/* ---- writing: several messages, one after the other */

/* Borrows the buffer. Once something doesn't fit, full is set and nothing more is
 * written. */
struct nlmsg_writer {
	uint8_t *buffer;
	size_t size_bytes, len_bytes;
	size_t start; /* of the message that was begun last */
	bool full;
};

/* Begins a message; body is its fixed part, such as a struct rtmsg. */
void nlmsg_begin(struct nlmsg_writer *w, uint16_t type, uint16_t flags, uint32_t seq,
                 const void *body, size_t body_bytes);
void nlmsg_put(struct nlmsg_writer *w, uint16_t attr, const void *value, size_t n);
void nlmsg_put_u32(struct nlmsg_writer *w, uint16_t attr, uint32_t value);
void nlmsg_put_string(struct nlmsg_writer *w, uint16_t attr, const char *text);
/* What is written until nlmsg_nest_end is inside this attribute. */
size_t nlmsg_nest(struct nlmsg_writer *w, uint16_t attr);
void nlmsg_nest_end(struct nlmsg_writer *w, size_t nest);
/* Adds bytes without an attribute header (VETH_INFO_PEER begins with a struct
 * ifinfomsg). */
void nlmsg_put_raw(struct nlmsg_writer *w, const void *bytes, size_t n);
/* Sets the length of the message that was begun last to what has been written. */
void nlmsg_end(struct nlmsg_writer *w);

enum nlmsg_verb {
	NLMSG_ADD,
	NLMSG_REPLACE,
	NLMSG_DELETE,
};

/* Adds a whole request, with acknowledgement. A deletion contains only what identifies
 * the item: for a route, that is prefix, table, metric and device, but not src and
 * mtu. */
void nlmsg_put_item(struct nlmsg_writer *w, enum nlmsg_verb verb,
                    const struct netlink_item *item, uint32_t seq);

/* ---- reading */

struct nlmsg {
	uint16_t type, flags;
	uint32_t seq;
	struct reader body; /* borrowed: what comes after the header */
};

struct nlmsg_attr {
	uint16_t type; /* without the flag bits */
	struct reader value;
};

/* Reads the next message of a datagram. False at its end, or if the rest is no
 * message. */
MUST_CHECK bool nlmsg_next(struct reader *r, struct nlmsg *out);
MUST_CHECK bool nlmsg_attr_next(struct reader *r, struct nlmsg_attr *out);

#define NLMSG_TEXT_MAX 160 /* for the kernel's explanation, with the final NUL */

/* Reads an NLMSG_ERROR or NLMSG_DONE: its error (0: acknowledged) and the kernel's text
 * as printable characters, if there is one. Returns false if it is too short for the
 * error. */
MUST_CHECK bool nlmsg_read_ack(const struct nlmsg *m, int *error,
                               char text[static NLMSG_TEXT_MAX]);

/* Reads an RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE (or their DEL forms). Returns false if
 * it has another type, is malformed, or has a family other than IP. */
MUST_CHECK bool nlmsg_read_item(const struct nlmsg *m, struct netlink_item *out);
/* Reads an RTM_NEWLINK or RTM_DELLINK. */
MUST_CHECK bool nlmsg_read_link(const struct nlmsg *m, struct netlink_link *out);

/* Returns AF_INET, AF_INET6 or AF_UNSPEC. */
uint8_t nlmsg_family(uint8_t ip_family);

#endif
