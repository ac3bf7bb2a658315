#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/status_health.h"

/* Statuses with ' for ", in which these words stand for what is the same again and again. */
#define NETWORK(name) "'state':'ok','usable':true,'chain':['" name "','network']"
#define INSIDE(name, carrier, key)                                                       \
	"'state':'ok','chain':['" name "','" carrier "','network'],'carrier_peer':'" key \
	"'"

static const struct {
	const char *what, *status, *lines;
} cases[] = {
	{ "nothing at all", "{}", "" },
	{ "other types than ours", "{'devices':7,'errors':{},'yields':'a','drops':[]}",
	  "" },
	{ "odd devices",
	  "{'devices':[1,{'name':[],'peers':5},{'peers':[1,{}]},{'peers':[{'chain':'x','state':[],"
	  "'carrier_peer':1,'unanswered_seconds':'99'}]}]}",
	  "" },
	{ "all is well",
	  "{'devices':[{'name':'a','public_key':'K','peers':[{" NETWORK(
		  "a") ",'session':true,"
	               "'unanswered_seconds':null}]}]}",
	  "" },
	{ "files",
	  "{'errors':[{'file':'a.conf','line':7,'text':'bad'},"
	  "{'file':'b.conf','line':null,'text':'worse'},{'file':null,'line':null,'text':'w'}]}",
	  "not in force: a.conf:7: bad\nnot in force: b.conf: worse\nnot in force: w\n" },
	{ "yields",
	  "{'yields':[{'prefix':'10.0.0.0/8','device':'a','to':'eth0'},"
	  "{'prefix':'fd07::/64','device':'gone','to':null}],'devices':[{'name':'a'}]}",
	  "a: 10.0.0.0/8 yields to eth0, and is reached there as long as that has it, too\n"
	  "gone: fd07::/64 yields to another route, and is reached there as long as that has it, too\n" },
	/* ---- no answer */
	{ "wrong key, or no server",
	  "{'devices':[{'name':'wg_config','public_key':'K','peers':[{" NETWORK(
		  "wg_config") ",'endpoint':'192.0.2.2:51820','unanswered_seconds':36}]}]}",
	  "wg_config: no answer from 192.0.2.2:51820 in 36 s: is the server up, do PublicKey, "
	  "PresharedKey and PrivateKey match?\n" },
	{ "not for long enough",
	  "{'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'unanswered_seconds':9}]}]}",
	  "" },
	{ "a name, for long, with one who stands in",
	  "{'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'endpoint':'192.0.2.2:1','endpoint_name':'vpn.example:1','unanswered_seconds':7200,"
	               "'stood_in_by':['b']}]}]}",
	  "a: no answer from vpn.example:1 (192.0.2.2:1) in 2 h, b stands in: is the server up, do "
	  "PublicKey, PresharedKey and PrivateKey match?\n" },
	{ "a carrier, once, and not those that it carries",
	  "{'devices':[{'name':'home','peers':[{" INSIDE(
		  "home", "vpn",
		  "V") ",'endpoint':'9.9.9.9:9','unanswered_seconds':20}]},"
	               "{'name':'site','peers':[{" INSIDE(
			       "site", "vpn",
			       "V") ",'unanswered_seconds':15}]},"
	                            "{'name':'vpn','peers':[{'public_key':'V'," NETWORK(
					    "vpn") ",'endpoint':'1.1.1.1:1','unanswered_seconds':40}]}]}",
	  "vpn: no answer from 1.1.1.1:1 in 40 s, and so none for home, site: is the server up, do "
	  "PublicKey, PresharedKey and PrivateKey match?\n" },
	{ "a name that is cut inside a character",
	  "{'devices':[{'name':'1234567890123456789ü','peers':[{" INSIDE(
		  "home", "vpn",
		  "V") "}]},{'name':'vpn','peers':[{'public_key':'V'," NETWORK("vpn") ",'endpoint':'1.1.1.1:1','unanswered_seconds':40}]}]}",
	  "vpn: no answer from 1.1.1.1:1 in 40 s, and so none for 1234567890123456789?: is the "
	  "server up, do PublicKey, PresharedKey and PrivateKey match?\n" },
	{ "only the inner one",
	  "{'devices':[{'name':'home','peers':[{" INSIDE(
		  "home", "vpn",
		  "V") ",'endpoint':'9.9.9.9:9','unanswered_seconds':20}]},"
	               "{'name':'vpn','peers':[{'public_key':'V'," NETWORK(
			       "vpn") ",'session':true}]}]}",
	  "home: no answer from 9.9.9.9:9 in 20 s: is the server up, do PublicKey, PresharedKey and "
	  "PrivateKey match?\n" },
	{ "a carrier with a session, and not yet those that it carries",
	  "{'devices':[{'name':'home','peers':[{" INSIDE(
		  "home", "vpn",
		  "V") ",'endpoint':'9.9.9.9:9','unanswered_seconds':19}]},"
	               "{'name':'vpn','peers':[{'public_key':'V'," NETWORK(
			       "vpn") ",'endpoint':'1.1.1.1:1','session':true,'latest_handshake':7,'unanswered_seconds':15}]}]}",
	  "vpn: no answer from 1.1.1.1:1 in 15 s, and so none for home: it has answered before: is the "
	  "server up, does the network reach it?\n" },
	{ "carried ones, before their carrier's silence is noticed",
	  "{'devices':[{'name':'home','peers':[{" INSIDE(
		  "home", "vpn",
		  "V") ",'endpoint':'9.9.9.9:9','unanswered_seconds':19}]},"
	               "{'name':'vpn','peers':[{'public_key':'V'," NETWORK(
			       "vpn") ",'session':true}]}]}",
	  "" },
	{ "the key of one of several peers",
	  "{'devices':[{'name':'a','peers':[{'public_key':'qRCwZSKInrMAq5sepfCdaCsRJaoLe5jhtzfiw7CjbwM='," NETWORK(
		  "a") ",'endpoint':'1.1.1.1:1','unanswered_seconds':11},{" NETWORK("a") ",'session':true}]}]}",
	  "a: peer qRCw…jbwM: no answer from 1.1.1.1:1 in 11 s: is the server up, do PublicKey, "
	  "PresharedKey and PrivateKey match?\n" },
	{ "an answer that doesn't fit",
	  "{'devices':[{'name':'a','drop_ages':{'bad-handshake':3},'peers':[{" NETWORK(
		  "a") ",'endpoint':'1.1.1.1:1','unanswered_seconds':11}]}]}",
	  "a: no answer from 1.1.1.1:1 in 11 s: what it sends doesn't fit: do PresharedKey and "
	  "PublicKey match?\n" },
	{ "no route",
	  "{'devices':[{'name':'a','drop_ages':{'send':3},'peers':[{" NETWORK(
		  "a") ",'endpoint':'1.1.1.1:1','unanswered_seconds':11}]}]}",
	  "a: no answer from 1.1.1.1:1 in 11 s: the network refuses what is sent: is there a route to "
	  "it?\n" },
	{ "a Via that could be missing",
	  "{'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'endpoint':'10.1.1.1:1','unanswered_seconds':11,'try_via':'vpn'}]}]}",
	  "a: no answer from 10.1.1.1:1 in 11 s: is it only inside vpn? Then write # tunion: Via = vpn; or do "
	  "the keys not match?\n" },
	{ "no server at all answers",
	  "{'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'unanswered_seconds':60}]},"
	               "{'name':'b','peers':[{" NETWORK(
			       "b") ",'unanswered_seconds':30}]},"
	                            "{'name':'c','peers':[{" NETWORK("c") "},{" NETWORK(
					    "c") ",'session':true,'by_arrival':true}]}]}",
	  "no answer from any of 2 servers in 30 s: is this machine online, and does its network let "
	  "UDP out?\n" },
	{ "a third one does",
	  "{'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'endpoint':'1.1.1.1:1','unanswered_seconds':60}]},"
	               "{'name':'b','peers':[{" NETWORK(
			       "b") ",'endpoint':'2.2.2.2:1','unanswered_seconds':30}]},"
	                            "{'name':'c','peers':[{" NETWORK(
					    "c") ",'session':true}]}]}",
	  "a: no answer from 1.1.1.1:1 in 60 s: is the server up, do PublicKey, PresharedKey and "
	  "PrivateKey match?\n"
	  "b: no answer from 2.2.2.2:1 in 30 s: is the server up, do PublicKey, PresharedKey and "
	  "PrivateKey match?\n" },
	/* ---- peers that call */
	{ "a client that never called, and one that went away",
	  "{'devices':[{'name':'gate','public_key':'K','peers':[{'state':'no-endpoint','by_arrival':true,"
	  "'endpoint':null},{" NETWORK(
		  "gate") ",'by_arrival':true,'endpoint':'1.1.1.1:1',"
	                  "'unanswered_seconds':500,'usable':false}]}]}",
	  "" },
	{ "an app that sends everything back",
	  "{'devices':[{'name':'gate','drop_ages':{'gate-loop':5}},{'name':'b','drop_ages':{'gate-loop':99}}]}",
	  "gate: a client sends our own datagrams back: exclude tunion's app from its VPN "
	  "(ExcludedApplications in its file)\n" },
	/* ---- names */
	{ "a name without an address",
	  "{'devices':[{'name':'a','peers':[{'state':'no-endpoint','by_arrival':true,'endpoint':null,"
	  "'endpoint_name':'nowhere.invalid:1','name_error':'not found','asked_again_seconds':20}]}]}",
	  "a: nowhere.invalid:1 does not resolve (not found); asked again in 20 s\n" },
	{ "a name that is just being asked for",
	  "{'devices':[{'name':'a','peers':[{'state':'no-endpoint','endpoint_name':'n.example:1'}]}]}",
	  "a: n.example:1 is not resolved yet (no answer yet); it is being asked for\n" },
	{ "and who is carried by it",
	  "{'devices':[{'name':'a','peers':[{'state':'no-endpoint','chain':['a','b'],'carrier_peer':'B',"
	  "'endpoint':'10.0.0.1:1'}]},{'name':'b','peers':[{'public_key':'B','state':'no-endpoint',"
	  "'endpoint_name':'n.example:1','asked_again_seconds':0,'name_error':'timeout'}]}]}",
	  "b: n.example:1 does not resolve (timeout); asked again in 0 s\n" },
	/* ---- ways */
	{ "a loop, once, and not who runs into it",
	  "{'devices':[{'name':'b','peers':[{'public_key':'B','state':'loop','chain':['b','c'],"
	  "'carrier_peer':'C','way':'b > c > b ... (loop)'}]},"
	  "{'name':'c','peers':[{'public_key':'C','state':'loop','chain':['c','b'],'carrier_peer':'B',"
	  "'way':'c > b > c ... (loop)'}]},"
	  "{'name':'a','peers':[{'state':'loop','chain':['a','b','c'],'carrier_peer':'B'}]}]}",
	  "b: its way is a loop: b > c > b ... (loop); write # tunion: Via = network into b.conf, unless its "
	  "server is inside another tunnel\n" },
	{ "a loop that never comes back",
	  "{'devices':[{'name':'a','peers':[{'state':'loop','chain':['a','b'],'carrier_peer':'B'}]},"
	  "{'name':'b','peers':[{'public_key':'B','chain':['b','b'],'carrier_peer':'B'}]}]}",
	  "" },
	{ "what a carrier lacks",
	  "{'devices':[{'name':'a','peers':[{'state':'no-carrier-address','chain':['a'],'endpoint':'[fd00::1]:1'}]},"
	  "{'name':'b','peers':[{'state':'no-carrier-peer','chain':['b'],'endpoint':'10.0.0.1:1'}]},"
	  "{'name':'c','peers':[{'state':'of-the-future'}]},"
	  "{'name':'d','peers':[{'state':'too-long','way':'d > e'}]}]}",
	  "a: its carrier has no Address of the family of [fd00::1]:1: give it one, or write # tunion: Via = "
	  "network\n"
	  "b: no peer of its carrier takes 10.0.0.1:1: add it to AllowedIPs there\n"
	  "c: its packets are dropped: of-the-future\n"
	  "d: more than 8 tunnels inside each other: d > e; write # tunion: Via = network into one of the files\n" },
	{ "no tun", "{'lost_tuns':['b',7],'devices':[{'name':'a'},{'name':'b'}]}",
	  "b: its own tun is gone, because somebody has removed it, or it could not be made: tunion "
	  "reload makes it anew\n" },
	/* ---- name servers */
	{ "a name server that doesn't answer",
	  "{'silent_servers':[{'device':'a','server':'10.0.0.1','through':'a','seconds':20,'others':false},"
	  "{'device':'b','server':'fd00::1','through':null,'seconds':120,'others':true},"
	  "{'device':'b','server':'fd00::2','through':'b','seconds':19}],"
	  "'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'session':true}]},{'name':'b'}]}",
	  "a: no answer from its name server 10.0.0.1 in 20 s: is it the right one in DNS, does it run?\n"
	  "b: no answer from its name server fd00::1 in 2 min, others of its DNS are asked\n" },
	{ "one in a tunnel that doesn't, either",
	  "{'silent_servers':[{'device':'b','server':'10.0.0.1','through':'a','seconds':20,'others':false}],"
	  "'devices':[{'name':'a','peers':[{" NETWORK(
		  "a") ",'endpoint':'1.1.1.1:1','unanswered_seconds':15}]},{'name':'b'}]}",
	  "a: no answer from 1.1.1.1:1 in 15 s: is the server up, do PublicKey, PresharedKey and "
	  "PrivateKey match?\n" },
	{ "no key",
	  "{'devices':[{'name':'a','public_key':null,'peers':[{}]},{'name':'b','public_key':null}]}",
	  "a: it has no PrivateKey, so it can't send anything\n" },
};

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *at = copy; (at = strchr(at, '\'')); at++)
		*at = '"';
	json = json_loads(copy, 0, NULL);
	free(copy);
	ck_assert_msg(json != NULL, "%s", text);
	return json;
}

