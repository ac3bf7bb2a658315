/* src/netlink/netlink.c - the kernel handles requests while they are being sent. So when
 * sendto returns, all acknowledgements are in the receive queue. The size of this queue
 * limits how many requests can be sent together. */
#include "netlink/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink/nlmsg.h"

#define BATCH_REQUESTS 100   /* answers fit into the default receive queue of 208 KiB */
#define TX_BYTES       16384 /* for 100 requests; the largest has less than 128 bytes */
#define RX_BYTES       65536 /* the kernel's dumps come in pieces of at most 32 KiB */
#define ANSWER_WAIT_S  5
#define UNANSWERED     1 /* is different from any result, since no result is positive */

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

struct netlink {
	int fd;
	uint32_t seq;
	char error[NLMSG_TEXT_MAX];
	uint8_t tx[TX_BYTES];
	uint8_t rx[RX_BYTES];
};

static int fail(struct netlink *nl, int error, const char *text)
{
	snprintf(nl->error, sizeof(nl->error), "%s",
	         text && text[0] ? text : strerror(-error));
	return error;
}

const char *netlink_error(const struct netlink *nl)
{
	return nl->error;
}

int netlink_from_fd(struct netlink **out, int fd)
{
	static const struct timeval wait = { .tv_sec = ANSWER_WAIT_S };
	static const int one = 1, queue_bytes = 1 << 20;
	struct netlink *nl = calloc(1, sizeof(*nl));

	*out = nl;
	if (!nl) {
		close(fd);
		return -ENOMEM;
	}
	nl->fd = fd;
	nl->seq = 1;
	/* These are only improvements, which old kernels may lack. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof(queue_bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return 0;
}

int netlink_open(struct netlink **out)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	*out = NULL;
	return fd < 0 ? -errno : netlink_from_fd(out, fd);
}

void netlink_free(struct netlink *nl)
{
	if (!nl)
		return;
	close(nl->fd);
	free(nl);
}

/* ---- sending and receiving */

static struct nlmsg_writer writer(struct netlink *nl)
{
	return (struct nlmsg_writer){ .buffer = nl->tx, .size_bytes = sizeof(nl->tx) };
}

static MUST_CHECK int transmit(struct netlink *nl, const struct nlmsg_writer *w)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	if (w->full)
		return fail(nl, -EMSGSIZE, NULL);
	do {
		n = sendto(nl->fd, w->buffer, w->len_bytes, 0,
		           (const struct sockaddr *)&kernel, sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? fail(nl, -errno, NULL) : 0;
}

/* Receives one datagram from the kernel, and skips those from other processes. */
static MUST_CHECK int receive(struct netlink *nl, struct reader *out)
{
	struct sockaddr_nl from;
	struct iovec iov = { .iov_base = nl->rx, .iov_len = sizeof(nl->rx) };
	struct msghdr m;
	ssize_t n;

	do {
		m = (struct msghdr){ .msg_name = &from,
			             .msg_namelen = sizeof(from),
			             .msg_iov = &iov,
			             .msg_iovlen = 1 };
		n = recvmsg(nl->fd, &m, 0);
	} while (n < 0 ? errno == EINTR
	               : m.msg_namelen < sizeof(from) || from.nl_pid != 0);
	if (n < 0)
		return fail(nl, errno == EAGAIN ? -ETIMEDOUT : -errno, NULL);
	if (m.msg_flags & MSG_TRUNC)
		return fail(nl, -EMSGSIZE, NULL);
	*out = reader_of(nl->rx, (size_t)n);
	return 0;
}

/* Reads until each of the n requests beginning with `first` has its result. */
static MUST_CHECK int collect(struct netlink *nl, uint32_t first, size_t n, int *results,
                              int *first_error)
{
	size_t missing = n;

	while (missing > 0) {
		struct reader r;
		struct nlmsg m;
		int error, err = receive(nl, &r);

		if (err < 0)
			return err;
		while (nlmsg_next(&r, &m)) {
			char text[NLMSG_TEXT_MAX];

			if (m.type != NLMSG_ERROR || m.seq - first >= n || missing == 0 ||
			    !nlmsg_read_ack(&m, &error, text))
				continue;
			missing--;
			if (results)
				results[m.seq - first] = error;
			if (error < 0 && *first_error == 0)
				*first_error = fail(nl, error, text);
		}
	}
	return 0;
}

/* Runs at most BATCH_REQUESTS. Those without an answer get the result UNANSWERED. */
static MUST_CHECK int run_batch(struct netlink *nl, enum nlmsg_verb verb,
                                const struct netlink_item *items, size_t n, int *results,
                                int *first_error)
{
	struct nlmsg_writer w = writer(nl);
	uint32_t first = nl->seq;
	int err;

	nl->seq += BATCH_REQUESTS;
	for (size_t i = 0; i < n; i++) {
		nlmsg_put_item(&w, verb, &items[i], first + (uint32_t)i);
		results[i] = UNANSWERED;
	}
	err = transmit(nl, &w);
	return err < 0 ? err : collect(nl, first, n, results, first_error);
}

/* Answers were lost because the queue was full, although the requests may have been
 * carried out. So they are sent again, one by one. If something has already been done,
 * this counts as success. */
static MUST_CHECK int run_again(struct netlink *nl, enum nlmsg_verb verb,
                                const struct netlink_item *items, size_t n, int *results,
                                int *first_error)
{
	for (size_t i = 0; i < n; i++) {
		int error = 0, err;

		if (results[i] != UNANSWERED)
			continue;
		err = run_batch(nl, verb, &items[i], 1, &results[i], &error);
		if (err < 0)
			return err;
		if (verb == NLMSG_DELETE ? netlink_is_gone(error) : error == -EEXIST)
			results[i] = 0;
		else if (*first_error == 0)
			*first_error = error;
	}
	return 0;
}

static MUST_CHECK int run(struct netlink *nl, enum nlmsg_verb verb,
                          const struct netlink_item *items, size_t n, int *results)
{
	int batch[BATCH_REQUESTS], first_error = 0, err = 0;

	for (size_t done = 0, some; done < n; done += some) {
		int *r = results ? results + done : batch;

		some = n - done < BATCH_REQUESTS ? n - done : BATCH_REQUESTS;
		err = run_batch(nl, verb, items + done, some, r, &first_error);
		if (err < 0)
			err = run_again(nl, verb, items + done, some, r, &first_error);
		if (err < 0) {
			for (size_t i = done; results && i < n; i++)
				results[i] = i >= done + some || r[i - done] == UNANSWERED
				                     ? err
				                     : results[i];
			return err;
		}
	}
	return first_error;
}

bool netlink_is_gone(int error)
{
	return error == 0 || error == -ENOENT || error == -ESRCH ||
	       error == -EADDRNOTAVAIL || error == -ENODEV;
}

int netlink_add(struct netlink *nl, const struct netlink_item *items, size_t n,
                int *results)
{
	return run(nl, NLMSG_ADD, items, n, results);
}

int netlink_replace(struct netlink *nl, const struct netlink_item *items, size_t n,
                    int *results)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].kind == NETLINK_KIND_RULE)
			return fail(nl, -EINVAL, NULL);
	}
	return run(nl, NLMSG_REPLACE, items, n, results);
}

