/* The requests of the supervisor to the worker, and the answers if they can't be carried
 * out. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/core.h"
#include "worker_lab.h"

#define INITIATION_BYTES 148

static struct worker_lab lab;
static struct sockaddr_un uapi_address;
static socklen_t uapi_address_len;

static void set_up(void)
{
	worker_lab_begin(&lab);
	worker_lab_device(&lab, "home", &uapi_address, &uapi_address_len);
}

static void tear_down(void)
{
	worker_lab_end(&lab);
}

/* A socket for a peer's datagrams. */
static int peer_socket(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(*address);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
		                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

/* Returns the length of the datagram that has arrived; 0: none has. */
static size_t arrived(int fd)
{
	uint8_t bytes[2048];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	return n < 0 ? 0 : (size_t)n;
}

/* Gives the device sockets of its own. Returns their port. */
static uint16_t give_sockets(const char *name)
{
	struct command m = command_of(COMMAND_DEVICE_SOCKETS, name);
	struct endpoint at = { 0 };
	int fds[UDP_FAMILIES];

	ck_assert_int_eq(udp_open(fds, &at, 0), 0);
	m.port = at.port;
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (fds[f] >= 0)
			m.fds[m.fd_count++] = fds[f];
	m.mark = 7;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	return m.port;
}

/* Gives the device keys and a peer with this address, and starts it. */
static void start_with_peer(const struct sockaddr_in *address, const char *more)
{
	char text[512];

	give_sockets("home");
	snprintf(text, sizeof(text),
	         "set=1\nprivate_key=" LAB_PRIVATE "\npublic_key=" LAB_PEER1
	         "\nendpoint=127.0.0.1:%u\nallowed_ip=10.9.0.0/24\n%s\n",
	         (unsigned)ntohs(address->sin_port), more);
	ck_assert_int_eq(worker_lab_uapi(&lab, "home", text), 0);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_START, "home"), 0);
}

/* ---- devices */

START_TEST(requests_about_a_device_that_is_not_there)
{
	static const enum command_type types[] = {
		COMMAND_DEVICE_REMOVE, COMMAND_DEVICE_SETTINGS, COMMAND_DEVICE_SOCKETS,
		COMMAND_DEVICE_START,  COMMAND_PEER_VIA,        COMMAND_PEER_TRY,
		COMMAND_DEVICE_STOP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		ck_assert_int_eq(worker_lab_ask_name(&lab, types[i], "nobody"), -ENOENT);
	/* a set that comes in pieces has one reply all the same */
	worker_lab_uapi_piece(&lab, "nobody", "set=1\n");
	ck_assert(worker_lab_silent(&lab));
	ck_assert_int_eq(worker_lab_uapi(&lab, "nobody", "listen_port=1\n\n"), -ENOENT);
}
END_TEST

START_TEST(a_device_is_added_once)
{
	struct command m = command_of(COMMAND_DEVICE_ADD, "home");
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	m.fds[0] = pair[0];
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), -EEXIST);
	ck_assert(worker_lab_closed(pair[1]));
	close(pair[1]);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "home"), 0);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "home"),
	                 -ENOENT);
	worker_lab_device(&lab, "home", &uapi_address, &uapi_address_len);
}
END_TEST

START_TEST(a_device_stops_and_starts)
{
	const struct wg_device *wg = device_wg(engine_find_device(lab.engine, "home"));

	for (int i = 0; i < 2; i++) {
		ck_assert(!wg_device_started(wg));
		ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_START, "home"),
		                 0);
		ck_assert(wg_device_started(wg));
		ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_STOP, "home"),
		                 0);
	}
}
END_TEST

START_TEST(a_device_needs_a_socket_for_its_uapi)
{
	struct command m = command_of(COMMAND_DEVICE_ADD, "vpn");

	ck_assert_int_eq(worker_lab_ask(&lab, &m), -EPROTO);
	m.fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC); /* nothing to wait for */
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), -EPERM);
	ck_assert_ptr_null(worker_device_find(&lab.devices, "vpn"));
	ck_assert_ptr_null(engine_find_device(lab.engine, "vpn"));
}
END_TEST

START_TEST(devices_are_removed_in_any_order)
{
	struct sockaddr_un other;
	socklen_t other_len;

	worker_lab_device(&lab, "vpn", &other, &other_len);
	worker_lab_device(&lab, "lab", &other, &other_len);
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "vpn"), 0);
	ck_assert_ptr_nonnull(worker_device_find(&lab.devices, "home"));
	ck_assert_int_eq(worker_lab_ask_name(&lab, COMMAND_DEVICE_REMOVE, "home"), 0);
	ck_assert_ptr_nonnull(worker_device_find(&lab.devices, "lab"));
}
END_TEST