/* Returns the lines as `tunion status` prints them; to be freed. */
static char *lines_of(const json_t *status)
{
	json_t *list = status_health(status), *line;
	char *text = NULL;
	size_t n, i;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(list);
	json_array_foreach(list, i, line)
	{
		const char *device = json_string_value(json_object_get(line, "device"));

		fprintf(f, "%s%s%s\n", device ? device : "", device ? ": " : "",
		        json_string_value(json_object_get(line, "text")));
	}
	fclose(f);
	json_decref(list);
	return text;
}

START_TEST(causes_with_what_to_do)
{
	json_t *status = parse(cases[_i].status);
	char *text = lines_of(status);

	ck_assert_msg(strcmp(text, cases[_i].lines) == 0, "%s:\n%s\nexpected\n%s",
	              cases[_i].what, text, cases[_i].lines);
	free(text);
	json_decref(status);
}
END_TEST

START_TEST(there_are_not_too_many)
{
	json_t *status = json_pack("{s:[]}", "errors");
	char *text;

	for (int i = 0; i < 100; i++)
		json_array_append_new(json_object_get(status, "errors"),
		                      json_pack("{s:s}", "text", "bad"));
	text = lines_of(status);
	ck_assert_ptr_nonnull(strstr(text, "\nand 80 more troubles\n"));
	free(text);
	json_decref(status);
}
END_TEST

