/* src/host/nlmsg.h - how do rtnetlink messages look? Written and read, without a socket.
 *
 * RFC 3549; attributes are nested TLVs, aligned to four bytes, in host byte order but for
 * addresses. Reading takes any bytes: what is cut short or contradicts itself is refused.
 */
#ifndef TUNION_HOST_NLMSG_H
#define TUNION_HOST_NLMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/reader.h"
#include "host/netlink_item.h"

/* ---- writing: several messages one behind the other */

/* Borrows the buffer. Once something did not fit, full is set and nothing more is
 * written. */
struct nlmsg_writer {
	uint8_t *buffer;
	size_t size_bytes, len_bytes;
	size_t start; /* of the message begun last */
	bool full;
};

/* Begins a message; body is its fixed part, such as a struct rtmsg. */
void nlmsg_begin(struct nlmsg_writer *w, uint16_t type, uint16_t flags, uint32_t seq,
                 const void *body, size_t body_bytes);
void nlmsg_put(struct nlmsg_writer *w, uint16_t attr, const void *value, size_t n);
void nlmsg_put_u32(struct nlmsg_writer *w, uint16_t attr, uint32_t value);
void nlmsg_put_string(struct nlmsg_writer *w, uint16_t attr, const char *text);
/* What is written until nlmsg_nest_end lies inside this attribute. */
size_t nlmsg_nest(struct nlmsg_writer *w, uint16_t attr);
void nlmsg_nest_end(struct nlmsg_writer *w, size_t nest);
/* Bytes without an attribute header (VETH_INFO_PEER has a struct ifinfomsg first). */
void nlmsg_put_raw(struct nlmsg_writer *w, const void *bytes, size_t n);
/* The length of the message begun last becomes what has been written. */
void nlmsg_end(struct nlmsg_writer *w);

enum nlmsg_verb {
	NLMSG_ADD,
	NLMSG_REPLACE,
	NLMSG_DELETE,
};

/* A whole request, with acknowledgement. A deletion names the item by what identifies it:
 * a route by prefix, table, metric and device, not by src and mtu. */
void nlmsg_put_item(struct nlmsg_writer *w, enum nlmsg_verb verb,
                    const struct netlink_item *item, uint32_t seq);

/* ---- reading */

struct nlmsg {
	uint16_t type, flags;
	uint32_t seq;
	struct reader body; /* borrowed: what follows the header */
};

struct nlmsg_attr {
	uint16_t type; /* without the flag bits */
	struct reader value;
};

/* The next message of a datagram; false at its end, or when the rest is no message. */
MUST_CHECK bool nlmsg_next(struct reader *r, struct nlmsg *out);
MUST_CHECK bool nlmsg_attr_next(struct reader *r, struct nlmsg_attr *out);

#define NLMSG_TEXT_MAX 160 /* of the kernel's explanation, with the final NUL */

/* Of an NLMSG_ERROR or NLMSG_DONE: its error (0: acknowledged) and, where there is one,
 * the kernel's text, printable. False if it's too short for either. */
MUST_CHECK bool nlmsg_read_ack(const struct nlmsg *m, int *error,
                               char text[static NLMSG_TEXT_MAX]);

/* An RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE (or their DEL forms). False if it is another
 * type or malformed, or of another family than IP. */
MUST_CHECK bool nlmsg_read_item(const struct nlmsg *m, struct netlink_item *out);
/* An RTM_NEWLINK or RTM_DELLINK. */
MUST_CHECK bool nlmsg_read_link(const struct nlmsg *m, struct netlink_link *out);

/* AF_INET, AF_INET6, AF_UNSPEC. */
uint8_t nlmsg_family(uint8_t ip_family);

#endif
