#include "netlink/monitor.h"

#include <linux/rtnetlink.h>
#include <unistd.h>

#include "netlink/nlmsg.h"
#include "unit.h"

#define TUN   7U
#define OTHER 2U

static struct netlink_item address_on(uint32_t ifindex)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ADDRESS };

	item.address.ifindex = ifindex;
	item.address.prefix.len = 24;
	ck_assert(ip_addr_parse(&item.address.prefix.addr, "10.8.0.2"));
	return item;
}

static struct netlink_item route_on(uint32_t ifindex, uint8_t type)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE };

	item.route.ifindex = ifindex;
	item.route.type = type;
	item.route.dst.len = 24;
	ck_assert(ip_addr_parse(&item.route.dst.addr, "10.9.0.0"));
	return item;
}

/* An unreachable route of ours, which is on no link, or on lo. */
static struct netlink_item barrier(uint32_t ifindex, uint32_t tun)
{
	struct netlink_item item = route_on(ifindex, RTN_UNREACHABLE);

	item.route.metric = netlink_worst_metric(tun);
	return item;
}

static struct netlink_item some_rule(void)
{
	return (struct netlink_item){
		.kind = NETLINK_KIND_RULE,
		.rule = { .family = IP_V4, .priority = 32764, .table = 254 }
	};
}

static bool is_tun(const void *context, uint32_t ifindex)
{
	return ifindex == *(const uint32_t *)context;
}

static unsigned parse(const uint8_t *bytes, size_t n, uint32_t tun)
{
	const struct monitor_tuns tuns = { is_tun, &tun };

	return monitor_parse(reader_of(bytes, n), &tuns);
}

/* A request of ours looks as what the kernel tells of it. */
static unsigned bits_for(uint32_t tun, enum nlmsg_verb verb, struct netlink_item item)
{
	uint8_t buffer[512];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };

	nlmsg_put_item(&w, verb, &item, 1);
	ck_assert(!w.full);
	return parse(buffer, w.len_bytes, tun);
}

static unsigned bits_of(enum nlmsg_verb verb, struct netlink_item item)
{
	return bits_for(TUN, verb, item);
}

START_TEST(what_we_add_is_nothing_new)
{
	ck_assert_uint_eq(bits_of(NLMSG_ADD, address_on(TUN)), 0);
	ck_assert_uint_eq(bits_of(NLMSG_ADD, route_on(TUN, RTN_UNICAST)), 0);
	ck_assert_uint_eq(bits_of(NLMSG_REPLACE, route_on(TUN, RTN_UNICAST)), 0);
	ck_assert_uint_eq(bits_of(NLMSG_ADD, barrier(0, TUN)), 0);
	ck_assert_uint_eq(bits_of(NLMSG_ADD, barrier(1, TUN)), 0);
}
END_TEST

START_TEST(what_is_taken_from_us_is_noticed)
{
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, address_on(TUN)), MONITOR_OURS);
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, route_on(TUN, RTN_UNICAST)),
	                  MONITOR_OURS);
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, barrier(1, TUN)), MONITOR_OURS);
	ck_assert(bits_of(NLMSG_DELETE, some_rule()) & MONITOR_OURS);
	ck_assert(!(bits_of(NLMSG_ADD, some_rule()) & MONITOR_OURS));
}
END_TEST

/* All that is heard is about the network then, also a route without a link. */
START_TEST(the_tun_is_in_another_namespace)
{
	const unsigned both = MONITOR_NETWORK | MONITOR_SOURCES;

	ck_assert_uint_eq(bits_for(0, NLMSG_DELETE, route_on(0, RTN_UNICAST)), both);
	ck_assert_uint_eq(bits_for(0, NLMSG_ADD, route_on(TUN, RTN_UNICAST)), both);
	ck_assert_uint_eq(bits_for(0, NLMSG_DELETE, address_on(TUN)), both);
}
END_TEST

START_TEST(the_network_changes)
{
	const unsigned both = MONITOR_NETWORK | MONITOR_SOURCES;

	ck_assert_uint_eq(bits_of(NLMSG_ADD, route_on(OTHER, RTN_UNICAST)), both);
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, route_on(OTHER, RTN_UNICAST)), both);
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, address_on(OTHER)), both);
	/* maybe only its lifetime */
	ck_assert_uint_eq(bits_of(NLMSG_ADD, address_on(OTHER)), MONITOR_NETWORK);
	/* it goes with an address */
	ck_assert_uint_eq(bits_of(NLMSG_ADD, route_on(OTHER, RTN_LOCAL)), 0);
	ck_assert_uint_eq(bits_of(NLMSG_ADD, route_on(OTHER, RTN_UNREACHABLE)), both);
	ck_assert_uint_eq(bits_of(NLMSG_DELETE, barrier(1, OTHER)), both);
}
END_TEST

static unsigned link_bits(uint16_t type, uint32_t ifindex)
{
	struct ifinfomsg info = { .ifi_index = (int)ifindex };
	uint8_t buffer[128];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };

	nlmsg_begin(&w, type, 0, 1, &info, sizeof(info));
	nlmsg_end(&w);
	return parse(buffer, w.len_bytes, TUN);
}

START_TEST(links_change)
{
	ck_assert_uint_eq(link_bits(RTM_NEWLINK, OTHER), MONITOR_NETWORK);
	ck_assert_uint_eq(link_bits(RTM_DELLINK, OTHER), MONITOR_NETWORK);
	/* maybe it has lost an alternative name */
	ck_assert_uint_eq(link_bits(RTM_NEWLINK, TUN), MONITOR_OURS);
}
END_TEST

START_TEST(a_datagram_has_several_messages_and_may_be_cut)
{
	uint8_t buffer[1024];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };
	struct netlink_item a = address_on(TUN), r = route_on(OTHER, RTN_UNICAST);

	nlmsg_put_item(&w, NLMSG_DELETE, &a, 1);
	nlmsg_put_item(&w, NLMSG_ADD, &r, 2);
	ck_assert(!w.full);
	ck_assert_uint_eq(parse(buffer, w.len_bytes, TUN),
	                  MONITOR_OURS | MONITOR_NETWORK | MONITOR_SOURCES);
	for (size_t n = 0; n < w.len_bytes; n++)
		(void)parse(buffer, n, TUN);
	ck_assert_uint_eq(parse(buffer, w.len_bytes - 4, TUN), MONITOR_OURS);
}
END_TEST

START_TEST(the_kernel_has_nothing_to_tell)
{
	const uint32_t tun = TUN;
	const struct monitor_tuns tuns = { is_tun, &tun };
	int fd;

	ck_assert_int_eq(monitor_open(&fd), 0);
	(void)monitor_read(fd, &tuns); /* does not wait */
	close(fd);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("netlink/monitor");

	tcase_add_test(tc, what_we_add_is_nothing_new);
	tcase_add_test(tc, what_is_taken_from_us_is_noticed);
	tcase_add_test(tc, the_tun_is_in_another_namespace);
	tcase_add_test(tc, the_network_changes);
	tcase_add_test(tc, links_change);
	tcase_add_test(tc, a_datagram_has_several_messages_and_may_be_cut);
	tcase_add_test(tc, the_kernel_has_nothing_to_tell);
	return tc;
}
