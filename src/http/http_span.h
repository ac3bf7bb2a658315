/* src/http/http_span.h - pieces of a text of HTTP, and what they consist of
 *
 * Pure functions over text from strangers. They never read outside of their piece. */
#ifndef TUNION_HTTP_HTTP_SPAN_H
#define TUNION_HTTP_HTTP_SPAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Borrowed from the text; not NUL-terminated. */
struct http_span {
	const char *at;
	size_t n;
};

bool http_span_is(struct http_span s, const char *text); /* ignores case */
bool http_span_equals(struct http_span s, const char *text);

/* Removes blanks and tabs at both ends. */
struct http_span http_span_trim(struct http_span s);
/* Takes what is before the separator off the front, and the separator, which is left out.
 * Without one it takes all. */
struct http_span http_span_take(struct http_span *from, char separator);
/* Takes a line that ends with CR LF or, as RFC 9112 2.2 allows, LF alone. */
struct http_span http_span_take_line(struct http_span *text);

/* Is the word in this list with commas? Ignores case. */
bool http_span_has(struct http_span list, struct http_span word);
bool http_span_has_word(struct http_span list, const char *word);

/* A method, or the name of a field: RFC 9110 5.6.2. It isn't empty. */
bool http_span_is_token(struct http_span s);
/* No control characters but tabs. */
bool http_span_is_text(struct http_span s);
/* Only characters of ASCII that can be seen. */
bool http_span_is_visible(struct http_span s);

#endif
