/* src/http/http_head.c - RFC 9110, RFC 9112; RFC 7617 for passwords
 *
 * Whatever two readers could understand in two ways is refused: both kinds of length, two
 * lengths, folded lines, blanks before a colon, control characters. */
#include "http/http_head.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES  1024
#define LEFT_OUT_MAX 16

/* ---- where a head ends */

/* Does the byte belong to the head? Those of empty lines before the first one don't. */
static bool belongs(struct http_end *e, char c)
{
	if (!e->begun && (c == '\r' || c == '\n')) {
		e->left_out++;
		return false;
	}
	e->begun = true;
	if (c == '\n') {
		e->complete = !e->line_has_text;
		e->line_has_text = false;
	} else if (c != '\r') {
		e->line_has_text = true;
	}
	return true;
}

size_t http_head_find(const char *bytes, size_t n, struct http_span *head)
{
	struct http_end end = { 0 };
	size_t at = 0;

	while (at < n && !end.complete)
		(void)belongs(&end, bytes[at++]);
	if (!end.complete)
		return 0;
	*head = (struct http_span){ bytes + end.left_out, at - end.left_out };
	return at;
}

/* ---- collecting */

/* It may contain a password. */
static void text_free(const struct http_head *h)
{
	if (h->n > 0)
		sodium_memzero(h->text, h->n);
	free(h->text);
}

static int make_room(struct http_head *h)
{
	size_t size = h->size ? 2 * h->size : FIRST_BYTES;
	char *text;

	if (h->n < h->size)
		return 0;
	if (h->n >= HTTP_HEAD_MAX)
		return -E2BIG;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	if (h->n > 0)
		memcpy(text, h->text, h->n);
	text_free(h);
	h->text = text;
	h->size = size;
	return 0;
}

int http_head_feed(struct http_head *h, const uint8_t *bytes, size_t n, size_t *taken)
{
	*taken = 0;
	while (*taken < n && !h->end.complete) {
		char c = (char)bytes[(*taken)++];
		int err;

		if (!belongs(&h->end, c)) {
			if (h->end.left_out > LEFT_OUT_MAX)
				return -E2BIG;
			continue;
		}
		err = make_room(h);
		if (err)
			return err;
		h->text[h->n++] = c;
	}
	return 0;
}

void http_head_clear(struct http_head *h)
{
	text_free(h);
	*h = (struct http_head){ 0 };
}

/* ---- fields */

#define CONNECTIONS_MAX 4 /* fields of this name */

/* What is needed only while fields are read. */
struct reading {
	struct http_message *m;
	struct http_span connections[CONNECTIONS_MAX];
	size_t connection_count;
	bool close; /* one of them says so, whatever another one says */
};

static int take_length(struct http_message *m, struct http_span value)
{
	uint64_t length = 0;

	if (value.n == 0 || value.n > 18) /* so that it can't wrap */
		return -EINVAL;
	for (size_t i = 0; i < value.n; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return -EINVAL;
		length = length * 10 + (uint64_t)(value.at[i] - '0');
	}
	if (m->has_length && m->length != length)
		return -EINVAL;
	m->has_length = true;
	m->length = length;
	return 0;
}

/* Another coding than chunked is only understood by those who have asked for it (TE), and
 * that isn't sent on. */
static int take_coding(struct http_message *m, struct http_span value)
{
	if (m->chunked || !http_span_is(value, "chunked"))
		return -EINVAL;
	m->chunked = true;
	return 0;
}

static int take_connection(struct reading *r, struct http_span value)
{
	if (r->connection_count == CONNECTIONS_MAX)
		return -EINVAL;
	r->connections[r->connection_count++] = value;
	r->close |= http_span_has_word(value, "close");
	r->m->keep_alive |= http_span_has_word(value, "keep-alive");
	r->m->keep_alive &= !r->close;
	return 0;
}

static bool is_for_this_hop(struct http_span name)
{
	static const char *const names[] = { "Keep-Alive",
		                             "TE",
		                             "Upgrade",
		                             "Trailer",
		                             "Proxy-Authenticate",
		                             "Proxy-Authentication-Info" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (http_span_is(name, names[i]))
			return true;
	}
	return false;
}

