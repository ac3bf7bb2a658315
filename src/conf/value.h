/* src/conf/value.h - what does the text after a '=' mean?
 *
 * Pure functions that turn text into a value. They return false if the text is wrong.
 * They accept what the reader of the key accepts (wg, or the `ip` that wg-quick calls),
 * except what that reader accepts only by accident; see tunion.conf(5). */
#ifndef TUNION_CONF_VALUE_H
#define TUNION_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ip.h"

/* Accepts only digits; also with leading zeros they are decimal, as in wg. */
MUST_CHECK bool value_decimal(uint32_t *out, const char *text, uint32_t max);

/* Accepts a decimal number, or a hexadecimal one with 0x, perhaps with a '+' before it,
 * as `ip` does. But a leading zero is refused, because `ip` takes it for octal. */
MUST_CHECK bool value_number(uint32_t *out, const char *text, uint32_t max);

/* Is there a number in it that value_number and value_address refuse because of a leading
 * zero? Only for messages about keys that these functions read. */
bool value_is_octal(const char *text);

MUST_CHECK bool value_signed(int32_t *out, const char *text);
MUST_CHECK bool value_on_off(bool *out, const char *text);
MUST_CHECK bool value_true_false(bool *out, const char *text);

/* Accepts "off", which is 0, or 0 to max. */
MUST_CHECK bool value_or_off(uint32_t *out, const char *text, uint32_t max);

/* Accepts "off", a decimal number, or a hexadecimal one with 0x. */
MUST_CHECK bool value_mark(uint32_t *out, const char *text);

/* Accepts 0 to 65535, or the name of a service that the host knows for UDP. */
MUST_CHECK bool value_port(uint16_t *out, const char *text);

/* Reads the number of a routing table: what value_number accepts, main, default, local,
 * or a name in the host's rt_tables. */
MUST_CHECK bool value_table(uint32_t *out, const char *text);

/* Reads an interface address as `ip address add` does, with short forms and netmasks. */
MUST_CHECK bool value_address(struct ip_prefix *out, const char *text);

/* Reads an item of AllowedIPs without the '+' or '-' before it. Doesn't mask it. */
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
	struct endpoint numeric; /* addr.family is IP_NONE if host is a name */
	bool ambiguous; /* without a port, the text would be an IPv6 address, too */
};
/* Reads HOST:PORT as the C library's resolver does. Returns NULL, or what is wrong. */
MUST_CHECK const char *value_endpoint(struct value_endpoint *out, const char *text);

/* Accepts letters, digits, '-' and '_' between dots, and also a dot at the end. */
bool value_is_domain(const char *text);

/* How many letters have to be added, dropped or changed to make one word of the other?
 * Upper and lower case don't matter. Returns 3 for everything above 2. */
unsigned value_distance(const char *a, const char *b);

/* For messages: describes the first character of the text that isn't ASCII, such as "a
 * no-break space (U+00A0)". If it isn't UTF-8, its byte is shown. Returns NULL if there
 * is no such character. */
struct value_beyond {
	char text[72];
};
const char *value_beyond_ascii(struct value_beyond *out, const char *text);

/* For messages: the text in quotes, as printable characters, and cut if it is too long.
 * Text that looks like a key is not shown. Returns out->text. */
struct value_shown {
	char text[72];
};
const char *value_show(struct value_shown *out, const char *text);

#endif
