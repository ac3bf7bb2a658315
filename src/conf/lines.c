/* src/conf/lines.c - inih as Debian ships it (version 55) cuts lines at 200 bytes and
 * names at 50, takes an indented line for a continuation, " ;" for a comment and ':' for
 * '=', and does not report the start of a section. Which of these are true is decided
 * when inih is built. Therefore it never gets the lines of a file. It only gets "[NAME]"
 * and "KEY=", made of letters and digits and never indented, and "begin=" after each
 * section. The values stay in the text, which is wiped later. So a key never gets into
 * inih's line buffer, which nobody wipes. */
#include "conf/lines.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX    40 /* inih keeps 50 bytes of a name */
#define WORD_STRLEN (WORD_MAX + 1)

void lines_init(struct lines *l, char *text, size_t n)
{
	*l = (struct lines){ .at = text, .text_end = text + n };
}

static char *skip_blanks(char *at, const char *end)
{
	while (at < end && lines_is_blank(*at))
		at++;
	return at;
}

static char *cut_blanks(const char *start, char *end)
{
	while (end > start && lines_is_blank(end[-1]))
		end--;
	return end;
}

/* Splits start..end at '=' and ends both halves with NUL; *end is written to. */
static void split(struct lines *l, char *start, char *end)
{
	char *equals = memchr(start, '=', (size_t)(end - start));

	l->has_nul = memchr(start, '\0', (size_t)(end - start)) != NULL;
	l->name = skip_blanks(start, end);
	l->value = equals ? skip_blanks(equals + 1, end) : NULL;
	if (equals) {
		l->value_end = cut_blanks(l->value, end);
		l->value_end_char = *l->value_end;
		*l->value_end = '\0';
	}
	*cut_blanks(l->name, equals ? equals : end) = '\0';
}

/* A comment is a setting if "tunion:" follows the '#'. Returns what comes after that; also
 * without the colon, with kind LINES_COMMENT. */
static char *setting_of(char *comment, const char *end, enum lines_kind *kind)
{
	static const char word[] = "tunion";
	const size_t n = sizeof(word) - 1;
	char *at = skip_blanks(comment, end);

	if ((size_t)(end - at) < n || strncasecmp(at, word, n) != 0)
		return NULL;
	comment = at + n;
	at = skip_blanks(comment, end);
	*kind = at < end && *at == ':' ? LINES_SETTING : LINES_COMMENT;
	if (*kind == LINES_SETTING)
		return at + 1;
	return at > comment && memchr(at, '=', (size_t)(end - at)) ? at : NULL;
}

/* Returns true if the comment of this line is a setting, or looks like one. Then it becomes the
 * line. */
static bool take_setting(struct lines *l)
{
	enum lines_kind kind = LINES_SETTING;
	char *start = setting_of(l->comment, l->line_end, &kind);
	char *end;

	if (!start)
		return false;
	end = memchr(start, '#', (size_t)(l->line_end - start));
	l->kind = kind;
	split(l, start, end ? end : l->line_end);
	return true;
}

/* Takes the next line. Returns true if there is more in it than blanks and a comment. */
static bool take_line(struct lines *l)
{
	char *start = l->at;
	char *end = memchr(start, '\n', (size_t)(l->text_end - start));
	char *hash;

	l->number++;
	l->line_end = end ? end : l->text_end;
	l->at = end ? end + 1 : l->text_end;
	hash = memchr(start, '#', (size_t)(l->line_end - start));
	l->comment = hash ? hash + 1 : NULL;
	l->commented = hash != NULL;
	end = hash ? hash : l->line_end;
	start = skip_blanks(start, end);
	if (start == end)
		return false;
	l->kind = *start == '[' ? LINES_SECTION : LINES_KEY;
	l->section_begins = l->kind == LINES_SECTION;
	split(l, start, end);
	/* "[x = y]" is no section, so it becomes "[" and is not shown to anybody */
	if (l->kind == LINES_SECTION && l->value)
		l->name[1] = '\0';
	return true;
}

/* Writes the letters and digits of start..end without the blanks, or "?" if there is
 * anything else in it. */
static void word_of(char out[static WORD_STRLEN], const char *start, const char *end)
{
	size_t n = 0;

	for (; start < end; start++) {
		char c = *start;

		if (lines_is_blank(c))
			continue;
		if (n == WORD_MAX || !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                       (c >= '0' && c <= '9'))) {
			n = 0;
			break;
		}
		out[n++] = c;
	}
	if (n == 0)
		out[n++] = '?';
	out[n] = '\0';
}

/* Writes the word that stands for the line when inih reads it. */
static void tell(const struct lines *l, char word[static WORD_STRLEN])
{
	const char *name = l->name;
	size_t n = strlen(name);

	if (l->kind != LINES_SECTION)
		word_of(word, name, name + n);
	else if (!l->has_nul && n > 2 && name[n - 1] == ']')
		word_of(word, name + 1, name + n - 1);
	else
		strcpy(word, "?");
}

char *lines_read(char *out, int room, void *lines)
{
	struct lines *l = lines;
	char word[WORD_STRLEN];
	int n;

	if (l->section_begins) {
		l->section_begins = false;
		n = snprintf(out, (size_t)room, "begin=\n");
		return n < room ? out : NULL;
	}
	for (;;) {
		if (l->commented) {
			l->commented = false;
			if (l->comment && take_setting(l))
				break;
		}
		if (l->at == l->text_end)
			return NULL;
		if (take_line(l))
			break;
	}
	tell(l, word);
	n = snprintf(out, (size_t)room, l->kind == LINES_SECTION ? "[%s]\n" : "%s=\n",
	             word);
	return n < room ? out : NULL;
}

void lines_stop(struct lines *l)
{
	l->at = l->text_end;
	l->commented = false;
}

char *lines_whole_value(struct lines *l)
{
	char *end;

	*l->value_end = l->value_end_char;
	l->comment = NULL;
	end = cut_blanks(l->value, l->line_end);
	*end = '\0';
	l->has_nul =
		l->has_nul || memchr(l->value, '\0', (size_t)(end - l->value)) != NULL;
	return l->value;
}
