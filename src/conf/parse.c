/* src/conf/parse.c - inih calls handle() for each section, key and setting; a table says
 * which function takes which key. A key is written as the program that reads it wants it:
 *   wg's:        blanks don't count, anywhere; the value must not be empty
 *   wg-quick's:  no blanks inside the key and the "[Interface]" above it, those inside
 * the value stay; an empty value is as if it weren't there An error is told and the line
 * skipped, so that one run finds them all. */
#include "conf/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>
#include <sodium.h>

#include "base/key.h"
#include "conf/lines.h"
#include "conf/list.h"
#include "conf/merge.h"
#include "conf/value.h"

#define MTU_MIN  68 /* of a tun */
#define MTU_MAX  65535
#define WORD_MAX 20 /* letters of an unknown key that are shown */

#define OCTAL_HINT "; a leading 0 would mean octal"

enum section {
	SECTION_NONE, /* before the first */
	SECTION_INTERFACE,
	SECTION_PEER,
	SECTION_UNKNOWN,
};

struct parse {
	struct conf *conf; /* borrowed */
	struct diag *diag; /* borrowed */
	struct lines lines;
	bool quick_section;             /* [Interface], as wg-quick knows it */
	struct merge_section *sections; /* owned */
	size_t section_count;
	int error; /* 0, -EINVAL or -ENOMEM */
};

/* Who reads the key decides how it is written. */
enum reader {
	READER_WG,
	READER_QUICK,
	READER_HOOK, /* wg-quick, and '#' is part of the value */
};

struct key {
	const char *name;
	enum section section;
	enum reader reader;
	void (*set)(struct parse *p, char *value);
};

