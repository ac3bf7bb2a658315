#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixed_env.h"
#include "worker/uapi.h"

/* A key pair and two public keys, as hex. PRIVATE is clamped. */
#define PRIVATE "40bb3ce5666b8188efe3d632605260a907a829143c479dfbd0ba35b98809b962"
#define OWN     "86137e5ae8c7b217768b0bfadadf0bb0b73cebe5812e0b57cb72f3ab8c742530"
#define PEER1   "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define PEER2   "662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58"
#define PSK     "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52"
#define ZERO    "0000000000000000000000000000000000000000000000000000000000000000"

#define NOW_NS (1000 * NS_PER_SEC)

/* ---- an engine with one device, and a host that notes what is asked of it */

struct fixture {
	struct engine *engine;
	struct device *device;
	struct uapi_host host;
	struct uapi uapi;
	struct outbuf out;
	uint32_t fwmark;
	int port_result; /* of set_port and set_fwmark */
};

static int set_port(void *context, struct device *device, uint16_t port)
{
	struct fixture *f = context;

	if (f->port_result == 0)
		device_set_port(device, port);
	return f->port_result;
}

static int set_fwmark(void *context, struct device *device, uint32_t fwmark)
{
	struct fixture *f = context;

	(void)device;
	if (f->port_result == 0)
		f->fwmark = fwmark;
	return f->port_result;
}

static uint32_t get_fwmark(void *context, const struct device *device)
{
	struct fixture *f = context;

	(void)device;
	return f->fwmark;
}

/* Of a host with one interface. */
static uint32_t interface_index(void *context, const struct device *device,
                                const char *name)
{
	(void)context;
	(void)device;
	return strcmp(name, "wan") == 0 ? 7 : 0;
}

static void begin(struct fixture *f)
{
	struct engine_env env = fixed_env();

	*f = (struct fixture){ .host = { set_port, set_fwmark, get_fwmark,
		                         interface_index, NULL, f } };
	ck_assert_int_eq(engine_new(&f->engine, &env), 0);
	ck_assert_int_eq(engine_add_device(f->engine, "home", &f->device), 0);
	uapi_init(&f->uapi, f->device, &f->host);
}

static void end(struct fixture *f)
{
	uapi_clear(&f->uapi);
	outbuf_clear(&f->out);
	engine_free(f->engine);
}

/* The answer so far, which is taken; valid until the next call. */
static const char *answer(struct fixture *f)
{
	static char text[16384];
	size_t n = outbuf_bytes(&f->out);

	ck_assert(!f->out.failed);
	ck_assert_uint_lt(n, sizeof(text));
	if (n)
		memcpy(text, f->out.bytes + f->out.first, n);
	text[n] = '\0';
	outbuf_consume(&f->out, n);
	return text;
}

static size_t feed(struct fixture *f, const char *text)
{
	return uapi_feed(&f->uapi, text, strlen(text), &f->out, NOW_NS);
}

/* Feeds all of it; returns what is answered. */
static const char *say(struct fixture *f, const char *text)
{
	ck_assert_uint_eq(feed(f, text), strlen(text));
	return answer(f);
}

/* ---- sets, and what a get says after */

#define IDLE                                                                             \
	"last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes="   \
	"0\n"
#define BARE_PEER(key) "public_key=" key "\npreshared_key=" ZERO "\nprotocol_version=1\n"