static int take_field(struct reading *r, struct http_span name, struct http_span value)
{
	struct http_message *m = r->m;

	if (http_span_is(name, "Content-Length"))
		return take_length(m, value);
	if (http_span_is(name, "Transfer-Encoding"))
		return take_coding(m, value);
	if (http_span_is(name, "Connection") || http_span_is(name, "Proxy-Connection"))
		return take_connection(r, value);
	if (http_span_is(name, "Proxy-Authorization")) {
		m->authorization = value;
		return 0;
	}
	if (http_span_is(name, "Host") && m->method.n > 0) {
		if (m->host.at)
			return -EINVAL;
		m->host = value;
		return 0;
	}
	if (is_for_this_hop(name))
		return 0;
	if (m->field_count == HTTP_FIELDS_MAX)
		return -E2BIG;
	m->fields[m->field_count++] = (struct http_field){ name, value };
	return 0;
}

/* Connection may name further fields that are meant for this hop. */
static void leave_out_named(struct reading *r)
{
	struct http_message *m = r->m;
	size_t kept = 0;

	for (size_t i = 0; i < m->field_count; i++) {
		bool named = false;

		for (size_t k = 0; k < r->connection_count; k++)
			named |= http_span_has(r->connections[k], m->fields[i].name);
		if (!named)
			m->fields[kept++] = m->fields[i];
	}
	m->field_count = kept;
}

static int read_fields(struct http_message *m, struct http_span text)
{
	struct reading r = { .m = m };

	while (text.n > 0) {
		struct http_span line = http_span_take_line(&text), name;
		int err;

		if (line.n == 0)
			break;
		if (!http_span_is_text(line) || !memchr(line.at, ':', line.n))
			return -EINVAL;
		name = http_span_take(&line, ':');
		if (!http_span_is_token(
			    name)) /* also a folded line, and a blank before ':' */
			return -EINVAL;
		err = take_field(&r, name, http_span_trim(line));
		if (err)
			return err;
	}
	if (m->chunked && m->has_length)
		return -EINVAL;
	leave_out_named(&r);
	return 0;
}

/* Takes "HTTP/1.x". Newer ones than 1.1 would be read as that: RFC 9110 2.5. */
static int read_version(struct http_message *m, struct http_span version)
{
	if (version.n != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.')
		return 400;
	if (version.at[5] != '1' || version.at[7] < '0' || version.at[7] > '9')
		return 505;
	m->minor = version.at[7] != '0';
	m->keep_alive = m->minor == 1;
	return 0;
}

int http_request_read(struct http_message *m, const char *text, size_t n)
{
	struct http_span all = { text, n }, line;
	int status, err;

	*m = (struct http_message){ 0 };
	line = http_span_take_line(&all);
	m->method = http_span_take(&line, ' ');
	m->target = http_span_take(&line, ' ');
	if (!http_span_is_token(m->method) || m->target.n == 0 ||
	    !http_span_is_text(m->target) || memchr(m->target.at, '\t', m->target.n))
		return 400;
	status = read_version(m, line);
	if (status)
		return status;
	err = read_fields(m, all);
	if (err)
		return err == -E2BIG ? 431 : 400;
	/* a server of HTTP/1.0 would not understand the end of the body */
	return m->chunked && m->minor == 0 ? 501 : 0;
}

int http_response_read(struct http_message *m, const char *text, size_t n)
{
	struct http_span all = { text, n }, line, code;

	*m = (struct http_message){ 0 };
	line = http_span_take_line(&all);
	if (read_version(m, http_span_take(&line, ' ')))
		return 502;
	code = http_span_take(&line, ' ');
	m->reason = line;
	if (code.n != 3 || !http_span_is_text(m->reason))
		return 502;
	for (size_t i = 0; i < code.n; i++) {
		if (code.at[i] < '0' || code.at[i] > '9')
			return 502;
		m->status = m->status * 10 + (unsigned)(code.at[i] - '0');
	}
	if (m->status < 100 || read_fields(m, all))
		return 502;
	return m->chunked && m->minor == 0 ? 502 : 0;
}

/* ---- printing */

/* Text of a known greatest length. */
struct printer {
	char *text;
	size_t n, size;
};

static void put(struct printer *p, const char *at, size_t n)
{
	if (!p->text || n > p->size - p->n)
		return;
	if (n > 0)
		memcpy(p->text + p->n, at, n);
	p->n += n;
}

static void put_text(struct printer *p, const char *text)
{
	put(p, text, strlen(text));
}

static void put_fields(struct printer *p, const struct http_message *m)
{
	char length[64];

	for (size_t i = 0; i < m->field_count; i++) {
		put(p, m->fields[i].name.at, m->fields[i].name.n);
		put_text(p, ": ");
		put(p, m->fields[i].value.at, m->fields[i].value.n);
		put_text(p, "\r\n");
	}
	if (m->has_length) {
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
		         (unsigned long long)m->length);
		put_text(p, length);
	}
	if (m->chunked)
		put_text(p, "Transfer-Encoding: chunked\r\n");
}