static void bad(struct parse *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void bad(struct parse *p, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag_error(p->diag, p->conf->path, p->lines.number, "%s", text);
	if (p->error == 0)
		p->error = -EINVAL;
}

static void bad_value(struct parse *p, const char *key, const char *value,
                      const char *expected)
{
	struct value_shown shown;

	bad(p, "%s %s is wrong; expected %s", key, value_show(&shown, value), expected);
}

static void warn(const struct parse *p, unsigned line, const char *text)
{
	diag_warning(p->diag, p->conf->path, line, "%s", text);
}

static void no_memory(struct parse *p)
{
	diag_error(p->diag, p->conf->path, p->lines.number, "out of memory");
	p->error = -ENOMEM;
}

/* ---- lists */

/* The words between commas and blanks, as wg-quick takes lists apart; NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at;

	while (*word == ',' || lines_is_blank(*word))
		word++;
	if (*word == '\0')
		return NULL;
	*at = word;
	while (**at != '\0' && **at != ',' && !lines_is_blank(**at))
		(*at)++;
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

static void add_text(struct parse *p, struct conf_texts *list, const char *text)
{
	struct conf_text *v = list_room(list->v, list->n, sizeof(*v));
	char *copy = strdup(text);

	if (v)
		list->v = v;
	if (!v || !copy) {
		free(copy);
		no_memory(p);
		return;
	}
	v[list->n++] = (struct conf_text){ .text = copy, .line = p->lines.number };
}

/* ---- [Interface], wg's */

static bool read_key(struct parse *p, uint8_t out[static KEY_BYTES], const char *name,
                     const char *value)
{
	size_t n = strlen(value);

	if (key_from_base64(out, value, n))
		return true;
	if (n != KEY_BASE64_CHARS)
		bad(p,
		    "%s is no key: it has %zu characters; expected %d of base64, the "
		    "last "
		    "a '='",
		    name, n, KEY_BASE64_CHARS);
	else
		bad(p,
		    "%s is no key; expected %d characters of base64 that stand for 32 "
		    "bytes, the last a '='",
		    name, KEY_BASE64_CHARS);
	return false;
}

/* Takes a key into locked memory; all zero is none. */
static void keep_secret(struct parse *p, bool *has, uint8_t **kept,
                        uint8_t key[static KEY_BYTES])
{
	*has = !key_is_zero(key);
	if (*has && !*kept)
		*kept = sodium_malloc(KEY_BYTES);
	if (*has && *kept)
		memcpy(*kept, key, KEY_BYTES);
	else if (*has)
		no_memory(p);
	if (!*has || !*kept) {
		sodium_free(*kept);
		*kept = NULL;
		*has = false;
	}
	sodium_memzero(key, KEY_BYTES);
}

static void set_private_key(struct parse *p, char *value)
{
	uint8_t key[KEY_BYTES];

	if (!read_key(p, key, "PrivateKey", value))
		return;
	keep_secret(p, &p->conf->has_private_key, &p->conf->private_key, key);
	if (!p->conf->has_private_key)
		return;
	p->conf->private_key[0] &= 248; /* RFC 7748 5, as wg shows it */
	p->conf->private_key[31] = (uint8_t)((p->conf->private_key[31] & 127) | 64);
}

static void set_listen_port(struct parse *p, char *value)
{
	if (!value_port(&p->conf->listen_port, value))
		bad_value(p, "ListenPort", value, "0 to 65535, or a service name");
	p->conf->listen_port_line = p->lines.number;
}

static void set_fwmark(struct parse *p, char *value)
{
	if (!value_mark(&p->conf->fwmark, value))
		bad_value(p, "FwMark", value,
		          "off, 0 to 4294967295, or 0x0 to 0xffffffff");
	p->conf->fwmark_line = p->lines.number;
}

/* ---- [Interface], wg-quick's */

static void add_address(struct parse *p, const char *word)
{
	struct conf_prefixes *list = &p->conf->addresses;
	struct conf_prefix *v;
	struct ip_prefix prefix;

	if (!value_address(&prefix, word)) {
		bad_value(p, "Address", word,
		          "an IPv4 or IPv6 address, perhaps with /LENGTH" OCTAL_HINT);
		return;
	}
	if (prefix.addr.family == IP_V6 &&
	    (ip_addr_is_unspecified(&prefix.addr) || ip_addr_is_multicast(&prefix.addr) ||
	     ip_addr_is_loopback(&prefix.addr))) {
		bad_value(p, "Address", word,
		          "a unicast address, which the host can have");
		return;
	}
	if (ip_addr_is_unspecified(&prefix.addr)) {
		warn(p, p->lines.number,
		     "Address 0.0.0.0 is no address and has no effect");
		return;
	}
	v = list_room(list->v, list->n, sizeof(*v));
	if (!v) {
		no_memory(p);
		return;
	}
	list->v = v;
	v[list->n++] = (struct conf_prefix){ .prefix = prefix, .line = p->lines.number };
}

static void set_address(struct parse *p, char *value)
{
	char *word;

	while ((word = next_word(&value)))
		add_address(p, word);
}

/* wg-quick takes for a server what has a colon, or nothing but digits and dots. */
static void add_dns(struct parse *p, const char *word)
{
	struct conf_addrs *list = &p->conf->dns_servers;
	bool server = strchr(word, ':') || word[strspn(word, "0123456789.")] == '\0';
	struct ip_addr addr, *v;

	if (!server && !value_is_domain(word)) {
		bad_value(p, "DNS", word, "addresses and search domains, between commas");
		return;
	}
	if (!server) {
		add_text(p, &p->conf->dns_domains, word);
		return;
	}
	if (!ip_addr_parse(&addr, word)) {
		bad_value(p, "DNS", word,
		          "an IPv4 or IPv6 address, without port or zone");
		return;
	}
	v = list_room(list->v, list->n, sizeof(*v));
	if (!v) {
		no_memory(p);
		return;
	}
	list->v = v;
	v[list->n++] = addr;
}

static void set_dns(struct parse *p, char *value)
{
	char *word;

	while ((word = next_word(&value)))
		add_dns(p, word);
}

static void set_mtu(struct parse *p, char *value)
{
	p->conf->has_mtu = *value != '\0';
	p->conf->mtu_line = p->lines.number;
	if (*value != '\0' && (!value_number(&p->conf->mtu_bytes, value, MTU_MAX) ||
	                       p->conf->mtu_bytes < MTU_MIN))
		bad_value(p, "MTU", value, "68 to 65535" OCTAL_HINT);
}

static void set_table(struct parse *p, char *value)
{
	struct conf *conf = p->conf;

	conf->table_line = p->lines.number;
	if (*value == '\0' || strcmp(value, "auto") == 0)
		conf->table = CONF_TABLE_AUTO;
	else if (strcmp(value, "off") == 0)
		conf->table = CONF_TABLE_OFF;
	else if (value_table(&conf->table_number, value))
		conf->table = CONF_TABLE_NUMBER;
	else
		bad_value(p, "Table", value,
		          "auto or off, in lower case, a number to 4294967295, or the "
		          "name of "
		          "a routing table such as main" OCTAL_HINT);
}

static void set_save_config(struct parse *p, char *value)
{
	if (!value_true_false(&p->conf->save_config, value))
		bad_value(p, "SaveConfig", value, "true or false");
}

static void add_hook(struct parse *p, enum conf_hook hook, const char *value)
{
	if (*value != '\0')
		add_text(p, &p->conf->hooks[hook], value);
}

static void add_pre_up(struct parse *p, char *value)
{
	add_hook(p, CONF_PRE_UP, value);
}

static void add_post_up(struct parse *p, char *value)
{
	add_hook(p, CONF_POST_UP, value);
}

static void add_pre_down(struct parse *p, char *value)
{
	add_hook(p, CONF_PRE_DOWN, value);
}

static void add_post_down(struct parse *p, char *value)
{
	add_hook(p, CONF_POST_DOWN, value);
}

/* ---- [Peer] */

static struct merge_section *peer_section(struct parse *p)
{
	return &p->sections[p->section_count - 1];
}

static void set_public_key(struct parse *p, char *value)
{
	struct merge_section *s = peer_section(p);

	s->names_key = true;
	if (!read_key(p, s->peer.public_key, "PublicKey", value))
		return;
	s->has_key = !key_is_zero(s->peer.public_key);
	if (!s->has_key)
		warn(p, p->lines.number,
		     "PublicKey is all zero, which nobody has; this peer is "
		     "left out");
}

static void set_preshared_key(struct parse *p, char *value)
{
	struct merge_section *s = peer_section(p);
	uint8_t key[KEY_BYTES];

	if (!read_key(p, key, "PresharedKey", value))
		return;
	s->names_preshared_key = true;
	keep_secret(p, &s->peer.has_preshared_key, &s->peer.preshared_key, key);
}

static void add_allowed_ip(struct parse *p, char *item)
{
	struct merge_section *s = peer_section(p);
	struct merge_allowed *v;
	struct ip_prefix prefix, masked;
	char sign = *item == '+' || *item == '-' ? *item++ : '\0';
	enum value_allowed result = value_allowed_ip(&prefix, item);

	if (result != VALUE_ALLOWED_OK) {
		bad_value(
			p, "AllowedIPs", item,
			result == VALUE_ALLOWED_BAD_ADDRESS
				? "IPv4 or IPv6 addresses, perhaps with /LENGTH, between "
		                  "commas"
				: "a length of 0 to 32, or 0 to 128 for IPv6, in digits");
		return;
	}
	masked = ip_prefix_mask(prefix);
	if (!ip_prefix_equal(&masked, &prefix)) {
		char text[IP_PREFIX_STRLEN];

		diag_warning(p->diag, p->conf->path, p->lines.number,
		             "AllowedIPs \"%s\" has a nonzero host part; taken as %s",
		             item, ip_prefix_format(&masked, text));
	}
	v = list_room(s->allowed, s->allowed_count, sizeof(*v));
	if (!v) {
		no_memory(p);
		return;
	}
	s->allowed = v;
	v[s->allowed_count++] = (struct merge_allowed){ .prefix = masked,
		                                        .line = p->lines.number,
		                                        .take_away = sign == '-' };
}

static void set_allowed_ips(struct parse *p, char *value)
{
	char *item;

	while ((item = strsep(&value, ",")))
		add_allowed_ip(p, item);
}

static void set_endpoint(struct parse *p, char *value)
{
	struct conf_peer *peer = &peer_section(p)->peer;
	struct value_endpoint endpoint;
	struct value_shown shown;
	const char *wrong = value_endpoint(&endpoint, value);
	char *host;

	if (wrong) {
		bad(p,
		    "Endpoint %s is wrong: %s; expected ADDRESS:PORT, [ADDRESS]:PORT or "
		    "NAME:PORT",
		    value_show(&shown, value), wrong);
		return;
	}
	host = strdup(endpoint.host);
	if (!host) {
		no_memory(p);
		return;
	}
	free(peer->endpoint_host);
	peer->has_endpoint = true;
	peer->endpoint_host = host;
	peer->endpoint_port = endpoint.port;
	peer->endpoint = endpoint.numeric;
	peer->endpoint_line = p->lines.number;
}

static void set_keepalive(struct parse *p, char *value)
{
	struct conf_peer *peer = &peer_section(p)->peer;
	uint32_t v = 0;

	if (!value_or_off(&v, value, UINT16_MAX))
		bad_value(p, "PersistentKeepalive", value, "off, or 0 to 65535 seconds");
	peer->has_keepalive = true;
	peer->keepalive_s = (uint16_t)v;
}

/* ---- # tunion: */

static void set_carrier(struct parse *p, struct conf_carrier *via, const char *value)
{
	bool network = strcmp(value, "network") == 0;
	char *name = NULL;

	if (!network && !conf_name_valid(value)) {
		bad_value(p, "Via", value, "network, or the NAME of another tunnel file");
		return;
	}
	if (!network && !(name = strdup(value))) {
		no_memory(p);
		return;
	}
	free(via->name);
	*via = (struct conf_carrier){ .kind = network ? CONF_VIA_NETWORK
		                                      : CONF_VIA_DEVICE,
		                      .name = name,
		                      .line = p->lines.number };
}

static void set_via(struct parse *p, char *value)
{
	set_carrier(p, &p->conf->via, value);
}

static void set_peer_via(struct parse *p, char *value)
{
	set_carrier(p, &peer_section(p)->peer.via, value);
}

static void set_metric(struct parse *p, char *value)
{
	if (!value_signed(&p->conf->metric, value))
		bad_value(p, "Metric", value, "a number, -2147483647 to 2147483647");
	p->conf->metric_line = p->lines.number;
}

static void set_off(struct parse *p, const char *key, bool *off, const char *value)
{
	bool on;

	if (!value_on_off(&on, value))
		bad_value(p, key, value, "on or off");
	*off = !on;
}

static void set_source_fix(struct parse *p, char *value)
{
	set_off(p, "SourceFix", &p->conf->source_fix_off, value);
}

static void set_resolve(struct parse *p, char *value)
{
	set_off(p, "Resolve", &p->conf->resolve_off, value);
}

/* ---- which key is it? */

static const struct key keys[] = {
	{ "PrivateKey", SECTION_INTERFACE, READER_WG, set_private_key },
	{ "ListenPort", SECTION_INTERFACE, READER_WG, set_listen_port },
	{ "FwMark", SECTION_INTERFACE, READER_WG, set_fwmark },
	{ "Address", SECTION_INTERFACE, READER_QUICK, set_address },
	{ "DNS", SECTION_INTERFACE, READER_QUICK, set_dns },
	{ "MTU", SECTION_INTERFACE, READER_QUICK, set_mtu },
	{ "Table", SECTION_INTERFACE, READER_QUICK, set_table },
	{ "SaveConfig", SECTION_INTERFACE, READER_QUICK, set_save_config },
	{ "PreUp", SECTION_INTERFACE, READER_HOOK, add_pre_up },
	{ "PostUp", SECTION_INTERFACE, READER_HOOK, add_post_up },
	{ "PreDown", SECTION_INTERFACE, READER_HOOK, add_pre_down },
	{ "PostDown", SECTION_INTERFACE, READER_HOOK, add_post_down },
	{ "PublicKey", SECTION_PEER, READER_WG, set_public_key },
	{ "PresharedKey", SECTION_PEER, READER_WG, set_preshared_key },
	{ "AllowedIPs", SECTION_PEER, READER_WG, set_allowed_ips },
	{ "Endpoint", SECTION_PEER, READER_WG, set_endpoint },
	{ "PersistentKeepalive", SECTION_PEER, READER_WG, set_keepalive },
};

static const struct key settings[] = {
	{ "Via", SECTION_INTERFACE, READER_QUICK, set_via },
	{ "Via", SECTION_PEER, READER_QUICK, set_peer_via },
	{ "Metric", SECTION_INTERFACE, READER_QUICK, set_metric },
	{ "SourceFix", SECTION_INTERFACE, READER_QUICK, set_source_fix },
	{ "Resolve", SECTION_INTERFACE, READER_QUICK, set_resolve },
};

static const char *const section_names[] = {
	[SECTION_NONE] = "no section",
	[SECTION_INTERFACE] = "[Interface]",
	[SECTION_PEER] = "[Peer]",
	[SECTION_UNKNOWN] = "an unknown section",
};
_Static_assert(ARRAY_SIZE(section_names) == SECTION_UNKNOWN + 1,
               "a name for each section");

/* inih's name of a section -> ours. */
static enum section section_of(const char *word)
{
	if (*word == '\0')
		return SECTION_NONE;
	if (strcasecmp(word, "Interface") == 0)
		return SECTION_INTERFACE;
	return strcasecmp(word, "Peer") == 0 ? SECTION_PEER : SECTION_UNKNOWN;
}

/* The key of that name, in this section if there is one. */
static const struct key *find(const struct key *table, size_t n, const char *word,
                              enum section section)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(table[i].name, word) != 0)
			continue;
		if (table[i].section == section)
			return &table[i];
		found = &table[i];
	}
	return found;
}