static const struct {
	const char *why, *set, *answer, *get;
} sets[] = {
	{ "nothing", "set=1\n\n", "errno=0\n\n", "errno=0\n\n" },
	{ "private key, clamped", "set=1\nprivate_key=" PRIVATE "\n\n", "errno=0\n\n",
	  "private_key=40bb3ce5666b8188efe3d632605260a907a829143c479dfbd0ba35b98809b962\n"
	  "errno=0\n\n" },
	{ "private key taken away",
	  "set=1\nprivate_key=" PRIVATE "\nprivate_key=" ZERO "\n\n", "errno=0\n\n",
	  "errno=0\n\n" },
	{ "port and mark", "set=1\nlisten_port=51820\nfwmark=4294967295\n\n",
	  "errno=0\n\n", "listen_port=51820\nfwmark=4294967295\nerrno=0\n\n" },
	{ "a peer, everything said",
	  "set=1\npublic_key=" PEER1 "\npreshared_key=" PSK
	  "\nprotocol_version=1\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval="
	  "25\n"
	  "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n\n",
	  "errno=0\n\n",
	  "public_key=" PEER1 "\npreshared_key=" PSK
	  "\nprotocol_version=1\nendpoint=192.0.2.1:51820\n" IDLE
	  "persistent_keepalive_interval=25\n"
	  "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\nerrno=0\n\n" },
	{ "a peer, only its key", "set=1\npublic_key=" PEER1 "\n\n", "errno=0\n\n",
	  BARE_PEER(PEER1) IDLE "persistent_keepalive_interval=0\nerrno=0\n\n" },
	{ "two peers, the second takes a prefix of the first",
	  "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\n"
	  "public_key=" PEER2 "\nallowed_ip=10.1.2.3/16\n\n",
	  "errno=0\n\n",
	  BARE_PEER(PEER1) IDLE
	  "persistent_keepalive_interval=0\nallowed_ip=10.0.0.0/8\n" BARE_PEER(PEER2) IDLE
	  "persistent_keepalive_interval=0\nallowed_ip=10.1.0.0/16\n"
	  "errno=0\n\n" },
	{ "a prefix taken away",
	  "set=1\npublic_key=" PEER1
	  "\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\nallowed_ip=-10.0.0.0/8\n\n",
	  "errno=0\n\n",
	  BARE_PEER(PEER1) IDLE
	  "persistent_keepalive_interval=0\nallowed_ip=10.1.0.0/16\nerrno=0\n\n" },
	{ "prefixes replaced",
	  "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/8\npublic_key=" PEER1
	  "\nreplace_allowed_ips=true\nallowed_ip=::/0\n\n",
	  "errno=0\n\n",
	  BARE_PEER(PEER1) IDLE
	  "persistent_keepalive_interval=0\nallowed_ip=::/0\nerrno=0\n\n" },
	{ "a peer removed",
	  "set=1\npublic_key=" PEER1 "\npublic_key=" PEER1 "\nremove=true\n\n",
	  "errno=0\n\n", "errno=0\n\n" },
	{ "lines after a removal are checked, and do nothing",
	  "set=1\npublic_key=" PEER1
	  "\nremove=true\nallowed_ip=10.0.0.0/8\nendpoint=1.2.3.4:5\n\n",
	  "errno=0\n\n", "errno=0\n\n" },
	{ "update_only makes no peer",
	  "set=1\npublic_key=" PEER1 "\nupdate_only=true\nallowed_ip=10.0.0.0/8\n\n",
	  "errno=0\n\n", "errno=0\n\n" },
	{ "update_only updates",
	  "set=1\npublic_key=" PEER1 "\npublic_key=" PEER1
	  "\nupdate_only=true\nallowed_ip=10.0.0.0/8\n\n",
	  "errno=0\n\n",
	  BARE_PEER(PEER1) IDLE
	  "persistent_keepalive_interval=0\nallowed_ip=10.0.0.0/8\nerrno=0\n\n" },
	{ "replace_peers",
	  "set=1\npublic_key=" PEER1 "\n\nset=1\nreplace_peers=true\npublic_key=" PEER2
	  "\n\n",
	  "errno=0\n\nerrno=0\n\n",
	  BARE_PEER(PEER2) IDLE "persistent_keepalive_interval=0\nerrno=0\n\n" },
	{ "the device's own key is no peer",
	  "set=1\nprivate_key=" PRIVATE "\npublic_key=" OWN "\nallowed_ip=10.0.0.0/8\n\n",
	  "errno=0\n\n", "private_key=" PRIVATE "\nerrno=0\n\n" },
	{ "link-local, the zone a number and a name",
	  "set=1\npublic_key=" PEER1 "\nendpoint=[fe80::1%3]:1\npublic_key=" PEER2
	  "\nendpoint=[fe80::2%wan]:65535\n\n",
	  "errno=0\n\n",
	  BARE_PEER(
		  PEER1) "endpoint=[fe80::1%3]:1\n" IDLE
	                 "persistent_keepalive_interval=0\n" BARE_PEER(
				 PEER2) "endpoint=[fe80::2%7]:65535\n" IDLE
	                                "persistent_keepalive_interval=0\nerrno=0\n\n" },
};

START_TEST(set_then_get)
{
	struct fixture f;

	begin(&f);
	ck_assert_msg(strcmp(say(&f, sets[_i].set), sets[_i].answer) == 0, "%s",
	              sets[_i].why);
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_str_eq(say(&f, "get=1\n\n"), sets[_i].get);
	end(&f);
}
END_TEST

