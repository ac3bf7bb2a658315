/* src/conf/parse.c - inih calls handle() for each section, key and setting. How a key has
 * to be written depends on the program that reads it:
 *
 *   wg:        blanks don't count anywhere; the value must not be empty.
 *   wg-quick:  there must be no blanks in the key, nor in the "[Interface]" above it;
 *              blanks inside the value remain; an empty value counts as no value.
 *
 * After an error the rest of the line is skipped, so that one run finds all errors. */
#include "conf/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>
#include <sodium.h>

#include "conf/amnezia.h"
#include "conf/keys.h"
#include "conf/lines.h"
#include "conf/list.h"
#include "conf/merge.h"
#include "conf/value.h"

#define WORD_MAX 20 /* an unknown key or section is shown only if it isn't longer */

struct parse {
	struct keys_file file;
	struct lines lines;
	bool quick_section; /* in an [Interface] that wg-quick recognises, too */
	bool in_peer;       /* in the last of file.sections */
	struct amnezia amnezia;
};

static const char *const section_names[] = {
	[KEYS_SECTION_NONE] = "no section",
	[KEYS_SECTION_INTERFACE] = "[Interface]",
	[KEYS_SECTION_PEER] = "[Peer]",
	[KEYS_SECTION_UNKNOWN] = "an unknown section",
};
_Static_assert(ARRAY_SIZE(section_names) == KEYS_SECTION_UNKNOWN + 1,
               "a name for each section");

/* Returns our section for inih's name of it. */
static enum keys_section section_of(const char *word)
{
	if (*word == '\0')
		return KEYS_SECTION_NONE;
	if (strcasecmp(word, "Interface") == 0)
		return KEYS_SECTION_INTERFACE;
	return strcasecmp(word, "Peer") == 0 ? KEYS_SECTION_PEER : KEYS_SECTION_UNKNOWN;
}

/* Returns the key with this name, preferably the one that belongs to this section. */
static const struct keys_key *find(const struct keys_table *table, const char *word,
                                   enum keys_section section)
{
	const struct keys_key *found = NULL;

	for (size_t i = 0; i < table->n; i++) {
		if (strcasecmp(table->keys[i].name, word) != 0)
			continue;
		if (table->keys[i].section == section)
			return &table->keys[i];
		found = &table->keys[i];
	}
	return found;
}

static bool has_blank(const char *text)
{
	while (*text != '\0' && !lines_is_blank(*text))
		text++;
	return *text != '\0';
}

/* Returns the key of the section that was probably meant: at most two letters are wrong,
 * and fewer than half of them. */
static const char *closest(const struct keys_table *table, const char *word,
                           enum keys_section section)
{
	const char *found = NULL;
	unsigned best = strlen(word) < 5 ? 2 : 3;

	for (size_t i = 0; i < table->n; i++) {
		unsigned d = value_distance(table->keys[i].name, word);

		if (table->keys[i].section == section && d < best) {
			best = d;
			found = table->keys[i].name;
		}
	}
	return found;
}

/* The end of a secret may be a '=', too. But no value follows that one, and no blank
 * stands before it. */
static bool has_value_or_blank(const struct lines *l)
{
	const char *end = l->name + strlen(l->name) + 1;

	return *l->value != '\0' || memchr(end, '=', (size_t)(l->value - end));
}

/* An unknown key may be a part of a secret. So it is only shown if it is a short word and
 * looks like a key. */
static void unknown_key(struct parse *p, const struct keys_table *table, const char *word,
                        enum keys_section section)
{
	const char *name = p->lines.name, *meant = closest(table, word, section);
	struct value_shown shown = { "" };

	if (*word != '?' && strlen(word) <= WORD_MAX && has_value_or_blank(&p->lines))
		value_show(&shown, name);
	keys_bad(&p->file, "unknown %s%s%s in %s; expected %s", table->what,
	         *shown.text ? " " : "", shown.text, section_names[section],
	         meant ? meant : "one that is in tunion.conf(5)");
}