static bool has_blank(const char *text)
{
	while (*text != '\0' && !lines_is_blank(*text))
		text++;
	return *text != '\0';
}

static void cut_all_blanks(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (!lines_is_blank(*text))
			*to++ = *text;
	*to = '\0';
}

/* An unknown key may be a piece of a secret that lost its key: only a short word that has
 * a value is shown. */
static void unknown_key(struct parse *p, const char *word, enum section section)
{
	const char *name = p->lines.name;
	bool ascii = true;

	for (const char *c = name; *c != '\0'; c++)
		ascii = ascii && (unsigned char)*c < 0x80;
	if (!ascii)
		bad(p, "unknown key: it has a character beyond ASCII, perhaps a no-break "
		       "space");
	else if (*word != '?' && strlen(word) <= WORD_MAX && *p->lines.value != '\0')
		bad(p, "unknown key \"%s\" in %s; see tunion.conf(5) for those expected",
		    name, section_names[section]);
	else
		bad(p, "unknown key in %s; see tunion.conf(5) for those expected",
		    section_names[section]);
}

/* The checks that all keys of a table have in common. NULL if one fails. */
static const struct key *judge(struct parse *p, const struct key *table, size_t n,
                               const char *word, enum section section)
{
	const struct key *key = find(table, n, word, section);

	if (key && key->reader != READER_WG && table == keys && has_blank(p->lines.name))
		key = NULL;
	if (!p->lines.value && key)
		bad(p, "%s without '='; expected %s = VALUE", key->name, key->name);
	else if (!p->lines.value)
		bad(p, "neither [Interface] nor [Peer] nor KEY = VALUE");
	else if (section == SECTION_NONE)
		bad(p,
		    "a key before any section; expected [Interface] or [Peer] above it");
	else if (!key)
		unknown_key(p, word, section);
	else if (key->section != section)
		bad(p, "%s is in %s; expected in %s", key->name, section_names[section],
		    section_names[key->section]);
	else
		return key;
	return NULL;
}