/* What a get says, given to a fresh device (but for what is not to be set), says the
 * same. */
START_TEST(what_get_says_can_be_set)
{
	struct fixture f, g;
	char text[16384] = "set=1\n", *line, *rest, got[16384];

	begin(&f);
	begin(&g);
	ck_assert_str_eq(say(&f, sets[_i].set), sets[_i].answer);
	snprintf(got, sizeof(got), "%s", say(&f, "get=1\n\n"));
	rest = got;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "last_", 5) == 0 || strstr(line, "_bytes=") || !*line ||
		    strncmp(line, "errno", 5) == 0)
			continue;
		strcat(strcat(text, line), "\n");
	}
	ck_assert_str_eq(say(&g, strcat(text, "\n")), "errno=0\n\n");
	snprintf(got, sizeof(got), "%s", say(&f, "get=1\n\n"));
	ck_assert_str_eq(say(&g, "get=1\n\n"), got);
	end(&f);
	end(&g);
}
END_TEST

/* ---- what is refused */

#define EINVAL_TEXT "errno=-22\n\n"
#define EPROTO_TEXT "errno=-71\n\n"

static const struct {
	const char *set, *answer;
} refused[] = {
	{ "set=1\nfoo=1\n\n", EINVAL_TEXT },
	{ "set=1\nprivate_key=" PRIVATE "0\n\n", EINVAL_TEXT },
	{ "set=1\nprivate_key=xx\n\n", EINVAL_TEXT },
	{ "set=1\nprivate_key=\n\n", EINVAL_TEXT },
	{ "set=1\nlisten_port=65536\n\n", EINVAL_TEXT },
	{ "set=1\nlisten_port=-1\n\n", EINVAL_TEXT },
	{ "set=1\nlisten_port=\n\n", EINVAL_TEXT },
	{ "set=1\nlisten_port= 1\n\n", EINVAL_TEXT },
	{ "set=1\nfwmark=4294967296\n\n", EINVAL_TEXT },
	{ "set=1\nfwmark=99999999999999999999999\n\n", EINVAL_TEXT },
	{ "set=1\nfwmark=0x1\n\n", EINVAL_TEXT },
	{ "set=1\nreplace_peers=false\n\n", EINVAL_TEXT },
	{ "set=1\nreplace_peers=\n\n", EINVAL_TEXT },
	{ "set=1\nallowed_ip=10.0.0.0/8\n\n", EINVAL_TEXT }, /* of a peer, before any */
	{ "set=1\npublic_key=xx\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nlisten_port=1\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/33\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=::/129\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=--10.0.0.0/8\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nallowed_ip=/8\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nendpoint=example.org:1\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nendpoint=1.2.3.4\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nendpoint=[fe80::1%nope]:1\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nendpoint=%]\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nendpoint=]%\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\ntunion_by_arrival=yes\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\npersistent_keepalive_interval=65536\n\n",
	  EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\npersistent_keepalive_interval=off\n\n",
	  EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\npreshared_key=00\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nprotocol_version=2\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nremove=1\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nupdate_only=no\n\n", EINVAL_TEXT },
	{ "set=1\npublic_key=" PEER1 "\nreplace_allowed_ips=TRUE\n\n", EINVAL_TEXT },
	{ "set=1\nno equals sign\n\n", EPROTO_TEXT },
	{ "get=1\nprivate_key=" PRIVATE "\n\n", EINVAL_TEXT },
};

/* Answered once, and the conversation goes on after the empty line. */
START_TEST(refusals)
{
	struct fixture f;

	begin(&f);
	ck_assert_str_eq(say(&f, refused[_i].set), refused[_i].answer);
	ck_assert_str_eq(say(&f, "set=1\n\n"), "errno=0\n\n");
	end(&f);
}
END_TEST

START_TEST(what_came_before_the_mistake_stays)
{
	struct fixture f;

	begin(&f);
	ck_assert_str_eq(
		say(&f, "set=1\npublic_key=" PEER1
	                "\nallowed_ip=10.0.0.0/8\nallowed_ip=x\nallowed_ip=11.0.0.0/8\n"
	                "public_key=" PEER2 "\n\n"),
		EINVAL_TEXT);
	ck_assert_str_eq(
		say(&f, "get=1\n\n"), BARE_PEER(PEER1) IDLE
		"persistent_keepalive_interval=0\nallowed_ip=10.0.0.0/8\nerrno=0\n\n");
	end(&f);
}
END_TEST

START_TEST(lines_too_long_or_with_nul)
{
	char line[2 * UAPI_LINE_MAX];
	struct fixture f;

	begin(&f);
	memset(line, 'a', sizeof(line));
	ck_assert_str_eq(say(&f, "set=1\n"), "");
	ck_assert_uint_eq(uapi_feed(&f.uapi, line, sizeof(line), &f.out, NOW_NS),
	                  sizeof(line));
	ck_assert_str_eq(answer(&f), EPROTO_TEXT);
	ck_assert_str_eq(say(&f, "\n"), "");
	ck_assert_int_eq(f.uapi.state, UAPI_SKIP);
	ck_assert_str_eq(say(&f, "\nset=1\n"), "");
	ck_assert_uint_eq(uapi_feed(&f.uapi, "fwmark=1\0\n\n", 11, &f.out, NOW_NS), 11);
	ck_assert_str_eq(answer(&f), EPROTO_TEXT);
	ck_assert_int_eq(f.uapi.state, UAPI_OPERATION);
	ck_assert_uint_eq(f.fwmark, 0);
	end(&f);
}
END_TEST

START_TEST(no_operation_of_ours_ends_the_conversation)
{
	static const char *const operations[] = { "GET / HTTP/1.0\r\n", "set=2\n", "\n",
		                                  "get=1 \n" };

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		struct fixture f;

		begin(&f);
		ck_assert_uint_eq(feed(&f, operations[i]), strlen(operations[i]));
		ck_assert_int_eq(f.uapi.state, UAPI_CLOSED);
		ck_assert_uint_eq(feed(&f, "get=1\n\n"), 0);
		ck_assert_str_eq(answer(&f), "");
		end(&f);
	}
}
END_TEST

