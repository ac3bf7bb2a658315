#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"
#include "cmd/status_text.h"
#include "show/status_hint.h"

#define WALL_S 1000000

static char *text_of(struct status_look *look, const char *status, const char *before)
{
	json_t *now = json_loads(status, 0, NULL),
	       *then = before ? json_loads(before, 0, NULL) : NULL;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(now);
	look->status = now;
	look->before = then;
	look->wall_s = WALL_S;
	status_text(look, f);
	fclose(f);
	json_decref(now);
	json_decref(then);
	return text;
}

static void check_text(struct status_look look, const char *status, const char *before,
                       const char *expected)
{
	char *text = text_of(&look, status, before);

	ck_assert_str_eq(text, expected);
	free(text);
}

/* ---- words */

static const struct {
	const char *json, *text;
} heads[] = {
	{ "{}", ": 0 devices, up for 0 seconds\n" },
	{ "{'tun': 'tunion0', 'tun_mtu': 1420, 'up_seconds': 90061, 'devices': []}",
	  "tunion0: mtu 1420, 0 devices, up for 1 day, 1 hour\n" },
	{ "{'tun': 't', 'up_seconds': 62, 'engine_restarts': 1}",
	  "t: 0 devices, up for 1 minute, 2 seconds, worker restarted 1 time\n" },
	{ "{'tun': 't', 'up_seconds': 62, 'engine_restarts': 7, 'engine_seconds': 30}",
	  "t: 0 devices, up for 1 minute, 2 seconds, worker restarted 7 times, last 30 s ago\n" },
	{ "{'devices': [{'name': 'a', 'peers': [{'state': 'ok', 'session': true, 'way': 'w',"
	  " 'endpoint': '192.0.2.1:51820', 'allowed_ips': ['10.0.0.0/8', 'fd00::/8', '::/0'],"
	  " 'standby': ['10.0.0.0/8', 'fd00::/8'], 'comes_after': [{'device': 'b', 'why': 'name',"
	  " 'standby': false}]}]}]}",
	  ": 1 device, up for 0 seconds\n"
	  "\n"
	  "DEVICE  STATE  HANDSHAKE  RECEIVED  SENT  ENDPOINT         WAY\n"
	  "a       up     never      0 B       0 B   192.0.2.1:51820  w    shadowed by b (first by name) for "
	  "10.0.0.0/8 and 1 more\n" },
	{ "{'errors': [{'file': 'a.conf', 'line': 7, 'text': 'bad'}, {'file': 'b.conf', "
	  "'line': null, 'text': 'worse'}, {'file': null, 'line': null, 'text': 'w'}]}",
	  ": 0 devices, up for 0 seconds\n"
	  "not in force: a.conf:7: bad\n"
	  "not in force: b.conf: worse\n"
	  "not in force: w\n" },
	{ "{'yields': [{'prefix': '192.168.7.0/24', 'device': 'home', 'to': 'eth0'}, "
	  "{'prefix': 'fd07::/64', 'device': 'home', 'to': null}]}",
	  ": 0 devices, up for 0 seconds\n"
	  "home: 192.168.7.0/24 yields to eth0, and is reached there as long as that has it, "
	  "too\n"
	  "home: fd07::/64 yields to another route, and is reached there as long as that has "
	  "it, too\n" },
	/* what the instance says of itself counts */
	{ "{'tun': 't', 'folders': ['/etc/tunion', '/srv'], 'health': [{'device': 'a', "
	  "'text': 'bad'}, {'device': null, 'text': 'worse'}], 'errors': [{'text': 'w'}]}",
	  "t: 0 devices, up for 0 seconds, files in /etc/tunion, /srv\n"
	  "a: bad\n"
	  "worse\n" },
	/* of another version than ours */
	{ "{'devices': 5, 'tun': [], 'up_seconds': 'long', 'drops': 7}",
	  ": 0 devices, up for 0 seconds\n" },
	{ "{'tun': 't', 'taken_out': ['a', 'b']}",
	  "t: 0 devices, up for 0 seconds; taken out: a, b (tunion up --tun t NAME "
	  "brings it back)\n" },
	{ "{'devices': [7]}",
	  ": 1 device, up for 0 seconds\n"
	  "\n"
	  "DEVICE  STATE     HANDSHAKE  RECEIVED  SENT  ENDPOINT  WAY\n"
	  "        no peers\n" },
};

/* Easier to read with ' for ". */
static char *quoted(const char *json)
{
	char *copy = strdup(json);

	ck_assert_ptr_nonnull(copy);
	for (char *at = copy; (at = strchr(at, '\'')); at++)
		*at = '"';
	return copy;
}