static void handle_key(struct parse *p, const char *word, enum section section)
{
	const struct key *key = judge(p, keys, ARRAY_SIZE(keys), word, section);
	char *value = p->lines.value;

	if (!key)
		return;
	if (key->reader == READER_HOOK)
		value = lines_whole_value(&p->lines);
	if (p->lines.has_nul) {
		bad(p, "%s has a NUL byte; expected text", key->name);
		return;
	}
	if (key->reader != READER_WG && !p->quick_section) {
		bad(p,
		    "%s is below a \"[Interface]\" with blanks in it, which wg-quick "
		    "does not "
		    "know; expected [Interface]",
		    key->name);
		return;
	}
	if (key->reader == READER_WG)
		cut_all_blanks(value);
	if (key->reader == READER_WG && *value == '\0') {
		bad(p, "%s is empty; expected a value, or no such line", key->name);
		return;
	}
	key->set(p, value);
}

static void handle_setting(struct parse *p, const char *word, enum section section)
{
	const struct key *key;

	if (p->lines.has_nul || !p->lines.value) {
		bad(p, "\"# tunion:\" without '='; expected # tunion: KEY = VALUE");
		return;
	}
	key = judge(p, settings, ARRAY_SIZE(settings), word, section);
	if (key)
		key->set(p, p->lines.value);
}

