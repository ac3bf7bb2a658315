/* The virtual resolver: each name asks the right file's server. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "craft.h"
#include "engine/resolver.h"

#define VIRTUAL "198.18.53.53"
#define HOME    "192.168.1.1"
#define OFFICE  "10.20.0.53"
#define OFFICE2 "10.20.0.54"
#define VPN     "10.64.0.1"
#define CLIENT  "10.8.0.2"
#define OTHER   "10.8.0.3"

static const char *client = CLIENT; /* who asks */

enum { HOME_ID = 1, OFFICE_ID, VPN_ID };

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	ck_assert(ip_addr_parse(&a, text));
	return a;
}

static void file(struct resolver *r, uint32_t id, const char *server, const char *second,
                 const char *domain, const char *domain2)
{
	struct ip_addr servers[2];
	const char *domains[] = { domain, domain2 };
	struct resolver_file f = { .id = id,
		                   .name = server,
		                   .servers = servers,
		                   .server_count = second ? 2 : 1,
		                   .domains = domains,
		                   .domain_count = domain2  ? 2
		                                   : domain ? 1
		                                            : 0 };

	servers[0] = addr(server);
	if (second)
		servers[1] = addr(second);
	ck_assert_int_eq(resolver_set_file(r, &f), 0);
}

static struct resolver *three_files(void)
{
	struct resolver *r = resolver_new();
	struct ip_addr v4 = addr(VIRTUAL), none = { 0 };

	ck_assert_ptr_nonnull(r);
	resolver_set_address(r, &v4, &none);
	file(r, HOME_ID, HOME, NULL, "home.lan", "1.168.192.in-addr.arpa");
	file(r, OFFICE_ID, OFFICE, OFFICE2, "Corp.Example", "lab.home.lan");
	file(r, VPN_ID, VPN, NULL, NULL, NULL);
	resolver_set_default(r, IP_V4, VPN_ID);
	return r;
}

/* A query for "a.b.c", type A. */
static size_t query(uint8_t out[static 300], const char *name)
{
	size_t at = 12;

	memset(out, 0, 300);
	out[2] = 1; /* recursion desired */
	out[5] = 1;
	while (*name) {
		size_t n = strcspn(name, ".");

		out[at++] = (uint8_t)n;
		memcpy(out + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	at++;
	out[at + 1] = out[at + 3] = 1;
	return at + 4;
}

static uint32_t asked_file; /* of the last query */

/* Sends a query; returns where it went, or NULL. */
static const char *ask(struct resolver *r, const char *name, uint16_t port,
                       uint64_t now_ns)
{
	static char went[IP_ADDR_STRLEN];
	struct craft c;
	struct ip_view v;
	uint8_t dns[300];
	size_t n = query(dns, name);
	uint32_t id;

	craft_udp(&c, client, port, VIRTUAL, 53, dns, n);
	ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
	if (resolver_out(r, &c.packet, &v, &id, now_ns) != RESOLVER_SENT_ON)
		return NULL;
	resolver_goes_through(r, id);
	asked_file = id;
	ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
	ck_assert_mem_eq(c.packet.data + 28, dns, n);
	return ip_addr_format(&v.dst, went);
}

static const char *answer_through(struct resolver *r, uint32_t id, const char *server,
                                  uint16_t port, bool truncated, uint64_t now_ns)
{
	static char from[IP_ADDR_STRLEN];
	struct craft c;
	struct ip_view v;
	uint8_t dns[12] = { 0, 0, 0x81 };

	dns[2] |= truncated ? 2 : 0;
	craft_udp(&c, server, 53, client, port, dns, sizeof(dns));
	ck_assert(ip_view_parse(&v, c.packet.data, c.packet.len_bytes));
	resolver_in(r, id, &c.packet, &v, now_ns);
	ck_assert(craft_valid(c.packet.data, c.packet.len_bytes));
	ck_assert(ip_view_parse(&v, c.packet.data, c.packet.len_bytes));
	return ip_addr_format(&v.src, from);
}

/* An answer; returns from whom it seems to come. */
static const char *answer(struct resolver *r, const char *server, uint16_t port,
                          bool truncated, uint64_t now_ns)
{
	uint32_t id = strcmp(server, HOME) == 0  ? HOME_ID
	              : strcmp(server, VPN) == 0 ? VPN_ID
	                                         : OFFICE_ID;

	return answer_through(r, id, server, port, truncated, now_ns);
}

static const struct {
	const char *name, *server;
} names[] = {
	{ "nas.home.lan", HOME },
	{ "home.lan", HOME },
	{ "NAS.Home.LAN", HOME },
	{ "7.1.168.192.in-addr.arpa", HOME },
	{ "box.lab.home.lan", OFFICE }, /* the longer suffix */
	{ "www.corp.example", OFFICE },
	{ "mycorp.example", VPN }, /* not a label of its own */
	{ "otherhome.lan", VPN },
	{ "lan", VPN },
	{ "example.org", VPN },
	{ "", VPN },
};

START_TEST(a_name_is_asked_where_its_longest_suffix_says)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, names[_i].name, 4000, NS_PER_SEC), names[_i].server);
	ck_assert_str_eq(answer(r, names[_i].server, 4000, false, NS_PER_SEC), VIRTUAL);
	resolver_free(r);
}
END_TEST

