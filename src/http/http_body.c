/* src/http/http_body.c */
#include "http/http_body.h"

#define EXTRA_MAX 16384U /* bytes of extensions and trailers of one message */

static struct http_body with_length(uint64_t length)
{
	return (struct http_body){ length ? HTTP_BODY_LENGTH : HTTP_BODY_ENDED, length,
		                   0 };
}

struct http_body http_body_of_request(const struct http_message *m)
{
	if (m->chunked)
		return (struct http_body){ .state = HTTP_BODY_SIZE_FIRST };
	return with_length(m->has_length ? m->length : 0);
}

/* RFC 9112 6.3 */
struct http_body http_body_of_response(const struct http_message *m, bool head_only)
{
	if (head_only || m->status < 200 || m->status == 204 || m->status == 304)
		return with_length(0);
	if (m->chunked)
		return (struct http_body){ .state = HTTP_BODY_SIZE_FIRST };
	if (m->has_length)
		return with_length(m->length);
	return (struct http_body){ .state = HTTP_BODY_UNTIL_CLOSE };
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After the size: an extension, or the end of the line. */
static enum http_body_state after_size(uint8_t c)
{
	if (c == '\r')
		return HTTP_BODY_SIZE_LF;
	return c == ';' || c == ' ' || c == '\t' ? HTTP_BODY_EXTENSION : HTTP_BODY_BAD;
}

static enum http_body_state take_size(struct http_body *b, uint8_t c)
{
	int digit = hex_value(c);

	if (digit < 0)
		return b->state == HTTP_BODY_SIZE ? after_size(c) : HTTP_BODY_BAD;
	if (b->left >> 58) /* another digit could wrap */
		return HTTP_BODY_BAD;
	b->left = b->left << 4 | (uint64_t)digit;
	return HTTP_BODY_SIZE;
}

static enum http_body_state expect(uint8_t c, uint8_t wanted, enum http_body_state then)
{
	return c == wanted ? then : HTTP_BODY_BAD;
}

/* Takes a byte that isn't data. */
static enum http_body_state step(struct http_body *b, uint8_t c)
{
	switch (b->state) {
	case HTTP_BODY_SIZE_FIRST:
	case HTTP_BODY_SIZE:
		return take_size(b, c);
	case HTTP_BODY_EXTENSION:
		if (c == '\n' || ++b->extra > EXTRA_MAX)
			return HTTP_BODY_BAD;
		return c == '\r' ? HTTP_BODY_SIZE_LF : HTTP_BODY_EXTENSION;
	case HTTP_BODY_SIZE_LF:
		return expect(c, '\n',
		              b->left ? HTTP_BODY_DATA : HTTP_BODY_TRAILER_FIRST);
	case HTTP_BODY_DATA_CR:
		return expect(c, '\r', HTTP_BODY_DATA_LF);
	case HTTP_BODY_DATA_LF:
		return expect(c, '\n', HTTP_BODY_SIZE_FIRST);
	case HTTP_BODY_TRAILER_FIRST:
		if (c == '\r')
			return HTTP_BODY_LAST_LF;
		return c == '\n' ? HTTP_BODY_BAD : HTTP_BODY_TRAILER;
	case HTTP_BODY_TRAILER:
		if (c == '\n' || ++b->extra > EXTRA_MAX)
			return HTTP_BODY_BAD;
		return c == '\r' ? HTTP_BODY_TRAILER_LF : HTTP_BODY_TRAILER;
	case HTTP_BODY_TRAILER_LF:
		return expect(c, '\n', HTTP_BODY_TRAILER_FIRST);
	case HTTP_BODY_LAST_LF:
		return expect(c, '\n', HTTP_BODY_ENDED);
	case HTTP_BODY_ENDED:
	case HTTP_BODY_BAD:
	case HTTP_BODY_UNTIL_CLOSE:
	case HTTP_BODY_LENGTH:
	case HTTP_BODY_DATA:
		break;
	}
	return HTTP_BODY_BAD;
}

/* Takes data; returns how much. */
static size_t take_data(struct http_body *b, size_t n)
{
	if (n > b->left)
		n = (size_t)b->left;
	b->left -= n;
	if (b->left == 0)
		b->state = b->state == HTTP_BODY_LENGTH ? HTTP_BODY_ENDED
		                                        : HTTP_BODY_DATA_CR;
	return n;
}

size_t http_body_take(struct http_body *b, const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	if (b->state == HTTP_BODY_UNTIL_CLOSE)
		return n;
	while (at < n && b->state != HTTP_BODY_ENDED && b->state != HTTP_BODY_BAD) {
		if (b->state == HTTP_BODY_LENGTH || b->state == HTTP_BODY_DATA)
			at += take_data(b, n - at);
		else
			b->state = step(b, bytes[at++]);
	}
	return b->state == HTTP_BODY_BAD && at > 0 ? at - 1 : at;
}