static void begin_section(struct parse *p, enum section section)
{
	struct merge_section *v;

	p->quick_section = section == SECTION_INTERFACE && !has_blank(p->lines.name);
	if (section == SECTION_UNKNOWN)
		bad(p, "unknown section; expected [Interface] or [Peer]");
	if (section != SECTION_PEER)
		return;
	v = list_room(p->sections, p->section_count, sizeof(*v));
	if (!v) {
		no_memory(p);
		return;
	}
	p->sections = v;
	v[p->section_count++] =
		(struct merge_section){ .peer = { .line = p->lines.number } };
}

/* The ini_handler. The value is not inih's, see lines.c. */
static int handle(void *user, const char *section_word, const char *word,
                  const char *value)
{
	struct parse *p = user;
	enum section section = section_of(section_word);

	(void)value;
	if (p->error == -ENOMEM)
		return 1;
	switch (p->lines.kind) {
	case LINES_SECTION:
		begin_section(p, section);
		break;
	case LINES_KEY:
		if (section != SECTION_UNKNOWN)
			handle_key(p, word, section);
		break;
	case LINES_SETTING:
		if (section != SECTION_UNKNOWN)
			handle_setting(p, word, section);
		break;
	}
	return 1;
}

/* ---- the whole file */

/* Byte order marks. False if the text can't be read at all. */
static bool skip_mark(struct parse *p, char **text, size_t *n)
{
	if (*n >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*n -= 3;
		p->lines.number = 1;
		bad(p, "the file begins with a byte order mark (BOM), which wg refuses; "
		       "expected "
		       "UTF-8 without it");
	} else if (*n >= 2 && (memcmp(*text, "\xff\xfe", 2) == 0 ||
	                       memcmp(*text, "\xfe\xff", 2) == 0)) {
		p->lines.number = 1;
		bad(p, "the file is UTF-16; expected UTF-8 or ASCII");
		return false;
	}
	return true;
}

