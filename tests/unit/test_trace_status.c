/* tests/unit/test_trace_status.c - the way of a packet, from a status and as text */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/trace_status.h"
#include "cmd/trace_text.h"

#define KEY_V "EXAMPLE/vpn/public/key/AAAAAAAAAAAAAAAAAAAA="
#define KEY_H "EXAMPLE/home/public/key/AAAAAAAAAAAAAAAAAAA="

/* home inside vpn; wlan stands in for lan. Quotes are turned into double ones. */
static const char status[] =
	"{'tun': 'tunion0', 'devices': ["
	"{'name': 'home', 'mtu': 1340, 'listen_port': 7, 'peers': [{'public_key': '" KEY_H
	"', 'endpoint': '192.0.2.2:51821', 'allowed_ips': ['10.77.0.0/24', 'fd77::/64'],"
	" 'standby': [], 'state': 'ok', 'chain': ['home', 'vpn', 'network'],"
	" 'way': 'home > vpn > network', 'carrier_peer': '" KEY_V "',"
	" 'unanswered_seconds': 60,"
	" 'source_address': '10.66.0.2'}]},"
	"{'name': 'lan', 'mtu': 1420, 'listen_port': 8, 'peers': [{'public_key': '" KEY_H
	"', 'endpoint': '192.0.2.3:1', 'allowed_ips': ['10.9.0.0/16'],"
	" 'standby': ['10.9.0.0/16'], 'state': 'ok', 'chain': ['lan', 'network'],"
	" 'way': 'lan > network', 'carrier_peer': null, 'source_address': null}]},"
	"{'name': 'vpn', 'mtu': 1420, 'listen_port': 9, 'peers': [{'public_key': '" KEY_V
	"', 'endpoint': '203.0.113.2:51820', 'allowed_ips': ['0.0.0.0/0'],"
	" 'standby': [], 'state': 'ok', 'chain': ['vpn', 'network'],"
	" 'way': 'vpn > network', 'carrier_peer': null, 'source_address': null}]},"
	"{'name': 'wlan', 'mtu': 1420, 'listen_port': 10, 'peers': [{'public_key': "
	"'" KEY_H "', 'endpoint': null, 'allowed_ips': ['10.9.0.0/16'],"
	" 'standby': [], 'state': 'no-endpoint', 'chain': ['wlan'],"
	" 'way': 'wlan > ? (waiting)', 'carrier_peer': null,"
	" 'source_address': null}]}]}";

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(copy, 0, NULL);
	ck_assert_msg(json != NULL, "%s", copy);
	free(copy);
	return json;
}

static json_t *trace_of(const char *text, const char *address)
{
	json_t *json = parse(text), *trace;
	struct ip_addr dst;

	ck_assert(ip_addr_parse(&dst, address));
	trace = trace_status(json, &dst);
	ck_assert_ptr_nonnull(trace);
	json_decref(json);
	return trace;
}

static char *text_of(const char *address)
{
	json_t *trace = trace_of(status, address);
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	trace_text(trace, f);
	fclose(f);
	json_decref(trace);
	return text;
}

static const struct {
	const char *address, *text;
} rows[] = {
	{ "10.77.0.9",
	  "10.77.0.9: home > vpn > network\n"
	  "by 10.77.0.0/24, as it is in force on tunion0\n"
	  "\n"
	  "HOP  DEVICE  PEER       MTU   OUTER SOURCE  OUTER DESTINATION\n"
	  "1    home    EXAM…AAAA  1340  10.66.0.2:7   192.0.2.2:51821\n"
	  "2    vpn     EXAM…AAAA  1420  (host):9      203.0.113.2:51820\n"
	  "\n"
	  "home doesn't answer: tunion status says since when, and what to do\n" },
	/* not by lan, which stands by; and that wlan does not know its endpoint is no
	 * reason to take vpn */
	{ "10.9.0.1", "10.9.0.1: wlan > ? (waiting)\n"
	              "by 10.9.0.0/16, as it is in force on tunion0\n"
	              "\n"
	              "HOP  DEVICE  PEER       MTU   OUTER SOURCE  OUTER DESTINATION\n"
	              "1    wlan    EXAM…AAAA  1420  -             -\n"
	              "\n"
	              "its packets are dropped until the peer calls: no-endpoint\n" },
	{ "8.8.8.8", "8.8.8.8: vpn > network\n"
	             "by 0.0.0.0/0, as it is in force on tunion0\n"
	             "\n"
	             "HOP  DEVICE  PEER       MTU   OUTER SOURCE  OUTER DESTINATION\n"
	             "1    vpn     EXAM…AAAA  1420  (host):9      203.0.113.2:51820\n" },
	{ "2001:db8::1", "2001:db8::1: no route: ICMP unreachable\n" },
};

START_TEST(the_way_as_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = text_of(rows[i].address);

		ck_assert_str_eq(text, rows[i].text);
		free(text);
	}
}
END_TEST