START_TEST(head_and_odd_input)
{
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		char *json = quoted(heads[i].json);

		check_text((struct status_look){ .options = " --tun t" }, json, NULL,
		           heads[i].text);
		free(json);
	}
}
END_TEST

static const struct {
	const char *peer, *state;
} states[] = {
	{ "'state': 'ok', 'session': true", "up" },
	{ "'state': 'ok', 'session': false, 'latest_handshake': 7", "idle" },
	{ "'state': 'ok', 'session': false, 'latest_handshake': null", "no session" },
	{ "'state': 'ok', 'session': true, 'usable': false", "unusable" },
	{ "'state': 'loop', 'session': true, 'usable': false", "loop" },
	{ "'state': 'no-endpoint', 'endpoint': '10.0.0.1:1', 'by_arrival': false",
	  "no endpoint" }, /* the carrier's is not known */
	{ "'state': 'no-endpoint', 'endpoint': null, 'by_arrival': true", "waiting" },
	{ "'state': 'no-endpoint', 'endpoint_name': 'a.example:1'", "no address" },
	{ "'state': 'ok', 'session': false, 'unanswered_seconds': 10", "no answer" },
	{ "'state': 'ok', 'session': false, 'unanswered_seconds': 9", "no session" },
	{ "'state': 'ok', 'session': true, 'unanswered_seconds': 15", "no answer" },
	{ "'state': 'ok', 'carrier_peer': 'K', 'unanswered_seconds': 19", "no session" },
	/* a client that has gone */
	{ "'state': 'ok', 'by_arrival': true, 'usable': false, 'latest_handshake': 7",
	  "idle" },
	{ "'state': 'ok', 'by_arrival': true, 'usable': false, 'stood_in_by': ['b']",
	  "unusable" },
};

START_TEST(state_of_a_peer)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct status_look look = { 0 };
		char json[256], expected[64], *text, *json_quoted;

		snprintf(json, sizeof(json),
		         "{'devices': [{'name': 'a', 'peers': [{%s}]}]}", states[i].peer);
		snprintf(expected, sizeof(expected), "\na       %s  ", states[i].state);
		json_quoted = quoted(json);
		text = text_of(&look, json_quoted, NULL);
		ck_assert_msg(strstr(text, expected), "%s in %s", expected, text);
		free(text);
		free(json_quoted);
	}
}
END_TEST

static const struct {
	int handshake_s;
	const char *age;
} ages[] = {
	{ 0, "never" },
	{ WALL_S + 5, "0 s ago" }, /* the clock was set back */
	{ WALL_S - 119, "119 s ago" },
	{ WALL_S - 120, "2 min ago" },
	{ WALL_S - 7200, "2 h ago" },
	{ WALL_S - 3 * 86400, "3 d ago" },
};

START_TEST(age_of_a_handshake)
{
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		struct status_look look = { 0 };
		char json[256], *text;

		snprintf(json, sizeof(json),
		         "{\"devices\": [{\"name\": \"a\", \"peers\": "
		         "[{\"latest_handshake\": %d}]}]}",
		         ages[i].handshake_s);
		text = text_of(&look, json, NULL);
		ck_assert_msg(strstr(text, ages[i].age), "%s in %s", ages[i].age, text);
		free(text);
	}
}
END_TEST

/* ---- the whole */

static const char two[] =
	"{'tun': 't', 'up_seconds': 3661, 'drops': {'no-route': 3}, 'devices': ["
	"{'name': 'home', 'drops': {'loop': 1, 'of-the-future': 2}, 'peers': ["
	"{'public_key': 'KEYONEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaon4=', 'state': 'ok', 'way': 'home > vpn2 > network',"
	" 'endpoint': '1.2.3.4:5', 'latest_handshake': 999939, 'session': true,"
	" 'rx_bytes': 1023, 'tx_bytes': 1536},"
	"{'public_key': 'KEYTWOAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAatw4=', 'state': 'no-endpoint', 'way': 'home > ?',"
	" 'endpoint': null, 'rx_bytes': 0, 'tx_bytes': 0}]},"
	"{'name': 'vpn', 'drops': {}, 'peers': ["
	"{'public_key': 'KEYVPNAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAavp4=', 'state': 'ok', 'way': 'vpn > network',"
	" 'endpoint': '[2001:db8::1]:7', 'usable': false, 'stood_in_by': ['vpn2'],"
	" 'failures': 3, 'waits_seconds': 90, 'try_via': 'home',"
	" 'rx_bytes': 5, 'tx_bytes': 1073741824}]},"
	"{'name': 'vpn2', 'drops': {}, 'peers': ["
	"{'public_key': 'KEYVP2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAavp4=', 'state': 'ok', 'way': 'vpn2 > network',"
	" 'endpoint': '9.9.9.9:9', 'usable': true, 'session': true,"
	" 'latest_handshake': 999999, 'stands_in_for': ['vpn'],"
	" 'stands_by_for': ['home'],"
	" 'comes_after': [{'device': 'home', 'why': 'metric', 'standby': true},"
	" {'device': 'lan', 'why': 'of-the-future', 'standby': false}],"
	" 'rx_bytes': 2000000, 'tx_bytes': 150}]}]}";