int netlink_delete(struct netlink *nl, const struct netlink_item *items, size_t n,
                   int *results)
{
	return run(nl, NLMSG_DELETE, items, n, results);
}

/* Sends a request that is only acknowledged. */
static MUST_CHECK int command(struct netlink *nl, const struct nlmsg_writer *w)
{
	int first_error = 0, err = transmit(nl, w);

	if (err == 0)
		err = collect(nl, nl->seq - 1, 1, NULL, &first_error);
	return err < 0 ? err : first_error;
}

/* Sends a request that has one answer, and reads it. Returns -errno if it is an error. */
static MUST_CHECK int ask(struct netlink *nl, const struct nlmsg_writer *w,
                          struct nlmsg *answer)
{
	uint32_t seq = nl->seq - 1;
	int error, err = transmit(nl, w);

	while (err == 0) {
		char text[NLMSG_TEXT_MAX];
		struct reader r;

		err = receive(nl, &r);
		if (err < 0 || !nlmsg_next(&r, answer) || answer->seq != seq)
			continue;
		if (answer->type != NLMSG_ERROR)
			return 0;
		if (nlmsg_read_ack(answer, &error, text) && error < 0)
			return fail(nl, error, text);
		return fail(nl, -EBADMSG, NULL);
	}
	return err;
}

/* ---- lists */

/* What has to be listed. */
struct list {
	enum netlink_kind kind;
	enum ip_family family;
	/* of routes; 0: all. This is only a hint, since old kernels list all tables. */
	uint32_t table;
	bool learned; /* list only learned routes, or none of them; also a hint */
};

