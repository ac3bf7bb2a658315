/* What may a worker say, after which requests? The table of the module is repeated here in other
 * words; replies are compared with a plain list. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/permit.h"

static const struct {
	enum command_type says, after;
} rules[] = {
	{ COMMAND_STATUS_TEXT, COMMAND_STATUS },
	{ COMMAND_ENDPOINT, COMMAND_DEVICE_ADD },
	{ COMMAND_ENDPOINT_SET, COMMAND_DEVICE_ADD },
	{ COMMAND_UNANSWERED, COMMAND_DEVICE_ADD },
	{ COMMAND_PATH_NEWS, COMMAND_DEVICE_SOCKETS },
	{ COMMAND_PORT_WANTED, COMMAND_DEVICE_ADD },
	{ COMMAND_MARK_WANTED, COMMAND_DEVICE_ADD },
	{ COMMAND_OUTSIDE_WANTED, COMMAND_RESOLVER },
	{ COMMAND_TUN_LOST, COMMAND_TUN },
};

static bool expected(enum command_type says, enum command_type told)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].says == says)
			return rules[i].after == told;
	return says == COMMAND_LOG;
}

START_TEST(each_message_after_its_request)
{
	for (int told = COMMAND_NONE; told <= COMMAND_STATUS; told++) {
		struct permit p = { 0 };

		if (told != COMMAND_NONE)
			permit_tell(&p, (enum command_type)told);
		for (int says = COMMAND_NONE; says < COMMAND_TYPE_COUNT; says++)
			ck_assert_msg(permit_now(&p, (enum command_type)says) ==
			                      expected((enum command_type)says,
			                               (enum command_type)told),
			              "%s after %s",
			              command_type_name((enum command_type)says),
			              command_type_name((enum command_type)told));
		permit_clear(&p);
	}
}
END_TEST

#define ROUNDS 20000
#define MODEL  1000

static struct command any_request(uint64_t *random)
{
	static const enum command_type types[] = { COMMAND_DEVICE_ADD,
		                                   COMMAND_DEVICE_UAPI,
		                                   COMMAND_RESOLVER };
	struct command m = command_of(types[unit_random(random) % 3], NULL);

	snprintf(m.name, sizeof(m.name), "%u", (unsigned)(unit_random(random) % 3));
	return m;
}

START_TEST(each_reply_in_its_turn)
{
	static struct command due[MODEL];
	uint64_t random = unit_seed();
	struct permit p = { 0 };
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct command m = any_request(&random);
		struct permit_due out;

		if (unit_random(&random) % 5 < 2 + (unsigned)(i / 1000 % 2) &&
		    n < MODEL) {
			ck_assert_int_eq(permit_reserve(&p), 0);
			permit_request(&p, &m);
			due[n++] = m;
			ck_assert(permit_now(&p, COMMAND_LOG));
			continue;
		}
		m.request = m.type;
		m.type = COMMAND_REPLY;
		m.result = -(int32_t)(unit_random(&random) % 5000);
		if (!permit_reply(&p, &m, &out)) {
			ck_assert(n == 0 || m.result < -4095 ||
			          due[0].type != m.request ||
			          strcmp(due[0].name, m.name) != 0);
			continue;
		}
		ck_assert_uint_gt(n, 0);
		ck_assert_int_eq((int)out.request, (int)due[0].type);
		ck_assert_str_eq(out.name, due[0].name);
		ck_assert_int_eq((int)m.request, (int)due[0].type);
		ck_assert_str_eq(m.name, due[0].name);
		memmove(due, due + 1, --n * sizeof(*due));
		ck_assert_uint_eq(p.due_count, n);
	}
	permit_clear(&p);
	ck_assert_uint_eq(p.due_count, 0);
}
END_TEST

START_TEST(a_result_is_no_number_of_its_own)
{
	struct command m = command_of(COMMAND_RESOLVER, NULL);
	struct permit p = { 0 };
	struct permit_due out;

	ck_assert_int_eq(permit_reserve(&p), 0);
	permit_request(&p, &m);
	m.request = COMMAND_RESOLVER;
	m.result = 1;
	ck_assert(!permit_reply(&p, &m, &out));
	m.result = INT32_MIN;
	ck_assert(!permit_reply(&p, &m, &out));
	m.result = -4095;
	ck_assert(permit_reply(&p, &m, &out));
	ck_assert(!permit_reply(&p, &m, &out));
	permit_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/permit");

	tcase_add_test(tc, each_message_after_its_request);
	tcase_add_test(tc, each_reply_in_its_turn);
	tcase_add_test(tc, a_result_is_no_number_of_its_own);
	return tc;
}
