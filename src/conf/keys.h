/* src/conf/keys.h - which keys does a tunnel file have, and what does each set? */
#ifndef TUNION_CONF_KEYS_H
#define TUNION_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/sealed.h"
#include "conf/conf.h"
#include "conf/merge.h"

enum keys_section {
	KEYS_SECTION_NONE, /* before the first section */
	KEYS_SECTION_INTERFACE,
	KEYS_SECTION_PEER,
	KEYS_SECTION_UNKNOWN,
};

/* The file that is being read. */
struct keys_file {
	struct conf *conf;              /* borrowed */
	struct diag *diag;              /* borrowed */
	struct sealer *sealer;          /* borrowed: seals the file's keys */
	unsigned line;                  /* the current line, which errors are about */
	struct merge_section *sections; /* owned: all [Peer]s; the last is the current */
	size_t section_count;
	unsigned bad_count, warn_count;
	int error; /* 0, -EINVAL or -ENOMEM */
};

/* How many errors, and how many warnings, are reported of one file: it may be none, but a log
 * or a picture, and who has written it may mean harm. */
#define KEYS_BAD_MAX 1000

/* Which program reads the key? This decides how it has to be written. */
enum keys_reader {
	KEYS_READER_WG,
	KEYS_READER_WG_LIST, /* the same, but `set` cuts the blanks, and can show them */
	KEYS_READER_QUICK,
	KEYS_READER_HOOK, /* wg-quick, but '#' belongs to the value */
};

struct keys_key {
	const char *name;
	enum keys_section section;
	enum keys_reader reader;
	/* may write into value; for KEYS_READER_WG, value has no blanks and is not empty */
	void (*set)(struct keys_file *f, char *value);
};

struct keys_table {
	const struct keys_key *keys;
	size_t n;
	const char *what;      /* what an entry is called in messages */
	const char *no_equals; /* the error about a line without '=' */
};

extern const struct keys_table keys_of_wg;     /* those of wg and wg-quick */
extern const struct keys_table keys_of_tunion; /* in "# tunion:" */

/* Reports an error in the current line. The text says what is wrong and what is expected,
 * and never contains a secret. */
void keys_bad(struct keys_file *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Have KEYS_BAD_MAX been reported, so that the rest isn't read? */
bool keys_bad_enough(const struct keys_file *f);
/* A warning about the file, or about a line of it. */
void keys_warn(struct keys_file *f, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void keys_no_memory(struct keys_file *f);

#endif
