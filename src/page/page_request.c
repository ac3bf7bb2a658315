/* src/page/page_request.c - looks for the end of the head first, and then takes it apart
 * line by line */
#include "page/page_request.h"

#include <string.h>
#include <strings.h>

#define BAD_REQUEST       400U
#define BODY_NOT_EXPECTED 413U
#define HEAD_TOO_LARGE    431U
#define VERSION_NOT_KNOWN 505U

bool http_text_is(struct http_text text, const char *expected)
{
	return text.n == strlen(expected) && memcmp(text.at, expected, text.n) == 0;
}

static bool is_name(struct http_text text, const char *expected)
{
	return text.n == strlen(expected) && strncasecmp(text.at, expected, text.n) == 0;
}

/* ---- pieces */

/* Takes what is before the separator off the front, and the separator. Returns false if
 * there is none. */
static bool split(struct http_text *rest, char separator, struct http_text *first)
{
	const char *end = memchr(rest->at, separator, rest->n);

	if (!end)
		return false;
	*first = (struct http_text){ rest->at, (size_t)(end - rest->at) };
	rest->n -= first->n + 1;
	rest->at = end + 1;
	return true;
}

static void trim(struct http_text *text)
{
	while (text->n > 0 && (text->at[0] == ' ' || text->at[0] == '\t')) {
		text->at++;
		text->n--;
	}
	while (text->n > 0 &&
	       (text->at[text->n - 1] == ' ' || text->at[text->n - 1] == '\t'))
		text->n--;
}

/* A line ends with CR LF. LF alone ends it too (RFC 9112 2.2); a CR inside is refused
 * later, as each control character is. */
static bool take_line(struct http_text *rest, struct http_text *line)
{
	if (!split(rest, '\n', line))
		return false;
	if (line->n > 0 && line->at[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* May the character be part of a method or the name of a header? RFC 9110 5.6.2. */
static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool all_token(struct http_text text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_token(text.at[i]))
			return false;
	return text.n > 0;
}

static bool all_visible(struct http_text text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.n > 0;
}

static bool has_control(struct http_text text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* ---- lines */

/* What the head says, apart from what is in struct page_request. */
struct head {
	unsigned minor; /* of the version 1.x */
	bool has_host, close, keep_alive;
};

/* Returns 0 or a status code. Only the origin-form of a target is taken: this is no
 * proxy. */
static unsigned read_first_line(struct http_text line, struct page_request *out,
                                struct head *head)
{
	struct http_text rest = line;

	if (!split(&rest, ' ', &out->method) || !split(&rest, ' ', &out->target) ||
	    !all_token(out->method) || !all_visible(out->target) ||
	    out->target.at[0] != '/')
		return BAD_REQUEST;
	if (rest.n != 8 || memcmp(rest.at, "HTTP/", 5) != 0 || rest.at[6] != '.')
		return BAD_REQUEST;
	if (rest.at[5] != '1' || rest.at[7] < '0' || rest.at[7] > '9')
		return VERSION_NOT_KNOWN;
	head->minor = (unsigned)(rest.at[7] - '0');
	return 0;
}

static void read_connection(struct http_text value, struct head *head)
{
	struct http_text option = value, rest = value;

	while (rest.n > 0) {
		if (!split(&rest, ',', &option)) {
			option = rest;
			rest.n = 0;
		}
		trim(&option);
		head->close |= is_name(option, "close");
		head->keep_alive |= is_name(option, "keep-alive");
	}
}

/* Two Hosts, or a body, may mean that somebody between the browser and us has understood
 * something else. */
static unsigned read_header(struct http_text line, struct page_request *out,
                            struct head *head)
{
	struct http_text name, value = line;

	if (!split(&value, ':', &name) || !all_token(name) || has_control(value))
		return BAD_REQUEST;
	trim(&value);
	if (is_name(name, "host")) {
		if (head->has_host)
			return BAD_REQUEST;
		head->has_host = true;
		out->host = value;
	} else if (is_name(name, "connection")) {
		read_connection(value, head);
	} else if (is_name(name, "transfer-encoding") ||
	           (is_name(name, "content-length") && !http_text_is(value, "0"))) {
		return BODY_NOT_EXPECTED;
	}
	return 0;
}

static unsigned read_lines(struct http_text rest, struct page_request *out)
{
	struct head head = { 0 };
	struct http_text line;
	unsigned refusal = BAD_REQUEST;

	if (take_line(&rest, &line))
		refusal = read_first_line(line, out, &head);
	while (!refusal && take_line(&rest, &line) && line.n > 0)
		refusal = read_header(line, out, &head);
	if (!refusal && !head.has_host && head.minor >= 1)
		refusal = BAD_REQUEST;
	out->keep_alive = !head.close && (head.minor >= 1 || head.keep_alive);
	return refusal;
}

/* Returns how long the head is, with the empty line that ends it; 0: there is none yet. */
static size_t head_bytes(const char *bytes, size_t n)
{
	struct http_text rest = { bytes, n }, line;
	bool first = true;

	while (take_line(&rest, &line)) {
		if (line.n == 0 && !first)
			return n - rest.n;
		first = false;
	}
	return 0;
}

enum page_request_state page_request_read(const char *bytes, size_t n,
                                          struct page_request *out)
{
	*out = (struct page_request){ 0 };
	out->bytes = head_bytes(bytes, n < PAGE_REQUEST_MAX ? n : PAGE_REQUEST_MAX);
	if (out->bytes == 0 && n < PAGE_REQUEST_MAX)
		return PAGE_REQUEST_MORE;
	out->refusal = out->bytes == 0
	                       ? HEAD_TOO_LARGE
	                       : read_lines((struct http_text){ bytes, out->bytes }, out);
	return out->refusal ? PAGE_REQUEST_WRONG : PAGE_REQUEST_WHOLE;
}
