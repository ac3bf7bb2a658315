/* src/conf/keys.c - one function for each key. It gets the value as the program that
 * reads this key would see it (see parse.c), and reports what is wrong with it. */
#include "conf/keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/ifname.h"
#include "base/key.h"
#include "conf/lines.h"
#include "conf/list.h"
#include "conf/value.h"

#define MTU_MIN 68 /* the minimum of a tun */
#define MTU_MAX 65535

bool keys_bad_enough(const struct keys_file *f)
{
	return f->bad_count >= KEYS_BAD_MAX;
}

void keys_bad(struct keys_file *f, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (keys_bad_enough(f))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag_error(f->diag, f->conf->path, f->line, "%s", text);
	f->bad_count++;
	if (keys_bad_enough(f))
		diag_error(f->diag, f->conf->path, f->line,
		           "these are %d errors, so the rest of the file isn't read",
		           KEYS_BAD_MAX);
	if (f->error == 0)
		f->error = -EINVAL;
}

static void bad_value(struct keys_file *f, const char *key, const char *value,
                      const char *expected)
{
	struct value_shown shown;

	keys_bad(f, "%s %s is wrong; expected %s%s", key, value_show(&shown, value),
	         expected, value_is_octal(value) ? "; a leading 0 would mean octal" : "");
}

