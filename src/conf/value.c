/* src/conf/value.c */
#include "conf/value.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/key.h"

#define DOMAIN_MAX  253 /* RFC 1035 2.3.4, as text */
#define LABEL_MAX   63
#define SERVICE_MAX 31

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Returns -1 if c is no digit of this base. */
static int digit_of(char c, unsigned base)
{
	int d = -1;

	if (is_digit(c))
		d = c - '0';
	else if (c >= 'a' && c <= 'f')
		d = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		d = c - 'A' + 10;
	return d < (int)base ? d : -1;
}

/* Accepts one digit or more, and nothing after them. */
static bool digits(uint32_t *out, const char *text, unsigned base, uint32_t max)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		int d = digit_of(*text, base);

		if (d < 0)
			return false;
		v = v * base + (unsigned)d;
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

bool value_decimal(uint32_t *out, const char *text, uint32_t max)
{
	return digits(out, text, 10, max);
}

/* Accepts no sign, and no number other than "0" that begins with a zero. */
static bool unambiguous(uint32_t *out, const char *text, uint32_t max)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return digits(out, text + 2, 16, max);
	if (text[0] == '0' && text[1] != '\0')
		return false;
	return digits(out, text, 10, max);
}

bool value_number(uint32_t *out, const char *text, uint32_t max)
{
	return unambiguous(out, text + (text[0] == '+'), max);
}

bool value_is_octal(const char *text)
{
	bool in_number = false;

	for (; *text != '\0'; text++) {
		if (!in_number && text[0] == '0' && is_digit(text[1]))
			return true;
		in_number = is_letter(*text) || is_digit(*text) || *text == ':';
	}
	return false;
}

bool value_signed(int32_t *out, const char *text)
{
	bool minus = text[0] == '-';
	uint32_t v;

	if (!digits(&v, text + (minus || text[0] == '+'), 10, INT32_MAX))
		return false;
	*out = minus ? -(int32_t)v : (int32_t)v;
	return true;
}

static bool one_of_two(bool *out, const char *text, const char *yes, const char *no)
{
	*out = strcasecmp(text, yes) == 0;
	return *out || strcasecmp(text, no) == 0;
}

bool value_on_off(bool *out, const char *text)
{
	return one_of_two(out, text, "on", "off");
}

bool value_true_false(bool *out, const char *text)
{
	return one_of_two(out, text, "true", "false");
}

bool value_or_off(uint32_t *out, const char *text, uint32_t max)
{
	*out = 0;
	return strcasecmp(text, "off") == 0 || digits(out, text, 10, max);
}

bool value_mark(uint32_t *out, const char *text)
{
	if (text[0] == '0' && text[1] == 'x')
		return digits(out, text + 2, 16, UINT32_MAX);
	return value_or_off(out, text, UINT32_MAX);
}

