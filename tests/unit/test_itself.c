#include "proxy/itself.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *request, *local;
	bool users, page;
	const char *answer; /* how it begins; NULL: the page answers */
} cases[] = {
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "127.0.0.1:1080", false, true,
	  NULL },
	{ "GET /0123/ HTTP/1.1\r\n\r\n", "[::1]:1080", false, true, NULL },
	{ "GET / HTTP/1.1\r\n\r\n", NULL, false, true, NULL },
	/* without a page it is only a proxy */
	{ "GET / HTTP/1.1\r\n\r\n", "127.0.0.1:1080", false, false, "HTTP/1.1 400 " },
	/* other machines get nothing of it, whatever they say */
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "192.168.1.5:1080", false,
	  true, "HTTP/1.1 403 " },
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic "
	  "bWU6c2VjcmV0\r\n\r\n",
	  "[fd00::5]:1080", true, true, "HTTP/1.1 403 " },
	/* who the users are is asked before anything else */
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "127.0.0.1:1080", true, true,
	  "HTTP/1.1 401 " },
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic eDp5\r\n\r\n",
	  "127.0.0.1:1080", true, true, "HTTP/1.1 401 " },
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: Basic "
	  "bWU6c2VjcmV0\r\n\r\n",
	  "127.0.0.1:1080", true, true, "HTTP/1.1 401 " },
	{ "GET /0123/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic "
	  "bWU6c2VjcmV0\r\n\r\n",
	  "127.0.0.1:1080", true, true, NULL },
	/* the PAC file is for everybody */
	{ "GET /proxy.pac HTTP/1.1\r\n\r\n", "192.168.1.5:1080", true, false,
	  "HTTP/1.1 200 " },
	{ "GET /proxy.pac?x HTTP/1.1\r\n\r\n", "127.0.0.1:1080", true, true,
	  "HTTP/1.1 200 " },
	{ "POST /proxy.pac HTTP/1.1\r\n\r\n", "127.0.0.1:1080", false, true,
	  "HTTP/1.1 405 " },
	{ "GET /proxy.pac HTTP/1.1\r\n\r\n", NULL, false, true, "HTTP/1.1 404 " },
};

static struct users *make_users(void)
{
	char text[] = "me:secret\n";
	FILE *in = fmemopen(text, strlen(text), "r");
	struct diag diag = { 0 };
	struct users *users;

	ck_assert_int_eq(users_read(&users, in, "users", &diag), 0);
	fclose(in);
	return users;
}

START_TEST(who_gets_what)
{
	struct users *users = make_users();
	struct itself i = { .users = cases[_i].users ? users : NULL,
		            .has_page = cases[_i].page };
	struct http_message m;
	char *answer;
	size_t n;

	ck_assert(!cases[_i].local || endpoint_parse(&i.local, cases[_i].local));
	ck_assert_int_eq(
		http_request_read(&m, cases[_i].request, strlen(cases[_i].request)), 0);
	ck_assert(itself_is_meant(&m));
	ck_assert(itself_ask(&i, &m, &answer, &n) == (cases[_i].answer == NULL));
	if (cases[_i].answer) {
		ck_assert_uint_ge(n, strlen(cases[_i].answer));
		ck_assert_mem_eq(answer, cases[_i].answer, strlen(cases[_i].answer));
	} else {
		ck_assert_ptr_null(answer);
	}
	free(answer);
	users_free(users);
}
END_TEST

START_TEST(what_the_pac_file_says)
{
	static const struct {
		const char *at, *line;
	} pacs[] = {
		{ "127.0.0.1:1080", "  return \"PROXY 127.0.0.1:1080\";\n" },
		{ "[fd00::5]:80", "  return \"PROXY [fd00::5]:80\";\n" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(pacs); k++) {
		/* the Host is a stranger's word */
		static const char text[] =
			"GET /proxy.pac HTTP/1.1\r\nHost: a\";x\r\n\r\n";
		struct itself i = { 0 };
		struct http_message m;
		char *answer;
		size_t n;

		ck_assert(endpoint_parse(&i.local, pacs[k].at));
		ck_assert_int_eq(http_request_read(&m, text, strlen(text)), 0);
		ck_assert(!itself_ask(&i, &m, &answer, &n));
		ck_assert_ptr_nonnull(strstr(answer, pacs[k].line));
		ck_assert_ptr_nonnull(strstr(
			answer, "Content-Type: application/x-ns-proxy-autoconfig\r\n"));
		ck_assert_ptr_nonnull(
			strstr(answer, "X-Content-Type-Options: nosniff\r\n"));
		ck_assert_ptr_null(strstr(answer, "a\";x"));
		free(answer);
	}
}
END_TEST

START_TEST(what_is_for_the_proxy)
{
	static const char *const targets[] = { "http://h/", "https://h/", "*", "h:80" };

	for (size_t k = 0; k < ARRAY_SIZE(targets); k++) {
		char text[64];
		struct http_message m;

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n", targets[k]);
		ck_assert_int_eq(http_request_read(&m, text, strlen(text)), 0);
		ck_assert(!itself_is_meant(&m));
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/itself");

	tcase_add_loop_test(tc, who_gets_what, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, what_the_pac_file_says);
	tcase_add_test(tc, what_is_for_the_proxy);
	return tc;
}