/* Outside of comments and hooks, nothing needs a character that isn't ASCII. Nobody can
 * see a character that looks like a blank or like nothing, so the message names it. */
static bool is_ascii(struct parse *p, const char *text, const char *where)
{
	struct value_beyond beyond;

	if (!text || !value_beyond_ascii(&beyond, text))
		return true;
	keys_bad(&p->file, "there is %s in %s; expected plain ASCII, so type it again",
	         beyond.text, where);
	return false;
}

static bool is_of_wg(const struct keys_key *key)
{
	return key->reader == KEYS_READER_WG || key->reader == KEYS_READER_WG_LIST;
}

/* Does the checks that all keys have in common. Returns NULL if one of them fails. */
static const struct keys_key *judge(struct parse *p, const struct keys_table *table,
                                    const char *word, enum keys_section section)
{
	const struct keys_key *key = find(table, word, section);

	if (key && !is_of_wg(key) && has_blank(p->lines.name))
		key = NULL;
	if (p->lines.has_nul)
		keys_bad(&p->file, "the line contains a NUL byte; expected text");
	else if (!is_ascii(p, p->lines.name, p->lines.value ? "the key" : "the line"))
		return NULL;
	else if (!p->lines.value && key)
		keys_bad(&p->file, "%s without '='; expected %s = VALUE", key->name,
		         key->name);
	else if (!p->lines.value)
		keys_bad(&p->file, "%s", table->no_equals);
	else if (section == KEYS_SECTION_NONE)
		keys_bad(
			&p->file,
			"a %s is before the first section; expected [Interface] or [Peer] above it",
			table->what);
	else if (!key)
		unknown_key(p, table, word, section);
	else if (key->section != section)
		keys_bad(&p->file, "%s is in %s; expected it in %s", key->name,
		         section_names[section], section_names[key->section]);
	else
		return key;
	return NULL;
}

static void handle_key(struct parse *p, const char *word, enum keys_section section)
{
	const struct keys_key *key;
	char *value = p->lines.value;

	if (value && amnezia_take(&p->amnezia, word, p->file.line))
		return;
	key = judge(p, &keys_of_wg, word, section);
	if (!key)
		return;
	if (key->reader == KEYS_READER_HOOK)
		value = lines_whole_value(&p->lines);
	else if (!is_ascii(p, value, key->name))
		return;
	if (p->lines.has_nul) {
		keys_bad(&p->file, "%s contains a NUL byte; expected text", key->name);
		return;
	}
	if (!is_of_wg(key) && !p->quick_section) {
		keys_bad(
			&p->file,
			"%s is below an [Interface] with blanks in it, which wg-quick does not recognise; expected exactly [Interface]",
			key->name);
		return;
	}
	if (key->reader == KEYS_READER_WG)
		lines_cut_all_blanks(value);
	if (is_of_wg(key) && *value == '\0') {
		keys_bad(&p->file, "%s is empty; expected a value, or no such line",
		         key->name);
		return;
	}
	key->set(&p->file, value);
}

static void handle_setting(struct parse *p, const char *word, enum keys_section section)
{
	const struct keys_key *key = judge(p, &keys_of_tunion, word, section);

	if (key && is_ascii(p, p->lines.value, key->name))
		key->set(&p->file, p->lines.value);
}

/* Comments are free to say what they like; but without a colon a setting would be lost, and nobody
 * would know why. */
static void handle_comment(struct parse *p, const char *word)
{
	const struct keys_key *key = find(&keys_of_tunion, word, KEYS_SECTION_INTERFACE);

	if (key && !has_blank(p->lines.name))
		keys_warn(
			&p->file, p->file.line,
			"\"# tunion %s =\" has no colon, so it sets nothing; expected # tunion: %s = VALUE",
			key->name, key->name);
}

