/* src/proxy/destination.c */
#include "proxy/destination.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool destination_set_host(struct destination *d, const char *host, size_t n)
{
	d->addr = (struct ip_addr){ 0 };
	if (n == 0 || n > DESTINATION_NAME_MAX || memchr(host, '\0', n))
		return false;
	memcpy(d->name, host, n);
	d->name[n] = '\0';
	if (ip_addr_parse(&d->addr, d->name)) {
		d->name[0] = '\0';
		return true;
	}
	d->addr = (struct ip_addr){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (!is_name_character(host[i]))
			return false;
	}
	return host[0] != '.';
}

bool destination_parse_port(uint16_t *out, const char *text, size_t n)
{
	uint32_t port = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* Finds where the host ends. Returns false if there is no host. */
static bool split(const char *text, size_t n, const char **host, size_t *host_n)
{
	const char *end = memchr(text, text[0] == '[' ? ']' : ':', n);

	*host = text;
	*host_n = end ? (size_t)(end - text) : n;
	if (text[0] != '[')
		return true;
	(*host)++;
	if (!end)
		return false;
	(*host_n)--;
	return true;
}

bool destination_parse(struct destination *d, const char *text, size_t n,
                       uint16_t default_port)
{
	const char *host, *end;
	bool bracket = n > 0 && text[0] == '[';
	size_t host_n, left;

	if (n == 0 || !split(text, n, &host, &host_n) ||
	    !destination_set_host(d, host, host_n))
		return false;
	if (bracket != (d->addr.family == IP_V6))
		return false;
	end = host + host_n + (bracket ? 1 : 0);
	left = n - (size_t)(end - text);
	d->port = default_port;
	if (left > 0 &&
	    (*end != ':' || !destination_parse_port(&d->port, end + 1, left - 1)))
		return false;
	return d->port != 0;
}

bool destination_equal(const struct destination *a, const struct destination *b)
{
	return a->port == b->port && ip_addr_equal(&a->addr, &b->addr) &&
	       (a->addr.family != IP_NONE || strcasecmp(a->name, b->name) == 0);
}

const char *destination_format(const struct destination *d,
                               char out[static DESTINATION_STRLEN])
{
	char addr[IP_ADDR_STRLEN];

	if (d->addr.family == IP_NONE)
		snprintf(out, DESTINATION_STRLEN, "%s:%u", d->name, d->port);
	else
		snprintf(out, DESTINATION_STRLEN,
		         d->addr.family == IP_V6 ? "[%s]:%u" : "%s:%u",
		         ip_addr_format(&d->addr, addr), d->port);
	return out;
}
