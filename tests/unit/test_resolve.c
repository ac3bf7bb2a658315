/* The resolver itself, locked in as always, between a real supervisor's end and a name server of
 * the test's. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names/lookup.h"
#include "resolver/resolve.h"
#include "resolver/resolve_calls.h"
#include "supervisor/resolver_child.h"

#define ROUNDS_MAX 30000
#define HEAD_BYTES 12
#define FOUND      "192.0.2.1"

/* ---- a name server. It knows known.example and big.example; answers for the second only
 * fit into TCP. It is silent about silent.example, and about others says that there are none. */

struct server {
	struct loop *loop;
	struct loop_source udp, tcp, stream;
	struct endpoint at;
	char asked[1000]; /* the names, in their order */
};

static size_t read_name(const uint8_t *from, size_t n, char out[static 256])
{
	size_t at = 0, used = 0;

	while (at < n && from[at] != 0 && at + from[at] < n && used + from[at] < 255) {
		memcpy(out + used, from + at + 1, from[at]);
		used += from[at];
		out[used++] = '.';
		at += 1U + from[at];
	}
	out[used > 0 ? used - 1 : 0] = '\0';
	return at + 1;
}

/* Returns the answer's length; 0: there is none. */
static size_t make_answer(struct server *s, const uint8_t *query, size_t n, bool tcp,
                          uint8_t out[static 512])
{
	static const uint8_t address[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
		                           0,    60, 0, 4, 192, 0, 2, 1 };
	char name[256];
	size_t end;
	bool big, known;

	ck_assert_uint_gt(n, HEAD_BYTES);
	end = HEAD_BYTES + read_name(query + HEAD_BYTES, n - HEAD_BYTES, name) + 4;
	ck_assert_uint_le(end, n);
	ck_assert_uint_lt(strlen(s->asked) + strlen(name) + 2, sizeof(s->asked));
	strcat(strcat(s->asked, name), tcp ? "/tcp " : " ");
	if (strcasecmp(name, "silent.example") == 0)
		return 0;
	big = strcasecmp(name, "big.example") == 0;
	known = big || strcasecmp(name, "known.example") == 0;
	memcpy(out, query, end);
	memset(out + 6, 0, HEAD_BYTES - 6);
	out[2] = (uint8_t)(0x84 | (query[2] & 1) | (big && !tcp ? 2 : 0));
	out[3] = (uint8_t)(0x80 | (known ? 0 : 3));
	if (!known || (big && !tcp) || query[end - 3] != 1) /* only A */
		return end;
	out[7] = 1;
	memcpy(out + end, address, sizeof(address));
	return end + sizeof(address);
}

static void udp_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct server *s = CONTAINER_OF(source, struct server, udp);
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	uint8_t query[512], answer[512];
	ssize_t n = recvfrom(source->fd, query, sizeof(query), MSG_DONTWAIT,
	                     (struct sockaddr *)&from, &size);
	size_t length = n > 0 ? make_answer(s, query, (size_t)n, false, answer) : 0;

	(void)events;
	(void)now_ns;
	if (length > 0)
		(void)!sendto(source->fd, answer, length, 0, (struct sockaddr *)&from,
		              size);
}

static void stream_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct server *s = CONTAINER_OF(source, struct server, stream);
	uint8_t query[512], answer[2 + 512];
	ssize_t n = recv(source->fd, query, sizeof(query), MSG_DONTWAIT);
	size_t length;

	(void)events;
	(void)now_ns;
	if (n <= 2) {
		loop_remove(s->loop, source);
		close(source->fd);
		source->fd = -1;
		return;
	}
	length = make_answer(s, query + 2, (size_t)n - 2, true, answer + 2);
	answer[0] = (uint8_t)(length >> 8);
	answer[1] = (uint8_t)length;
	ck_assert_int_eq(send(source->fd, answer, length + 2, MSG_NOSIGNAL),
	                 (ssize_t)length + 2);
	/* a second question that came with it */
	if (2U + (size_t)(query[0] << 8 | query[1]) < (size_t)n) {
		size_t first = 2U + (size_t)(query[0] << 8 | query[1]);

		length = make_answer(s, query + first + 2, (size_t)n - first - 2, true,
		                     answer + 2);
		answer[0] = (uint8_t)(length >> 8);
		answer[1] = (uint8_t)length;
		ck_assert_int_eq(send(source->fd, answer, length + 2, MSG_NOSIGNAL),
		                 (ssize_t)length + 2);
	}
}