static const char two_text[] =
	"t: 3 devices, up for 1 hour, 1 minute\n"
	"\n"
	"DEVICE  PEER       STATE        HANDSHAKE  RECEIVED  SENT     ENDPOINT         "
	"WAY\n"
	"home    KEYO…aon4  up           61 s ago   1023 B    1.5 KiB  1.2.3.4:5        "
	"home > vpn2 > network\n"
	"        KEYT…atw4  no endpoint  never      0 B       0 B                       "
	"home > ?\n"
	"vpn     KEYV…avp4  unusable     never      5 B       1.0 GiB  [2001:db8::1]:7  "
	"vpn > network          vpn2 stands in; failed 3 times, waits 90 s; "
	"no answer from the network: only inside home? Then Via = home\n"
	"vpn2    KEYV…avp4  up           1 s ago    1.9 MiB   150 B    9.9.9.9:9        "
	"vpn2 > network         standing in for vpn; standing by for home "
	"(lower Metric); shadowed by lan (of-the-future)\n"
	"\n"
	"DEVICE  DROPPED  LAST  REASON\n"
	"-       3        -     no-route       No file's AllowedIPs contain the destination.\n"
	"home    1        -     loop           Set Via in one of the files; tunion check shows "
	"the loop.\n"
	"home    2        -     of-the-future\n";

START_TEST(the_whole)
{
	char *json = quoted(two);

	check_text((struct status_look){ 0 }, json, NULL, two_text);
	free(json);
}
END_TEST

static const char *trend(void *context, const char *device)
{
	(void)context;
	return strcmp(device, "a") == 0 ? "▁█" : "▂▂";
}

/* Peers are found by their key, devices by name, wherever they stand; and one that is new
 * has no rate. After a restart of the engine counters begin anew. */
START_TEST(rates_and_trends)
{
	struct status_look look = { .elapsed_ns = 2 * NS_PER_SEC, .trend = trend };
	char *before = quoted(
		     "{'devices': [{'name': 'b', 'peers': ["
		     "{'public_key': 'YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYA=', 'rx_bytes': 0, 'tx_bytes': 500},"
		     "{'public_key': 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXA=', 'rx_bytes': 1000, 'tx_bytes': 10}]}]}"),
	     *now = quoted(
		     "{'devices': ["
		     "{'name': 'a', 'peers': ["
		     "{'public_key': 'ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZA=', 'rx_bytes': 900, 'tx_bytes': 10, 'way': "
		     "'a >'}]},"
		     "{'name': 'b', 'peers': ["
		     "{'public_key': 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXA=', 'rx_bytes': 2000, 'tx_bytes': 10},"
		     "{'public_key': 'YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYA=', 'rx_bytes': 625000, 'tx_bytes': 0}]}]}");

	check_text(
		look, now, before,
		": 2 devices, up for 0 seconds\n"
		"\n"
		"DEVICE  PEER       STATE       HANDSHAKE  RX RATE     TX RATE  TREND  WAY\n"
		"a       ZZZZ…ZZZA  no session  never      0 bit/s     0 bit/s  ▁█     a >\n"
		"b       XXXX…XXXA  no session  never      4.0 kbit/s  0 bit/s  ▂▂\n"
		"        YYYY…YYYA  no session  never      2.5 Mbit/s  0 bit/s\n");
	look.trend = NULL;
	check_text(
		look, now, before,
		": 2 devices, up for 0 seconds\n"
		"\n"
		"DEVICE  PEER       STATE       HANDSHAKE  RECEIVED  SENT  RX RATE     TX "
		"RATE  ENDPOINT  WAY\n"
		"a       ZZZZ…ZZZA  no session  never      900 B     10 B  0 bit/s     0 "
		"bit/s            a >\n"
		"b       XXXX…XXXA  no session  never      2.0 KiB   10 B  4.0 kbit/s  0 "
		"bit/s\n"
		"        YYYY…YYYA  no session  never      610 KiB   0 B   2.5 Mbit/s  0 "
		"bit/s\n");
	free(now);
	free(before);
}
END_TEST

