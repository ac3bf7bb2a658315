/* src/conf/lines.h - how does inih get to read a tunnel file?
 *
 * A line reader for ini_parse_stream. It finds the lines, cuts comments, and gives inih
 * short lines that no version and no build of it can misread. */
#ifndef TUNION_CONF_LINES_H
#define TUNION_CONF_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum lines_kind {
	LINES_SECTION, /* [NAME] */
	LINES_KEY,     /* KEY = VALUE */
	LINES_SETTING, /* # tunion: KEY = VALUE */
};

/* The line that inih is busy with. Its strings point into the text, without the blanks
 * around them, and are the handler's until the next line: it may write into them. */
struct lines {
	unsigned number; /* from 1 */
	enum lines_kind kind;
	bool has_nul; /* a NUL byte outside the comment: the strings below are cut there
	               */
	char *name;   /* the key; of a section the whole "[NAME]" */
	char *value;  /* NULL: the line has no '=' */

	/* private */
	char *at, *text_end;            /* not read yet */
	char *line_end, *value_end;     /* of this line, and of its value */
	char value_end_char;            /* what stood where the value's NUL is now */
	char *comment;                  /* behind its '#'; NULL: none */
	bool section_begins, commented; /* what is still to be told about this line */
};

/* `text` is borrowed and gets changed; text[n] must be writable too. */
void lines_init(struct lines *l, char *text, size_t n);

/* The ini_reader: `lines` is the struct. inih is told "[NAME]" and "KEY=", both without
 * blanks; "?" stands for what can be neither. After "[NAME]" comes a key "begin", with
 * kind LINES_SECTION, so that the handler hears of the section. Values stay here. */
char *lines_read(char *out, int room, void *lines);

/* The value with '#' and all that follows; the comment is then none. For a line whose
 * value is not NULL. Sets has_nul if a NUL is in there. */
char *lines_whole_value(struct lines *l);

/* isspace() of the C locale, whatever the locale is. */
static inline bool lines_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
