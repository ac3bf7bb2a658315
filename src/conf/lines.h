/* src/conf/lines.h - how does inih read a tunnel file?
 *
 * A line reader for ini_parse_stream. It finds the lines, cuts comments, and gives inih
 * short lines that every version and every build of it understands. */
#ifndef TUNION_CONF_LINES_H
#define TUNION_CONF_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum lines_kind {
	LINES_SECTION, /* [NAME] */
	LINES_KEY,     /* KEY = VALUE */
	LINES_SETTING, /* # tunion: KEY = VALUE */
	LINES_COMMENT, /* # tunion KEY = VALUE: sets nothing, but was it meant to? */
};

/* The line that inih is working on. Its strings point into the text, without the blanks
 * around them. The handler may write into them; they are valid until the next line. */
struct lines {
	unsigned number; /* the first line is 1 */
	enum lines_kind kind;
	bool has_nul; /* there is a NUL byte before the comment, which cuts the strings */
	char *name;   /* the key; for a section the whole "[NAME]" */
	char *value;  /* NULL if the line has no '=' */

	/* private */
	char *at, *text_end;            /* the part that hasn't been read yet */
	char *line_end, *value_end;     /* of this line, and of its value */
	char value_end_char;            /* the character in whose place the NUL is now */
	char *comment;                  /* what follows its '#'; NULL if there is none */
	bool section_begins, commented; /* what inih hasn't been told yet of this line */
};

/* `text` is borrowed and changed; text[n] must be writable, too. */
void lines_init(struct lines *l, char *text, size_t n);

/* The ini_reader for inih; `lines` is the struct. inih gets "[NAME]" and "KEY=" without
 * blanks, with "?" for what can't be a name or a key. After "[NAME]" comes a key "begin",
 * with kind LINES_SECTION, so that the handler learns of the section. The values are only
 * in the struct. */
char *lines_read(char *out, int room, void *lines);

/* Leaves out the lines that follow. */
void lines_stop(struct lines *l);

/* Returns the value including '#' and all that follows; then the line has no comment. The
 * line must have a value. Sets has_nul if there is a NUL byte in it. */
char *lines_whole_value(struct lines *l);

/* Like isspace() in the C locale, whatever the current locale is. */
static inline bool lines_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cuts also those between other characters. */
static inline void lines_cut_all_blanks(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (!lines_is_blank(*text))
			*to++ = *text;
	*to = '\0';
}

#endif