struct visitor {
	bool (*visit)(void *context, const struct netlink_item *item);
	void *context;
	bool stopped;
};

/* Returns 1 if there is more to come, and 0 at the end. */
static MUST_CHECK int read_dump(struct netlink *nl, struct reader r, uint32_t seq,
                                struct visitor *v, bool *interrupted)
{
	struct netlink_item item;
	struct nlmsg m;
	char text[NLMSG_TEXT_MAX];
	int error;

	while (nlmsg_next(&r, &m)) {
		if (m.seq != seq)
			continue;
		*interrupted |= (m.flags & NLM_F_DUMP_INTR) != 0;
		if (m.type == NLMSG_DONE || m.type == NLMSG_ERROR) {
			if (!nlmsg_read_ack(&m, &error, text))
				return 0;
			return error < 0 ? fail(nl, error, text) : 0;
		}
		if (!v->stopped && nlmsg_read_item(&m, &item))
			v->stopped = !v->visit(v->context, &item);
	}
	return 1;
}

static MUST_CHECK int dump(struct netlink *nl, const struct list *l, struct visitor *v)
{
	static const uint16_t types[] = {
		[NETLINK_KIND_ADDRESS] = RTM_GETADDR,
		[NETLINK_KIND_ROUTE] = RTM_GETROUTE,
		[NETLINK_KIND_RULE] = RTM_GETRULE,
	};
	static const size_t body_bytes[] = {
		[NETLINK_KIND_ADDRESS] = sizeof(struct ifaddrmsg),
		[NETLINK_KIND_ROUTE] = sizeof(struct rtmsg),
		[NETLINK_KIND_RULE] = sizeof(struct fib_rule_hdr),
	};
	/* the family is always the first member */
	struct rtmsg body = { .rtm_family = nlmsg_family((uint8_t)l->family),
		              .rtm_flags = l->learned ? RTM_F_CLONED : 0 };
	struct nlmsg_writer w = writer(nl);
	uint32_t seq = nl->seq++;
	bool interrupted = false;
	struct reader r;
	int err;

	nlmsg_begin(&w, types[l->kind], NLM_F_DUMP, seq, &body, body_bytes[l->kind]);
	if (l->table != 0)
		nlmsg_put_u32(&w, RTA_TABLE, l->table);
	nlmsg_end(&w);
	err = transmit(nl, &w);
	if (err == 0)
		err = 1;
	while (err > 0) {
		err = receive(nl, &r);
		if (err == 0)
			err = read_dump(nl, r, seq, v, &interrupted);
	}
	if (err == 0 && interrupted && !v->stopped)
		return fail(nl, -EAGAIN, "the list changed while it was read");
	return err;
}

