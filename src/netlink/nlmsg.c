/* src/netlink/nlmsg.c - the kernel's structs are copied in and out, and there are no
 * pointers into messages. So nothing relies on alignment, and a length is checked before
 * it is used. */
#include "netlink/nlmsg.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define ATTR_BYTES     sizeof(struct nlattr)
#define ATTR_TYPE_MASK 0x3fffU /* NLA_TYPE_MASK, which leaves out the two flag bits */
_Static_assert(sizeof(struct nlattr) == 4 && sizeof(struct nlmsghdr) == 16,
               "both are aligned");

/* RFC 3549 2.2: lengths are rounded up to four bytes. */
static size_t aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* ---- writing */

/* Returns room for n bytes and their padding, set to zero; NULL if there is none. */
static uint8_t *extend(struct nlmsg_writer *w, size_t n)
{
	size_t padded = aligned(n);
	uint8_t *at = w->buffer + w->len_bytes;

	if (w->full || w->size_bytes - w->len_bytes < padded) {
		w->full = true;
		return NULL;
	}
	memset(at, 0, padded);
	w->len_bytes += padded;
	return at;
}

void nlmsg_put_raw(struct nlmsg_writer *w, const void *bytes, size_t n)
{
	uint8_t *at = extend(w, n);

	if (at && n > 0)
		memcpy(at, bytes, n);
}

void nlmsg_begin(struct nlmsg_writer *w, uint16_t type, uint16_t flags, uint32_t seq,
                 const void *body, size_t body_bytes)
{
	struct nlmsghdr h = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
		.nlmsg_seq = seq,
	};

	w->start = w->len_bytes;
	nlmsg_put_raw(w, &h, sizeof(h));
	nlmsg_put_raw(w, body, body_bytes);
}

void nlmsg_end(struct nlmsg_writer *w)
{
	uint32_t len = (uint32_t)(w->len_bytes - w->start);

	if (!w->full)
		memcpy(w->buffer + w->start + offsetof(struct nlmsghdr, nlmsg_len), &len,
		       sizeof(len));
}

void nlmsg_put(struct nlmsg_writer *w, uint16_t attr, const void *value, size_t n)
{
	struct nlattr a = { .nla_len = (uint16_t)(ATTR_BYTES + n), .nla_type = attr };
	uint8_t *at;

	if (n > UINT16_MAX - ATTR_BYTES) {
		w->full = true;
		return;
	}
	at = extend(w, ATTR_BYTES + n);
	if (!at)
		return;
	memcpy(at, &a, sizeof(a));
	if (n > 0)
		memcpy(at + ATTR_BYTES, value, n);
}

void nlmsg_put_u32(struct nlmsg_writer *w, uint16_t attr, uint32_t value)
{
	nlmsg_put(w, attr, &value, sizeof(value));
}

void nlmsg_put_string(struct nlmsg_writer *w, uint16_t attr, const char *text)
{
	nlmsg_put(w, attr, text, strlen(text) + 1);
}

size_t nlmsg_nest(struct nlmsg_writer *w, uint16_t attr)
{
	size_t at = w->len_bytes;

	nlmsg_put(w, attr, NULL, 0);
	return at;
}

void nlmsg_nest_end(struct nlmsg_writer *w, size_t nest)
{
	uint16_t len = (uint16_t)(w->len_bytes - nest);

	if (!w->full)
		memcpy(w->buffer + nest + offsetof(struct nlattr, nla_len), &len,
		       sizeof(len));
}

uint8_t nlmsg_family(uint8_t ip_family)
{
	return ip_family == IP_V4 ? AF_INET : ip_family == IP_V6 ? AF_INET6 : AF_UNSPEC;
}

static void put_addr(struct nlmsg_writer *w, uint16_t attr, const struct ip_addr *a)
{
	if (a->family != IP_NONE)
		nlmsg_put(w, attr, a->b, ip_addr_bytes(a));
}

static uint16_t verb_flags(enum nlmsg_verb verb)
{
	switch (verb) {
	case NLMSG_ADD:
		return NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
	case NLMSG_REPLACE:
		return NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	case NLMSG_DELETE:
		break;
	}
	return NLM_F_ACK;
}