/* Its only server is of the other family: nobody else is asked instead. */
START_TEST(a_name_is_only_asked_at_its_own_file)
{
	struct resolver *r = three_files();

	file(r, OFFICE_ID, "fd20::53", NULL, "corp.example", "lab.home.lan");
	ck_assert_ptr_null(ask(r, "www.corp.example", 4000, NS_PER_SEC));
	ck_assert_ptr_null(ask(r, "box.lab.home.lan", 4001, NS_PER_SEC));
	ck_assert_str_eq(ask(r, "nas.home.lan", 4002, NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "example.org", 4003, NS_PER_SEC), VPN);
	resolver_free(r);
}
END_TEST

START_TEST(what_answers_nothing_is_left_alone)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, NS_PER_SEC), HOME);
	ck_assert_str_eq(answer(r, HOME, 4001, false, NS_PER_SEC), HOME);
	ck_assert_str_eq(answer(r, VPN, 4000, false, NS_PER_SEC), VPN);
	ck_assert_str_eq(answer(r, HOME, 4000, false, 60 * NS_PER_SEC),
	                 HOME); /* too late */
	resolver_free(r);
}
END_TEST

START_TEST(one_socket_that_asks_two_servers_gets_both_answers)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "example.org", 4000, NS_PER_SEC), VPN);
	ck_assert_str_eq(answer(r, VPN, 4000, false, NS_PER_SEC), VIRTUAL);
	ck_assert_str_eq(answer(r, HOME, 4000, false, NS_PER_SEC), VIRTUAL);
	resolver_free(r);
}
END_TEST

START_TEST(a_dead_server_is_passed_over_and_tried_again)
{
	struct resolver *r = three_files();
	uint64_t now_ns = NS_PER_SEC;

	ck_assert_str_eq(ask(r, "a.corp.example", 1, now_ns), OFFICE);
	now_ns += RESOLVER_PATIENCE_NS / 2;
	ck_assert_str_eq(ask(r, "a.corp.example", 2, now_ns), OFFICE);
	now_ns += RESOLVER_PATIENCE_NS;
	ck_assert_str_eq(ask(r, "a.corp.example", 3, now_ns), OFFICE2);
	ck_assert_str_eq(answer(r, OFFICE2, 3, false, now_ns), VIRTUAL);
	now_ns += RESOLVER_DEAD_NS;
	ck_assert_str_eq(ask(r, "a.corp.example", 4, now_ns), OFFICE);
	ck_assert_str_eq(answer(r, OFFICE, 4, false, now_ns), VIRTUAL);
	/* Nothing is unanswered, so the server counts as alive after any idle time. */
	now_ns += 10 * RESOLVER_DEAD_NS;
	ck_assert_str_eq(ask(r, "a.corp.example", 5, now_ns), OFFICE);
	resolver_free(r);
}
END_TEST

