#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "page/page_target.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
_Static_assert(sizeof(TOKEN) - 1 == PAGE_TOKEN_CHARS, "as long as a token");
#define T "/" TOKEN "/"

static struct http_span text_of(const char *text)
{
	return (struct http_span){ text, strlen(text) };
}

static struct page_target target_of(const char *method, const char *target,
                                    const char *host)
{
	const struct page_request r = { .method = text_of(method),
		                        .target = text_of(target),
		                        .host = text_of(host) };

	return page_target_of(&r, TOKEN);
}

static const struct {
	const char *path;
	enum page_thing thing;
	const char *name;
} paths[] = {
	{ T, PAGE_THING_HTML, "" },
	{ T "?x=/", PAGE_THING_HTML, "" },
	{ T "status.json", PAGE_THING_STATUS, "" },
	{ T "status.json?1", PAGE_THING_STATUS, "" },
	{ T "metrics", PAGE_THING_METRICS, "" },
	{ T "hints.json", PAGE_THING_HINTS, "" },
	{ T "clients.json", PAGE_THING_CLIENTS, "" },
	{ T "clients/phone.conf", PAGE_THING_FILE, "phone" },
	{ T "clients/a.conf.conf", PAGE_THING_FILE, "a.conf" },
	{ T "clients/123456789012345.svg", PAGE_THING_QR, "123456789012345" },

	{ "/", PAGE_THING_NONE, "" },
	{ "/status.json", PAGE_THING_NONE, "" },
	{ "/" TOKEN, PAGE_THING_NONE, "" },
	{ "//" TOKEN "/", PAGE_THING_NONE, "" },
	{ "/0123456789abcdef0123456789abcdee/", PAGE_THING_NONE, "" },
	{ "/0123456789ABCDEF0123456789ABCDEF/", PAGE_THING_NONE, "" },
	{ "/0123456789abcdef0123456789abcde/", PAGE_THING_NONE, "" },
	{ "/0123456789abcdef0123456789abcdeff/", PAGE_THING_NONE, "" },
	{ "/0123456789abcdef0123456789abcdef?/", PAGE_THING_NONE, "" },
	{ T "/", PAGE_THING_NONE, "" },
	{ T "status", PAGE_THING_NONE, "" },
	{ T "Metrics", PAGE_THING_NONE, "" },
	{ T "metrics/", PAGE_THING_NONE, "" },
	{ T "./metrics", PAGE_THING_NONE, "" },
	{ T "clients/", PAGE_THING_NONE, "" },
	{ T "clients/.conf", PAGE_THING_NONE, "" },
	{ T "clients/phone", PAGE_THING_NONE, "" },
	{ T "clients/phone.png", PAGE_THING_NONE, "" },
	{ T "clients/../gate.conf", PAGE_THING_NONE, "" },
	{ T "clients/...conf", PAGE_THING_NONE, "" }, /* the name is ".." */
	{ T "clients/%2e%2e.conf", PAGE_THING_NONE, "" },
	{ T "clients/1234567890123456.conf", PAGE_THING_NONE, "" },
};

START_TEST(what_there_is)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct page_target t = target_of("GET", paths[i].path, "localhost");
		struct page_target head =
			target_of("HEAD", paths[i].path, "127.0.0.1:81");

		ck_assert_msg(t.thing == paths[i].thing, "%s", paths[i].path);
		ck_assert_uint_eq(t.refusal, t.thing == PAGE_THING_NONE ? 404 : 0);
		if (t.thing != PAGE_THING_NONE)
			ck_assert_str_eq(t.name, paths[i].name);
		ck_assert(!t.head && head.head);
		ck_assert_int_eq(head.thing, t.thing);
	}
}
END_TEST

static const struct {
	const char *host;
	bool ours;
} hosts[] = {
	{ "127.0.0.1", true },
	{ "127.0.0.1:1081", true },
	{ "127.8.9.1:9", true },
	{ "localhost", true },
	{ "LocalHost:9999", true }, /* by ssh -L */
	{ "[::1]", true },
	{ "[::1]:1081", true },
	{ "", false },
	{ "example.org", false },
	{ "example.org:1081", false },
	{ "localhost.example.org", false },
	{ "127.0.0.1.example.org", false },
	{ "127.0.0.1:1081.example.org", false },
	{ "127.0.0.1:a", false },
	{ "127.0.0.1 ", false },
	{ "localhost,example.org", false },
	{ "user@127.0.0.1", false },
	{ "192.168.1.5", false },
	{ "0.0.0.0", false },
	{ "[::]", false },
	{ "[2001:db8::1]:80", false },
	{ "::1", false },
	{ "[::1", false },
	{ "[::1]1081", false },
	{ "[127.0.0.1]", false },
	{ "[localhost]", false },
	{ "[", false },
	{ "]", false },
	{ ":", false },
	{ ":1081", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  false },
};

/* A wrong Host is refused whatever the path is, so that it doesn't show whether the token
 * was right. */
START_TEST(for_which_host)
{
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct page_target t = target_of("GET", T, hosts[i].host);

		ck_assert_msg((t.thing == PAGE_THING_HTML) == hosts[i].ours, "%s",
		              hosts[i].host);
		ck_assert_msg(hosts[i].ours || t.refusal == 421, "%s", hosts[i].host);
		t = target_of("GET", "/", hosts[i].host);
		ck_assert_uint_eq(t.refusal, hosts[i].ours ? 404 : 421);
	}
}
END_TEST

START_TEST(by_which_method)
{
	static const char *const methods[] = { "POST", "PUT",     "DELETE", "OPTIONS",
		                               "get",  "CONNECT", "GETT",   "TRACE" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct page_target t = target_of(methods[i], T, "localhost");

		ck_assert_msg(t.thing == PAGE_THING_NONE && t.refusal == 405, "%s",
		              methods[i]);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("page/page_target");

	tcase_add_test(tc, what_there_is);
	tcase_add_test(tc, for_which_host);
	tcase_add_test(tc, by_which_method);
	return tc;
}