static struct printer printer_new(const struct http_message *m, size_t more)
{
	struct printer p = { .size = more + 256 };

	for (size_t i = 0; i < m->field_count; i++)
		p.size += m->fields[i].name.n + m->fields[i].value.n + 4;
	p.text = malloc(p.size);
	return p;
}

char *http_request_print(const struct http_message *m, struct http_span authority,
                         struct http_span path, size_t *n)
{
	struct printer p = printer_new(m, m->method.n + authority.n + path.n);

	put(&p, m->method.at, m->method.n);
	put_text(&p, " ");
	if (path.n == 0 && http_span_equals(m->method, "OPTIONS"))
		put_text(&p, "*"); /* RFC 9112 3.2.4 */
	else if (path.n == 0 || path.at[0] != '/')
		put_text(&p, "/");
	put(&p, path.at, path.n);
	put_text(&p, m->minor ? " HTTP/1.1\r\nHost: " : " HTTP/1.0\r\nHost: ");
	put(&p, authority.at, authority.n);
	put_text(&p, "\r\n");
	put_fields(&p, m);
	put_text(&p, "\r\n");
	*n = p.n;
	return p.text;
}

char *http_response_print(const struct http_message *m, bool keep_alive, size_t *n)
{
	struct printer p = printer_new(m, m->reason.n);
	char line[32];

	snprintf(line, sizeof(line), "HTTP/1.%u %03u ", m->minor, m->status);
	put_text(&p, line);
	put(&p, m->reason.at, m->reason.n);
	put_text(&p, "\r\n");
	put_fields(&p, m);
	if (m->status >= 200)
		put_text(&p, keep_alive ? "Connection: keep-alive\r\n"
		                        : "Connection: close\r\n");
	put_text(&p, "\r\n");
	*n = p.n;
	return p.text;
}

/* ---- answers of our own */

static const char *reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 407:
		return "Proxy Authentication Required";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Error";
	}
}

/* The field that such an answer must have. */
static const char *field_of(unsigned status)
{
	switch (status) {
	case 401:
		return "WWW-Authenticate: Basic realm=\"tunion\"\r\n";
	case 405:
		return "Allow: GET, HEAD\r\n";
	case 407:
		return "Proxy-Authenticate: Basic realm=\"tunion\"\r\n";
	default:
		return "";
	}
}

char *http_answer(unsigned status, const char *text, bool head_only, size_t *n)
{
	return http_answer_as(status, "text/plain; charset=utf-8", text, head_only, n);
}

char *http_answer_as(unsigned status, const char *type, const char *text, bool head_only,
                     size_t *n)
{
	char *out = NULL;
	int length =
		asprintf(&out,
	                 "HTTP/1.1 %u %s\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n"
	                 "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
	                 status, reason_of(status), field_of(status), type, strlen(text),
	                 head_only ? "" : text);

	*n = length < 0 ? 0 : (size_t)length;
	return length < 0 ? NULL : out;
}