static void add_silence(void *context, const struct resolver_silence *s)
{
	char *text = context, server[IP_ADDR_STRLEN];
	size_t n = strlen(text);

	snprintf(text + n, 200 - n, "%u %s %u%s;", (unsigned)s->file,
	         ip_addr_format(&s->server, server), (unsigned)(s->for_ns / NS_PER_SEC),
	         s->others ? " others" : "");
}

/* Returns all silent servers as text. */
static const char *silent(const struct resolver *r, uint64_t now_ns)
{
	static char text[200];

	text[0] = '\0';
	resolver_walk_silent(r, now_ns, add_silence, text);
	return text;
}

START_TEST(a_server_that_does_not_answer_is_silent)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, "nas.home.lan", 1, 100 * NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "a.corp.example", 2, 100 * NS_PER_SEC), OFFICE);
	ck_assert_str_eq(silent(r, 120 * NS_PER_SEC), ""); /* one may have been lost */
	ck_assert_str_eq(ask(r, "nas.home.lan", 3, 105 * NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "a.corp.example", 4, 105 * NS_PER_SEC), OFFICE2);
	ck_assert_str_eq(answer(r, OFFICE2, 4, false, 105 * NS_PER_SEC), VIRTUAL);
	ck_assert_str_eq(silent(r, 120 * NS_PER_SEC), "1 " HOME " 20;");
	ck_assert_str_eq(ask(r, "a.corp.example", 5, 140 * NS_PER_SEC), OFFICE);
	ck_assert_str_eq(silent(r, 141 * NS_PER_SEC),
	                 "2 " OFFICE " 41 others;1 " HOME " 41;");
	ck_assert_str_eq(answer(r, OFFICE, 5, false, 141 * NS_PER_SEC), VIRTUAL);
	ck_assert_str_eq(silent(r, 142 * NS_PER_SEC), "1 " HOME " 42;");
	ck_assert_str_eq(silent(r, 166 * NS_PER_SEC), ""); /* not asked lately */
	/* what was long ago doesn't count */
	ck_assert_str_eq(ask(r, "nas.home.lan", 6, 500 * NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "nas.home.lan", 7, 505 * NS_PER_SEC), HOME);
	ck_assert_str_eq(silent(r, 510 * NS_PER_SEC), "1 " HOME " 10;");
	resolver_free(r);
}
END_TEST

/* A datagram of the host's own to a server, or of a server to it. */
static void watch(struct resolver *r, const char *from, uint16_t from_port,
                  const char *to, uint16_t to_port, uint64_t now_ns)
{
	bool out = strcmp(from, CLIENT) == 0;
	struct craft c;
	struct ip_view v;
	uint32_t id;

	craft_udp(&c, from, from_port, to, to_port, "?", 1);
	ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
	if (out)
		ck_assert_int_eq(resolver_out(r, &c.packet, &v, &id, now_ns),
		                 RESOLVER_NOT_OURS);
	else
		resolver_watch_answer(r, &c.packet, now_ns);
}

/* If one file alone has servers, the host asks them itself. */
START_TEST(servers_that_the_host_asks_are_watched)
{
	struct resolver *r = resolver_new();
	uint64_t t = 100 * NS_PER_SEC;

	ck_assert_ptr_nonnull(r);
	file(r, OFFICE_ID, OFFICE, OFFICE2, NULL, NULL);
	ck_assert(!resolver_watches(r, t));
	watch(r, CLIENT, 1, VPN, 53, t); /* nobody's server */
	watch(r, CLIENT, 1, OFFICE, 54, t);
	ck_assert(!resolver_watches(r, t));
	watch(r, CLIENT, 1, OFFICE, 53, t);
	watch(r, CLIENT, 1, OFFICE2, 53, t);
	ck_assert(resolver_watches(r, t));
	watch(r, OFFICE2, 53, CLIENT, 1, t);
	ck_assert(resolver_watches(r, t));
	watch(r, CLIENT, 1, OFFICE, 53, t + 5 * NS_PER_SEC);
	watch(r, OFFICE, 54, CLIENT, 1, t + 5 * NS_PER_SEC);
	watch(r, VPN, 53, CLIENT, 1, t + 5 * NS_PER_SEC);
	ck_assert_str_eq(silent(r, t + 20 * NS_PER_SEC), "2 " OFFICE " 20 others;");
	watch(r, OFFICE, 53, CLIENT, 1, t + 20 * NS_PER_SEC);
	ck_assert_str_eq(silent(r, t + 20 * NS_PER_SEC), "");
	ck_assert(!resolver_watches(r, t + 20 * NS_PER_SEC));
	resolver_free(r);
}
END_TEST

