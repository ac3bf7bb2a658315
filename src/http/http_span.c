/* src/http/http_span.c */
#include "http/http_span.h"

#include <string.h>
#include <strings.h>

bool http_span_is(struct http_span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.at, text, s.n) == 0;
}

bool http_span_equals(struct http_span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0;
}

struct http_span http_span_trim(struct http_span s)
{
	while (s.n > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
		s.at++;
		s.n--;
	}
	while (s.n > 0 && (s.at[s.n - 1] == ' ' || s.at[s.n - 1] == '\t'))
		s.n--;
	return s;
}

struct http_span http_span_take(struct http_span *from, char separator)
{
	const char *end = from->n ? memchr(from->at, separator, from->n) : NULL;
	struct http_span taken = { from->at, end ? (size_t)(end - from->at) : from->n };
	size_t used = taken.n + (end ? 1 : 0);

	from->at += used;
	from->n -= used;
	return taken;
}

struct http_span http_span_take_line(struct http_span *text)
{
	struct http_span line = http_span_take(text, '\n');

	if (line.n > 0 && line.at[line.n - 1] == '\r')
		line.n--;
	return line;
}

bool http_span_has(struct http_span list, struct http_span word)
{
	while (list.n > 0) {
		struct http_span one = http_span_trim(http_span_take(&list, ','));

		if (one.n == word.n && strncasecmp(one.at, word.at, one.n) == 0)
			return true;
	}
	return false;
}

bool http_span_has_word(struct http_span list, const char *word)
{
	return http_span_has(list, (struct http_span){ word, strlen(word) });
}

static bool is_token_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_span_is_token(struct http_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_token_character(s.at[i]))
			return false;
	}
	return s.n > 0;
}

bool http_span_is_text(struct http_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool http_span_is_visible(struct http_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	}
	return true;
}