static void put_address(struct nlmsg_writer *w, enum nlmsg_verb verb,
                        const struct netlink_address *a, uint32_t seq)
{
	struct ifaddrmsg m = {
		.ifa_family = nlmsg_family(a->prefix.addr.family),
		.ifa_prefixlen = a->prefix.len,
		.ifa_index = a->ifindex,
	};
	/* without this, duplicate address detection would delay its use as a source */
	uint32_t flags = (a->prefix.addr.family == IP_V6 ? IFA_F_NODAD : 0U) |
	                 (a->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0U);

	nlmsg_begin(w, verb == NLMSG_DELETE ? RTM_DELADDR : RTM_NEWADDR, verb_flags(verb),
	            seq, &m, sizeof(m));
	put_addr(w, IFA_LOCAL, &a->prefix.addr);
	put_addr(w, IFA_ADDRESS, &a->prefix.addr);
	if (verb != NLMSG_DELETE)
		nlmsg_put_u32(w, IFA_FLAGS, flags);
	if (verb != NLMSG_DELETE && a->metric != 0)
		nlmsg_put_u32(w, IFA_RT_PRIORITY, a->metric);
	nlmsg_end(w);
}

static uint8_t route_scope(enum nlmsg_verb verb, const struct netlink_route *r)
{
	if (verb == NLMSG_DELETE)
		return RT_SCOPE_NOWHERE; /* matches any scope */
	return r->gateway.family == IP_NONE && r->dst.addr.family == IP_V4 &&
	                       (r->type == 0 || r->type == RTN_UNICAST)
	               ? RT_SCOPE_LINK
	               : RT_SCOPE_UNIVERSE;
}

static void put_route(struct nlmsg_writer *w, enum nlmsg_verb verb,
                      const struct netlink_route *r, uint32_t seq)
{
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	struct rtmsg m = {
		.rtm_family = nlmsg_family(r->dst.addr.family),
		.rtm_dst_len = r->dst.len,
		.rtm_table = (uint8_t)(table <= UINT8_MAX ? table : RT_TABLE_UNSPEC),
		.rtm_protocol = r->protocol ? r->protocol : RTPROT_BOOT,
		.rtm_scope = route_scope(verb, r),
		.rtm_type = r->type ? r->type : RTN_UNICAST,
		.rtm_flags = r->learned ? RTM_F_CLONED : 0,
	};
	size_t metrics;

	nlmsg_begin(w, verb == NLMSG_DELETE ? RTM_DELROUTE : RTM_NEWROUTE,
	            verb_flags(verb), seq, &m, sizeof(m));
	put_addr(w, RTA_DST, &r->dst.addr);
	put_addr(w, RTA_GATEWAY, &r->gateway);
	nlmsg_put_u32(w, RTA_TABLE, table);
	if (r->ifindex != 0)
		nlmsg_put_u32(w, RTA_OIF, r->ifindex);
	if (r->metric != 0)
		nlmsg_put_u32(w, RTA_PRIORITY, r->metric);
	if (verb != NLMSG_DELETE) {
		put_addr(w, RTA_PREFSRC, &r->src);
		if (r->mtu_bytes != 0) {
			metrics = nlmsg_nest(w, RTA_METRICS);
			nlmsg_put_u32(w, RTAX_MTU, r->mtu_bytes);
			nlmsg_nest_end(w, metrics);
		}
	}
	nlmsg_end(w);
}

