/* src/proxy/itself.c
 *
 * The PAC file is for everybody: it contains nothing but the address at which it was
 * asked for. No site can read it as a script, because of its type. */
#include "proxy/itself.h"

#include <stdio.h>
#include <string.h>

#define PAC_PATH "/proxy.pac"
#define PAC_TYPE "application/x-ns-proxy-autoconfig"

/* The proxy resolves the names, so nothing here may ask a name server (as isInNet does).
 * The language is that of old browsers. */
static const char pac[] =
	"// Everything goes to the proxy of tunion, except what is on this machine itself.\n"
	"function FindProxyForURL(url, host) {\n"
	"  if (/^(localhost|127(\\.\\d+){3}|\\[?::1\\]?)$/i.test(host))\n"
	"    return \"DIRECT\";\n"
	"  return \"PROXY %s\";\n"
	"}\n";

bool itself_is_meant(const struct http_message *m)
{
	return m->target.n > 0 && m->target.at[0] == '/';
}

static struct http_span path_of(const struct http_message *m)
{
	struct http_span rest = m->target;

	return http_span_take(&rest, '?');
}

static char *refuse(const struct http_message *m, unsigned status, const char *why,
                    size_t *n)
{
	return http_answer(status, why, http_span_equals(m->method, "HEAD"), n);
}

static char *answer_pac(const struct itself *i, const struct http_message *m, size_t *n)
{
	bool head = http_span_equals(m->method, "HEAD");
	char text[sizeof(pac) + ENDPOINT_STRLEN], at[ENDPOINT_STRLEN];

	if (!head && !http_span_equals(m->method, "GET"))
		return refuse(m, 405, "This file can only be read.\n", n);
	if (i->local.addr.family == IP_NONE)
		return refuse(m, 404, "A browser can't use this proxy.\n", n);
	snprintf(text, sizeof(text), pac, endpoint_format(&i->local, at));
	return http_answer_as(200, PAC_TYPE, text, head, n);
}

static bool is_user(const struct itself *i, const struct http_message *m)
{
	if (!i->users)
		return true;
	for (size_t k = 0; k < m->field_count; k++) {
		const struct http_field *f = &m->fields[k];

		if (http_span_is(f->name, "Authorization"))
			return users_check_basic(i->users, f->value.at, f->value.n);
	}
	return false;
}

bool itself_ask(const struct itself *i, const struct http_message *m, char **answer,
                size_t *n)
{
	*answer = NULL;
	*n = 0;
	if (http_span_equals(path_of(m), PAC_PATH))
		*answer = answer_pac(i, m, n);
	else if (i->local.addr.family != IP_NONE && !ip_addr_is_loopback(&i->local.addr))
		*answer = refuse(
			m, 403,
			"This is a proxy. Its status page is only for the machine it runs on.\n",
			n);
	else if (!i->has_page)
		*answer = refuse(
			m, 400,
			"This is a proxy. It expects CONNECT, or an address that begins with http://\n",
			n);
	else if (!is_user(i, m))
		*answer = refuse(m, 401, "This page wants a user and a password.\n", n);
	else
		return true;
	return false;
}