static bool service_port(uint16_t *out, const char *name)
{
	struct addrinfo hints = { .ai_family = AF_INET,
		                  .ai_socktype = SOCK_DGRAM,
		                  .ai_flags = AI_PASSIVE };
	struct addrinfo *found;
	struct endpoint any;
	size_t n = strlen(name);
	bool ok;

	if (n > SERVICE_MAX || !is_letter(name[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter(name[i]) && !is_digit(name[i]) && !strchr("-_.+", name[i]))
			return false;
	if (getaddrinfo(NULL, name, &hints, &found) != 0)
		return false;
	ok = endpoint_from_sockaddr(&any, found->ai_addr);
	*out = any.port;
	freeaddrinfo(found);
	return ok;
}

bool value_port(uint16_t *out, const char *text)
{
	uint32_t v;

	if (!digits(&v, text + (text[0] == '+'), 10, UINT16_MAX))
		return service_port(out, text);
	*out = (uint16_t)v;
	return true;
}

/* Is this line of rt_tables, "NUMBER NAME", about this name? */
static bool table_line_is(uint32_t *out, char *line, const char *name)
{
	char *save, *number, *word;

	line[strcspn(line, "#\n")] = '\0';
	number = strtok_r(line, " \t", &save);
	word = number ? strtok_r(NULL, " \t", &save) : NULL;
	return word && strcmp(word, name) == 0 && value_number(out, number, UINT32_MAX);
}

static bool table_in_file(uint32_t *out, const char *path, const char *name)
{
	char line[256];
	FILE *f = fopen(path, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = table_line_is(out, line, name);
	if (f)
		fclose(f);
	return found;
}

bool value_table(uint32_t *out, const char *text)
{
	static const struct {
		const char *name;
		uint32_t number;
	} known[] = { { "main", 254 }, { "default", 253 }, { "local", 255 } };
	/* of iproute2, before and since version 6.5 */
	static const char *const files[] = { "/etc/iproute2/rt_tables",
		                             "/usr/share/iproute2/rt_tables",
		                             "/usr/lib/iproute2/rt_tables" };

	if (value_number(out, text, UINT32_MAX))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(text, known[i].name) == 0) {
			*out = known[i].number;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(files) && is_letter(text[0]); i++)
		if (table_in_file(out, files[i], text))
			return true;
	return false;
}

/* Reads at most four numbers with dots between them, as the C library and `ip` read IPv4
 * addresses, but without octal numbers. Returns how many there are, or 0 if the text is
 * something else. */
static size_t dotted(uint32_t parts[static 4], const char *text)
{
	char part[16];
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(text, ".");

		if (n == 4 || len >= sizeof(part))
			return 0;
		memcpy(part, text, len);
		part[len] = '\0';
		if (!unambiguous(&parts[n++], part, UINT32_MAX))
			return 0;
		if (text[len] == '\0')
			return n;
		text += len + 1;
	}
}

static struct ip_addr ipv4(uint32_t v)
{
	const uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		               (uint8_t)v };

	return ip_addr_from_bytes(IP_V4, b);
}

/* Like inet_aton: the last number fills all remaining bytes, so "10.1" is 10.0.0.1. */
static bool aton(struct ip_addr *out, const char *text)
{
	uint32_t parts[4], v = 0;
	size_t n = dotted(parts, text);

	for (size_t i = 0; i + 1 < n; i++) {
		if (parts[i] > 255)
			return false;
		v |= parts[i] << (24 - 8 * i);
	}
	if (n == 0 || (n > 1 && parts[n - 1] >> (32 - 8 * (n - 1)) != 0))
		return false;
	*out = ipv4(v | parts[n - 1]);
	return true;
}

/* Like `ip`: each number is a byte and the rest is zero, so "10.8" is 10.8.0.0. */
static bool ip4_from_left(uint32_t *out, const char *text)
{
	uint32_t parts[4];
	size_t n = dotted(parts, text);

	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (parts[i] > 255)
			return false;
		*out |= parts[i] << (24 - 8 * i);
	}
	return n > 0;
}

/* Reads "255.255.255.0", which must be ones followed by zeros. */
static bool netmask(uint32_t *len, const char *text)
{
	uint32_t mask, zeros;

	if (!strchr(text, '.') || !ip4_from_left(&mask, text))
		return false;
	zeros = ~mask;
	if ((zeros & (zeros + 1)) != 0)
		return false;
	*len = mask == 0 ? 0 : 32 - (uint32_t)__builtin_popcount(zeros);
	return true;
}

/* Splits ADDRESS[/LENGTH]. *length is NULL if there is none. Returns false if ADDRESS is
 * too long. */
static bool split_prefix(char address[static IP_ADDR_STRLEN], const char **length,
                         const char *text)
{
	size_t n = strcspn(text, "/");

	*length = text[n] == '/' ? text + n + 1 : NULL;
	if (n >= IP_ADDR_STRLEN)
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	return true;
}

bool value_address(struct ip_prefix *out, const char *text)
{
	char address[IP_ADDR_STRLEN];
	const char *length;
	uint32_t v, len;

	if (!split_prefix(address, &length, text))
		return false;
	if (strchr(address, ':')) {
		if (!ip_addr_parse(&out->addr, address) || out->addr.family != IP_V6)
			return false;
	} else {
		if (!ip4_from_left(&v, address + (address[0] == '+')))
			return false;
		out->addr = ipv4(v);
	}
	len = ip_addr_bits(&out->addr);
	if (length && !value_number(&len, length, len) &&
	    !(out->addr.family == IP_V4 && netmask(&len, length)))
		return false;
	out->len = (uint8_t)len;
	return true;
}

