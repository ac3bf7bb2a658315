#include "netlink/nlmsg.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "unit.h"

static struct ip_prefix prefix_of(const char *addr, uint8_t len)
{
	struct ip_prefix p = { .len = len };

	ck_assert(ip_addr_parse(&p.addr, addr));
	return p;
}

/* What is written is read back. */
static struct netlink_item read_back(enum nlmsg_verb verb,
                                     const struct netlink_item *item)
{
	uint8_t buffer[512];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };
	struct netlink_item out;
	struct reader r;
	struct nlmsg m;

	nlmsg_put_item(&w, verb, item, 42);
	ck_assert(!w.full);
	r = reader_of(buffer, w.len_bytes);
	ck_assert(nlmsg_next(&r, &m));
	ck_assert_uint_eq(m.seq, 42);
	ck_assert_uint_eq(m.flags & (NLM_F_REQUEST | NLM_F_ACK),
	                  NLM_F_REQUEST | NLM_F_ACK);
	ck_assert(nlmsg_read_item(&m, &out));
	ck_assert(!nlmsg_next(&r, &m));
	ck_assert_int_eq(out.kind, item->kind);
	return out;
}

START_TEST(an_address_comes_back)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ADDRESS,
		                     .address = { .ifindex = 3,
		                                  .no_prefix_route = true,
		                                  .metric = 600,
		                                  .prefix = prefix_of("10.8.0.2", 24) } };
	struct netlink_item out = read_back(NLMSG_ADD, &item);

	ck_assert_uint_eq(out.address.ifindex, 3);
	ck_assert(out.address.no_prefix_route);
	ck_assert_uint_eq(out.address.metric, 600);
	ck_assert(ip_prefix_equal(&out.address.prefix, &item.address.prefix));
	item.address.prefix = prefix_of("fd08::2", 64);
	item.address.no_prefix_route = false;
	out = read_back(NLMSG_ADD, &item);
	ck_assert(!out.address.no_prefix_route);
	ck_assert(ip_prefix_equal(&out.address.prefix, &item.address.prefix));
}
END_TEST

START_TEST(a_route_comes_back)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE,
		                     .route = { .dst = prefix_of("10.20.0.0", 16),
		                                .src = prefix_of("10.8.0.2", 32).addr,
		                                .gateway = prefix_of("10.8.0.1", 32).addr,
		                                .ifindex = 3,
		                                .table = 51820,
		                                .metric = 7,
		                                .mtu_bytes = 1400 } };
	struct netlink_item out = read_back(NLMSG_REPLACE, &item);

	ck_assert(ip_prefix_equal(&out.route.dst, &item.route.dst));
	ck_assert(ip_addr_equal(&out.route.src, &item.route.src));
	ck_assert(ip_addr_equal(&out.route.gateway, &item.route.gateway));
	ck_assert_uint_eq(out.route.ifindex, 3);
	ck_assert_uint_eq(out.route.table, 51820);
	ck_assert_uint_eq(out.route.metric, 7);
	ck_assert_uint_eq(out.route.mtu_bytes, 1400);
	ck_assert_uint_eq(out.route.protocol, RTPROT_BOOT);
	ck_assert_uint_eq(out.route.type, RTN_UNICAST);
	/* a deletion says nothing of what does not identify it */
	out = read_back(NLMSG_DELETE, &item);
	ck_assert_uint_eq(out.route.mtu_bytes, 0);
	ck_assert_uint_eq(out.route.src.family, IP_NONE);
	ck_assert_uint_eq(out.route.metric, 7);
	ck_assert(!out.route.learned);
	item.route.learned = true;
	ck_assert(read_back(NLMSG_DELETE, &item).route.learned);
}
END_TEST