static void put_rule(struct nlmsg_writer *w, enum nlmsg_verb verb,
                     const struct netlink_rule *r, uint32_t seq)
{
	struct fib_rule_hdr m = {
		.family = nlmsg_family(r->family),
		.table = (uint8_t)(r->table <= UINT8_MAX ? r->table : RT_TABLE_UNSPEC),
		.action = r->action ? r->action : FR_ACT_TO_TBL,
		.flags = r->invert ? FIB_RULE_INVERT : 0,
	};
	uint8_t protocol = r->protocol ? r->protocol : RTPROT_KERNEL;
	uint16_t flags = verb_flags(verb);

	if (r->shared)
		flags &= (uint16_t)~NLM_F_EXCL;
	nlmsg_begin(w, verb == NLMSG_DELETE ? RTM_DELRULE : RTM_NEWRULE, flags, seq, &m,
	            sizeof(m));
	nlmsg_put_u32(w, FRA_PRIORITY, r->priority);
	if (r->action == FR_ACT_GOTO)
		nlmsg_put_u32(w, FRA_GOTO, r->target);
	else
		nlmsg_put_u32(w, FRA_TABLE, r->table);
	if (r->has_mark) {
		nlmsg_put_u32(w, FRA_FWMARK, r->mark);
		nlmsg_put_u32(w, FRA_FWMASK, UINT32_MAX);
	}
	if (r->has_suppress)
		nlmsg_put_u32(w, FRA_SUPPRESS_PREFIXLEN, r->suppress_len);
	nlmsg_put(w, FRA_PROTOCOL, &protocol, sizeof(protocol));
	nlmsg_end(w);
}

void nlmsg_put_item(struct nlmsg_writer *w, enum nlmsg_verb verb,
                    const struct netlink_item *item, uint32_t seq)
{
	switch (item->kind) {
	case NETLINK_KIND_ADDRESS:
		put_address(w, verb, &item->address, seq);
		return;
	case NETLINK_KIND_ROUTE:
		put_route(w, verb, &item->route, seq);
		return;
	case NETLINK_KIND_RULE:
		put_rule(w, verb, &item->rule, seq);
		return;
	}
}

/* ---- reading */

/* Copies a fixed part from the front. */
static MUST_CHECK bool take_struct(struct reader *r, void *out, size_t n)
{
	const void *at = reader_take(r, n);

	if (!at)
		return false;
	memcpy(out, at, n);
	/* skip its padding, which may be missing at the end of a message */
	n = aligned(n) - n;
	(void)!reader_take(r, n < r->left_bytes ? n : r->left_bytes);
	return true;
}

/* Returns the rest of something that is `len` long and whose header of `header` bytes has
 * already been taken. */
static MUST_CHECK bool take_rest(struct reader *r, size_t len, size_t header,
                                 struct reader *out)
{
	const void *at;
	size_t pad;

	if (len < header)
		return false;
	at = reader_take(r, len - header);
	if (!at)
		return false;
	*out = reader_of(at, len - header);
	pad = aligned(len) - len;
	(void)!reader_take(r, pad < r->left_bytes ? pad : r->left_bytes);
	return true;
}

bool nlmsg_next(struct reader *r, struct nlmsg *out)
{
	struct nlmsghdr h;

	if (!take_struct(r, &h, sizeof(h)))
		return false;
	out->type = h.nlmsg_type;
	out->flags = h.nlmsg_flags;
	out->seq = h.nlmsg_seq;
	return take_rest(r, h.nlmsg_len, sizeof(h), &out->body);
}

bool nlmsg_attr_next(struct reader *r, struct nlmsg_attr *out)
{
	struct nlattr a;

	if (!take_struct(r, &a, sizeof(a)))
		return false;
	out->type = a.nla_type & ATTR_TYPE_MASK;
	return take_rest(r, a.nla_len, sizeof(a), &out->value);
}

/* Stores nothing unless the value has exactly n bytes. */
static void get_exact(const struct nlmsg_attr *a, void *out, size_t n)
{
	if (a->value.left_bytes == n)
		memcpy(out, a->value.at, n);
}

static uint32_t get_u32(const struct nlmsg_attr *a)
{
	uint32_t v = 0;

	get_exact(a, &v, sizeof(v));
	return v;
}

/* Copies up to size - 1 characters, and replaces those that could confuse a terminal. */
static void get_text(const struct nlmsg_attr *a, char *out, size_t size)
{
	size_t n = 0;

	while (n < a->value.left_bytes && n < size - 1 && a->value.at[n] != '\0') {
		out[n] = (char)(a->value.at[n] >= ' ' && a->value.at[n] < 0x7f
		                        ? a->value.at[n]
		                        : '?');
		n++;
	}
	out[n] = '\0';
}

