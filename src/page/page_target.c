/* src/page/page_target.c */
#include "page/page_target.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/ip.h"

#define NOT_FOUND   404U
#define NOT_ALLOWED 405U
#define MISDIRECTED 421U /* RFC 9110 15.5.20 */

static const struct {
	const char *path;
	enum page_thing thing;
} things[] = {
	{ "", PAGE_THING_HTML },
	{ "status.json", PAGE_THING_STATUS },
	{ "metrics", PAGE_THING_METRICS },
	{ "hints.json", PAGE_THING_HINTS },
	{ "clients.json", PAGE_THING_CLIENTS },
	{ "proxy.json", PAGE_THING_PROXY },
};

static const struct {
	const char *suffix;
	enum page_thing thing;
} files[] = {
	{ ".conf", PAGE_THING_FILE },
	{ ".svg", PAGE_THING_QR },
};

#define FILES_PATH "clients/"

/* ---- Host */

/* "" or ":PORT". Any port will do: `ssh -L` may have chosen another one, and a web site
 * can't choose the name. */
static bool is_port(const char *text)
{
	return *text == '\0' ||
	       (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

static bool is_our_host(struct http_span host)
{
	char text[ENDPOINT_STRLEN] = "", *name = text, *end;
	struct ip_addr addr;
	bool bracket;

	if (host.n == 0 || host.n >= sizeof(text))
		return false;
	memcpy(text, host.at, host.n);
	bracket = text[0] == '[';
	name += bracket;
	end = name + strcspn(name, bracket ? "]" : ":");
	if ((bracket && *end != ']') || !is_port(end + bracket))
		return false;
	*end = '\0';
	if (!bracket && strcasecmp(name, "localhost") == 0)
		return true;
	return ip_addr_parse(&addr, name) && (addr.family == IP_V6) == bracket &&
	       ip_addr_is_loopback(&addr);
}

/* ---- the path */

/* Takes "/TOKEN/" off the front of the path. */
static bool take_token(struct http_span *path, const char token[static PAGE_TOKEN_CHARS])
{
	const size_t n = 1 + PAGE_TOKEN_CHARS + 1;

	if (path->n < n || path->at[0] != '/' || path->at[n - 1] != '/' ||
	    sodium_memcmp(path->at + 1, token, PAGE_TOKEN_CHARS) != 0)
		return false;
	path->at += n;
	path->n -= n;
	return true;
}

/* Is it clients/NAME followed by this suffix? Then copies the name. */
static bool take_client(struct http_span path, const char *suffix,
                        char name[static IFNAME_MAX + 1])
{
	const size_t before = strlen(FILES_PATH), after = strlen(suffix);
	size_t n = path.n - before - after;

	if (path.n <= before + after || n > IFNAME_MAX ||
	    memcmp(path.at, FILES_PATH, before) != 0 ||
	    memcmp(path.at + before + n, suffix, after) != 0)
		return false;
	memcpy(name, path.at + before, n);
	name[n] = '\0';
	return ifname_valid(name);
}

static enum page_thing find_thing(struct http_span path, char name[static IFNAME_MAX + 1])
{
	const char *query = memchr(path.at, '?', path.n);

	if (query)
		path.n = (size_t)(query - path.at);
	for (size_t i = 0; i < ARRAY_SIZE(things); i++)
		if (http_span_equals(path, things[i].path))
			return things[i].thing;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (take_client(path, files[i].suffix, name))
			return files[i].thing;
	return PAGE_THING_NONE;
}

struct page_target page_target_of(const struct page_request *request,
                                  const char token[static PAGE_TOKEN_CHARS])
{
	struct page_target t = { .head = http_span_equals(request->method, "HEAD") };
	struct http_span path = request->target;

	if (!t.head && !http_span_equals(request->method, "GET")) {
		t.refusal = NOT_ALLOWED;
	} else if (!is_our_host(request->host)) {
		t.refusal = MISDIRECTED;
	} else if (!take_token(&path, token)) {
		t.refusal = NOT_FOUND;
	} else {
		t.thing = find_thing(path, t.name);
		t.refusal = t.thing == PAGE_THING_NONE ? NOT_FOUND : 0;
	}
	return t;
}