START_TEST(rules_come_back)
{
	struct netlink_item item = { .kind = NETLINK_KIND_RULE,
		                     .rule = { .family = IP_V6,
		                               .priority = 32765,
		                               .table = 51820,
		                               .has_mark = true,
		                               .invert = true,
		                               .mark = 51820 } };
	struct netlink_item out = read_back(NLMSG_ADD, &item);

	ck_assert_uint_eq(out.rule.family, IP_V6);
	ck_assert_uint_eq(out.rule.priority, 32765);
	ck_assert_uint_eq(out.rule.table, 51820);
	ck_assert(out.rule.has_mark && out.rule.invert && !out.rule.has_suppress);
	ck_assert_uint_eq(out.rule.mark, 51820);
	ck_assert_uint_eq(out.rule.protocol, RTPROT_KERNEL);
	ck_assert(!out.rule.narrow);
	item.rule = (struct netlink_rule){ .family = IP_V4,
		                           .priority = 32716,
		                           .table = NETLINK_TABLE_MAIN,
		                           .has_suppress = true,
		                           .suppress_len = 24 };
	out = read_back(NLMSG_ADD, &item);
	ck_assert(!out.rule.has_mark && !out.rule.invert && out.rule.has_suppress);
	ck_assert_uint_eq(out.rule.suppress_len, 24);
}
END_TEST

START_TEST(a_full_buffer_is_said_and_not_overrun)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE,
		                     .route = { .dst = prefix_of("10.20.0.0", 16) } };
	uint8_t buffer[128];

	for (size_t size = 0; size < 64; size++) {
		struct nlmsg_writer w = { .buffer = buffer, .size_bytes = size };

		memset(buffer, 0xa5, sizeof(buffer));
		nlmsg_put_item(&w, NLMSG_ADD, &item, 1);
		ck_assert_uint_eq(w.full, size < 44); /* 16 + 12 + 8 + 8 */
		for (size_t i = size; i < sizeof(buffer); i++)
			ck_assert_uint_eq(buffer[i], 0xa5);
	}
}
END_TEST

/* A message made by hand; attributes of any length. */
static size_t raw_message(uint8_t *buffer, size_t size, uint16_t type, uint16_t flags,
                          const void *body, size_t body_bytes)
{
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = size };

	nlmsg_begin(&w, type, flags, 9, body, body_bytes);
	nlmsg_end(&w);
	ck_assert(!w.full);
	return w.len_bytes;
}

START_TEST(what_is_cut_short_is_refused)
{
	struct netlink_item item = { .kind = NETLINK_KIND_ROUTE,
		                     .route = { .dst = prefix_of("10.20.0.0", 16),
		                                .table = 99 } };
	uint8_t buffer[256], copy[256];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };
	struct netlink_item out;

	nlmsg_put_item(&w, NLMSG_ADD, &item, 1);
	for (size_t n = 0; n < w.len_bytes; n++) {
		struct reader r = reader_of(memcpy(copy, buffer, n), n);
		struct nlmsg m;

		ck_assert(!nlmsg_next(&r, &m));
	}
	/* a message whose own length leaves off the end of its last attribute */
	for (uint32_t n = 0; n < w.len_bytes; n++) {
		struct reader r;
		struct nlmsg m;

		memcpy(copy, buffer, sizeof(copy));
		memcpy(copy, &n, sizeof(n));
		r = reader_of(copy, w.len_bytes);
		if (nlmsg_next(&r, &m) && nlmsg_read_item(&m, &out))
			ck_assert(n >= 16 + 12);
		else
			ck_assert(n <
			          16 + 12 + 8); /* without an address it is 0.0.0.0/16 */
	}
}
END_TEST