/* ---- changes that take time, and refusals of the host */

START_TEST(waiting_for_the_host)
{
	static const char rest[] = "fwmark=9\n\nget=1\n\n";
	struct fixture f;

	begin(&f);
	f.port_result = -EINPROGRESS;
	ck_assert_uint_eq(feed(&f, "set=1\nlisten_port=7\nfwmark=9\n\nget=1\n\n"),
	                  strlen("set=1\nlisten_port=7\n"));
	ck_assert_int_eq(f.uapi.state, UAPI_WAITING);
	ck_assert_uint_eq(feed(&f, rest), 0);
	ck_assert_str_eq(answer(&f), "");
	f.port_result = 0;
	device_set_port(f.device, 7);
	uapi_resume(&f.uapi, 0, &f.out, NOW_NS);
	ck_assert_str_eq(say(&f, rest),
	                 "errno=0\n\nlisten_port=7\nfwmark=9\nerrno=0\n\n");
	end(&f);
}
END_TEST

START_TEST(the_host_refuses)
{
	struct fixture f;

	begin(&f);
	f.port_result = -EADDRINUSE;
	ck_assert_str_eq(say(&f, "set=1\nlisten_port=7\npublic_key=" PEER1 "\n\n"),
	                 "errno=-98\n\n");
	f.port_result = -EINPROGRESS;
	ck_assert_uint_eq(feed(&f, "set=1\nlisten_port=7\n"), 20);
	uapi_resume(&f.uapi, -EADDRINUSE, &f.out, NOW_NS);
	ck_assert_str_eq(say(&f, "\n"), "errno=-98\n\n");
	f.host.set_port = NULL;
	ck_assert_str_eq(say(&f, "set=1\nlisten_port=7\n\n"), "errno=-95\n\n");
	ck_assert_str_eq(say(&f, "get=1\n\n"), "errno=0\n\n");
	end(&f);
}
END_TEST

/* `wg syncconf` says it each time, and sockets are not changed for it. */
START_TEST(the_same_port_again_asks_nobody)
{
	struct fixture f;

	begin(&f);
	device_set_port(f.device, 7);
	f.port_result = -EADDRINUSE;
	ck_assert_str_eq(say(&f, "set=1\nlisten_port=7\n\n"), "errno=0\n\n");
	end(&f);
}
END_TEST

/* ---- pieces, size, and other clients */