START_TEST(a_file_that_goes_takes_its_names_with_it)
{
	struct resolver *r = three_files();

	resolver_forget_file(r, HOME_ID);
	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, NS_PER_SEC), VPN);
	resolver_forget_file(r, VPN_ID);
	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, NS_PER_SEC),
	                 OFFICE); /* the first left */
	resolver_forget_file(r, OFFICE_ID);
	ck_assert_ptr_null(ask(r, "nas.home.lan", 4000, NS_PER_SEC));
	resolver_free(r);
}
END_TEST

START_TEST(other_names_are_asked_where_the_default_route_is)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, "example.org", 4000, NS_PER_SEC), VPN);
	resolver_set_default(r, IP_V4, HOME_ID);
	ck_assert_str_eq(ask(r, "example.org", 4000, NS_PER_SEC), HOME);
	ck_assert_str_eq(ask(r, "www.corp.example", 4000, NS_PER_SEC), OFFICE);
	resolver_set_default(r, IP_V6, VPN_ID); /* of no concern here */
	ck_assert_str_eq(ask(r, "example.org", 4000, NS_PER_SEC), HOME);
	resolver_set_default(r, IP_V4, 0);
	resolver_forget_file(r, HOME_ID);
	ck_assert_str_eq(ask(r, "example.org", 4000, NS_PER_SEC), OFFICE);
	ck_assert(resolver_has_server(r, VPN_ID, IP_V4));
	ck_assert(!resolver_has_server(r, VPN_ID, IP_V6));
	ck_assert(!resolver_has_server(r, HOME_ID, IP_V4));
	resolver_free(r);
}
END_TEST

static enum resolver_result tcp(struct resolver *r, uint8_t flags, uint16_t port,
                                struct ip_view *v, uint64_t now_ns)
{
	struct craft c;
	uint8_t segment[20] = {
		(uint8_t)(port >> 8), (uint8_t)port, 0, 53, [12] = 0x50, flags
	};
	enum resolver_result result;

	craft_ip(&c, client, VIRTUAL, PROTO_TCP, segment, sizeof(segment));
	ck_assert(ip_view_parse_addresses(v, c.packet.data, c.packet.len_bytes));
	result = resolver_out(r, &c.packet, v, &asked_file, now_ns);
	if (result == RESOLVER_SENT_ON)
		resolver_goes_through(r, asked_file);
	return result;
}

START_TEST(tcp_follows_the_truncated_answer_and_keeps_its_server)
{
	struct resolver *r = three_files();
	struct ip_addr home = addr(HOME), vpn = addr(VPN);
	struct ip_view v;

	ck_assert_int_eq(tcp(r, 2, 5000, &v, 50 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &vpn));
	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, 51 * NS_PER_SEC), HOME);
	ck_assert_str_eq(answer(r, HOME, 4000, true, 51 * NS_PER_SEC), VIRTUAL);
	ck_assert_int_eq(tcp(r, 2, 5001, &v, 52 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &home));
	ck_assert_int_eq(tcp(r, 0x10, 5001, &v, 53 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &home));
	ck_assert_int_eq(tcp(r, 0x10, 5000, &v, 53 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &vpn));
	ck_assert_int_eq(tcp(r, 0x10, 5002, &v, 53 * NS_PER_SEC), RESOLVER_NO_SERVER);
	resolver_free(r);
}
END_TEST

