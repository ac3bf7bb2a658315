/* Requests of HTTP that are for the proxy itself, over a whole proxy. */
#include "proxy/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy_lab.h"
#include "unit.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"

static const char asked[] = "GET /0123/?x HTTP/1.1\r\nHost: localhost:1080\r\n"
			    "Authorization: Basic bWU6c2VjcmV0\r\nCookie: a=b\r\n"
			    "Connection: keep-alive, x-a\r\nX-A: 1\r\n\r\n";
static const char passed_on[] = "GET /0123/?x HTTP/1.1\r\nHost: localhost:1080\r\n\r\n";
static const char answered[] =
	"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\npage";

static void page_once(struct proxy_lab *f, int client)
{
	proxy_lab_say(client, asked, strlen(asked));
	for (int i = 0; i < ROUNDS && f->page < 0; i++)
		proxy_lab_serve(f);
	proxy_lab_expect(f, f->page, passed_on, strlen(passed_on));
	proxy_lab_say(f->page, BYTES(OK));
	proxy_lab_expect(f, client, answered, strlen(answered));
}

/* The page and a server by turns, on one connection of the client. */
START_TEST(a_page_behind_the_proxy)
{
	struct sockaddr_in at;
	char request[128];
	struct proxy_lab f;
	int client, first, listener, server;

	proxy_lab_begin_with_page(&f, NULL);
	client = proxy_lab_connect_to(&f.at);
	page_once(&f, client);
	first = f.page;
	page_once(&f, client);
	ck_assert_int_eq(f.page, first); /* the same connection */
	listener = proxy_lab_listen_at(&at, 10);
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n",
	         ntohs(at.sin_port));
	proxy_lab_say(client, request, strlen(request));
	server = proxy_lab_accept_one(&f, listener);
	ck_assert(proxy_lab_ends(&f, f.page));
	close(f.page);
	f.page = -1;
	proxy_lab_expect(&f, server, BYTES("GET / HTTP/1.1\r\n"));
	proxy_lab_say(server, BYTES("HTTP/1.1 204 No\r\n\r\n"));
	proxy_lab_expect(&f, client,
	                 BYTES("HTTP/1.1 204 No\r\nConnection: keep-alive\r\n\r\n"));
	page_once(&f, client);
	close(f.page);
	close(server);
	close(listener);
	close(client);
	proxy_lab_end(&f);
}
END_TEST

START_TEST(a_page_that_is_gone)
{
	struct proxy_lab f;
	int client;

	proxy_lab_begin_with_page(&f, NULL);
	close(f.page_fds[1]);
	f.page_fds[1] = 0;
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, asked, strlen(asked));
	proxy_lab_expect(&f, client, BYTES("HTTP/1.1 503 "));
	close(client);
	proxy_lab_end(&f);
}
END_TEST

/* The page is only for users of the proxy, if that has any, and doesn't see the password. */
START_TEST(a_page_for_users)
{
	char text[] = "me:secret\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct users *users;
	struct proxy_lab f;
	int client, err = users_read(&users, in, "users", &diag);

	ck_assert_int_eq(err, 0);
	fclose(in);
	proxy_lab_begin_with_page(&f, users);
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, BYTES("GET /0123/ HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	proxy_lab_expect(&f, client, BYTES("HTTP/1.1 401 "));
	ck_assert_int_eq(f.page, -1);
	close(client);
	client = proxy_lab_connect_to(&f.at);
	page_once(&f, client);
	close(f.page);
	close(client);
	proxy_lab_end(&f);
	users_free(users);
}
END_TEST

START_TEST(the_pac_file)
{
	struct proxy_lab f;
	char line[64], got[1024] = "";
	int client;

	proxy_lab_begin_with_page(&f, NULL);
	client = proxy_lab_connect_to(&f.at);
	proxy_lab_say(client, BYTES("GET /proxy.pac HTTP/1.1\r\n\r\n"));
	(void)proxy_lab_receive(&f, client, got, sizeof(got) - 1);
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 200 OK\r\n", 17), 0);
	snprintf(line, sizeof(line), "\"PROXY 127.0.0.1:%d\"", ntohs(f.at.sin_port));
	ck_assert_ptr_nonnull(strstr(got, line));
	close(client);
	proxy_lab_end(&f);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/request");

	tcase_add_test(tc, a_page_behind_the_proxy);
	tcase_add_test(tc, a_page_that_is_gone);
	tcase_add_test(tc, a_page_for_users);
	tcase_add_test(tc, the_pac_file);
	return tc;
}
