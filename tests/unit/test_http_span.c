#include "http/http_span.h"

#include <string.h>

#include "unit.h"

static struct http_span of(const char *text)
{
	return (struct http_span){ text, strlen(text) };
}

START_TEST(pieces)
{
	struct http_span rest = of("GET / x"), line;

	ck_assert(http_span_equals(http_span_take(&rest, ' '), "GET"));
	ck_assert(http_span_equals(http_span_take(&rest, ' '), "/"));
	ck_assert(http_span_equals(http_span_take(&rest, ' '), "x"));
	ck_assert(http_span_equals(http_span_take(&rest, ' '), ""));
	rest = of("a\r\nb\n\r\nc");
	ck_assert(http_span_equals(http_span_take_line(&rest), "a"));
	ck_assert(http_span_equals(http_span_take_line(&rest), "b"));
	line = http_span_take_line(&rest);
	ck_assert_uint_eq(line.n, 0);
	ck_assert(http_span_equals(http_span_take_line(&rest), "c"));
	ck_assert(http_span_equals(http_span_trim(of(" \t a b\t")), "a b"));
	ck_assert_uint_eq(http_span_trim(of(" \t ")).n, 0);
}
END_TEST

START_TEST(lists)
{
	ck_assert(http_span_has_word(of("Close"), "close"));
	ck_assert(http_span_has_word(of("a, ,\tclose ,b"), "CLOSE"));
	ck_assert(!http_span_has_word(of("a close, closed"), "close"));
	ck_assert(!http_span_has_word(of(""), "close"));
	ck_assert(http_span_has(of("x-a,x-b"), of("X-B")));
}
END_TEST

START_TEST(characters)
{
	ck_assert(http_span_is(of("gEt"), "GET"));
	ck_assert(!http_span_equals(of("gEt"), "GET"));
	ck_assert(http_span_is_token(of("M-SEARCH!")));
	ck_assert(!http_span_is_token(of("")));
	ck_assert(!http_span_is_token(of("a b")));
	ck_assert(!http_span_is_token((struct http_span){ "a\0", 2 }));
	ck_assert(http_span_is_text(of("a\t\303\244")));
	ck_assert(!http_span_is_text(of("a\r")));
	ck_assert(!http_span_is_text(of("\177")));
	ck_assert(!http_span_is_text((struct http_span){ "a\0", 2 }));
	ck_assert(http_span_is_visible(of("/x?y~")));
	ck_assert(!http_span_is_visible(of("/ x")));
	ck_assert(!http_span_is_visible(of("/\303\244")));
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("http/http_span");

	tcase_add_test(tc, pieces);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, characters);
	return tc;
}