/* Without its colours the text is the same, columns included. */
START_TEST(colours_take_no_room)
{
	struct status_look look = { .colour = true };
	char *json = quoted(two), *text = text_of(&look, json, NULL), *to = text;

	ck_assert_ptr_nonnull(strstr(text, "\033[32mup\033[0m"));
	ck_assert_ptr_nonnull(strstr(text, "\033[31munusable\033[0m"));
	for (const char *from = text; *from; from++) {
		if (*from == '\033')
			from = strchr(from, 'm');
		else
			*to++ = *from;
	}
	*to = '\0';
	ck_assert_str_eq(text, two_text);
	free(text);
	free(json);
}
END_TEST

static const char named[] =
	"{'up_seconds':100,'engine_seconds':200,"
	"'devices':[{'name':'a','peers':[{'state':'no-endpoint','way':'a > ?',"
	"'endpoint_name':'nowhere.invalid:51820','asked_again_seconds':20}]},"
	"{'name':'b','drops':{'no-route':1,'multicast':9,'send':2,'replay':3,'bad-auth':4,'loop':5},"
	"'drop_ages':{'no-route':91,'multicast':1,'send':89,'replay':99,'bad-auth':601,'loop':3},"
	"'peers':[{'state':'ok','session':true,'way':'b > carrier-number-one > network',"
	"'endpoint':'[2001:db8:1111:2222::1]:51820','rx_bytes':5,'tx_bytes':5,"
	"'stands_in_for':['carrier-number-two']}]}],"
	"'health':[{'device':'a','text':'nowhere.invalid:51820 does not resolve (not found, or "
	"no server); asked again in 20 s'}]}";

/* What goes first when there is no room, and what never does. Of the drops, old ones and those
 * of the start are not shown. */