/* The family of the result is IP_NONE unless the length is right for the family. */
static struct ip_addr get_addr(const struct nlmsg_attr *a, uint8_t family)
{
	struct ip_addr none = { 0 };

	if (a->value.left_bytes != (family == IP_V4 ? 4U : 16U))
		return none;
	return ip_addr_from_bytes(family, a->value.at);
}

static uint8_t family_of(uint8_t af)
{
	return af == AF_INET ? IP_V4 : af == AF_INET6 ? IP_V6 : IP_NONE;
}

bool nlmsg_read_ack(const struct nlmsg *m, int *error, char text[static NLMSG_TEXT_MAX])
{
	struct reader r = m->body;
	struct nlmsghdr request;
	struct nlmsg_attr a;

	text[0] = '\0';
	if (!take_struct(&r, error, sizeof(*error)))
		return false;
	if (!(m->flags & NLM_F_ACK_TLVS))
		return true;
	if (m->type == NLMSG_ERROR) { /* quotes the request, whole unless it is capped */
		struct reader quoted;

		if (!take_struct(&r, &request, sizeof(request)))
			return false;
		if (!(m->flags & NLM_F_CAPPED) &&
		    !take_rest(&r, request.nlmsg_len, sizeof(request), &quoted))
			return true;
	}
	while (nlmsg_attr_next(&r, &a)) {
		if (a.type == NLMSGERR_ATTR_MSG)
			get_text(&a, text, NLMSG_TEXT_MAX);
	}
	return true;
}

static bool read_address(struct reader r, struct netlink_address *out)
{
	struct ip_addr local = { 0 }, address = { 0 };
	struct ifaddrmsg m;
	struct nlmsg_attr a;
	uint8_t family;

	if (!take_struct(&r, &m, sizeof(m)))
		return false;
	family = family_of(m.ifa_family);
	out->ifindex = m.ifa_index;
	while (nlmsg_attr_next(&r, &a)) {
		if (a.type == IFA_LOCAL)
			local = get_addr(&a, family);
		else if (a.type == IFA_ADDRESS)
			address = get_addr(&a, family);
		else if (a.type == IFA_FLAGS)
			out->no_prefix_route = get_u32(&a) & IFA_F_NOPREFIXROUTE;
		else if (a.type == IFA_RT_PRIORITY)
			out->metric = get_u32(&a);
	}
	/* with IPv6 there is an IFA_LOCAL only if there is a peer address */
	out->prefix.addr = local.family != IP_NONE ? local : address;
	out->prefix.len = m.ifa_prefixlen;
	return out->prefix.addr.family != IP_NONE &&
	       m.ifa_prefixlen <= ip_addr_bits(&out->prefix.addr);
}

static void read_metrics(struct reader r, struct netlink_route *out)
{
	struct nlmsg_attr a;

	while (nlmsg_attr_next(&r, &a)) {
		if (a.type == RTAX_MTU)
			out->mtu_bytes = get_u32(&a);
		else if (a.type == RTAX_LOCK)
			out->mtu_locked = get_u32(&a) & 1U << RTAX_MTU;
	}
}

static void read_route_attr(const struct nlmsg_attr *a, uint8_t family,
                            struct netlink_route *out)
{
	switch (a->type) {
	case RTA_DST:
		out->dst.addr = get_addr(a, family);
		return;
	case RTA_PREFSRC:
		out->src = get_addr(a, family);
		return;
	case RTA_GATEWAY:
		out->gateway = get_addr(a, family);
		return;
	case RTA_OIF:
		out->ifindex = get_u32(a);
		return;
	case RTA_TABLE:
		out->table = get_u32(a);
		return;
	case RTA_PRIORITY:
		out->metric = get_u32(a);
		return;
	case RTA_METRICS:
		read_metrics(a->value, out);
		return;
	default: /* the kernel has many more */
		return;
	}
}