/* The section that was begun last is complete. */
static void end_section(struct parse *p)
{
	const struct merge_section *last;
	unsigned line = p->file.line;

	if (!p->in_peer)
		return;
	p->in_peer = false;
	last = &p->file.sections[p->file.section_count - 1];
	p->file.line = last->peer.line;
	if (!last->names_key)
		keys_bad(&p->file,
		         "this peer has no PublicKey; expected one in each [Peer]");
	p->file.line = line;
}

static void begin_section(struct parse *p, const char *word, enum keys_section section)
{
	struct value_shown shown = { "" };
	struct merge_section *v;

	end_section(p);
	p->quick_section = section == KEYS_SECTION_INTERFACE && !has_blank(p->lines.name);
	if (section == KEYS_SECTION_UNKNOWN && *word != '?' && strlen(word) <= WORD_MAX)
		value_show(&shown, word);
	if (!is_ascii(p, p->lines.name, "the section's header"))
		return;
	if (section == KEYS_SECTION_UNKNOWN)
		keys_bad(&p->file, "unknown section%s%s; expected [Interface] or [Peer]",
		         *shown.text ? " " : "", shown.text);
	if (section == KEYS_SECTION_INTERFACE && p->file.conf->lines.interface == 0)
		p->file.conf->lines.interface = p->file.line;
	if (section != KEYS_SECTION_PEER)
		return;
	v = list_room(p->file.sections, p->file.section_count, sizeof(*v));
	if (!v) {
		keys_no_memory(&p->file);
		return;
	}
	p->file.sections = v;
	v[p->file.section_count++] =
		(struct merge_section){ .peer = { .line = p->file.line } };
	p->in_peer = true;
}

/* The ini_handler. It doesn't use the value from inih; see lines.c. */
static int handle(void *user, const char *section_word, const char *word,
                  const char *value)
{
	struct parse *p = user;
	enum keys_section section = section_of(section_word);

	(void)value;
	p->file.line = p->lines.number;
	/* without a word, inih only reports a section */
	if (keys_bad_enough(&p->file))
		lines_stop(&p->lines);
	if (!word || p->file.error == -ENOMEM || keys_bad_enough(&p->file))
		return 1;
	switch (p->lines.kind) {
	case LINES_SECTION:
		begin_section(p, section_word, section);
		break;
	case LINES_KEY:
		if (section != KEYS_SECTION_UNKNOWN)
			handle_key(p, word, section);
		break;
	case LINES_SETTING:
		if (section != KEYS_SECTION_UNKNOWN)
			handle_setting(p, word, section);
		break;
	case LINES_COMMENT:
		handle_comment(p, word);
		break;
	}
	return 1;
}

/* ---- the whole file */

/* Is it UTF-16 without a byte order mark? Then each of the first two characters contains
 * one NUL byte. */
static bool is_utf16(const char *text, size_t n)
{
	return n >= 4 && ((!text[0] && text[1] && !text[2] && text[3]) ||
	                  (text[0] && !text[1] && text[2] && !text[3]));
}

