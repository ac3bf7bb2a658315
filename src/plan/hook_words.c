/* src/plan/hook_words.c */
#include "plan/hook_words.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Can the character be part of an interface's name? (So can '=', but in a hook it mostly
 * stands before a name, and not in one.) */
static bool in_word(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_+.-", c));
}

/* Does the text that ends at `end` end with `tail`? */
static bool ends_with(const char *text, const char *end, const char *tail)
{
	size_t n = strlen(tail);

	return (size_t)(end - text) >= n && memcmp(end - n, tail, n) == 0;
}

/* `text` is where the part before the word begins. */
static bool may_be_interface(const char *text, const char *word, size_t n)
{
	if (ends_with(text, word, "$") || ends_with(text, word, "${"))
		return false;
	if (ends_with(text, word, "/"))
		return ends_with(text, word, "/net/") ||
		       ends_with(text, word, "/conf/") ||
		       ends_with(text, word, "/neigh/");
	return word[n] != '/';
}

bool hook_words_next(const char **at, char word[static IFNAME_MAX + 1])
{
	const char *text = *at, *w = text;

	while (*w != '\0') {
		size_t n = 0;

		while (in_word(w[n]))
			n++;
		if (n > 0 && n <= IFNAME_MAX && may_be_interface(text, w, n)) {
			memcpy(word, w, n);
			word[n] = '\0';
			*at = w + n;
			return true;
		}
		w += n > 0 ? n : 1;
	}
	return false;
}

bool hook_words_have(const char *text, const char *name)
{
	char word[IFNAME_MAX + 1];

	while (hook_words_next(&text, word)) {
		if (strcmp(word, name) == 0)
			return true;
	}
	return false;
}
