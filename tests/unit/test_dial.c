#include "proxy/dial.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

/* A stack of which the test says what becomes of each address: by its last byte. */
enum fate { ANSWERS, IS_SILENT, HAS_NO_WAY, REFUSES };

struct fake_stream {
	struct stream stream;
	enum fate fate;
	bool open;
};

struct fake_stack {
	struct stack stack;
	struct fake_stream streams[DIAL_ADDRESSES_MAX];
	size_t n;
	enum fate fates[256];
};

static int fake_connected(struct stream *s)
{
	return ((struct fake_stream *)s)->fate == REFUSES ? -ECONNREFUSED : 0;
}

static int fake_want(struct stream *s, unsigned wanted)
{
	(void)s;
	(void)wanted;
	return 0;
}

static void fake_close(struct stream *s, bool reset)
{
	(void)reset;
	((struct fake_stream *)s)->open = false;
}

static const struct stream_ops fake_ops = { .connected = fake_connected,
	                                    .want = fake_want,
	                                    .close = fake_close };

static int fake_connect(struct stack *s, const struct endpoint *to, struct stream **out)
{
	struct fake_stack *f = (struct fake_stack *)s;
	struct fake_stream *stream = &f->streams[f->n];
	enum fate fate = f->fates[to->addr.b[ip_addr_bytes(&to->addr) - 1]];

	*out = NULL;
	if (fate == HAS_NO_WAY)
		return -ENETUNREACH;
	f->n++;
	*stream = (struct fake_stream){ { .ops = &fake_ops }, fate, true };
	*out = &stream->stream;
	return 0;
}

static const struct stack_ops fake_stack_ops = { .connect = fake_connect };

struct fixture {
	struct timerq timers;
	struct fake_stack inside, outside;
	struct lookup *lookup;
	struct dial_env env;
	struct dial dial;
	bool done;
	int err;
	struct stream *stream;
};

static void done(struct dial *d, int err, struct stream *stream, uint64_t now_ns)
{
	struct fixture *f = d->user;

	(void)now_ns;
	ck_assert(!f->done);
	f->done = true;
	f->err = err;
	f->stream = stream;
}

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->inside.stack.ops = f->outside.stack.ops = &fake_stack_ops;
	f->env = (struct dial_env){ .timers = &f->timers,
		                    .lookup = &f->lookup,
		                    .stack = &f->inside.stack,
		                    .timeout_ns = 9 * NS_PER_SEC };
	f->dial = (struct dial){ .env = &f->env, .done = done, .user = f };
}

static struct endpoint address(const char *text)
{
	struct endpoint e = { 0 };

	ck_assert(ip_addr_parse(&e.addr, text));
	return e;
}

/* As if a name had these addresses. */
static void start_with(struct fixture *f, const char *const *texts, size_t n)
{
	struct destination to = { .name = "host", .port = 80 };
	struct endpoint found[DIAL_ADDRESSES_MAX];

	for (size_t i = 0; i < n; i++)
		found[i] = address(texts[i]);
	dial_start(&f->dial, &to, 1);
	f->dial.query.done(&f->dial.query, NULL, found, n);
	timerq_run(&f->timers, 2);
}

/* Each stream that doesn't stay silent is ready. */
static void answer(struct fixture *f, uint64_t now_ns)
{
	for (size_t i = 0; i < f->inside.n && !f->done; i++) {
		struct fake_stream *s = &f->inside.streams[i];

		if (s->open && s->fate != IS_SILENT)
			s->stream.ready(&s->stream, STREAM_WRITE, now_ns);
	}
}

static size_t open_streams(const struct fake_stack *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->streams[i].open;
	return n;
}

static const char *const two[] = { "192.0.2.1", "fd00::2" };