START_TEST(contradictions_are_refused)
{
	struct rtmsg m = { .rtm_family = AF_INET, .rtm_dst_len = 33 };
	uint8_t buffer[256];
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = sizeof(buffer) };
	struct netlink_item out;
	struct reader r;
	struct nlmsg got;

	r = reader_of(buffer, raw_message(buffer, sizeof(buffer), RTM_NEWROUTE, 0, &m,
	                                  sizeof(m)));
	ck_assert(nlmsg_next(&r, &got));
	ck_assert(!nlmsg_read_item(&got, &out)); /* longer than an address */
	m = (struct rtmsg){ .rtm_family = AF_INET };
	nlmsg_begin(&w, RTM_NEWROUTE, 0, 1, &m, sizeof(m));
	nlmsg_put(&w, RTA_DST, "0123456789abcdef", 16);
	nlmsg_end(&w);
	r = reader_of(buffer, w.len_bytes);
	ck_assert(nlmsg_next(&r, &got));
	ck_assert(!nlmsg_read_item(&got, &out)); /* an IPv6 address in an IPv4 route */
	m.rtm_family = AF_UNSPEC;
	r = reader_of(buffer, raw_message(buffer, sizeof(buffer), RTM_NEWROUTE, 0, &m,
	                                  sizeof(m)));
	ck_assert(nlmsg_next(&r, &got));
	ck_assert(!nlmsg_read_item(&got, &out));
}
END_TEST

/* An error answer as the kernel builds it. */
static struct nlmsg error_answer(uint8_t *buffer, size_t size, int error, bool capped,
                                 const char *text)
{
	struct nlmsghdr quoted = { .nlmsg_len = sizeof(quoted) + 8,
		                   .nlmsg_type = RTM_NEWROUTE };
	struct nlmsg_writer w = { .buffer = buffer, .size_bytes = size };
	struct nlmsg m;
	struct reader r;

	nlmsg_begin(&w, NLMSG_ERROR,
	            (uint16_t)((capped ? NLM_F_CAPPED : 0) | (text ? NLM_F_ACK_TLVS : 0)),
	            9, &error, sizeof(error));
	nlmsg_put_raw(&w, &quoted, sizeof(quoted));
	if (!capped)
		nlmsg_put_raw(&w, "request!", 8);
	if (text)
		nlmsg_put_string(&w, NLMSGERR_ATTR_MSG, text);
	nlmsg_end(&w);
	ck_assert(!w.full);
	r = reader_of(buffer, w.len_bytes);
	ck_assert(nlmsg_next(&r, &m));
	return m;
}

START_TEST(the_kernels_words_are_found)
{
	uint8_t buffer[1024];
	char text[NLMSG_TEXT_MAX], long_text[400];
	struct nlmsg m;
	int error;

	m = error_answer(buffer, sizeof(buffer), 0, true, NULL);
	ck_assert(nlmsg_read_ack(&m, &error, text));
	ck_assert_int_eq(error, 0);
	ck_assert_str_eq(text, "");
	m = error_answer(buffer, sizeof(buffer), -17, true, "it's there");
	ck_assert(nlmsg_read_ack(&m, &error, text));
	ck_assert_int_eq(error, -17);
	ck_assert_str_eq(text, "it's there");
	m = error_answer(buffer, sizeof(buffer), -17, false, "bad\n\033[31m");
	ck_assert(nlmsg_read_ack(&m, &error, text));
	ck_assert_str_eq(text, "bad??[31m");
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	m = error_answer(buffer, sizeof(buffer), -1, true, long_text);
	ck_assert(nlmsg_read_ack(&m, &error, text));
	ck_assert_uint_eq(strlen(text), NLMSG_TEXT_MAX - 1);
	m.body.left_bytes = 3;
	ck_assert(!nlmsg_read_ack(&m, &error, text));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("host/nlmsg");

	tcase_add_test(tc, an_address_comes_back);
	tcase_add_test(tc, a_route_comes_back);
	tcase_add_test(tc, rules_come_back);
	tcase_add_test(tc, a_full_buffer_is_said_and_not_overrun);
	tcase_add_test(tc, what_is_cut_short_is_refused);
	tcase_add_test(tc, contradictions_are_refused);
	tcase_add_test(tc, the_kernels_words_are_found);
	return tc;
}