void keys_warn(struct keys_file *f, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (f->warn_count >= KEYS_BAD_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag_warning(f->diag, f->conf->path, line, "%s", text);
	if (++f->warn_count == KEYS_BAD_MAX)
		diag_warning(f->diag, f->conf->path, line,
		             "these are %d warnings, so no more are printed",
		             KEYS_BAD_MAX);
}

void keys_no_memory(struct keys_file *f)
{
	diag_error(f->diag, f->conf->path, f->line, "out of memory");
	f->error = -ENOMEM;
}

/* ---- lists */

/* Returns the next word between commas and blanks, which is how wg-quick splits lists;
 * NULL at the end. */
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

static void add_text(struct keys_file *f, struct conf_texts *list, const char *text)
{
	struct conf_text *v = list_room(list->v, list->n, sizeof(*v));
	char *copy = strdup(text);

	if (v)
		list->v = v;
	if (!v || !copy) {
		free(copy);
		keys_no_memory(f);
		return;
	}
	v[list->n++] = (struct conf_text){ .text = copy, .line = f->line };
}

/* ---- [Interface]: the keys that wg reads */

static bool read_key(struct keys_file *f, uint8_t out[static KEY_BYTES], const char *name,
                     const char *value)
{
	size_t n = strlen(value);

	if (key_from_base64(out, value, n))
		return true;
	if (n != KEY_BASE64_CHARS)
		keys_bad(
			f,
			"%s is no key: it has %zu characters; expected %d characters of base64, of which the last is '='",
			name, n, KEY_BASE64_CHARS);
	else
		keys_bad(
			f,
			"%s is no key; expected %d characters of base64 that stand for 32 bytes, of which the last is '='",
			name, KEY_BASE64_CHARS);
	return false;
}

/* Seals a key, and wipes it here. A key of zeroes means that there is none. Returns whether
 * there is one now. */
static bool keep_key(struct keys_file *f, struct sealed_key *kept,
                     uint8_t key[static KEY_BYTES])
{
	sealed_clear(kept);
	if (!key_is_zero(key) && sealed_set(kept, f->sealer, key) < 0)
		keys_no_memory(f);
	sodium_memzero(key, KEY_BYTES);
	return sealed_is_set(kept);
}

static void set_private_key(struct keys_file *f, char *value)
{
	uint8_t key[KEY_BYTES];

	if (!read_key(f, key, "PrivateKey", value))
		return;
	if (!key_is_zero(key)) {
		key[0] &= 248; /* RFC 7748 5; wg shows it like this, too */
		key[31] = (uint8_t)((key[31] & 127) | 64);
	}
	if (keep_key(f, &f->conf->identity.private_key, key))
		f->conf->lines.private_key = f->line;
}

static void set_listen_port(struct keys_file *f, char *value)
{
	if (!value_port(&f->conf->listen_port, value))
		bad_value(f, "ListenPort", value, "0 to 65535, or a service name");
	f->conf->lines.listen_port = f->line;
}

static void set_fwmark(struct keys_file *f, char *value)
{
	if (!value_mark(&f->conf->fwmark, value))
		bad_value(f, "FwMark", value,
		          "off, 0 to 4294967295, or 0x0 to 0xffffffff");
	f->conf->lines.fwmark = f->line;
}

/* ---- [Interface]: the keys that wg-quick reads */

static void add_address(struct keys_file *f, const char *word)
{
	struct conf_prefixes *list = &f->conf->addresses;
	struct conf_prefix *v;
	struct ip_prefix prefix;

	if (!value_address(&prefix, word)) {
		bad_value(f, "Address", word,
		          "an IPv4 or IPv6 address, perhaps with /LENGTH");
		return;
	}
	if (prefix.addr.family == IP_V6 &&
	    (ip_addr_is_unspecified(&prefix.addr) || ip_addr_is_multicast(&prefix.addr) ||
	     ip_addr_is_loopback(&prefix.addr))) {
		bad_value(f, "Address", word,
		          "a unicast address, which the host can have");
		return;
	}
	if (ip_addr_is_unspecified(&prefix.addr)) {
		keys_warn(f, f->line, "Address 0.0.0.0 is no address and has no effect");
		return;
	}
	v = list_room(list->v, list->n, sizeof(*v));
	if (!v) {
		keys_no_memory(f);
		return;
	}
	list->v = v;
	v[list->n++] = (struct conf_prefix){ .prefix = prefix, .line = f->line };
}

static void set_address(struct keys_file *f, char *value)
{
	char *word;

	while (!keys_bad_enough(f) && (word = next_word(&value)))
		add_address(f, word);
}

static void add_addr(struct keys_file *f, struct conf_addrs *list,
                     const struct ip_addr *addr)
{
	struct ip_addr *v = list_room(list->v, list->n, sizeof(*v));
	unsigned *lines = list_room(list->lines, list->n, sizeof(*lines));

	if (v)
		list->v = v;
	if (lines)
		list->lines = lines;
	if (!v || !lines) {
		keys_no_memory(f);
		return;
	}
	list->v[list->n] = *addr;
	list->lines[list->n++] = f->line;
}

/* Like wg-quick, takes a word for a server if it has a colon or only digits and dots. */
static void add_dns(struct keys_file *f, const char *word)
{
	struct conf_addrs *list = &f->conf->dns.servers;
	bool server = strchr(word, ':') || word[strspn(word, "0123456789.")] == '\0';
	struct ip_addr addr;

	if (!server && !value_is_domain(word)) {
		bad_value(f, "DNS", word, "addresses and search domains, between commas");
		return;
	}
	if (!server) {
		add_text(f, &f->conf->dns.domains, word);
		return;
	}
	if (!ip_addr_parse(&addr, word)) {
		bad_value(f, "DNS", word,
		          "an IPv4 or IPv6 address, without port or zone");
		return;
	}
	add_addr(f, list, &addr);
}

static void set_dns(struct keys_file *f, char *value)
{
	char *word;

	while (!keys_bad_enough(f) && (word = next_word(&value)))
		add_dns(f, word);
}

static void set_mtu(struct keys_file *f, char *value)
{
	f->conf->mtu_bytes = 0;
	f->conf->lines.mtu = f->line;
	if (*value != '\0' && (!value_number(&f->conf->mtu_bytes, value, MTU_MAX) ||
	                       f->conf->mtu_bytes < MTU_MIN))
		bad_value(f, "MTU", value, "68 to 65535");
}

static void set_table(struct keys_file *f, char *value)
{
	struct conf *conf = f->conf;

	conf->lines.table = f->line;
	if (*value == '\0' || strcmp(value, "auto") == 0)
		conf->table.kind = CONF_TABLE_AUTO;
	else if (strcmp(value, "off") == 0)
		conf->table.kind = CONF_TABLE_OFF;
	else if (value_table(&conf->table.number, value))
		conf->table.kind = CONF_TABLE_NUMBER;
	else
		bad_value(
			f, "Table", value,
			"auto or off, in lower case, a number to 4294967295, or the name of a routing table such as main");
}

static void set_save_config(struct keys_file *f, char *value)
{
	if (!value_true_false(&f->conf->save_config, value))
		bad_value(f, "SaveConfig", value, "true or false");
}

static void add_hook(struct keys_file *f, enum conf_hook hook, const char *value)
{
	if (*value != '\0')
		add_text(f, &f->conf->hooks[hook], value);
}

static void add_pre_up(struct keys_file *f, char *value)
{
	add_hook(f, CONF_PRE_UP, value);
}

static void add_post_up(struct keys_file *f, char *value)
{
	add_hook(f, CONF_POST_UP, value);
}

static void add_pre_down(struct keys_file *f, char *value)
{
	add_hook(f, CONF_PRE_DOWN, value);
}

static void add_post_down(struct keys_file *f, char *value)
{
	add_hook(f, CONF_POST_DOWN, value);
}

/* ---- [Interface]: the keys of the Android app */

static void add_applications(struct keys_file *f, struct conf_texts *list, char *value)
{
	char *word;

	while ((word = next_word(&value)))
		add_text(f, list, word);
}

static void add_included(struct keys_file *f, char *value)
{
	add_applications(f, &f->conf->applications.included, value);
}

static void add_excluded(struct keys_file *f, char *value)
{
	add_applications(f, &f->conf->applications.excluded, value);
}

/* ---- [Peer] */

static struct merge_section *peer_section(struct keys_file *f)
{
	return &f->sections[f->section_count - 1];
}

static void set_public_key(struct keys_file *f, char *value)
{
	struct merge_section *s = peer_section(f);

	s->names_key = true;
	if (!read_key(f, s->peer.public_key, "PublicKey", value))
		return;
	s->has_key = !key_is_zero(s->peer.public_key);
	if (!s->has_key)
		keys_warn(
			f, f->line,
			"PublicKey is all zero, which is nobody's key; this peer is left out");
}

static void set_preshared_key(struct keys_file *f, char *value)
{
	struct merge_section *s = peer_section(f);
	uint8_t key[KEY_BYTES];

	if (!read_key(f, key, "PresharedKey", value))
		return;
	s->names_preshared_key = true;
	(void)keep_key(f, &s->peer.preshared_key, key);
}

/* Cuts the blanks of an item: wg doesn't count them, wherever they are. Before that they are
 * needed for messages, because without them two items look like one. Returns whether there was one
 * between other characters. */
static bool cut_item(char *item, struct value_shown *shown)
{
	struct value_shown cut;
	char *end = item + strlen(item);
	bool inside;

	while (end > item && lines_is_blank(end[-1]))
		*--end = '\0';
	value_show(shown, item);
	inside = strpbrk(item, " \t") != NULL;
	lines_cut_all_blanks(item);
	if (*value_show(&cut, item) != '"') /* it looks like a key */
		*shown = cut;
	return inside;
}

static void bad_allowed_ip(struct keys_file *f, const char *item,
                           const struct value_shown *shown, bool blank,
                           enum value_allowed result)
{
	bool length = result == VALUE_ALLOWED_BAD_LENGTH && !blank;

	keys_bad(f, "AllowedIPs %s %s; expected %s%s", shown->text,
	         blank ? "has a blank and no comma" : "is wrong",
	         length ? "a length of 0 to 32, or 0 to 128 for IPv6, in digits"
	                : "IPv4 or IPv6 addresses, perhaps with /LENGTH, between commas",
	         value_is_octal(item) && !blank ? "; a leading 0 would mean octal" : "");
}

static void warn_of_host_part(struct keys_file *f, const char *item,
                              const struct ip_prefix *masked)
{
	char text[IP_PREFIX_STRLEN];

	keys_warn(f, f->line, "AllowedIPs \"%s\" has a nonzero host part; taken as %s",
	          item, ip_prefix_format(masked, text));
}

static void add_allowed_ip(struct keys_file *f, char *item)
{
	struct merge_section *s = peer_section(f);
	struct merge_allowed *v;
	struct ip_prefix prefix, masked;
	struct value_shown shown;
	bool blank;
	char sign;
	enum value_allowed result;

	while (lines_is_blank(*item))
		item++;
	sign = *item == '+' || *item == '-' ? *item++ : '\0';
	while (lines_is_blank(*item))
		item++;
	blank = cut_item(item, &shown);
	result = value_allowed_ip(&prefix, item);
	if (*item == '\0') {
		keys_bad(
			f,
			"AllowedIPs has an empty item; expected one comma between two addresses");
		return;
	}
	if (result != VALUE_ALLOWED_OK) {
		bad_allowed_ip(f, item, &shown, blank, result);
		return;
	}
	masked = ip_prefix_mask(prefix);
	if (!ip_prefix_equal(&masked, &prefix))
		warn_of_host_part(f, item, &masked);
	v = list_room(s->allowed, s->allowed_count, sizeof(*v));
	if (!v) {
		keys_no_memory(f);
		return;
	}
	s->allowed = v;
	v[s->allowed_count++] = (struct merge_allowed){ .prefix = masked,
		                                        .line = f->line,
		                                        .take_away = sign == '-' };
}

static void set_allowed_ips(struct keys_file *f, char *value)
{
	char *item;

	while (!keys_bad_enough(f) && (item = strsep(&value, ",")))
		add_allowed_ip(f, item);
}

static void set_endpoint(struct keys_file *f, char *value)
{
	struct conf_peer *peer = &peer_section(f)->peer;
	struct value_endpoint endpoint;
	struct value_shown shown;
	const char *wrong = value_endpoint(&endpoint, value);
	char *host;

	if (wrong) {
		keys_bad(
			f,
			"Endpoint %s is wrong: %s; expected ADDRESS:PORT, [ADDRESS]:PORT or NAME:PORT",
			value_show(&shown, value), wrong);
		return;
	}
	host = strdup(endpoint.host);
	if (!host) {
		keys_no_memory(f);
		return;
	}
	if (endpoint.ambiguous)
		keys_warn(
			f, f->line,
			"Endpoint %s is taken as [%s]:%u, as wg does; write it like that, or add the port if it is missing",
			value_show(&shown, value), host, endpoint.port);
	if (ip_addr_is_link_local(&endpoint.numeric.addr) &&
	    endpoint.numeric.scope_id == 0)
		keys_warn(
			f, f->line,
			"Endpoint %s is a link-local address without its link, so nothing can be sent there; expected one such as [%s%%eth0]:%u",
			value_show(&shown, value), host, endpoint.port);
	free(peer->endpoint_host);
	peer->has_endpoint = true;
	peer->endpoint_host = host;
	peer->endpoint_port = endpoint.port;
	peer->endpoint = endpoint.numeric;
	peer->endpoint_line = f->line;
}

static void set_keepalive(struct keys_file *f, char *value)
{
	struct conf_peer *peer = &peer_section(f)->peer;
	uint32_t v = 0;

	if (!value_or_off(&v, value, UINT16_MAX))
		bad_value(f, "PersistentKeepalive", value, "off, or 0 to 65535 seconds");
	peer->has_keepalive = true;
	peer->keepalive_s = (uint16_t)v;
}

/* ---- # tunion: */

static void set_carrier(struct keys_file *f, struct conf_carrier *via, const char *value)
{
	bool network = strcmp(value, "network") == 0;
	char *name = NULL;

	if (!network && !ifname_valid(value)) {
		bad_value(f, "Via", value, "network, or the NAME of another tunnel file");
		return;
	}
	if (!network && !(name = strdup(value))) {
		keys_no_memory(f);
		return;
	}
	free(via->name);
	*via = (struct conf_carrier){ .kind = network ? CONF_VIA_NETWORK
		                                      : CONF_VIA_DEVICE,
		                      .name = name,
		                      .line = f->line };
}

static void set_via(struct keys_file *f, char *value)
{
	set_carrier(f, &f->conf->via, value);
}

static void set_peer_via(struct keys_file *f, char *value)
{
	set_carrier(f, &peer_section(f)->peer.via, value);
}

static void set_metric(struct keys_file *f, char *value)
{
	if (!value_signed(&f->conf->metric, value))
		bad_value(f, "Metric", value, "a number, -2147483647 to 2147483647");
	f->conf->has_metric = true;
	f->conf->lines.metric = f->line;
}

static bool is_on(struct keys_file *f, const char *key, const char *value)
{
	bool on = false;

	if (!value_on_off(&on, value))
		bad_value(f, key, value, "on or off");
	return on;
}

static void set_source_fix(struct keys_file *f, char *value)
{
	f->conf->switches.source_fix_off = !is_on(f, "SourceFix", value);
}

static void set_source_check(struct keys_file *f, char *value)
{
	f->conf->switches.source_check_off = !is_on(f, "SourceCheck", value);
}

static void set_resolve(struct keys_file *f, char *value)
{
	f->conf->switches.resolve_off = !is_on(f, "Resolve", value);
}

static void set_gate(struct keys_file *f, char *value)
{
	f->conf->switches.gate = is_on(f, "Gate", value);
}

static void set_isolate(struct keys_file *f, char *value)
{
	f->conf->switches.isolate_off = !is_on(f, "Isolate", value);
}

static void set_tun(struct keys_file *f, char *value)
{
	f->conf->lines.tun = f->line;
	f->conf->switches.own_tun = strcmp(value, "own") == 0;
	if (!f->conf->switches.own_tun)
		bad_value(f, "Tun", value,
		          "own, or no such line: then all files share one tun");
}

static void set_listen(struct keys_file *f, char *value)
{
	f->conf->lines.listen = f->line;
	if (!ip_addr_parse(&f->conf->listen, value))
		bad_value(f, "Listen", value,
		          "an IPv4 or IPv6 address of this host, without a port");
}

/* ---- the tables */

static const struct keys_key keys[] = {
	{ "PrivateKey", KEYS_SECTION_INTERFACE, KEYS_READER_WG, set_private_key },
	{ "ListenPort", KEYS_SECTION_INTERFACE, KEYS_READER_WG, set_listen_port },
	{ "FwMark", KEYS_SECTION_INTERFACE, KEYS_READER_WG, set_fwmark },
	{ "Address", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_address },
	{ "DNS", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_dns },
	{ "MTU", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_mtu },
	{ "Table", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_table },
	{ "SaveConfig", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_save_config },
	{ "PreUp", KEYS_SECTION_INTERFACE, KEYS_READER_HOOK, add_pre_up },
	{ "PostUp", KEYS_SECTION_INTERFACE, KEYS_READER_HOOK, add_post_up },
	{ "PreDown", KEYS_SECTION_INTERFACE, KEYS_READER_HOOK, add_pre_down },
	{ "PostDown", KEYS_SECTION_INTERFACE, KEYS_READER_HOOK, add_post_down },
	{ "IncludedApplications", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK,
	  add_included },
	{ "ExcludedApplications", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK,
	  add_excluded },
	{ "PublicKey", KEYS_SECTION_PEER, KEYS_READER_WG, set_public_key },
	{ "PresharedKey", KEYS_SECTION_PEER, KEYS_READER_WG, set_preshared_key },
	{ "AllowedIPs", KEYS_SECTION_PEER, KEYS_READER_WG_LIST, set_allowed_ips },
	{ "Endpoint", KEYS_SECTION_PEER, KEYS_READER_WG, set_endpoint },
	{ "PersistentKeepalive", KEYS_SECTION_PEER, KEYS_READER_WG, set_keepalive },
};

static const struct keys_key settings[] = {
	{ "Via", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_via },
	{ "Via", KEYS_SECTION_PEER, KEYS_READER_QUICK, set_peer_via },
	{ "Metric", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_metric },
	{ "SourceFix", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_source_fix },
	{ "SourceCheck", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_source_check },
	{ "Resolve", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_resolve },
	{ "Gate", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_gate },
	{ "Isolate", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_isolate },
	{ "Tun", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_tun },
	{ "Listen", KEYS_SECTION_INTERFACE, KEYS_READER_QUICK, set_listen },
};

const struct keys_table keys_of_wg = {
	.keys = keys,
	.n = ARRAY_SIZE(keys),
	.what = "key",
	.no_equals =
		"this is neither [Interface] nor [Peer] nor a key; expected KEY = VALUE",
};

const struct keys_table keys_of_tunion = {
	.keys = settings,
	.n = ARRAY_SIZE(settings),
	.what = "setting of tunion",
	.no_equals = "this \"# tunion:\" sets nothing; expected # tunion: KEY = VALUE",
};
