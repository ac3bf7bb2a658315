#include "proxy/association.h"
#include "proxy/udp_forward.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "names/lookup.h"
#include "proxy_lab.h"
#include "unit.h"

static int udp_at(struct sockaddr_in *at)
{
	socklen_t size = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)at, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &size), 0);
	return fd;
}

static void expect_datagram(struct proxy_lab *f, int fd, const void *bytes, size_t n,
                            struct sockaddr_in *from)
{
	uint8_t got[256];
	socklen_t size = sizeof(*from);
	ssize_t got_n = -1;

	for (int i = 0; i < ROUNDS && got_n < 0; i++) {
		got_n = recvfrom(fd, got, sizeof(got), MSG_DONTWAIT,
		                 (struct sockaddr *)from, &size);
		if (got_n < 0)
			proxy_lab_serve(f);
	}
	ck_assert_int_eq(got_n, (ssize_t)n);
	ck_assert_mem_eq(got, bytes, n);
}

START_TEST(datagrams_of_socks)
{
	struct sockaddr_in port = { .sin_family = AF_INET }, server_at, own, from;
	struct proxy_lab f;
	int client, udp, server, other;
	uint8_t answer[12], datagram[15] = "\0\0\0\1\177\0\0\1wwhello";

	proxy_lab_begin(&f);
	server = udp_at(&server_at);
	udp = udp_at(&own);
	other = udp_at(&from);
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, BYTES("\5\1\0\5\3\0\1\0\0\0\0\0\0"));
	ck_assert_uint_eq(proxy_lab_receive(&f, client, answer, 12), 12);
	ck_assert_mem_eq(answer, "\5\0\5\0\0\1\177\0\0\1", 10);
	memcpy(&port.sin_addr, answer + 6, 4);
	memcpy(&port.sin_port, answer + 10, 2);
	memcpy(datagram + 8, &server_at.sin_port, 2);
	ck_assert_int_eq(sendto(udp, datagram, sizeof(datagram), 0,
	                        (struct sockaddr *)&port, sizeof(port)),
	                 15);
	expect_datagram(&f, server, BYTES("hello"), &from);
	/* another port of the client is a stranger */
	ck_assert_int_eq(sendto(other, datagram, sizeof(datagram), 0,
	                        (struct sockaddr *)&port, sizeof(port)),
	                 15);
	ck_assert_int_eq(
		sendto(server, "hello", 5, 0, (struct sockaddr *)&from, sizeof(from)), 5);
	expect_datagram(&f, udp, datagram, sizeof(datagram), &from);
	ck_assert_int_lt(recv(server, answer, 1, MSG_DONTWAIT), 0);
	close(client);
	close(udp);
	close(server);
	close(other);
	proxy_lab_end(&f);
}
END_TEST

/* Somebody else on this machine is faster. */
START_TEST(a_client_that_says_its_port)
{
	struct sockaddr_in port = { .sin_family = AF_INET }, server_at, own, from;
	uint8_t request[13] = "\5\1\0\5\3\0\1\0\0\0\0pp";
	uint8_t answer[12], datagram[15] = "\0\0\0\1\177\0\0\1wwhello";
	struct proxy_lab f;
	int client, udp, server, other;

	proxy_lab_begin(&f);
	server = udp_at(&server_at);
	other = udp_at(&own);
	udp = udp_at(&own);
	memcpy(request + 11, &own.sin_port, 2);
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, request, sizeof(request));
	ck_assert_uint_eq(proxy_lab_receive(&f, client, answer, 12), 12);
	memcpy(&port.sin_addr, answer + 6, 4);
	memcpy(&port.sin_port, answer + 10, 2);
	memcpy(datagram + 8, &server_at.sin_port, 2);
	ck_assert_int_eq(
		sendto(other, datagram, 14, 0, (struct sockaddr *)&port, sizeof(port)),
		14);
	ck_assert_int_eq(
		sendto(udp, datagram, 15, 0, (struct sockaddr *)&port, sizeof(port)), 15);
	expect_datagram(&f, server, BYTES("hello"), &from);
	close(client);
	close(udp);
	close(server);
	close(other);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(datagrams_of_a_forwarded_port)
{
	struct sockaddr_in port, server_at, own[2], from[2], back;
	struct destination to = { .addr = { IP_V4, { 127, 0, 0, 1 } } };
	struct proxy_lab f;
	int server, clients[2], fd;

	proxy_lab_begin(&f);
	server = udp_at(&server_at);
	to.port = ntohs(server_at.sin_port);
	fd = udp_at(&port);
	ck_assert_int_eq(proxy_listen_udp(f.proxy, fd, PROXY_INSIDE, &to), 0);
	for (int i = 0; i < 2; i++) {
		clients[i] = udp_at(&own[i]);
		ck_assert_int_eq(sendto(clients[i], "hello", 5, 0,
		                        (struct sockaddr *)&port, sizeof(port)),
		                 5);
		expect_datagram(&f, server, BYTES("hello"), &from[i]);
	}
	ck_assert_int_ne(from[0].sin_port, from[1].sin_port);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sendto(server, i ? "b" : "a", 1, 0,
		                        (struct sockaddr *)&from[i], sizeof(from[i])),
		                 1);
		expect_datagram(&f, clients[i], i ? "b" : "a", 1, &back);
		ck_assert_int_eq(back.sin_port, port.sin_port);
		close(clients[i]);
	}
	close(server);
	proxy_lab_end(&f);
}
END_TEST

/* Sockets for c-ares, of which there are none: so each lookup fails at once. */
static int refuse_to_open(void *context, int family, int type)
{
	unsigned *asked = context;

	(void)family;
	(void)type;
	++*asked;
	return -EMFILE;
}

/* Datagrams to a name that can't be looked up don't ask for it each time. */
START_TEST(an_unknown_name_of_a_forwarded_port)
{
	const struct ip_addr nameserver = { IP_V4, { 127, 0, 0, 1 } };
	struct destination to = { .name = "unknown.example", .port = 1 };
	unsigned asked = 0, first = 0;
	const struct lookup_sockets none = { .open = refuse_to_open, .context = &asked };
	struct sockaddr_in port, own;
	struct lookup *lookup;
	struct proxy_lab f;
	int client, fd = udp_at(&port), err;

	proxy_lab_begin(&f);
	err = lookup_new_bare(&lookup, f.loop);
	ck_assert_int_eq(err, 0);
	lookup_set_own_sockets(lookup, &none);
	err = lookup_set_servers(lookup, &nameserver, 1, NULL, 0);
	ck_assert_int_eq(err, 0);
	proxy_use_lookup(f.proxy, lookup);
	ck_assert_int_eq(proxy_listen_udp(f.proxy, fd, PROXY_INSIDE, &to), 0);
	client = udp_at(&own);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(sendto(client, "hello", 5, 0, (struct sockaddr *)&port,
		                        sizeof(port)),
		                 5);
		proxy_lab_serve(&f);
		if (i == 0)
			first = asked;
	}
	ck_assert_uint_gt(first, 0);
	ck_assert_uint_lt(asked, 5 * first); /* it may be a slow machine */
	close(client);
	proxy_lab_end(&f);
	lookup_free(lookup);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/association, proxy/udp_forward");

	tcase_add_test(tc, datagrams_of_socks);
	tcase_add_test(tc, a_client_that_says_its_port);
	tcase_add_test(tc, datagrams_of_a_forwarded_port);
	tcase_add_test(tc, an_unknown_name_of_a_forwarded_port);
	return tc;
}