/* Skips a byte order mark. Returns false if the text can't be read at all. */
static bool skip_mark(struct parse *p, char **text, size_t *n)
{
	const char *t = *text;

	if (*n >= 3 && memcmp(t, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*n -= 3;
		p->file.line = 1;
		keys_bad(
			&p->file,
			"the file begins with a byte order mark (BOM), which wg refuses; expected UTF-8 without it");
	} else if (*n >= 2 && (memcmp(t, "\xff\xfe", 2) == 0 ||
	                       memcmp(t, "\xfe\xff", 2) == 0 || is_utf16(t, *n))) {
		p->file.line = 1;
		keys_bad(&p->file, "the file is UTF-16; expected UTF-8 or ASCII");
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

/* The host refuses to take the same address with the same length twice. */
static void check_addresses(struct parse *p)
{
	const struct conf_prefixes *list = &p->file.conf->addresses;
	struct conf_prefix *sorted;
	char text[IP_PREFIX_STRLEN];

	if (list->n < 2)
		return;
	sorted = reallocarray(NULL, list->n, sizeof(*sorted));
	if (!sorted) {
		keys_no_memory(&p->file);
		return;
	}
	memcpy(sorted, list->v, list->n * sizeof(*sorted));
	qsort(sorted, list->n, sizeof(*sorted), by_prefix);
	for (size_t i = 1; i < list->n; i++) {
		if (!ip_prefix_equal(&sorted[i].prefix, &sorted[i - 1].prefix))
			continue;
		p->file.line = sorted[i].line;
		keys_bad(&p->file,
		         "Address %s is already in line %u; expected it only once",
		         ip_prefix_format(&sorted[i].prefix, text), sorted[i - 1].line);
	}
	free(sorted);
}

/* Removes sections without a valid key, since they are no peers. This has been reported. */
static void keep_peers(struct parse *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->file.section_count; i++) {
		struct merge_section *s = &p->file.sections[i];

		if (s->has_key)
			p->file.sections[kept++] = *s;
		else
			merge_section_clear(s);
	}
	p->file.section_count = kept;
}

static void check_amnezia(struct parse *p)
{
	char keys[AMNEZIA_STRLEN];

	if (p->amnezia.n == 0)
		return;
	p->file.line = p->amnezia.line;
	keys_bad(
		&p->file,
		"this is a file of AmneziaWG (%s), whose servers WireGuard can't talk to; expected a file for WireGuard, which you may get where you got this one",
		amnezia_format(&p->amnezia, keys));
}

static void find_public_key(struct parse *p)
{
	struct conf_identity *identity = &p->file.conf->identity;
	uint8_t key[KEY_BYTES];

	if (!sealed_open(&identity->private_key, key))
		keys_no_memory(&p->file);
	else if (crypto_scalarmult_base(identity->public_key, key) != 0)
		keys_warn(&p->file, 0, "the PrivateKey has no public key");
	sodium_memzero(key, sizeof(key));
}

static void finish(struct parse *p)
{
	struct conf *conf = p->file.conf;
	bool has_key = sealed_is_set(&conf->identity.private_key);

	if (has_key)
		find_public_key(p);
	/* a hook may set the PrivateKey */
	if (!has_key && p->file.error == 0 &&
	    conf->hooks[CONF_PRE_UP].n + conf->hooks[CONF_POST_UP].n == 0)
		keys_warn(&p->file, 0, "there is no PrivateKey: no peer can be reached");
	if (conf->dns.domains.n > 0 && conf->dns.servers.n == 0)
		keys_warn(&p->file, conf->dns.domains.v[0].line,
		          "DNS has search domains but no server, so it has no effect");
	check_amnezia(p);
	check_addresses(p);
	end_section(p);
	keep_peers(p);
	if (p->file.error != -ENOMEM &&
	    merge_peers(conf, p->file.sections, p->file.section_count, p->file.diag) < 0)
		keys_no_memory(&p->file);
}

int parse_text(struct conf *conf, char *text, size_t n, struct sealer *sealer,
               struct diag *diag)
{
	struct parse p = { .file = { .conf = conf, .diag = diag, .sealer = sealer } };
	int r;

	if (skip_mark(&p, &text, &n)) {
		lines_init(&p.lines, text, n);
		r = ini_parse_stream(lines_read, &p.lines, handle, &p);
		if (r == -2)
			keys_no_memory(&p.file);
		else if (r != 0)
			keys_bad(&p.file, "inih can't read this line");
		if (p.file.error != -ENOMEM)
			finish(&p);
	}
	for (size_t i = 0; i < p.file.section_count; i++)
		merge_section_clear(&p.file.sections[i]);
	free(p.file.sections);
	return p.file.error;
}