START_TEST(families_take_turns)
{
	static const char *const texts[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
		                             "fd00::1", "fd00::2" };
	static const char *const order[] = { "fd00::1", "192.0.2.1", "fd00::2",
		                             "192.0.2.2", "192.0.2.3" };
	struct endpoint found[ARRAY_SIZE(texts)], out[DIAL_ADDRESSES_MAX];
	char text[IP_ADDR_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		found[i] = address(texts[i]);
	ck_assert_uint_eq(dial_order(out, found, ARRAY_SIZE(texts)), ARRAY_SIZE(texts));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_str_eq(ip_addr_format(&out[i].addr, text), order[i]);
	ck_assert_uint_eq(dial_order(out, found, 0), 0);
}
END_TEST

START_TEST(the_first_answer_is_taken)
{
	struct fixture f;

	begin(&f);
	start_with(&f, two, 2);
	ck_assert_uint_eq(f.inside.n, 1); /* fd00::2 */
	answer(&f, 3);
	ck_assert(f.done && f.err == 0 && f.stream == &f.inside.streams[0].stream);
	ck_assert_uint_eq(open_streams(&f.inside), 1);
	ck_assert_uint_eq(timerq_next_ns(&f.timers), NEVER_NS);
	dial_clear(&f.dial);
}
END_TEST

START_TEST(a_silent_one_is_passed_after_a_quarter_of_a_second)
{
	struct fixture f;

	begin(&f);
	f.inside.fates[2] = IS_SILENT;
	start_with(&f, two, 2);
	timerq_run(&f.timers, 249 * NS_PER_MS);
	ck_assert_uint_eq(f.inside.n, 1);
	timerq_run(&f.timers, 251 * NS_PER_MS);
	ck_assert_uint_eq(f.inside.n, 2);
	answer(&f, 252 * NS_PER_MS);
	ck_assert(f.done && f.stream == &f.inside.streams[1].stream);
	ck_assert(!f.inside.streams[0].open);
}
END_TEST

START_TEST(the_next_one_follows_a_failure_at_once)
{
	struct fixture f;

	begin(&f);
	f.inside.fates[2] = REFUSES;
	start_with(&f, two, 2);
	answer(&f, 3);
	ck_assert_uint_eq(f.inside.n, 2);
	ck_assert(!f.done || f.stream);
	answer(&f, 4);
	ck_assert(f.done && f.stream == &f.inside.streams[1].stream);
}
END_TEST

START_TEST(the_most_telling_error_is_reported)
{
	struct fixture f;

	begin(&f);
	f.inside.fates[2] = REFUSES;
	f.inside.fates[1] = HAS_NO_WAY;
	start_with(&f, two, 2);
	answer(&f, 3);
	ck_assert(f.done && !f.stream);
	ck_assert_int_eq(f.err, -ECONNREFUSED);
	begin(&f);
	f.inside.fates[1] = f.inside.fates[2] = HAS_NO_WAY;
	start_with(&f, two, 2);
	ck_assert(f.done && !f.stream);
	ck_assert_int_eq(f.err, -ENETUNREACH);
}
END_TEST

START_TEST(silence_ends_in_time)
{
	struct fixture f;

	begin(&f);
	f.inside.fates[1] = f.inside.fates[2] = IS_SILENT;
	start_with(&f, two, 2);
	timerq_run(&f.timers, 300 * NS_PER_MS);
	timerq_run(&f.timers, 9 * NS_PER_SEC + 1);
	ck_assert(f.done && !f.stream);
	ck_assert_int_eq(f.err, -ETIMEDOUT);
	ck_assert_uint_eq(open_streams(&f.inside), 0);
}
END_TEST

START_TEST(names_that_are_not_known)
{
	struct destination to = { .name = "host", .port = 80 };
	struct fixture f;

	begin(&f);
	dial_start(&f.dial, &to, 1); /* nobody can be asked */
	ck_assert(!f.done);
	timerq_run(&f.timers, 2);
	ck_assert(f.done);
	ck_assert_int_eq(f.err, -ENOENT);
}
END_TEST

START_TEST(only_what_is_nowhere_inside_goes_outside)
{
	struct destination to = { .port = 80 };
	struct fixture f;

	ck_assert(ip_addr_parse(&to.addr, "192.0.2.1"));
	begin(&f);
	f.env.otherwise = &f.outside.stack;
	dial_start(&f.dial, &to, 1);
	timerq_run(&f.timers, 2);
	ck_assert(f.inside.n == 1 && f.outside.n == 0);
	dial_clear(&f.dial);
	begin(&f);
	f.env.otherwise = &f.outside.stack;
	f.inside.fates[1] = REFUSES;
	dial_start(&f.dial, &to, 1);
	timerq_run(&f.timers, 2);
	answer(&f, 3);
	ck_assert(f.done && f.outside.n == 0);
	begin(&f);
	f.env.otherwise = &f.outside.stack;
	f.inside.fates[1] = HAS_NO_WAY;
	dial_start(&f.dial, &to, 1);
	timerq_run(&f.timers, 2);
	ck_assert(f.inside.n == 0 && f.outside.n == 1);
	dial_clear(&f.dial);
}
END_TEST

/* Neither by address nor by a name that a stranger's server has given it. */
static const char *const here[] = { "127.0.0.1",     "127.9.9.9", "::1",
	                            "0.0.0.0",       "::",        "::ffff:127.0.0.1",
	                            "::ffff:0.0.0.0" };

START_TEST(this_machine_is_not_outside)
{
	struct destination to = { .port = 80 };
	struct fixture f;

	ck_assert(ip_addr_parse(&to.addr, here[_i]));
	begin(&f);
	f.env.otherwise = &f.outside.stack;
	for (size_t i = 0; i < ARRAY_SIZE(f.inside.fates); i++)
		f.inside.fates[i] = HAS_NO_WAY;
	dial_start(&f.dial, &to, 1);
	timerq_run(&f.timers, 2);
	ck_assert(f.done && f.outside.n == 0);
	ck_assert_int_eq(f.err, -ENETUNREACH);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/dial");

	tcase_add_test(tc, families_take_turns);
	tcase_add_test(tc, the_first_answer_is_taken);
	tcase_add_test(tc, a_silent_one_is_passed_after_a_quarter_of_a_second);
	tcase_add_test(tc, the_next_one_follows_a_failure_at_once);
	tcase_add_test(tc, the_most_telling_error_is_reported);
	tcase_add_test(tc, silence_ends_in_time);
	tcase_add_test(tc, names_that_are_not_known);
	tcase_add_test(tc, only_what_is_nowhere_inside_goes_outside);
	tcase_add_loop_test(tc, this_machine_is_not_outside, 0, ARRAY_SIZE(here));
	return tc;
}