static void tcp_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct server *s = CONTAINER_OF(source, struct server, tcp);

	(void)events;
	(void)now_ns;
	ck_assert_int_lt(s->stream.fd, 0); /* one for all questions */
	s->stream = (struct loop_source){ accept4(source->fd, NULL, NULL, SOCK_CLOEXEC),
		                          stream_ready };
	ck_assert_int_ge(s->stream.fd, 0);
	ck_assert_int_eq(loop_add(s->loop, &s->stream, EPOLLIN), 0);
}

/* Another program may have that port for TCP: then there is a next try. */
static bool open_at_a_port(struct server *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);

	s->udp.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s->tcp.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(s->udp.fd, (struct sockaddr *)&sa, n), 0);
	ck_assert_int_eq(getsockname(s->udp.fd, (struct sockaddr *)&sa, &n), 0);
	if (bind(s->tcp.fd, (struct sockaddr *)&sa, n) < 0 || listen(s->tcp.fd, 4) < 0) {
		close(s->udp.fd);
		close(s->tcp.fd);
		return false;
	}
	return endpoint_from_sockaddr(&s->at, (struct sockaddr *)&sa);
}

static void server_begin(struct server *s, struct loop *loop)
{
	*s = (struct server){ .loop = loop, .stream.fd = -1 };
	while (!open_at_a_port(s))
		;
	s->udp.ready = udp_ready;
	s->tcp.ready = tcp_ready;
	ck_assert_int_eq(loop_add(loop, &s->udp, EPOLLIN), 0);
	ck_assert_int_eq(loop_add(loop, &s->tcp, EPOLLIN), 0);
}

static void server_end(struct server *s)
{
	close(s->udp.fd);
	close(s->tcp.fd);
	if (s->stream.fd >= 0)
		close(s->stream.fd);
}

/* ---- the supervisor */

struct fixture {
	struct loop *loop;
	struct server server;
	struct resolver_child child;
	struct lookup_remote remote;
	struct lookup_settings settings;
	struct log log;
	char said[4000];
	/* of the latest errand */
	struct lookup_errand errand;
	unsigned answers;
	int status;
	char found[IP_ADDR_STRLEN];
};

static void note(void *context, enum log_level level, const char *line)
{
	struct fixture *f = context;
	size_t n = strlen(f->said);

	ck_assert_msg(level == LOG_LEVEL_DEBUG, "%s", line);
	snprintf(f->said + n, sizeof(f->said) - n, "%s\n", line);
}

static void forget(void *context)
{
	struct fixture *f = context;

	resolver_child_forget(&f->child);
	loop_free(f->loop);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){ .log = { LOG_LEVEL_DEBUG, note, f } };
	ck_assert_int_eq(loop_new(&f->loop), 0);
	server_begin(&f->server, f->loop);
	resolver_child_init(&f->child,
	                    &(struct resolver_child_env){ .log = &f->log,
	                                                  .loop = f->loop,
	                                                  .entry = { .run = resolve_run },
	                                                  .forget = forget,
	                                                  .context = f });
	f->remote = resolver_child_remote(&f->child);
	f->settings.servers[0] = f->server.at;
	f->settings.server_count = 1;
	f->settings.ndots = 1;
}

static void end(struct fixture *f)
{
	resolver_child_end(&f->child);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	server_end(&f->server);
	loop_free(f->loop);
}

static void done(struct lookup_errand *errand, int status, const struct ip_addr *found,
                 size_t n)
{
	struct fixture *f = CONTAINER_OF(errand, struct fixture, errand);

	f->answers++;
	f->status = status;
	ck_assert_uint_le(n, 1);
	snprintf(f->found, sizeof(f->found), "-");
	if (n > 0)
		ip_addr_format(&found[0], f->found);
}

