/* tests/unit/test_outlook.c - the kernel's answers are those of a table */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "io/outward.h"
#include "planned.h"
#include "supervisor/outlook.h"

#define MARK 7

#define INTERFACE(n) "[Interface]\nAddress = 10.8." n ".2\n"

/* Peers at 192.0.2.1 and .2; one that the first carries; and a gate, whose clients aren't
 * looked at. */
static const char *const texts[] = {
	"a",
	INTERFACE("0") PEER("a") "Endpoint = 192.0.2.1:1\nAllowedIPs = 10.0.0.0/8\n",
	"b",
	INTERFACE("1") PEER("b") "Endpoint = 192.0.2.2:1\n" PEER(
		"c") "AllowedIPs = 10.7.0.0/16\n",
	"c",
	INTERFACE("2") PEER("d") "Endpoint = 10.0.0.3:1\n",
	"g",
	INTERFACE("3") "# tunion: Gate = on\n" PEER(
		"e") "AllowedIPs = 10.8.3.3/32\nEndpoint = 192.0.2.3:1\n",
	NULL
};

/* Where a datagram to 192.0.2.x comes from; NULL: nowhere. */
static const char *sources[4];
static unsigned looks;
static const struct outward_sockets glass = { -1, -1 };

int outward_look(const struct outward_sockets *by, const struct endpoint *to,
                 uint32_t mark, struct outward *out)
{
	const char *source = sources[to->addr.b[3]];

	looks++;
	ck_assert_uint_eq(mark, MARK);
	ck_assert_ptr_eq(by, &glass);
	*out = (struct outward){ 0 };
	if (!source)
		return -ENETUNREACH;
	ck_assert(ip_addr_parse(&out->source, source));
	return 0;
}

static const struct {
	const char *sources[4];
	bool changed;
} steps[] = {
	{ { [1] = "198.51.100.2", [2] = "198.51.100.2", [3] = "198.51.100.2" }, false },
	{ { [1] = "198.51.100.2", [2] = "198.51.100.2" }, false },
	{ { [1] = "198.51.100.7", [2] = "198.51.100.7" }, true },
	{ { [1] = "198.51.100.7", [2] = "198.51.100.7" }, false },
	{ { [2] = "198.51.100.7" }, false }, /* a way is gone */
	{ { NULL }, false },                 /* the others, too */
	{ { [1] = "198.51.100.7" }, true },  /* back */
	{ { [1] = "198.51.100.7", [2] = "203.0.113.1" }, true },
};

START_TEST(another_source_or_a_way_that_is_back)
{
	struct outlook o = { 0 };
	struct planned p;

	planned_init(&p, texts);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		memcpy(sources, steps[i].sources, sizeof(sources));
		looks = 0;
		ck_assert_msg(outlook_changed(&o, &p.plan, &glass, MARK) ==
		                      steps[i].changed,
		              "step %zu", i);
		ck_assert_uint_eq(looks, 2);
	}
	planned_clear(&p);
}
END_TEST

/* It is no change of the network when a peer has roamed. */
START_TEST(another_endpoint_is_no_change)
{
	struct outlook o = { 0 };
	struct planned p;

	planned_init(&p, texts);
	sources[1] = sources[2] = "198.51.100.2";
	sources[3] = "203.0.113.9";
	ck_assert(!outlook_changed(&o, &p.plan, &glass, MARK));
	p.plan.devices[0].way.peers->endpoint.addr.b[3] = 3;
	ck_assert(!outlook_changed(&o, &p.plan, &glass, MARK));
	sources[3] = "203.0.113.1";
	ck_assert(outlook_changed(&o, &p.plan, &glass, MARK));
	planned_clear(&p);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("supervisor/outlook");

	tcase_add_test(tc, another_source_or_a_way_that_is_back);
	tcase_add_test(tc, another_endpoint_is_no_change);
	return tc;
}