/* Both have the same port and the same id, and ask at the same time. */
START_TEST(clients_do_not_get_in_each_others_way)
{
	struct resolver *r = three_files();
	struct ip_addr home = addr(HOME), office = addr(OFFICE);
	struct ip_view v;

	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, 50 * NS_PER_SEC), HOME);
	client = OTHER;
	ck_assert_str_eq(ask(r, "www.corp.example", 4000, 50 * NS_PER_SEC), OFFICE);
	ck_assert_str_eq(answer(r, HOME, 4000, true, 51 * NS_PER_SEC), HOME);
	ck_assert_str_eq(answer(r, OFFICE, 4000, true, 51 * NS_PER_SEC), VIRTUAL);
	client = CLIENT;
	ck_assert_str_eq(answer(r, OFFICE, 4000, true, 51 * NS_PER_SEC), OFFICE);
	ck_assert_str_eq(answer(r, HOME, 4000, true, 51 * NS_PER_SEC), VIRTUAL);
	/* each asks again, by TCP, whoever has truncated its answer */
	client = OTHER;
	ck_assert_int_eq(tcp(r, 2, 5001, &v, 52 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &office));
	client = CLIENT;
	ck_assert_int_eq(tcp(r, 2, 5001, &v, 52 * NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert(ip_addr_equal(&v.dst, &home));
	resolver_free(r);
}
END_TEST

START_TEST(who_asks_without_end_does_not_push_out_the_others)
{
	struct resolver *r = three_files();

	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, 50 * NS_PER_SEC), HOME);
	client = OTHER;
	for (uint32_t port = 1; port <= UINT16_MAX; port++)
		ck_assert_str_eq(ask(r, "nas.home.lan", (uint16_t)port, 51 * NS_PER_SEC),
		                 HOME);
	client = CLIENT;
	ck_assert_str_eq(answer(r, HOME, 4000, false, 51 * NS_PER_SEC), VIRTUAL);
	resolver_free(r);
}
END_TEST

/* Two files have a server with one address: each name asks that of its file, and an answer
 * only counts from there. */
START_TEST(the_same_address_in_two_files)
{
	struct resolver *r = resolver_new();
	struct ip_addr v4 = addr(VIRTUAL), none = { 0 };
	struct ip_view v;

	ck_assert_ptr_nonnull(r);
	resolver_set_address(r, &v4, &none);
	file(r, HOME_ID, OFFICE, NULL, "home.lan", NULL);
	file(r, OFFICE_ID, OFFICE, NULL, "corp.example", NULL);
	ck_assert_str_eq(ask(r, "www.corp.example", 4000, NS_PER_SEC), OFFICE);
	ck_assert_uint_eq(asked_file, OFFICE_ID);
	ck_assert_str_eq(ask(r, "nas.home.lan", 4001, NS_PER_SEC), OFFICE);
	ck_assert_uint_eq(asked_file, HOME_ID);
	ck_assert_str_eq(answer_through(r, HOME_ID, OFFICE, 4000, false, NS_PER_SEC),
	                 OFFICE);
	ck_assert_str_eq(answer_through(r, OFFICE_ID, OFFICE, 4000, true, NS_PER_SEC),
	                 VIRTUAL);
	ck_assert_str_eq(answer_through(r, HOME_ID, OFFICE, 4001, false, NS_PER_SEC),
	                 VIRTUAL);
	/* the same port asks both */
	ck_assert_str_eq(ask(r, "nas.home.lan", 4000, NS_PER_SEC), OFFICE);
	ck_assert_str_eq(answer_through(r, HOME_ID, OFFICE, 4000, false, NS_PER_SEC),
	                 VIRTUAL);
	ck_assert_str_eq(answer_through(r, OFFICE_ID, OFFICE, 4000, false, NS_PER_SEC),
	                 VIRTUAL);
	/* TCP goes to the file whose answer was too long */
	ck_assert_int_eq(tcp(r, 2, 5000, &v, NS_PER_SEC), RESOLVER_SENT_ON);
	ck_assert_uint_eq(asked_file, OFFICE_ID);
	/* where the own device doesn't have the address, another one is the way */
	ck_assert_str_eq(ask(r, "www.corp.example", 4002, NS_PER_SEC), OFFICE);
	resolver_goes_through(r, VPN_ID); /* too late, it was told already */
	ck_assert_str_eq(answer_through(r, VPN_ID, OFFICE, 4002, false, NS_PER_SEC),
	                 OFFICE);
	ck_assert_str_eq(answer_through(r, OFFICE_ID, OFFICE, 4002, false, NS_PER_SEC),
	                 VIRTUAL);
	resolver_free(r);
}
END_TEST