static void ask(struct fixture *f, const char *host, bool network)
{
	f->errand = (struct lookup_errand){ .done = done };
	f->answers = 0;
	ck_assert_int_eq(
		f->remote.ask(f->remote.context, &f->errand, &f->settings, network, host),
		0);
}

static void serve_until_answered(struct fixture *f)
{
	for (int i = 0; i < ROUNDS_MAX && f->answers == 0; i++) {
		resolver_child_run(&f->child, loop_now_ns());
		ck_assert_int_eq(loop_wait(f->loop, loop_now_ns() + NS_PER_MS), 0);
	}
	ck_assert_uint_eq(f->answers, 1);
}

static void expect(struct fixture *f, const char *host, bool network, int status,
                   const char *found)
{
	ask(f, host, network);
	serve_until_answered(f);
	ck_assert_msg(f->status == status && strcmp(f->found, found) == 0,
	              "%s: %d %s, and %s was asked; said:\n%s", host, f->status, f->found,
	              f->server.asked, f->said);
}

/* ---- */

START_TEST(names_that_are_known_and_not)
{
	struct fixture f;

	begin(&f);
	expect(&f, "known.example", true, 0, FOUND);
	expect(&f, "known.example", false, 0, FOUND);
	expect(&f, "nowhere.example", false, 4, "-");
	/* it has said how it is locked in, and made no other system call than it may */
	ck_assert_ptr_nonnull(
		strstr(f.said, "sandbox of the resolver process, rights: in force\n"));
	ck_assert_ptr_null(strstr(f.said, "system call"));
	end(&f);
}
END_TEST

START_TEST(what_only_fits_into_tcp)
{
	struct fixture f;

	begin(&f);
	expect(&f, "big.example", true, 0, FOUND);
	ck_assert_ptr_nonnull(strstr(f.server.asked, "big.example/tcp"));
	ck_assert_ptr_null(strstr(f.said, "system call"));
	end(&f);
}
END_TEST

START_TEST(the_domains_are_searched)
{
	struct fixture f;

	begin(&f);
	expect(&f, "known", true, 4, "-");
	f.settings.domain_count = 2;
	snprintf(f.settings.domains[0], sizeof(f.settings.domains[0]), "elsewhere");
	snprintf(f.settings.domains[1], sizeof(f.settings.domains[1]), "example");
	expect(&f, "known", true, 0, FOUND);
	ck_assert_ptr_nonnull(strstr(f.server.asked, "known.elsewhere "));
	end(&f);
}
END_TEST

/* The second server is asked if the first one is silent; here nobody listens at it, which the
 * system says at once. */
START_TEST(one_server_is_dead)
{
	struct fixture f;

	begin(&f);
	f.settings.servers[1] = f.settings.servers[0];
	f.settings.server_count = 2;
	ck_assert(endpoint_parse(&f.settings.servers[0], "127.0.0.1:1"));
	expect(&f, "known.example", true, 0, FOUND);
	end(&f);
}
END_TEST

START_TEST(nobody_listens)
{
	struct fixture f;

	begin(&f);
	ck_assert(endpoint_parse(&f.settings.servers[0], "127.0.0.1:1"));
	expect(&f, "known.example", true, LOOKUP_STATUS_REFUSED, "-");
	end(&f);
}
END_TEST

static void ignore(struct lookup_errand *errand, int status, const struct ip_addr *found,
                   size_t n)
{
	(void)errand;
	(void)status;
	(void)found;
	(void)n;
}

/* It serves others meanwhile. */
START_TEST(a_name_without_an_answer)
{
	struct fixture f;
	struct lookup_errand silent = { .done = ignore };

	begin(&f);
	ck_assert_int_eq(f.remote.ask(f.remote.context, &silent, &f.settings, true,
	                              "silent.example"),
	                 0);
	expect(&f, "known.example", true, 0, FOUND);
	f.remote.forget(f.remote.context, &silent);
	end(&f);
}
END_TEST

/* By lookup.h, as names.c does it: the hosts file first. */