int netlink_dump(struct netlink *nl, enum netlink_kind kind, enum ip_family family,
                 bool (*visit)(void *context, const struct netlink_item *item),
                 void *context)
{
	struct list l = { .kind = kind, .family = family == IP_NONE ? IP_V4 : family };
	struct visitor v = { .visit = visit, .context = context };
	int err = dump(nl, &l, &v);

	if (err < 0 || v.stopped || family != IP_NONE)
		return err;
	l.family = IP_V6;
	err = dump(nl, &l, &v);
	/* a kernel without IPv6 has nothing to list */
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

int netlink_dump_learned(struct netlink *nl,
                         bool (*visit)(void *context, const struct netlink_item *item),
                         void *context)
{
	const struct list l = { NETLINK_KIND_ROUTE, IP_V6, .learned = true };
	struct visitor v = { .visit = visit, .context = context };
	int err = dump(nl, &l, &v);

	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

struct table_search {
	uint32_t table;
	bool only_default;
	bool found;
};

static bool is_wide(const struct ip_prefix *p)
{
	return p->len <= (p->addr.family == IP_V4 ? 1 : 3);
}

static bool route_in_table(void *context, const struct netlink_item *item)
{
	struct table_search *s = context;

	s->found = item->route.table == s->table &&
	           (!s->only_default ||
	            (is_wide(&item->route.dst) && item->route.type != RTN_THROW));
	return !s->found;
}

static MUST_CHECK int search_table(struct netlink *nl, enum ip_family family,
                                   struct table_search *s)
{
	const struct list l = { NETLINK_KIND_ROUTE, family, .table = s->table };
	struct visitor v = { .visit = route_in_table, .context = s };
	int err = s->found ? 0 : dump(nl, &l, &v);

	/* there is no such table yet, or no such family */
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

int netlink_table_used(struct netlink *nl, uint32_t table, bool *used)
{
	struct table_search s = { .table = table };
	int err = search_table(nl, IP_V4, &s);

	if (err == 0)
		err = search_table(nl, IP_V6, &s);
	/* if the list has changed while it was read, something uses the table */
	*used = s.found || err == -EAGAIN;
	return err == -EAGAIN ? 0 : err;
}

int netlink_table_has_default(struct netlink *nl, enum ip_family family, uint32_t table,
                              bool *found)
{
	struct table_search s = { .table = table, .only_default = true };
	int err = search_table(nl, family, &s);

	*found = s.found;
	return err;
}

/* ---- links */

static void begin_link(struct netlink *nl, struct nlmsg_writer *w, uint16_t type,
                       uint16_t flags, const struct ifinfomsg *m)
{
	*w = writer(nl);
	nlmsg_begin(w, type, flags, nl->seq++, m, sizeof(*m));
}

static MUST_CHECK int ask_link(struct netlink *nl, struct nlmsg_writer *w,
                               struct netlink_link *out)
{
	struct nlmsg answer;
	int err;

	nlmsg_end(w);
	err = ask(nl, w, &answer);
	if (err == 0 && !nlmsg_read_link(&answer, out))
		err = fail(nl, -EBADMSG, NULL);
	return err;
}

int netlink_link_find(struct netlink *nl, const char *name, struct netlink_link *out)
{
	static const struct ifinfomsg any = { 0 };
	struct nlmsg_writer w;

	if (strlen(name) >= IF_NAMESIZE)
		return fail(nl, -ENODEV, NULL);
	begin_link(nl, &w, RTM_GETLINK, 0, &any);
	nlmsg_put_string(&w, IFLA_IFNAME, name);
	return ask_link(nl, &w, out);
}

int netlink_link_get(struct netlink *nl, uint32_t ifindex, struct netlink_link *out)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_GETLINK, 0, &m);
	return ask_link(nl, &w, out);
}

static MUST_CHECK int set_link(struct netlink *nl, struct nlmsg_writer *w)
{
	nlmsg_end(w);
	return command(nl, w);
}

int netlink_link_set_up(struct netlink *nl, uint32_t ifindex)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex,
		               .ifi_flags = IFF_UP,
		               .ifi_change = IFF_UP };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_SETLINK, NLM_F_ACK, &m);
	return set_link(nl, &w);
}

int netlink_link_set_mtu(struct netlink *nl, uint32_t ifindex, uint32_t mtu_bytes)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_SETLINK, NLM_F_ACK, &m);
	nlmsg_put_u32(&w, IFLA_MTU, mtu_bytes);
	return set_link(nl, &w);
}

int netlink_link_set_gso_max(struct netlink *nl, uint32_t ifindex, uint32_t bytes)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_SETLINK, NLM_F_ACK, &m);
	nlmsg_put_u32(&w, IFLA_GSO_MAX_SIZE, bytes);
	return set_link(nl, &w);
}

int netlink_link_set_quiet(struct netlink *nl, uint32_t ifindex)
{
	static const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
	struct ifinfomsg m = { .ifi_index = (int)ifindex, .ifi_change = IFF_MULTICAST };
	struct nlmsg_writer w;
	size_t spec, inet6;

	begin_link(nl, &w, RTM_SETLINK, NLM_F_ACK, &m);
	spec = nlmsg_nest(&w, IFLA_AF_SPEC);
	inet6 = nlmsg_nest(&w, AF_INET6);
	nlmsg_put(&w, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	nlmsg_nest_end(&w, inet6);
	nlmsg_nest_end(&w, spec);
	return set_link(nl, &w);
}

static MUST_CHECK int change_altname(struct netlink *nl, uint16_t type, uint16_t flags,
                                     uint32_t ifindex, const char *name)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;
	size_t list;

	begin_link(nl, &w, type, (uint16_t)(NLM_F_ACK | flags), &m);
	list = nlmsg_nest(&w, IFLA_PROP_LIST | NLA_F_NESTED);
	nlmsg_put_string(&w, IFLA_ALT_IFNAME, name);
	nlmsg_nest_end(&w, list);
	return set_link(nl, &w);
}

int netlink_link_add_altname(struct netlink *nl, uint32_t ifindex, const char *name)
{
	return change_altname(nl, RTM_NEWLINKPROP,
	                      NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, ifindex, name);
}