START_TEST(settings_reach_the_device)
{
	struct command m = command_of(COMMAND_DEVICE_SETTINGS, "home");
	struct ip_addr address, server;

	ck_assert(ip_addr_parse(&address, "10.1.0.2"));
	ck_assert(ip_addr_parse(&server, "10.1.0.53"));
	m.addresses = &address;
	m.address_count = 1;
	m.servers = &server;
	m.server_count = 1;
	m.settings.mtu_bytes = 1337;
	m.text = "example.com\n\nexample.net\n";
	m.text_bytes = strlen(m.text);
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_uint_eq(device_mtu_bytes(engine_find_device(lab.engine, "home")), 1337);
	/* and again without domains, when it has sockets; their port stays */
	give_sockets("home");
	m.text_bytes = 0;
	m.settings.mtu_bytes = 1280;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_uint_eq(device_mtu_bytes(engine_find_device(lab.engine, "home")), 1280);
	ck_assert_uint_ne(device_port(engine_find_device(lab.engine, "home")), 0);
}
END_TEST

/* Members by position, so that the compiler asks for a new one: it has to reach the engine, too. */
static const struct command_settings settings[] = {
	{ 1337, -3, true, true, true, true, false, true, true, true, true },
	{ 1280, 7, true, false, false, false, true, false, false, false, false },
};

START_TEST(each_setting_reaches_the_engine)
{
	struct command m = command_of(COMMAND_DEVICE_SETTINGS, "home");
	const struct device *d = engine_find_device(lab.engine, "home");
	const struct command_settings *s = &settings[_i];

	m.settings = *s;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_uint_eq(d->mtu_bytes, s->mtu_bytes);
	ck_assert_int_eq(d->way.metric, s->metric);
	ck_assert(d->way.has_metric == s->has_metric);
	ck_assert(d->way.has_fwmark == s->has_fwmark);
	ck_assert(d->way.table_off == s->table_off);
	ck_assert(d->left_out == s->left_out);
	ck_assert(d->tun.own == s->own_tun);
	ck_assert(d->source_fix_off == s->source_fix_off);
	ck_assert(d->source_check_off == s->source_check_off);
	ck_assert(d->gate.on == s->gate);
	ck_assert(d->gate.isolate_off == s->isolate_off);
}
END_TEST

/* ---- sockets */

