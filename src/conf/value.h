/* src/conf/value.h - what does the text behind a '=' mean?
 *
 * Pure functions from text to value; false if the text does not mean one. They take what
 * the reader of the key (wg, or the `ip` that wg-quick calls) takes, but for what that
 * reader takes by accident; see tunion.conf(5). */
#ifndef TUNION_CONF_VALUE_H
#define TUNION_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

/* Digits only; leading zeros are decimal. As wg. */
MUST_CHECK bool value_decimal(uint32_t *out, const char *text, uint32_t max);

/* Decimal or 0x hexadecimal, a '+' before it or not, as `ip`; but a leading zero, which
 * `ip` takes for octal, is refused. */
MUST_CHECK bool value_number(uint32_t *out, const char *text, uint32_t max);

/* Is there a number that value_number and value_address refuse for its leading zero? Only
 * for messages about keys that they read. */
bool value_is_octal(const char *text);

MUST_CHECK bool value_signed(int32_t *out, const char *text);
MUST_CHECK bool value_on_off(bool *out, const char *text);
MUST_CHECK bool value_true_false(bool *out, const char *text);

/* "off" or 0..max: 0 for off. */
MUST_CHECK bool value_or_off(uint32_t *out, const char *text, uint32_t max);

/* "off", decimal, or 0x hexadecimal. */
MUST_CHECK bool value_mark(uint32_t *out, const char *text);

/* 0..65535, or a service name that the host knows for UDP. */
MUST_CHECK bool value_port(uint16_t *out, const char *text);

/* The number of a routing table: value_number, main, default, local, or a name in the
 * host's rt_tables. */
MUST_CHECK bool value_table(uint32_t *out, const char *text);

/* An interface address as `ip address add` takes it: short forms, netmasks. */
MUST_CHECK bool value_address(struct ip_prefix *out, const char *text);

/* An item of AllowedIPs, without '+' or '-' before it; not masked. */
enum value_allowed {
	VALUE_ALLOWED_OK,
	VALUE_ALLOWED_BAD_ADDRESS,
	VALUE_ALLOWED_BAD_LENGTH,
};
MUST_CHECK enum value_allowed value_allowed_ip(struct ip_prefix *out, const char *text);

#define VALUE_HOST_STRLEN 272 /* a domain name, or an address with a zone */

struct value_endpoint {
	char host[VALUE_HOST_STRLEN]; /* as written, without brackets */
	uint16_t port;
	struct endpoint numeric; /* addr.family IP_NONE: host is a name */
	bool ambiguous; /* the text is an IPv6 address, too, if taken without a port */
};
/* HOST:PORT, as the C library's resolver takes them. Returns NULL, or what is wrong. */
MUST_CHECK const char *value_endpoint(struct value_endpoint *out, const char *text);

/* Letters, digits, '-' and '_' between dots; a dot at the end is fine. */
bool value_is_domain(const char *text);

/* How many letters are to be added, dropped or changed to make one word of the other;
 * case does not matter. 3 stands for all that is more than 2. */
unsigned value_distance(const char *a, const char *b);

/* For messages: the text's first character beyond ASCII by its name, "a no-break space
 * (U+00A0)"; NULL if there is none. What is not UTF-8 is named by its byte. */
struct value_beyond {
	char text[72];
};
const char *value_beyond_ascii(struct value_beyond *out, const char *text);

/* For messages: the text in quotes, printable and not too long. What looks like a key is
 * not shown. Returns out->text. */
struct value_shown {
	char text[72];
};
const char *value_show(struct value_shown *out, const char *text);

#endif
