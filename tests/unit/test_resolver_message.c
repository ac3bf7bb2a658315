#include "channel/resolver_message.h"

#include <string.h>

#include "unit.h"

/* What is written is read as it was. */

START_TEST(a_question)
{
	struct resolver_question q = { .id = 0xfedcba98, .network = true }, got;
	struct resolver_question_wire w;

	memset(q.name, 'x', RESOLVER_MESSAGE_NAME_MAX);
	w = resolver_message_put_question(&q);
	ck_assert(resolver_message_get_question(&got, &w, sizeof(w)));
	ck_assert_uint_eq(got.id, q.id);
	ck_assert(got.network);
	ck_assert_str_eq(got.name, q.name);
}
END_TEST

START_TEST(an_answer)
{
	struct resolver_answer a = { .id = 7, .count = 2 }, got;
	struct resolver_answer_wire w;

	ck_assert(ip_addr_parse(&a.found[0], "192.0.2.1"));
	ck_assert(ip_addr_parse(&a.found[1], "2001:db8::1"));
	w = resolver_message_put_answer(&a);
	ck_assert(resolver_message_get_answer(&got, &w, sizeof(w)));
	ck_assert_uint_eq(got.id, 7);
	ck_assert_uint_eq(got.status, 0);
	ck_assert_uint_eq(got.count, 2);
	for (size_t i = 0; i < 2; i++)
		ck_assert(ip_addr_equal(&got.found[i], &a.found[i]));

	a = (struct resolver_answer){ .status = 4 };
	w = resolver_message_put_answer(&a);
	ck_assert(resolver_message_get_answer(&got, &w, sizeof(w)));
	ck_assert_uint_eq(got.status, 4);
	ck_assert_uint_eq(got.count, 0);
}
END_TEST

START_TEST(a_request_for_a_socket)
{
	struct resolver_socket s = { .stream = true, .server = 200 }, got;
	struct resolver_socket_wire w = resolver_message_put_socket(&s);

	ck_assert(resolver_message_get_socket(&got, &w, sizeof(w)));
	ck_assert(!got.network && got.stream);
	ck_assert_uint_eq(got.server, 200);
}
END_TEST

/* Whoever has taken it over may say anything. Each case changes one byte. */

static const struct {
	size_t at;
	uint8_t byte;
	const char *what;
} bad_answers[] = {
	{ 4, 1, "an error, and addresses" },
	{ 5, 0, "neither" },
	{ 5, 1, "an address behind the last one" },
	{ 5, 3, "an address too few" },
	{ 5, 17, "more than there is room for" },
	{ 5, 255, "many more" },
	{ 6, 0, "the first one has no family" },
	{ 6, 5, "there is no such family" },
	{ 11, 1, "IPv4 in five bytes" },
	{ 23, 4, "IPv6 in four bytes" },
	{ 40, 6, "a third one, unspecified" },
	{ 41, 1, "bytes without a family" },
	{ 277, 1, "the last byte" },
};

START_TEST(answers_that_are_none)
{
	struct resolver_answer a = { .id = 7, .count = 2 }, got;
	struct resolver_answer_wire good, bad;

	ck_assert(ip_addr_parse(&a.found[0], "192.0.2.1"));
	ck_assert(ip_addr_parse(&a.found[1], "2001:db8::1"));
	good = resolver_message_put_answer(&a);
	for (size_t i = 0; i < ARRAY_SIZE(bad_answers); i++) {
		uint8_t bytes[sizeof(good)];

		memcpy(bytes, &good, sizeof(bytes));
		bytes[bad_answers[i].at] = bad_answers[i].byte;
		ck_assert_msg(!resolver_message_get_answer(&got, bytes, sizeof(bytes)),
		              "%s", bad_answers[i].what);
	}
	bad = good;
	memset(bad.found[0].bytes, 0, sizeof(bad.found[0].bytes));
	ck_assert(!resolver_message_get_answer(&got, &bad, sizeof(bad)));
	bad = good;
	memset(bad.found[1].bytes, 0, sizeof(bad.found[1].bytes));
	ck_assert(!resolver_message_get_answer(&got, &bad, sizeof(bad)));
}
END_TEST

START_TEST(requests_that_are_none)
{
	struct resolver_socket got;
	const uint8_t network[] = { 2, 0, 0 }, stream[] = { 0, 2, 0 };

	ck_assert(!resolver_message_get_socket(&got, network, sizeof(network)));
	ck_assert(!resolver_message_get_socket(&got, stream, sizeof(stream)));
}
END_TEST

START_TEST(questions_that_are_none)
{
	struct resolver_question q = { .name = "a" }, got;
	struct resolver_question_wire good = resolver_message_put_question(&q),
				      bad = good;

	bad.network = 2;
	ck_assert(!resolver_message_get_question(&got, &bad, sizeof(bad)));
	bad = good;
	bad.name[0] = '\0';
	ck_assert(!resolver_message_get_question(&got, &bad, sizeof(bad)));
	bad = good;
	bad.name[2] = 'b';
	ck_assert(!resolver_message_get_question(&got, &bad, sizeof(bad)));
	memset(bad.name, 'a', sizeof(bad.name));
	ck_assert(!resolver_message_get_question(&got, &bad, sizeof(bad)));
}
END_TEST

START_TEST(other_lengths)
{
	static const uint8_t zeros[512];
	struct resolver_question question;
	struct resolver_answer answer;
	struct resolver_socket socket;

	for (size_t n = 0; n < sizeof(zeros); n++) {
		ck_assert(!resolver_message_get_question(&question, zeros, n));
		ck_assert(!resolver_message_get_answer(&answer, zeros, n));
		ck_assert(resolver_message_get_socket(&socket, zeros, n) == (n == 3));
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("channel/resolver_message");

	tcase_add_test(tc, a_question);
	tcase_add_test(tc, an_answer);
	tcase_add_test(tc, a_request_for_a_socket);
	tcase_add_test(tc, answers_that_are_none);
	tcase_add_test(tc, requests_that_are_none);
	tcase_add_test(tc, questions_that_are_none);
	tcase_add_test(tc, other_lengths);
	return tc;
}