START_TEST(sockets_and_what_is_none)
{
	static const struct {
		const char *why;
		int domain[2]; /* the types of the two descriptors; 0: none */
		int result;
	} given[] = {
		{ "one family", { AF_INET, 0 }, 0 },
		{ "the same family twice", { AF_INET, AF_INET }, -EPROTO },
		{ "another kind of socket", { AF_INET, AF_UNIX }, -EPROTO },
		{ "the other kind first", { AF_UNIX, AF_INET }, -EPROTO },
		{ "no socket", { -1, 0 }, -EPROTO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		struct command m = command_of(COMMAND_DEVICE_SOCKETS, "home");

		m.port = (uint16_t)(1000 + i);
		for (size_t n = 0; n < 2 && given[i].domain[n]; n++) {
			m.fds[n] = given[i].domain[n] < 0
			                   ? open("/dev/null", O_RDONLY | O_CLOEXEC)
			                   : socket(given[i].domain[n],
			                            SOCK_DGRAM | SOCK_NONBLOCK, 0);
			ck_assert_int_ge(m.fds[n], 0);
			m.fd_count++;
		}
		ck_assert_msg(worker_lab_ask(&lab, &m) == given[i].result, "%s",
		              given[i].why);
		/* what is refused changes nothing */
		ck_assert_uint_eq(device_port(engine_find_device(lab.engine, "home")),
		                  1000);
	}
}
END_TEST

START_TEST(new_sockets_take_the_place_of_the_old_ones)
{
	struct worker_device *d = worker_device_find(&lab.devices, "home");
	struct command m = command_of(COMMAND_DEVICE_SOCKETS, "home");
	uint16_t port = give_sockets("home"), again = give_sockets("home");

	ck_assert_uint_ne(port, again);
	ck_assert_uint_eq(device_port(d->device), again);
	ck_assert_uint_eq(d->mark, 7);
	m.port = again; /* only another mark */
	m.mark = 9;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_uint_eq(d->mark, 9);
	ck_assert_ptr_nonnull(d->udp);
	m.type = COMMAND_SOCKETS_ANSWER;
	m.result = -EADDRINUSE; /* it failed: everything stays as it is */
	m.port = 1;
	m.mark = 1;
	ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
	ck_assert_uint_eq(d->mark, 9);
	ck_assert_uint_eq(device_port(d->device), again);
}
END_TEST

START_TEST(sockets_that_the_loop_can_not_wait_for)
{
	struct worker_device *d = worker_device_find(&lab.devices, "home");
	int fds[UDP_FAMILIES] = { open("/dev/null", O_RDONLY | O_CLOEXEC), -1 };

	give_sockets("home");
	ck_assert_int_eq(worker_device_use_udp(d, fds), -EPERM);
	ck_assert_ptr_null(d->udp);
	give_sockets("home");
	ck_assert_ptr_nonnull(d->udp);
}
END_TEST

/* test_worker tests what is read from sockets and written to them. */
START_TEST(a_broken_socket_is_left_alone)
{
	struct worker_device *d = worker_device_find(&lab.devices, "home");
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6,
		                     .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET,
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int from4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int from6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), kept, fd;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct command m;

	ipv4.sin_port = ipv6.sin6_port = htons(give_sockets("home"));
	if (from6 >=
	    0) /* this socket is not broken; if the host has no IPv6, it gets nothing */
		(void)!sendto(from6, "?", 1, 0, (struct sockaddr *)&ipv6, sizeof(ipv6));
	fd = d->udp_sources[UDP_IPV4].fd;
	kept = dup(fd); /* so that epoll still waits for it */
	ck_assert_int_ge(dup2(null, fd), 0);
	ck_assert_int_eq(sendto(from4, "?", 1, 0, (struct sockaddr *)&ipv4, sizeof(ipv4)),
	                 1);
	/* only once: epoll can't forget a descriptor that now stands for another file */
	ck_assert_int_eq(loop_wait(lab.loop, loop_now_ns()), 0);
	worker_lab_expect(&lab, COMMAND_LOG, &m);
	ck_assert_int_eq(m.result, LOG_LEVEL_ERROR);
	ck_assert_ptr_nonnull(memmem(m.text, m.text_bytes, "can't be read any more", 22));
	command_clear(&m);
	ck_assert(worker_lab_silent(&lab));
	close(kept);
	close(null);
	close(from4);
	if (from6 >= 0)
		close(from6);
}
END_TEST

/* ---- peers */

START_TEST(a_started_device_sends_and_tries_again)
{
	struct command try = command_of(COMMAND_PEER_TRY, "home");
	struct command changed = command_of(COMMAND_NETWORK_CHANGED, NULL);
	struct command sockets = command_of(COMMAND_DEVICE_SOCKETS, "home");
	struct sockaddr_in address;
	int fd = peer_socket(&address);

	start_with_peer(&address, "persistent_keepalive_interval=25\n");
	ck_assert_uint_eq(arrived(fd), INITIATION_BYTES);
	/* an unknown peer is not tried */
	ck_assert_int_eq(worker_lab_ask(&lab, &try), 0);
	ck_assert_uint_eq(arrived(fd), 0);
	/* a peer that has been tried waits for REKEY_TIMEOUT */
	ck_assert(key_from_hex(try.key, LAB_PEER1, strlen(LAB_PEER1)));
	ck_assert_int_eq(worker_lab_ask(&lab, &try), 0);
	ck_assert_uint_eq(arrived(fd), 0);
	/* another network is a reason to try at once */
	ck_assert_int_eq(worker_lab_ask(&lab, &changed), 0);
	ck_assert_uint_eq(arrived(fd), INITIATION_BYTES);
	/* so is another mark, but not the same one again */
	sockets.port = device_port(worker_device_find(&lab.devices, "home")->device);
	sockets.mark = 9;
	ck_assert_int_eq(worker_lab_ask(&lab, &sockets), 0);
	ck_assert_uint_eq(arrived(fd), INITIATION_BYTES);
	ck_assert_int_eq(worker_lab_ask(&lab, &sockets), 0);
	ck_assert_uint_eq(arrived(fd), 0);
	close(fd);
}
END_TEST

START_TEST(a_peer_goes_through_a_device)
{
	struct command via = command_of(COMMAND_PEER_VIA, "home");
	struct sockaddr_un other;
	socklen_t other_len;
	struct sockaddr_in address;
	int fd = peer_socket(&address);

	worker_lab_device(&lab, "vpn", &other, &other_len);
	ck_assert(key_from_hex(via.key, LAB_PEER1, strlen(LAB_PEER1)));
	via.via = WAY_VIA_DEVICE;
	snprintf(via.via_name, sizeof(via.via_name), "vpn");
	ck_assert_int_eq(worker_lab_ask(&lab, &via), 0);
	start_with_peer(&address, "persistent_keepalive_interval=25\n");
	ck_assert_uint_eq(arrived(fd), 0); /* vpn has no peer that takes it */
	close(fd);
}
END_TEST