enum value_allowed value_allowed_ip(struct ip_prefix *out, const char *text)
{
	char address[IP_ADDR_STRLEN];
	const char *length;
	uint32_t len;

	if (!split_prefix(address, &length, text) || !ip_addr_parse(&out->addr, address))
		return VALUE_ALLOWED_BAD_ADDRESS;
	len = ip_addr_bits(&out->addr);
	if (length && !value_decimal(&len, length, len))
		return VALUE_ALLOWED_BAD_LENGTH;
	out->len = (uint8_t)len;
	return VALUE_ALLOWED_OK;
}

bool value_is_domain(const char *text)
{
	size_t n = strlen(text), label = 0;

	if (n == 0 || n > DOMAIN_MAX + (size_t)(text[n - 1] == '.'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-' &&
		           text[i] != '_') {
			return false;
		} else if (++label > LABEL_MAX) {
			return false;
		}
	}
	return true;
}

/* If there are only digits and dots, the C library takes it for a number, not for a
 * name. */
static bool looks_like_ipv4(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0';
}

/* Reads an IPv6 address with a zone; the zone must exist. */
static const char *zoned(struct value_endpoint *out, const char *host)
{
	char text[ENDPOINT_STRLEN];
	int n = snprintf(text, sizeof(text), "[%s]:%u", host, out->port);

	if (n < 0 || (size_t)n >= sizeof(text) || !endpoint_parse(&out->numeric, text))
		return "its address is wrong, or no interface has the name after the '%'";
	return NULL;
}

static const char *judge_host(struct value_endpoint *out)
{
	const char *host = out->host;

	out->numeric = (struct endpoint){ .port = out->port };
	if (strchr(host, '%'))
		return zoned(out, host);
	if (ip_addr_parse(&out->numeric.addr, host) || aton(&out->numeric.addr, host))
		return NULL;
	out->numeric = (struct endpoint){ 0 };
	if (*host == '\0')
		return "there is no host before the port";
	if (strchr(host, ':'))
		return "its host is not an IPv6 address";
	if (looks_like_ipv4(host))
		return "its host is not an IPv4 address";
	if (!value_is_domain(host))
		return "its host is neither an address nor a name";
	return NULL;
}

/* The address may have a zone. */
static bool is_ipv6(const char *text)
{
	char address[IP_ADDR_STRLEN];
	size_t n = strcspn(text, "%");
	struct ip_addr addr;

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	return ip_addr_parse(&addr, address) && addr.family == IP_V6;
}

/* Finds out whether it is something else that people may have written by mistake. */
static const char *other_than_endpoint(const char *text)
{
	if (strstr(text, "://"))
		return "it is a URL, but only its host and port belong here";
	if (strchr(text, ','))
		return "it is a list, but a peer has one endpoint";
	if (is_ipv6(text))
		return "it is an IPv6 address without brackets and port";
	return NULL;
}

static const char *take_endpoint(struct value_endpoint *out, const char *text)
{
	bool bracket = text[0] == '[';
	const char *host = text + bracket;
	const char *end = bracket ? strchr(text, ']') : strrchr(text, ':');
	const char *colon = bracket && end ? end + 1 : end;
	size_t n;

	*out = (struct value_endpoint){ .port = 0 };
	if (bracket && !end)
		return "the \"]\" is missing";
	if (!colon || *colon != ':' || colon[1] == '\0')
		return "the port is missing";
	if (!value_port(&out->port, colon + 1))
		return "its port is not 1 to 65535, nor a service name";
	if (out->port == 0)
		return "its port is 0, where nobody can be reached";
	n = (size_t)(end - host);
	if (n >= sizeof(out->host))
		return "its host is too long";
	memcpy(out->host, host, n); /* it ends with NUL, because the rest is zero */
	return judge_host(out);
}