static const struct {
	unsigned columns;
	const char *text;
} narrow[] = {
	{ 0,
	  ": 2 devices, up for 1 minute, 40 seconds\n"
	  "a: nowhere.invalid:51820 does not resolve (not found, or no server); asked again in 20 s\n"
	  "\n"
	  "DEVICE  STATE       HANDSHAKE  RECEIVED  SENT  ENDPOINT                                     WAY\n"
	  "a       no address  never      0 B       0 B   nowhere.invalid:51820 (asked again in 20 s)  a > ?\n"
	  "b       up          never      5 B       5 B   [2001:db8:1111:2222::1]:51820                b > carrier-number-one > network  standing in for carrier-number-two\n"
	  "\n"
	  "DEVICE  DROPPED  LAST      REASON\n"
	  "b       2        89 s ago  send    The network refused to send: is there a route to the endpoint?\n"
	  "b       3        99 s ago  replay  The packet came twice, or was delayed for long.\n"
	  "b       5        3 s ago   loop    Set Via in one of the files; tunion check shows the loop.\n" },
	{ 120,
	  ": 2 devices, up for 1 minute, 40 seconds\n"
	  "a: nowhere.invalid:51820 does not resolve (not found, or no server); asked again in 20 s\n"
	  "\n"
	  "DEVICE  STATE       HANDSHAKE  ENDPOINT                               WAY\n"
	  "a       no address  never      nowhere.invalid:51820 (asked again i…  a > ?\n"
	  "b       up          never      [2001:db8:1111:2222::1]:51820          b > carrier-number-one > network  standing in for…\n"
	  "\n"
	  "DEVICE  DROPPED  LAST      REASON\n"
	  "b       2        89 s ago  send    The network refused to send: is there a route to the endpoint?\n"
	  "b       3        99 s ago  replay  The packet came twice, or was delayed for long.\n"
	  "b       5        3 s ago   loop    Set Via in one of the files; tunion check shows the loop.\n" },
	/* the handshake comes back when the notes have gone */
	{ 82,
	  ": 2 devices, up for 1 minute, 40 seconds\n"
	  "a: nowhere.invalid:51820 does not resolve (not found, or no server); asked again\n"
	  "  in 20 s\n"
	  "\n"
	  "DEVICE  STATE       HANDSHAKE  ENDPOINT           WAY\n"
	  "a       no address  never      nowhere.invalid:…  a > ?\n"
	  "b       up          never      [2001:db8:1111:2…  b > carrier-number-one > network\n"
	  "\n"
	  "DEVICE  DROPPED  LAST      REASON\n"
	  "b       2        89 s ago  send    The network refused to send: is there a route …\n"
	  "b       3        99 s ago  replay  The packet came twice, or was delayed for long.\n"
	  "b       5        3 s ago   loop    Set Via in one of the files; tunion check show…\n" },
	{ 80,
	  ": 2 devices, up for 1 minute, 40 seconds\n"
	  "a: nowhere.invalid:51820 does not resolve (not found, or no server); asked again\n"
	  "  in 20 s\n"
	  "\n"
	  "DEVICE  STATE       ENDPOINT                    WAY\n"
	  "a       no address  nowhere.invalid:51820 (as…  a > ?\n"
	  "b       up          [2001:db8:1111:2222::1]:5…  b > carrier-number-one > network\n"
	  "\n"
	  "DEVICE  DROPPED  LAST      REASON\n"
	  "b       2        89 s ago  send    The network refused to send: is there a rout…\n"
	  "b       3        99 s ago  replay  The packet came twice, or was delayed for lo…\n"
	  "b       5        3 s ago   loop    Set Via in one of the files; tunion check sh…\n" },
	{ 60, ": 2 devices, up for 1 minute, 40 seconds\n"
	      "a: nowhere.invalid:51820 does not resolve (not found, or no\n"
	      "  server); asked again in 20 s\n"
	      "\n"
	      "DEVICE  STATE       WAY\n"
	      "a       no address  a > ?\n"
	      "b       up          b > carrier-number-one > network\n"
	      "\n"
	      "DEVICE  DROPPED  LAST      REASON\n"
	      "b       2        89 s ago  send    The network refused to s…\n"
	      "b       3        99 s ago  replay  The packet came twice, o…\n"
	      "b       5        3 s ago   loop    Set Via in one of the fi…\n" },
	{ 40, ": 2 devices, up for 1 minute, 40 seconds\n"
	      "a: nowhere.invalid:51820 does not\n"
	      "  resolve (not found, or no server);\n"
	      "  asked again in 20 s\n"
	      "\n"
	      "DEVICE  STATE       WAY\n"
	      "a       no address  a > ?\n"
	      "b       up          b > carrier-number-one > network\n"
	      "\n"
	      "DEVICE  DROPPED  LAST      REASON\n"
	      "b       2        89 s ago  send\n"
	      "b       3        99 s ago  replay\n"
	      "b       5        3 s ago   loop\n" },
};

START_TEST(narrow_terminals)
{
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++) {
		char *json = quoted(named);

		check_text((struct status_look){ .columns = narrow[i].columns }, json,
		           NULL, narrow[i].text);
		free(json);
	}
}
END_TEST

/* What was received means little without what was sent. */
START_TEST(pairs_go_together)
{
	char *json = quoted(named);
	size_t with = 0, without = 0;

	for (unsigned columns = 60; columns < 180; columns++) {
		struct status_look look = { .columns = columns };
		char *text = text_of(&look, json, NULL);
		bool received = strstr(text, "RECEIVED"), sent = strstr(text, "SENT");

		ck_assert_msg(received == sent, "%u columns:\n%s", columns, text);
		with += received;
		without += !received;
		free(text);
	}
	ck_assert_uint_gt(with, 0);
	ck_assert_uint_gt(without, 0);
	free(json);
}
END_TEST

START_TEST(a_hint_for_each_reason)
{
	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT; i++) {
		const char *hint = status_hint(drop_name((enum drop)i));
		size_t n = hint ? strlen(hint) : 0;

		ck_assert_msg(
			n > 1 && n <= 64,
			"the hint of %s (src/show/status_hint.c) has %zu characters, not 2 to 64",
			drop_name((enum drop)i), n);
		ck_assert_msg(hint[n - 1] == '.' || hint[n - 1] == '?', "%s", hint);
	}
	ck_assert_ptr_null(status_hint("none"));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("cmd/status_text");

	tcase_add_test(tc, head_and_odd_input);
	tcase_add_test(tc, state_of_a_peer);
	tcase_add_test(tc, age_of_a_handshake);
	tcase_add_test(tc, the_whole);
	tcase_add_test(tc, rates_and_trends);
	tcase_add_test(tc, colours_take_no_room);
	tcase_add_test(tc, narrow_terminals);
	tcase_add_test(tc, pairs_go_together);
	tcase_add_test(tc, a_hint_for_each_reason);
	return tc;
}