START_TEST(any_pieces_do)
{
	uint64_t random = unit_seed();

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct fixture f;
		const char *at = sets[i].set;

		begin(&f);
		while (*at) {
			size_t n = 1 + unit_below(&random, 20);

			n = n < strlen(at) ? n : strlen(at);
			ck_assert_uint_eq(uapi_feed(&f.uapi, at, n, &f.out, NOW_NS), n);
			ck_assert_int_eq(engine_settle(f.engine), 0);
			at += n;
		}
		ck_assert_str_eq(answer(&f), sets[i].answer);
		ck_assert_str_eq(say(&f, "get=1\n\n"), sets[i].get);
		end(&f);
	}
}
END_TEST

static bool has_way(const struct fixture *f, const char *text)
{
	struct ip_addr a;

	ck_assert(ip_addr_parse(&a, text));
	return trie_lookup(wg_device_allowed_ips(device_wg(f->device)), &a) &&
	       union_lookup(engine_union(f->engine), &a);
}

/* This is how `wg syncconf` sets a peer in which nothing has changed. Packets come between any
 * two bytes. */
START_TEST(a_prefix_that_is_replaced_by_itself_is_always_there)
{
	static const char again[] =
		"set=1\npublic_key=" PEER1
		"\nreplace_allowed_ips=true\nallowed_ip=10.1.0.0/16"
		"\nallowed_ip=10.2.0.0/16\npublic_key=" PEER2 "\nremove=true\n\n";
	struct fixture f;

	begin(&f);
	ck_assert_str_eq(say(&f, "set=1\npublic_key=" PEER1
	                         "\nallowed_ip=10.1.0.0/16\nallowed_ip=10.2.0.0/16"
	                         "\nallowed_ip=10.3.0.0/16\npublic_key=" PEER2
	                         "\nallowed_ip=10.4.0.0/16\n\n"),
	                 "errno=0\n\n");
	for (size_t i = 0; i < strlen(again); i++) {
		ck_assert_int_eq(engine_settle(f.engine), 0);
		ck_assert_msg(has_way(&f, "10.1.0.1") && has_way(&f, "10.2.0.1"),
		              "after %zu bytes", i);
		ck_assert_uint_eq(uapi_feed(&f.uapi, again + i, 1, &f.out, NOW_NS), 1);
	}
	ck_assert_str_eq(answer(&f), "errno=0\n\n");
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_uint_eq(union_count(engine_union(f.engine)), 2);
	/* the client hangs up before he has said all of them: these are all */
	ck_assert_uint_gt(feed(&f,
	                       "set=1\npublic_key=" PEER1
	                       "\nreplace_allowed_ips=true\nallowed_ip=10.1.0.0/16\n"),
	                  0);
	uapi_clear(&f.uapi);
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_uint_eq(union_count(engine_union(f.engine)), 1);
	uapi_init(&f.uapi, f.device, &f.host);
	end(&f);
}
END_TEST

START_TEST(many_allowed_ips)
{
	struct fixture f;
	char line[64];
	size_t n;

	begin(&f);
	ck_assert_uint_eq(feed(&f, "set=1\npublic_key=" PEER1 "\n"), 6 + 11 + 64 + 1);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "allowed_ip=10.%u.%u.0/24\n", i / 256,
		         i % 256);
		ck_assert_uint_eq(feed(&f, line), strlen(line));
	}
	ck_assert_str_eq(say(&f, "\n"), "errno=0\n\n");
	ck_assert_uint_eq(
		wg_peer_allowed_ip_count(wg_device_first_peer(device_wg(f.device))),
		10000);
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_uint_eq(union_count(engine_union(f.engine)), 10000);
	ck_assert_uint_eq(feed(&f, "get=1\n\n"), 7);
	n = outbuf_bytes(&f.out);
	ck_assert_uint_gt(n, 10000 * strlen("allowed_ip=10.0.0.0/24\n"));
	ck_assert_mem_eq(f.out.bytes + f.out.end - 9, "errno=0\n\n", 9);
	outbuf_consume(&f.out, n);
	end(&f);
}
END_TEST

/* Between two pieces packets come, for which the union is made again. */
START_TEST(the_union_is_not_made_for_each_piece)
{
	unsigned made = 0;
	struct fixture f;
	char line[64];
	size_t n = 0;

	begin(&f);
	ck_assert_uint_eq(feed(&f, "set=1\npublic_key=" PEER1 "\n"), 6 + 11 + 64 + 1);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(line, sizeof(line), "allowed_ip=10.%u.%u.0/24\n", i / 256,
		         i % 256);
		ck_assert_uint_eq(feed(&f, line), strlen(line));
		ck_assert_int_eq(engine_settle(f.engine), 0);
		made += union_count(engine_union(f.engine)) != n;
		n = union_count(engine_union(f.engine));
		ck_assert_uint_ge(n, i / 2);
	}
	ck_assert_uint_lt(made, 20);
	ck_assert_uint_lt(n, 3000);
	uapi_clear(&f.uapi); /* the client is gone, what it has set stays */
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_uint_eq(union_count(engine_union(f.engine)), 3000);
	uapi_init(&f.uapi, f.device, NULL);
	end(&f);
}
END_TEST