/* What cmd/trace.c adds about this host, and an Endpoint that is a name. */
static const struct {
	const char *trace, *text;
} elsewhere[] = {
	{ "'host_link': 'tunion0'", "10.0.0.1: no route" },
	{ "'host_link': null", "10.0.0.1: no route" },
	{ "'host_link': 'eth1', 'host_gateway': null, 'host_local': false",
	  "this host sends it to eth1, to which it is attached, not into tunion0; a packet that "
	  "does get into tunion0 goes:\n10.0.0.1: no route" },
	{ "'host_link': 'eth1', 'host_gateway': '10.0.0.254'",
	  "this host sends it to eth1, to the gateway 10.0.0.254, not into tunion0; a packet that "
	  "does get into tunion0 goes:\n10.0.0.1: no route" },
	{ "'host_link': 'lo', 'host_local': true",
	  "this host has 10.0.0.1 itself; a packet that does get into tunion0 goes:\n10.0.0.1: "
	  "no route" },
	{ "'state': 'ok', 'way': 'a', 'hops': [{'device': 'a', 'unanswered': true}, "
	  "{'device': 'b', 'unanswered': true}, {'device': 'c', 'unanswered': false}]",
	  "10.0.0.1: a\n"
	  "by , as it is in force on tunion0\n"
	  "\n"
	  "HOP  DEVICE  PEER  MTU  OUTER SOURCE  OUTER DESTINATION\n"
	  "1    a       -     0    -             -\n"
	  "2    b       -     0    -             -\n"
	  "3    c       -     0    -             -\n"
	  "\n"
	  "b doesn't answer: tunion status says since when, and what to do\n" },
	{ "'host_link': 'wg0', 'own_tuns': [{'tun': 'wg0', 'way': 'w', 'prefix': 'p'}]",
	  "this host sends it into wg0, see below; a packet that does get into tunion0 goes:\n10.0.0.1: "
	  "no route" },
	/* of files, for which no instance was asked */
	{ "'tun': null, 'host_link': null", "10.0.0.1: no route: ICMP unreachable\n" },
	{ "'tun': null, 'host_link': 'eth0', 'host_gateway': '10.0.0.254'",
	  "10.0.0.1: in no prefix of the files; with up, this host sends it in the clear to eth0, to "
	  "the gateway 10.0.0.254\n" },
	{ "'tun': null, 'host_link': 'eth0'",
	  "10.0.0.1: in no prefix of the files; with up, this host sends it in the clear to eth0, to "
	  "which it is attached\n" },
	{ "'tun': null, 'host_link': 'lo', 'host_local': true",
	  "10.0.0.1: in no prefix of the files, and this host has it itself\n" },
	{ "'state': 'ok', 'way': 'a', 'hops': [{'destination': '1.2.3.4:5', 'endpoint': "
	  "'a.example:5'}, {'destination': '1.2.3.4:5', 'endpoint': '1.2.3.4:5'}]",
	  "10.0.0.1: a\n"
	  "by , as it is in force on tunion0\n"
	  "\n"
	  "HOP  DEVICE  PEER  MTU  OUTER SOURCE  OUTER DESTINATION\n"
	  "1            -     0    (host):any    1.2.3.4:5 (a.example:5)\n"
	  "2            -     0    (host):any    1.2.3.4:5\n" },
};

START_TEST(where_the_host_sends_it)
{
	char json[400], *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	json_t *trace;

	snprintf(json, sizeof(json), "{'tun': 'tunion0', 'address': '10.0.0.1', %s%s}",
	         elsewhere[_i].trace,
	         strstr(elsewhere[_i].trace, "'state'") ? "" : ", 'state': 'no-route'");
	trace = parse(json);
	trace_text(trace, f);
	fclose(f);
	json_decref(trace);
	ck_assert_msg(strncmp(text, elsewhere[_i].text, strlen(elsewhere[_i].text)) == 0,
	              "%s\nexpected\n%s", text, elsewhere[_i].text);
	free(text);
}
END_TEST

/* Of another version, or of a worker that nobody should trust. */
static const char *const odd[] = {
	"{}",
	"[]",
	"{'devices': 7}",
	"{'devices': [7, {'peers': 7}, {'peers': [7, {'allowed_ips': 7}]}]}",
	"{'devices': [{'peers': [{'allowed_ips': [7, 'x', '10.0.0.0/99']}]}]}",
	"{'devices': [{'name': 'a', 'peers': [{'allowed_ips': ['10.0.0.0/8']}]}]}",
	"{'devices': [{'name': 'a', 'peers': [{'allowed_ips': ['10.0.0.0/8'],"
	" 'chain': ['a', 'a', 'a', 'b'], 'public_key': 'k', 'carrier_peer': 'k'}]}]}",
	"{'devices': [{'name': 'a', 'mtu': 'x', 'listen_port': [], 'peers': "
	"[{'allowed_ips': ['10.0.0.0/8'], 'state': 7, 'endpoint': {}}]}]}",
};

START_TEST(an_odd_status)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		json_t *trace = trace_of(odd[i], "10.0.0.1");
		FILE *f = fopen("/dev/null", "w");

		trace_text(trace, f);
		fclose(f);
		ck_assert_uint_le(json_array_size(json_object_get(trace, "hops")), 4);
		json_decref(trace);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/trace_status");

	tcase_add_test(tc, the_way_as_text);
	tcase_add_loop_test(tc, where_the_host_sends_it, 0, ARRAY_SIZE(elsewhere));
	tcase_add_test(tc, an_odd_status);
	return tc;
}
