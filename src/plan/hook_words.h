/* src/plan/hook_words.h - which words of a hook may be the name of a network interface?
 *
 * A hook is a line of shell, so this is a guess. A word is a run of the characters that
 * names of interfaces mostly have. Names of variables and of folders don't count, except
 * the folders in /proc/sys/net and /sys/class/net, which are named after interfaces. */
#ifndef TUNION_PLAN_HOOK_WORDS_H
#define TUNION_PLAN_HOOK_WORDS_H

#include <stdbool.h>

#include "base/ifname.h"

/* Copies the next such word of the text at *at to `word`, and moves *at behind it. Returns
 * false if there is none. */
bool hook_words_next(const char **at, char word[static IFNAME_MAX + 1]);

/* Is the name one of these words? */
bool hook_words_have(const char *text, const char *name);

#endif