/* From a worker that was taken over: each looks for its carrier among all. The test runs into
 * its time limit if that takes too long. */
START_TEST(a_search_comes_to_an_end)
{
	json_t *devices = json_array(), *silent = json_array(), *status;
	char name[16], other[16], *text;

	for (int i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(other, sizeof(other), "%d", 29999 - i % 2);
		json_array_append_new(devices, json_pack("{s:s, s:[{s:s, s:s, s:[s,s]}]}",
		                                         "name", name, "peers", "state",
		                                         "too-long", "carrier_peer", "",
		                                         "chain", name, other));
	}
	for (int i = 0; i < 200000; i++)
		json_array_append_new(silent,
		                      json_pack("{s:s, s:s, s:i}", "device", "29999",
		                                "through", "none", "seconds", 99));
	status = json_pack("{s:o, s:o}", "devices", devices, "silent_servers", silent);
	text = lines_of(status);
	ck_assert_ptr_nonnull(strstr(text, "more troubles\n"));
	free(text);
	json_decref(status);
}
END_TEST

/* The same with one device, through which all name servers are asked. */
START_TEST(a_search_among_peers_comes_to_an_end)
{
	json_t *peers = json_array(), *silent = json_array(), *status;
	char *text;

	for (int i = 0; i < 100000; i++) {
		json_array_append_new(peers, json_pack("{s:s}", "state", "loop"));
		json_array_append_new(silent, json_pack("{s:s, s:s, s:i}", "device", "a",
		                                        "through", "a", "seconds", 99));
	}
	status = json_pack("{s:[{s:s, s:o}], s:o}", "devices", "name", "a", "peers",
	                   peers, "silent_servers", silent);
	text = lines_of(status);
	free(text);
	json_decref(status);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("show/status_health");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, causes_with_what_to_do, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, there_are_not_too_many);
	tcase_add_test(tc, a_search_comes_to_an_end);
	tcase_add_test(tc, a_search_among_peers_comes_to_an_end);
	return tc;
}