/* ---- UAPI text */

START_TEST(one_reply_for_each_set)
{
	static const struct {
		const char *why, *pieces[3];
		int replies[3]; /* the list ends with 1 */
	} texts[] = {
		{ "in pieces",
		  { "set=1\npriva", "te_key=" LAB_PRIVATE "\n", "\n" },
		  { 0, 1 } },
		{ "two in one piece", { "set=1\n\nset=1\n\n" }, { 0, 0, 1 } },
		{ "an error, and then none",
		  { "set=1\nfwmark=x\n", "listen_port=1\n\nset=1\n\n" },
		  { -EINVAL, 0, 1 } },
		{ "the port is the supervisor's to say",
		  { "set=1\nlisten_port=1\n\n" },
		  { -EOPNOTSUPP, 1 } },
		{ "the mark, too", { "set=1\nfwmark=1\n\n" }, { -EOPNOTSUPP, 1 } },
		{ "another protocol", { "HELO\nset=1\n\n" }, { -EPROTO, 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (size_t n = 0; n < ARRAY_SIZE(texts[i].pieces); n++)
			if (texts[i].pieces[n])
				worker_lab_uapi_piece(&lab, "home", texts[i].pieces[n]);
		for (size_t n = 0; texts[i].replies[n] != 1; n++) {
			struct command reply;

			worker_lab_expect(&lab, COMMAND_REPLY, &reply);
			ck_assert_int_eq(reply.request, COMMAND_DEVICE_UAPI);
			ck_assert_str_eq(reply.name, "home");
			ck_assert_msg(reply.result == texts[i].replies[n], "%s: %d",
			              texts[i].why, reply.result);
		}
		ck_assert_msg(worker_lab_silent(&lab), "%s", texts[i].why);
	}
}
END_TEST

/* ---- the resolver and the host */

START_TEST(the_resolver_has_an_address_of_each_family)
{
	struct command m = command_of(COMMAND_RESOLVER, NULL);
	struct ip_addr addresses[2];

	ck_assert(ip_addr_parse(&addresses[0], "198.18.0.1"));
	ck_assert(ip_addr_parse(&addresses[1], "fd00::53"));
	m.addresses = addresses;
	for (m.address_count = 0; m.address_count <= 2; m.address_count++)
		ck_assert_int_eq(worker_lab_ask(&lab, &m), 0);
}
END_TEST

START_TEST(the_networks_of_the_host)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "", 0 },
		{ "192.168.1.0/24\nfd00:1::/64\n192.168.1.0/24\n", 0 },
		{ "192.168.1.0/24\nnonsense\n", -EPROTO },
		{ "192.168.1.0/24", 0 },
	};
	struct command m = command_of(COMMAND_HOST_NETWORKS, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		m.text = cases[i].text;
		m.text_bytes = strlen(cases[i].text);
		ck_assert_int_eq(worker_lab_ask(&lab, &m), cases[i].result);
	}
}
END_TEST

/* ---- status */

/* The JSON, put together from its pieces. */
static json_t *status(size_t *pieces)
{
	struct command m = command_of(COMMAND_STATUS, NULL);
	struct outbuf text = { 0 };
	json_t *json;

	ck_assert(worker_requests_handle(&lab.requests, &m));
	for (*pieces = 0;; *pieces += 1) {
		size_t n;

		worker_lab_expect(&lab, COMMAND_STATUS_TEXT, &m);
		n = m.text_bytes;
		ck_assert_uint_le(n, COMMAND_TEXT_MAX);
		if (n)
			outbuf_add(&text, m.text, n);
		command_clear(&m);
		if (n == 0)
			break;
	}
	json = json_loadb((char *)text.bytes + text.first, outbuf_bytes(&text), 0, NULL);
	outbuf_clear(&text);
	ck_assert_ptr_nonnull(json);
	return json;
}