static void is_localhost(struct lookup_query *query, const char *error,
                         const struct endpoint *list, size_t n)
{
	(void)query;
	ck_assert_msg(!error, "%s", error);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(list[0].port, 0);
}

START_TEST(a_lookup_that_has_it_as_its_remote)
{
	struct fixture f;
	struct lookup_query query = { .done = is_localhost };
	struct lookup *l;
	struct ip_addr server;

	begin(&f);
	/* the port is not that of DNS, so it is not asked by the first ones */
	ck_assert(ip_addr_parse(&server, "127.0.0.1"));
	ck_assert_int_eq(lookup_new_remote(&l, f.loop, &server, 1, &f.remote), 0);
	lookup_ask(l, &query, "localhost");
	ck_assert(!lookup_asked(&query));
	ck_assert_int_eq(f.child.pid, 0);
	ck_assert_ptr_null(f.child.first);
	lookup_ask(l, &query, "nowhere.invalid");
	ck_assert(lookup_asked(&query));
	ck_assert_ptr_nonnull(f.child.first);
	ck_assert_uint_eq(f.child.wanted.settings[RESOLVER_NETWORK].server_count, 1);
	ck_assert_uint_eq(f.child.wanted.settings[RESOLVER_NETWORK].servers[0].port, 53);
	ck_assert_uint_eq(f.child.wanted.settings[RESOLVER_HOST].server_count, 0);
	lookup_free(l); /* nobody is to be asked any more */
	ck_assert_ptr_null(f.child.first);
	ck_assert_str_eq(f.server.asked, "");
	end(&f);
}
END_TEST

/* Not each c-ares makes all of them, and some can't do without. */
START_TEST(what_other_versions_of_c_ares_call)
{
	static const int calls[] = { SYS_dup3, SYS_getsockname };
	size_t n, found = 0;
	const struct call_rule *rules = resolve_calls(&n);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (size_t k = 0; k < n; k++)
			found += rules[k].number == calls[i];
	ck_assert_uint_eq(found, ARRAY_SIZE(calls));
}
END_TEST

/* One that was taken over can answer with any status. */
static int ask_nobody(void *context, struct lookup_errand *errand,
                      const struct lookup_settings *settings, bool network,
                      const char *host)
{
	struct lookup_errand **asked = context;

	(void)settings;
	(void)network;
	(void)host;
	*asked = errand;
	return 0;
}

static void count_error(struct lookup_query *query, const char *error,
                        const struct endpoint *list, size_t n)
{
	ck_assert_ptr_nonnull(error);
	ck_assert_uint_eq(n, 0);
	(void)list;
	query->status = -1;
}

START_TEST(each_status_of_a_remote_is_an_answer)
{
	struct lookup_errand *asked = NULL;
	const struct lookup_remote remote = { .ask = ask_nobody, .context = &asked };
	struct lookup_query query = { .done = count_error };
	struct ip_addr server;
	struct lookup *l;
	struct loop *loop;

	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert(ip_addr_parse(&server, "127.0.0.1"));
	ck_assert_int_eq(lookup_new_remote(&l, loop, &server, 1, &remote), 0);
	for (int status = 1; status <= UINT8_MAX; status++) {
		query.status = 0;
		lookup_ask(l, &query, "nowhere.invalid");
		ck_assert_ptr_nonnull(asked);
		ck_assert(lookup_asked(&query));
		asked->done(asked, status, NULL, 0);
		ck_assert(!lookup_asked(&query));
		ck_assert_msg(query.status == -1, "status %d", status);
	}
	lookup_free(l);
	loop_free(loop);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("resolver/resolve");

	tcase_add_test(tc, names_that_are_known_and_not);
	tcase_add_test(tc, what_only_fits_into_tcp);
	tcase_add_test(tc, the_domains_are_searched);
	tcase_add_test(tc, one_server_is_dead);
	tcase_add_test(tc, nobody_listens);
	tcase_add_test(tc, a_name_without_an_answer);
	tcase_add_test(tc, a_lookup_that_has_it_as_its_remote);
	tcase_add_test(tc, what_other_versions_of_c_ares_call);
	tcase_add_test(tc, each_status_of_a_remote_is_an_answer);
	return tc;
}