/* The peer whose lines are being sent is removed by somebody else. */
/* Who has an Endpoint is not answered by the way that he comes, unless the supervisor says
 * that only a message has told it. */
START_TEST(by_arrival)
{
	static const struct {
		const char *lines;
		bool by_arrival;
	} steps[] = {
		{ "allowed_ip=10.0.0.0/8\n", true },
		{ "tunion_by_arrival=false\n", false },
		{ "tunion_by_arrival=true\n", true },
		{ "endpoint=1.2.3.4:5\n", false },
		{ "endpoint=1.2.3.4:5\ntunion_by_arrival=true\n", true },
	};
	struct fixture f;
	char text[200];

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		snprintf(text, sizeof(text), "set=1\npublic_key=" PEER1 "\n%s\n",
		         steps[i].lines);
		ck_assert_str_eq(say(&f, text), "errno=0\n\n");
		ck_assert(wg_peer_by_arrival(wg_device_first_peer(device_wg(f.device))) ==
		          steps[i].by_arrival);
	}
	end(&f);
}
END_TEST

START_TEST(two_clients)
{
	struct fixture f;
	struct uapi other;
	struct outbuf out = { 0 };
	const char remove[] = "set=1\npublic_key=" PEER1 "\nremove=true\n\n";

	begin(&f);
	uapi_init(&other, f.device, &f.host);
	ck_assert_str_eq(
		say(&f, "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/8\nallowed"),
		"");
	ck_assert_uint_eq(uapi_feed(&other, remove, strlen(remove), &out, NOW_NS),
	                  strlen(remove));
	ck_assert_str_eq(say(&f, "_ip=11.0.0.0/8\npersistent_keepalive_interval=5\n"
	                         "endpoint=1.2.3.4:5\npreshared_key=" PSK "\n\n"),
	                 "errno=0\n\n");
	ck_assert_str_eq(say(&f, "get=1\n\n"), "errno=0\n\n");
	outbuf_clear(&out);
	uapi_clear(&other);
	end(&f);
}
END_TEST

/* A set touches the engine: the union has it before the next packet. */
START_TEST(the_union_follows)
{
	struct ip_addr dst;
	struct fixture f;

	begin(&f);
	ck_assert(ip_addr_parse(&dst, "10.1.2.3"));
	say(&f, "set=1\npublic_key=" PEER1 "\nallowed_ip=10.0.0.0/8\n\n");
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_ptr_nonnull(union_lookup(engine_union(f.engine), &dst));
	say(&f, "set=1\npublic_key=" PEER1 "\nremove=true\n\n");
	ck_assert_int_eq(engine_settle(f.engine), 0);
	ck_assert_ptr_null(union_lookup(engine_union(f.engine), &dst));
	end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/uapi");

	tcase_add_loop_test(tc, set_then_get, 0, ARRAY_SIZE(sets));
	tcase_add_loop_test(tc, what_get_says_can_be_set, 0, ARRAY_SIZE(sets));
	tcase_add_loop_test(tc, refusals, 0, ARRAY_SIZE(refused));
	tcase_add_test(tc, what_came_before_the_mistake_stays);
	tcase_add_test(tc, lines_too_long_or_with_nul);
	tcase_add_test(tc, no_operation_of_ours_ends_the_conversation);
	tcase_add_test(tc, waiting_for_the_host);
	tcase_add_test(tc, the_host_refuses);
	tcase_add_test(tc, the_same_port_again_asks_nobody);
	tcase_add_test(tc, any_pieces_do);
	tcase_add_test(tc, a_prefix_that_is_replaced_by_itself_is_always_there);
	tcase_add_test(tc, many_allowed_ips);
	tcase_add_test(tc, the_union_is_not_made_for_each_piece);
	tcase_add_test(tc, by_arrival);
	tcase_add_test(tc, two_clients);
	tcase_add_test(tc, the_union_follows);
	return tc;
}