int netlink_link_remove_altname(struct netlink *nl, uint32_t ifindex, const char *name)
{
	return change_altname(nl, RTM_DELLINKPROP, 0, ifindex, name);
}

int netlink_link_delete(struct netlink *nl, uint32_t ifindex)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_DELLINK, NLM_F_ACK, &m);
	return set_link(nl, &w);
}

int netlink_link_move(struct netlink *nl, uint32_t ifindex, int netns_fd)
{
	struct ifinfomsg m = { .ifi_index = (int)ifindex };
	struct nlmsg_writer w;

	begin_link(nl, &w, RTM_SETLINK, NLM_F_ACK, &m);
	nlmsg_put_u32(&w, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return set_link(nl, &w);
}

int netlink_veth_new(struct netlink *nl, const char *name, const char *peer_name,
                     int peer_netns_fd)
{
	static const struct ifinfomsg none = { 0 };
	struct nlmsg_writer w;
	size_t info, data, peer;

	begin_link(nl, &w, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &none);
	nlmsg_put_string(&w, IFLA_IFNAME, name);
	info = nlmsg_nest(&w, IFLA_LINKINFO);
	nlmsg_put_string(&w, IFLA_INFO_KIND, "veth");
	data = nlmsg_nest(&w, IFLA_INFO_DATA);
	peer = nlmsg_nest(&w, VETH_INFO_PEER);
	nlmsg_put_raw(&w, &none, sizeof(none));
	nlmsg_put_string(&w, IFLA_IFNAME, peer_name);
	if (peer_netns_fd >= 0)
		nlmsg_put_u32(&w, IFLA_NET_NS_FD, (uint32_t)peer_netns_fd);
	nlmsg_nest_end(&w, peer);
	nlmsg_nest_end(&w, data);
	nlmsg_nest_end(&w, info);
	return set_link(nl, &w);
}

int netlink_loopback_up(struct netlink *nl)
{
	return netlink_link_set_up(nl, 1); /* it has this index in every namespace */
}

/* ---- routes of packets */

int netlink_route_get(struct netlink *nl, const struct ip_addr *to, uint32_t mark,
                      struct netlink_route *out)
{
	struct rtmsg m = { .rtm_family = nlmsg_family(to->family),
		           .rtm_dst_len = ip_addr_bits(to) };
	struct nlmsg_writer w = writer(nl);
	struct netlink_item item;
	struct nlmsg answer;
	int err;

	nlmsg_begin(&w, RTM_GETROUTE, 0, nl->seq++, &m, sizeof(m));
	nlmsg_put(&w, RTA_DST, to->b, ip_addr_bytes(to));
	if (mark != 0)
		nlmsg_put_u32(&w, RTA_MARK, mark);
	nlmsg_end(&w);
	err = ask(nl, &w, &answer);
	if (err == 0 && (answer.type != RTM_NEWROUTE || !nlmsg_read_item(&answer, &item)))
		err = fail(nl, -EBADMSG, NULL);
	if (err == 0)
		*out = item.route;
	return err;
}

static uint32_t route_mtu(struct netlink *nl, const struct netlink_route *r)
{
	struct netlink_link link;

	if (r->mtu_bytes != 0 && !r->mtu_locked)
		return r->mtu_bytes;
	return netlink_link_get(nl, r->ifindex, &link) ? 0 : link.mtu_bytes;
}

uint32_t netlink_path_mtu(struct netlink *nl, const struct ip_addr *to, uint32_t mark)
{
	struct netlink_route r;

	return netlink_route_get(nl, to, mark, &r) ? 0 : route_mtu(nl, &r);
}

struct default_search {
	struct netlink_route best;
	bool found;
};

static bool is_default(void *context, const struct netlink_item *item)
{
	struct default_search *s = context;
	const struct netlink_route *r = &item->route;

	if (r->dst.len == 0 && r->table == NETLINK_TABLE_MAIN && r->type == RTN_UNICAST &&
	    (!s->found || r->metric < s->best.metric)) {
		s->best = *r;
		s->found = true;
	}
	return true;
}

uint32_t netlink_default_mtu(struct netlink *nl)
{
	static const enum ip_family families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct default_search s = { 0 };
		struct visitor v = { .visit = is_default, .context = &s };
		const struct list l = { NETLINK_KIND_ROUTE, families[i],
			                .table = NETLINK_TABLE_MAIN };

		if (dump(nl, &l, &v) == 0 && s.found)
			return route_mtu(nl, &s.best);
	}
	return 0;
}