static bool read_route(struct reader r, struct netlink_route *out)
{
	struct rtmsg m;
	struct nlmsg_attr a;
	uint8_t family;

	if (!take_struct(&r, &m, sizeof(m)))
		return false;
	family = family_of(m.rtm_family);
	if (family == IP_NONE)
		return false;
	out->dst.addr.family = family;
	out->dst.len = m.rtm_dst_len;
	out->table = m.rtm_table;
	out->protocol = m.rtm_protocol;
	out->type = m.rtm_type;
	out->learned = m.rtm_flags & RTM_F_CLONED;
	while (nlmsg_attr_next(&r, &a))
		read_route_attr(&a, family, out);
	return out->dst.addr.family == family &&
	       out->dst.len <= ip_addr_bits(&out->dst.addr);
}

static void read_rule_attr(const struct nlmsg_attr *a, struct netlink_rule *out)
{
	uint32_t v = get_u32(a);
	char name[IF_NAMESIZE];

	switch (a->type) {
	case FRA_PRIORITY:
		out->priority = v;
		return;
	case FRA_TABLE:
		out->table = v;
		return;
	case FRA_FWMARK:
		out->has_mark = true;
		out->mark = v;
		return;
	case FRA_FWMASK:
		out->mask = v;
		return;
	case FRA_SUPPRESS_PREFIXLEN: /* all ones: there is none */
		out->has_suppress = v <= 128;
		out->suppress_len = (uint8_t)(v <= 128 ? v : 0);
		return;
	case FRA_PROTOCOL:
		get_exact(a, &out->protocol, sizeof(out->protocol));
		return;
	case FRA_IIFNAME: /* packets of this host come in by lo */
		get_text(a, name, sizeof(name));
		out->narrow |= strcmp(name, "lo") != 0;
		return;
	case FRA_GOTO:
		out->target = v;
		return;
	case FRA_SUPPRESS_IFGROUP: /* these two select nothing */
	case FRA_FLOW:
	case FRA_UNSPEC:
	case FRA_PAD:
		return;
	default: /* source, destination, interfaces, ports, user ids and so on */
		out->narrow = true;
		return;
	}
}

static bool read_rule(struct reader r, struct netlink_rule *out)
{
	struct fib_rule_hdr m;
	struct nlmsg_attr a;

	if (!take_struct(&r, &m, sizeof(m)))
		return false;
	out->family = family_of(m.family);
	out->table = m.table;
	out->invert = m.flags & FIB_RULE_INVERT;
	out->action = m.action;
	out->narrow = m.tos != 0;
	while (nlmsg_attr_next(&r, &a))
		read_rule_attr(&a, out);
	return out->family != IP_NONE;
}

bool nlmsg_read_item(const struct nlmsg *m, struct netlink_item *out)
{
	*out = (struct netlink_item){ 0 };
	switch (m->type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		out->kind = NETLINK_KIND_ADDRESS;
		return read_address(m->body, &out->address);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		out->kind = NETLINK_KIND_ROUTE;
		return read_route(m->body, &out->route);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		out->kind = NETLINK_KIND_RULE;
		return read_rule(m->body, &out->rule);
	default: /* these are the kernel's numbers, not ours */
		return false;
	}
}

bool nlmsg_read_link(const struct nlmsg *m, struct netlink_link *out)
{
	struct reader r = m->body;
	struct ifinfomsg info;
	struct nlmsg_attr a;

	*out = (struct netlink_link){ 0 };
	if ((m->type != RTM_NEWLINK && m->type != RTM_DELLINK) ||
	    !take_struct(&r, &info, sizeof(info)) || info.ifi_index <= 0)
		return false;
	out->ifindex = (uint32_t)info.ifi_index;
	out->up = info.ifi_flags & IFF_UP;
	while (nlmsg_attr_next(&r, &a)) {
		if (a.type == IFLA_IFNAME)
			get_text(&a, out->name, sizeof(out->name));
		else if (a.type == IFLA_MTU)
			out->mtu_bytes = get_u32(&a);
	}
	return true;
}