static int by_prefix(const void *a, const void *b)
{
	const struct conf_prefix *x = a, *y = b;
	int c = ip_addr_compare(&x->prefix.addr, &y->prefix.addr);

	if (c == 0)
		c = x->prefix.len - y->prefix.len;
	if (c == 0)
		c = x->line < y->line ? -1 : x->line > y->line;
	return c;
}

/* The host refuses the same address and length twice. */
static void check_addresses(struct parse *p)
{
	const struct conf_prefixes *list = &p->conf->addresses;
	struct conf_prefix *sorted;
	char text[IP_PREFIX_STRLEN];

	if (list->n < 2)
		return;
	sorted = reallocarray(NULL, list->n, sizeof(*sorted));
	if (!sorted) {
		no_memory(p);
		return;
	}
	memcpy(sorted, list->v, list->n * sizeof(*sorted));
	qsort(sorted, list->n, sizeof(*sorted), by_prefix);
	for (size_t i = 1; i < list->n; i++) {
		if (!ip_prefix_equal(&sorted[i].prefix, &sorted[i - 1].prefix))
			continue;
		p->lines.number = sorted[i].line;
		bad(p, "Address %s stands in line %u already; expected once",
		    ip_prefix_format(&sorted[i].prefix, text), sorted[i - 1].line);
	}
	free(sorted);
}

/* Sections without a (good) key are no peers: removed, and told unless told already. */
static void check_peers(struct parse *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->section_count; i++) {
		struct merge_section *s = &p->sections[i];

		p->lines.number = s->peer.line;
		if (!s->names_key)
			bad(p, "this peer has no PublicKey; expected one in each [Peer]");
		if (s->has_key)
			p->sections[kept++] = *s;
		else
			merge_section_clear(s);
	}
	p->section_count = kept;
}

static void finish(struct parse *p)
{
	struct conf *conf = p->conf;

	if (conf->has_private_key &&
	    crypto_scalarmult_base(conf->public_key, conf->private_key) != 0)
		warn(p, 0, "the PrivateKey has no public key");
	if (!conf->has_private_key && p->error == 0)
		warn(p, 0, "there is no PrivateKey: no peer can be reached");
	if (conf->dns_domains.n > 0 && conf->dns_servers.n == 0)
		warn(p, conf->dns_domains.v[0].line,
		     "DNS has search domains but no server, and so no effect");
	if (conf->save_config)
		warn(p, 0,
		     "SaveConfig is true, but tunion never writes to a tunnel file");
	check_addresses(p);
	check_peers(p);
	if (p->error != -ENOMEM &&
	    merge_peers(conf, p->sections, p->section_count, p->diag) < 0)
		no_memory(p);
}

int parse_text(struct conf *conf, char *text, size_t n, struct diag *diag)
{
	struct parse p = { .conf = conf, .diag = diag };
	int r;

	if (skip_mark(&p, &text, &n)) {
		lines_init(&p.lines, text, n);
		r = ini_parse_stream(lines_read, &p.lines, handle, &p);
		if (r == -2)
			no_memory(&p);
		else if (r != 0)
			bad(&p, "inih can't read this line");
		if (p.error != -ENOMEM)
			finish(&p);
	}
	for (size_t i = 0; i < p.section_count; i++)
		merge_section_clear(&p.sections[i]);
	free(p.sections);
	return p.error;
}