START_TEST(what_is_no_query_finds_no_server)
{
	struct resolver *r = three_files();
	struct craft c;
	struct ip_view v;
	uint64_t random = unit_seed();
	uint8_t dns[300];

	for (int i = 0; i < 20000; i++) {
		size_t n = unit_below(&random, sizeof(dns));

		for (size_t b = 0; b < n; b++)
			dns[b] = (uint8_t)(unit_random(&random) & 0x3f);
		craft_udp(&c, client, 1, VIRTUAL, 53, dns, n);
		ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
		if (resolver_out(r, &c.packet, &v, &asked_file, NS_PER_SEC) ==
		    RESOLVER_SENT_ON)
			ck_assert_uint_gt(n, 12);
	}
	craft_udp(&c, client, 1, VIRTUAL, 54, dns, 20); /* another port */
	ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
	ck_assert_int_eq(resolver_out(r, &c.packet, &v, &asked_file, NS_PER_SEC),
	                 RESOLVER_NO_SERVER);
	craft_udp(&c, client, 1, VPN, 53, dns, 20); /* not the virtual address */
	ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
	ck_assert_int_eq(resolver_out(r, &c.packet, &v, &asked_file, NS_PER_SEC),
	                 RESOLVER_NOT_OURS);
	resolver_free(r);
}
END_TEST

/* The id of an echo is where a port would be. */
START_TEST(a_ping_is_no_query)
{
	static const uint8_t types[] = { 0, 8 };
	struct resolver *r = three_files();

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint8_t icmp[40] = { [5] = 53 };
		uint16_t sum;
		struct craft c;
		struct ip_view v;

		icmp[0] = types[i];
		icmp[13] = 2; /* in a TCP header these would be the flags: a SYN */
		sum = (uint16_t)~craft_sum(icmp, sizeof(icmp));
		icmp[2] = (uint8_t)(sum >> 8);
		icmp[3] = (uint8_t)sum;
		craft_ip(&c, client, VIRTUAL, PROTO_ICMP, icmp, sizeof(icmp));
		ck_assert(ip_view_parse_addresses(&v, c.packet.data, c.packet.len_bytes));
		ck_assert_int_eq(resolver_out(r, &c.packet, &v, &asked_file, NS_PER_SEC),
		                 RESOLVER_NO_SERVER);
	}
	resolver_free(r);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("engine/resolver");

	tcase_add_loop_test(tc, a_name_is_asked_where_its_longest_suffix_says, 0,
	                    ARRAY_SIZE(names));
	tcase_add_test(tc, a_name_is_only_asked_at_its_own_file);
	tcase_add_test(tc, what_answers_nothing_is_left_alone);
	tcase_add_test(tc, one_socket_that_asks_two_servers_gets_both_answers);
	tcase_add_test(tc, a_dead_server_is_passed_over_and_tried_again);
	tcase_add_test(tc, other_names_are_asked_where_the_default_route_is);
	tcase_add_test(tc, a_server_that_does_not_answer_is_silent);
	tcase_add_test(tc, servers_that_the_host_asks_are_watched);
	tcase_add_test(tc, a_file_that_goes_takes_its_names_with_it);
	tcase_add_test(tc, tcp_follows_the_truncated_answer_and_keeps_its_server);
	tcase_add_test(tc, clients_do_not_get_in_each_others_way);
	tcase_add_test(tc, who_asks_without_end_does_not_push_out_the_others);
	tcase_add_test(tc, the_same_address_in_two_files);
	tcase_add_test(tc, what_is_no_query_finds_no_server);
	tcase_add_test(tc, a_ping_is_no_query);
	return tc;
}
