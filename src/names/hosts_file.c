/* src/names/hosts_file.c - a line is an address and names, and what follows '#' is a comment */
#include "names/hosts_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FIRST_BYTES 4096
#define BLANK       " \t\r"

char *hosts_file_read(int fd)
{
	size_t size = FIRST_BYTES, used = 0;
	char *text = malloc(size);
	ssize_t n = 1;

	while (text && n > 0 && used < HOSTS_FILE_BYTES) {
		if (used + 1 == size) {
			char *more = realloc(text, 2 * size);

			if (!more) {
				free(text);
				return NULL;
			}
			text = more;
			size *= 2;
		}
		n = read(fd, text + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			used += (size_t)n;
	}
	if (text && n < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[used] = '\0';
	return text;
}

struct word {
	const char *at;
	size_t n;
};

/* Takes the next word before `end`; its length is 0 if there is none. */
static struct word next_word(const char **at, const char *end)
{
	struct word w;

	while (*at < end && strchr(BLANK, **at))
		*at += 1;
	w.at = *at;
	while (*at < end && !strchr(BLANK, **at))
		*at += 1;
	w.n = (size_t)(*at - w.at);
	return w;
}

static bool has_name(const char *at, const char *end, const char *name, size_t n)
{
	struct word w;

	while ((w = next_word(&at, end)).n > 0) {
		if (w.n == n && strncasecmp(w.at, name, n) == 0)
			return true;
	}
	return false;
}

static bool parse_address(struct endpoint *out, struct word w)
{
	char text[IP_ADDR_STRLEN];

	*out = (struct endpoint){ 0 };
	if (w.n >= sizeof(text))
		return false;
	memcpy(text, w.at, w.n);
	text[w.n] = '\0';
	return ip_addr_parse(&out->addr, text);
}

bool hosts_file_find(const char *text, const char *name, struct endpoint *out, size_t max,
                     size_t *n)
{
	size_t name_n = strlen(name);
	bool found = false;

	if (name_n > 0 && name[name_n - 1] == '.')
		name_n--;
	*n = 0;
	while (*text) {
		size_t line_n = strcspn(text, "\n");
		const char *at = text, *end = text + strcspn(text, "#\n");
		struct word address = next_word(&at, end);
		struct endpoint e;

		text += line_n + (text[line_n] == '\n');
		if (!has_name(at, end, name, name_n) || !parse_address(&e, address))
			continue;
		found = true;
		if (*n < max && !ip_addr_is_unspecified(&e.addr) &&
		    !endpoint_is_among(&e, out, *n))
			out[(*n)++] = e;
	}
	return found;
}
