#include "unit.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "io/loop.h"

struct pipe_source {
	struct loop_source source; /* first member */
	struct loop *loop;
	struct pipe_source *other;
	int write_fd;
	int calls;
	uint64_t at_ns;
};

static void removes_the_other(struct loop_source *source, uint32_t events,
                              uint64_t now_ns)
{
	struct pipe_source *p = CONTAINER_OF(source, struct pipe_source, source);
	char byte;

	ck_assert(events & EPOLLIN);
	ck_assert_int_eq(read(source->fd, &byte, 1), 1);
	p->calls++;
	p->at_ns = now_ns;
	if (p->other)
		loop_remove(p->loop, &p->other->source);
}

static void pipe_open(struct pipe_source *p, struct loop *loop)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	*p = (struct pipe_source){ .source = { fds[0], removes_the_other },
		                   .loop = loop,
		                   .write_fd = fds[1] };
	ck_assert_int_eq(loop_add(loop, &p->source, EPOLLIN), 0);
}

static void pipe_close(struct pipe_source *p)
{
	close(p->source.fd);
	close(p->write_fd);
}

START_TEST(a_ready_source_is_called_with_the_time)
{
	struct loop *loop;
	struct pipe_source p;
	uint64_t before = loop_now_ns();

	ck_assert_int_eq(loop_new(&loop), 0);
	pipe_open(&p, loop);
	ck_assert_int_eq(write(p.write_fd, "x", 1), 1);
	ck_assert_int_eq(loop_wait(loop, NEVER_NS), 0);
	ck_assert_int_eq(p.calls, 1);
	ck_assert(p.at_ns >= before && p.at_ns <= loop_now_ns());
	pipe_close(&p);
	loop_free(loop);
}
END_TEST

START_TEST(a_removed_source_is_not_called_for_events_already_fetched)
{
	struct loop *loop;
	struct pipe_source a, b;

	ck_assert_int_eq(loop_new(&loop), 0);
	pipe_open(&a, loop);
	pipe_open(&b, loop);
	a.other = &b;
	b.other = &a;
	ck_assert_int_eq(write(a.write_fd, "x", 1), 1);
	ck_assert_int_eq(write(b.write_fd, "x", 1), 1);
	ck_assert_int_eq(loop_wait(loop, NEVER_NS), 0);
	ck_assert_int_eq(a.calls + b.calls, 1);
	pipe_close(&a);
	pipe_close(&b);
	loop_free(loop);
}
END_TEST

START_TEST(a_deadline_ends_the_wait_and_not_before_its_time)
{
	struct loop *loop;
	uint64_t deadline_ns;

	ck_assert_int_eq(loop_new(&loop), 0);
	for (int i = 0; i < 3; i++) {
		deadline_ns = loop_now_ns() + 5 * NS_PER_MS;
		ck_assert_int_eq(loop_wait(loop, deadline_ns), 0);
		ck_assert(loop_now_ns() >= deadline_ns);
	}
	ck_assert_int_eq(loop_wait(loop, 0), 0); /* long past: at once */
	loop_free(loop);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("io/loop");

	tcase_add_test(tc, a_ready_source_is_called_with_the_time);
	tcase_add_test(tc, a_removed_source_is_not_called_for_events_already_fetched);
	tcase_add_test(tc, a_deadline_ends_the_wait_and_not_before_its_time);
	return tc;
}