START_TEST(a_long_status_comes_in_pieces)
{
	json_t *json, *device;
	size_t pieces;

	give_sockets("home");
	json = status(&pieces);
	ck_assert_uint_eq(pieces, 1);
	device = json_array_get(json_object_get(json, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "name")), "home");
	ck_assert_int_eq(json_integer_value(json_object_get(device, "fwmark")), 7);
	json_decref(json);
	for (unsigned i = 0; i < 200; i++) {
		char text[128], key[KEY_HEX_CHARS + 1];
		uint8_t bytes[KEY_BYTES] = { (uint8_t)i, 1 };

		key_to_hex(key, bytes);
		snprintf(text, sizeof(text), "set=1\npublic_key=%s\n\n", key);
		ck_assert_int_eq(worker_lab_uapi(&lab, "home", text), 0);
	}
	json = status(&pieces);
	ck_assert_uint_gt(pieces, 1);
	device = json_array_get(json_object_get(json, "devices"), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(device, "peers")), 200);
	json_decref(json);
}
END_TEST

/* ---- messages that are no requests */

START_TEST(messages_that_a_supervisor_does_not_send)
{
	static const enum command_type types[] = {
		COMMAND_REPLY,       COMMAND_STATUS_TEXT,  COMMAND_ENDPOINT,
		COMMAND_UNANSWERED,  COMMAND_PATH_NEWS,    COMMAND_PORT_WANTED,
		COMMAND_MARK_WANTED, COMMAND_LOG,          COMMAND_TUN_LOST,
		COMMAND_NONE,        COMMAND_ENDPOINT_SET,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct command m = command_of(types[i], "home");

		ck_assert(!worker_requests_handle(&lab.requests, &m));
		ck_assert(worker_lab_silent(&lab));
	}
}
END_TEST

START_TEST(what_is_told_about_a_peer)
{
	struct device *device = engine_find_device(lab.engine, "home");
	struct wg_peer *peer;
	struct endpoint e;
	struct command m;

	ck_assert_int_eq(
		worker_lab_uapi(&lab, "home", "set=1\npublic_key=" LAB_PEER2 "\n\n"), 0);
	peer = wg_device_first_peer(device_wg(device));
	ck_assert(endpoint_parse(&e, "[2001:db8::1]:51820"));
	report_peer(&lab.report, COMMAND_UNANSWERED, device, peer, &e);
	worker_lab_expect(&lab, COMMAND_UNANSWERED, &m);
	ck_assert_str_eq(m.name, "home");
	ck_assert_mem_eq(m.key, wg_peer_public_key(peer), KEY_BYTES);
	ck_assert(endpoint_equal(&m.endpoint, &e));
}
END_TEST

/* Nothing may pile up in the worker because the supervisor is busy. */
START_TEST(log_lines_are_dropped_if_nobody_reads)
{
	char line[1000];
	size_t most;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 2000; i++)
		report_log(&lab.report, LOG_LEVEL_ERROR, line);
	most = lab.channel.waiting_bytes;
	ck_assert_uint_ge(most, 256U * 1024);
	ck_assert_uint_le(most, 256U * 1024 + 2 * sizeof(line));
	ck_assert(!lab.report.failed);
	/* a channel that is closed can't be told anything */
	channel_clear(&lab.channel);
	lab.channel.fd = -1;
	report_log(&lab.report, LOG_LEVEL_ERROR, line);
	ck_assert(lab.report.failed);
	lab.report.failed = false;
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("worker/worker_requests");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, requests_about_a_device_that_is_not_there);
	tcase_add_test(tc, a_device_is_added_once);
	tcase_add_test(tc, a_device_stops_and_starts);
	tcase_add_test(tc, a_device_needs_a_socket_for_its_uapi);
	tcase_add_test(tc, devices_are_removed_in_any_order);
	tcase_add_test(tc, settings_reach_the_device);
	tcase_add_loop_test(tc, each_setting_reaches_the_engine, 0, ARRAY_SIZE(settings));
	tcase_add_test(tc, sockets_and_what_is_none);
	tcase_add_test(tc, new_sockets_take_the_place_of_the_old_ones);
	tcase_add_test(tc, sockets_that_the_loop_can_not_wait_for);
	tcase_add_test(tc, a_broken_socket_is_left_alone);
	tcase_add_test(tc, a_started_device_sends_and_tries_again);
	tcase_add_test(tc, a_peer_goes_through_a_device);
	tcase_add_test(tc, one_reply_for_each_set);
	tcase_add_test(tc, the_resolver_has_an_address_of_each_family);
	tcase_add_test(tc, the_networks_of_the_host);
	tcase_add_test(tc, a_long_status_comes_in_pieces);
	tcase_add_test(tc, messages_that_a_supervisor_does_not_send);
	tcase_add_test(tc, what_is_told_about_a_peer);
	tcase_add_test(tc, log_lines_are_dropped_if_nobody_reads);
	return tc;
}
