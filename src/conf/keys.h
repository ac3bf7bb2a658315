/* src/conf/keys.h - which keys has a tunnel file, and what does each set? */
#ifndef TUNION_CONF_KEYS_H
#define TUNION_CONF_KEYS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "conf/merge.h"

enum keys_section {
	KEYS_SECTION_NONE, /* before the first */
	KEYS_SECTION_INTERFACE,
	KEYS_SECTION_PEER,
	KEYS_SECTION_UNKNOWN,
};

/* The file that is being read. */
struct keys_file {
	struct conf *conf;       /* borrowed */
	struct diag *diag;       /* borrowed */
	struct secrets *secrets; /* borrowed: where its keys come from */
	unsigned line;           /* that errors are about */
	struct merge_section
		*sections; /* owned: each [Peer], the last is the current one */
	size_t section_count;
	int error; /* 0, -EINVAL or -ENOMEM */
};

/* Who reads the key decides how it is written. */
enum keys_reader {
	KEYS_READER_WG,
	KEYS_READER_QUICK,
	KEYS_READER_HOOK, /* wg-quick, and '#' is part of the value */
};

struct keys_key {
	const char *name;
	enum keys_section section;
	enum keys_reader reader;
	/* value may be written into; of READER_WG it has no blanks and is not empty */
	void (*set)(struct keys_file *f, char *value);
};

struct keys_table {
	const struct keys_key *keys;
	size_t n;
	const char *what;      /* one of them is, for messages */
	const char *no_equals; /* the error of a line without '=' */
};

extern const struct keys_table keys_of_wg;     /* wg's and wg-quick's */
extern const struct keys_table keys_of_tunion; /* in "# tunion:" */

/* An error in the current line; the text says what is wrong and what is expected, and
 * never shows a secret. */
void keys_bad(struct keys_file *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
void keys_warn(const struct keys_file *f, unsigned line, const char *text);
void keys_no_memory(struct keys_file *f);

#endif