/* For wg, the last part of an IPv6 address without brackets is the port. So the port is
 * reported as missing only if the last part can't be one. */
const char *value_endpoint(struct value_endpoint *out, const char *text)
{
	const char *wrong = take_endpoint(out, text);
	const char *other = wrong ? other_than_endpoint(text) : NULL;

	out->ambiguous = !wrong && !strchr(text, '%') && is_ipv6(text);
	return other ? other : wrong;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned distance(const char *a, const char *b, unsigned left)
{
	unsigned best = left + 1, d;

	while (*a != '\0' && lower(*a) == lower(*b))
		a++, b++;
	if (*a == *b)
		return 0;
	if (left == 0)
		return 1;
	for (int i = 0; i < 3; i++) { /* drop a letter of a, drop one of b, change one */
		if ((i != 1 && *a == '\0') || (i != 0 && *b == '\0'))
			continue;
		d = 1 + distance(a + (i != 1), b + (i != 0), left - 1);
		if (d < best)
			best = d;
	}
	return best;
}

unsigned value_distance(const char *a, const char *b)
{
	return distance(a, b, 2);
}

/* Returns the code point that begins here. If this isn't UTF-8, returns the byte itself
 * and sets *is_utf8 to false. */
static uint32_t code_point(const unsigned char *at, bool *is_utf8)
{
	unsigned more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
	uint32_t v = *at & (0x3fU >> more);

	*is_utf8 = *at >= 0xc2 && *at < 0xf5;
	for (unsigned i = 1; *is_utf8 && i <= more; i++) {
		*is_utf8 = (at[i] & 0xc0) == 0x80;
		v = v << 6 | (at[i] & 0x3fU);
	}
	return *is_utf8 ? v : *at;
}

const char *value_beyond_ascii(struct value_beyond *out, const char *text)
{
	/* which word processors, messengers and web pages use instead of ASCII */
	static const struct {
		uint32_t code;
		const char *name;
	} names[] = {
		{ 0xa0, "a no-break space" },
		{ 0x202f, "a narrow no-break space" },
		{ 0x200b, "a zero-width space" },
		{ 0x2060, "a word joiner" },
		{ 0xfeff, "a byte order mark" },
		{ 0x3000, "a wide space" },
		{ 0x2013, "a dash that is no '-'" },
		{ 0x2014, "a dash that is no '-'" },
		{ 0x2018, "a curly quotation mark" },
		{ 0x2019, "a curly quotation mark" },
		{ 0x201c, "a curly quotation mark" },
		{ 0x201d, "a curly quotation mark" },
	};
	const unsigned char *at = (const unsigned char *)text;
	const char *name = "a character beyond ASCII";
	uint32_t code;
	bool is_utf8;

	while (*at != '\0' && *at < 0x80)
		at++;
	if (*at == '\0')
		return NULL;
	code = code_point(at, &is_utf8);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			name = names[i].name;
	snprintf(out->text, sizeof(out->text), is_utf8 ? "%s (U+%04X)" : "%s (byte %02X)",
	         name, (unsigned)code);
	return out->text;
}

/* Could it be a key, or most of one, in base64 or another encoding? */
static bool looks_like_key(const char *text)
{
	size_t run = 0;

	for (; *text; text++) {
		bool base64 = is_letter(*text) || is_digit(*text) || *text == '+' ||
		              *text == '/';

		run = base64 ? run + 1 : 0;
		if (run >= KEY_BASE64_CHARS - 8)
			return true;
	}
	return false;
}

const char *value_show(struct value_shown *out, const char *text)
{
	const size_t max = sizeof(out->text) - sizeof("\"...\"");
	size_t n = strlen(text), shown = n < max ? n : max;
	char *at = out->text;

	if (looks_like_key(text)) {
		strcpy(out->text, "(not shown: it looks like a key)");
		return out->text;
	}
	*at++ = '"';
	for (size_t i = 0; i < shown; i++)
		*at++ = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	strcpy(at, n > shown ? "...\"" : "\"");
	return out->text;
}
