/* src/proxy/request.c */
#include "proxy/request.h"

#include <stdlib.h>

#include "proxy/http_target.h"
#include "proxy/itself.h"

void request_free(struct request *r)
{
	if (!r)
		return;
	if (r->dialing)
		dial_clear(&r->dial);
	socks_clear(&r->socks);
	http_head_clear(&r->head);
	exchange_clear(&r->exchange);
	free(r->text);
	free(r);
}

/* ---- HTTP */

static enum request_kind with_text(struct request *r, enum request_kind kind, char *text)
{
	free(r->text);
	r->text = text;
	return text ? kind : REQUEST_NO_MEMORY;
}

enum request_kind request_refuse(struct request *r, unsigned status, const char *why)
{
	return with_text(r, REQUEST_REFUSED,
	                 http_answer(status, why, r->head_only, &r->text_n));
}

/* The page gets nothing but what it needs, and no password. */
static enum request_kind ask_itself(struct request *r, struct http_message *m,
                                    const struct users *users,
                                    const struct stream *client, bool has_page)
{
	struct itself i = { .users = users, .has_page = has_page };
	struct endpoint remote;
	char *answer;

	client->ops->ends(client, &i.local, &remote);
	if (!itself_ask(&i, m, &answer, &r->text_n))
		return with_text(r, REQUEST_REFUSED, answer);
	r->to = (struct destination){ 0 };
	m->field_count = 0;
	return with_text(r, REQUEST_PLAIN,
	                 http_request_print(m, m->host, m->target, &r->text_n));
}

static enum request_kind ask_plain(struct request *r, const struct http_message *m)
{
	struct http_span authority, path;

	if (!http_target_read(m->target, &r->to, &authority, &path))
		return request_refuse(
			r, 400,
			"This is a proxy. It expects CONNECT, or an address that begins with http://\n");
	return with_text(r, REQUEST_PLAIN,
	                 http_request_print(m, authority, path, &r->text_n));
}

enum request_kind request_http(struct request *r, struct http_message *m,
                               const struct users *users, const struct stream *client,
                               bool has_page)
{
	int status = http_request_read(m, r->head.text, r->head.n);
	bool connect;

	if (status)
		return request_refuse(r, (unsigned)status,
		                      "This request can't be understood\n");
	r->head_only = http_span_equals(m->method, "HEAD");
	connect = http_span_equals(m->method, "CONNECT");
	if (!connect && itself_is_meant(m))
		return ask_itself(r, m, users, client, has_page);
	if (users && !users_check_basic(users, m->authorization.at, m->authorization.n))
		return request_refuse(r, 407, "This proxy wants a user and a password\n");
	if (!connect)
		return ask_plain(r, m);
	if (!destination_parse(&r->to, m->target.at, m->target.n, 0))
		return request_refuse(r, 400, "CONNECT expects HOST:PORT\n");
	return REQUEST_CONNECT;
}
