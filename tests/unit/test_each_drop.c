/* tests/unit/test_each_drop.c - the steps of CONTRIBUTING's "To add a drop reason" that are forgotten
 * easily, for each reason: programs know its word, a hint says what to do, and tunion-json(5) has it */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/drop.h"
#include "show/status_hint.h"

/* Programs rely on these words. A new reason adds one; none is ever changed or taken away. */
static const char *const words[] = {
	"malformed",
	"no-route",
	"multicast",
	"no-key",
	"no-endpoint",
	"too-big",
	"loop",
	"way-too-long",
	"no-carrier-peer",
	"no-carrier-address",
	"staged-full",
	"handshake-failed",
	"send",
	"source",
	"gate-loop",
	"bad-message",
	"bad-mac1",
	"unknown-index",
	"bad-handshake",
	"replayed-handshake",
	"handshake-flood",
	"under-load",
	"bad-cookie",
	"bad-auth",
	"replay",
	"expired-key",
	"wrong-source",
	"forged-source",
	"guarded-address",
	"fragment",
	"tun",
	"down",
};

static bool is_a_word(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

static const char *word_of(enum drop reason)
{
	const char *word = drop_name(reason);

	ck_assert_msg(
		word != NULL,
		"src/base/drop.c has no word for reason %d of enum drop (base/drop.h)",
		(int)reason);
	return word;
}

START_TEST(programs_know_its_word)
{
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++)
		ck_assert_msg(
			is_a_word(word_of(reason)),
			"\"%s\" is not among the words above: if the reason is new, add it, and take the steps of CONTRIBUTING, To add a drop reason",
			drop_name(reason));
	ck_assert_uint_eq(ARRAY_SIZE(words), DROP_COUNT - 1);
}
END_TEST

START_TEST(a_hint_says_what_to_do)
{
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++) {
		const char *word = word_of(reason), *hint = status_hint(word);

		ck_assert_msg(hint && *hint, "src/show/status_hint.c has no hint for %s",
		              word);
	}
}
END_TEST

/* Is it a word of a line that begins an item? An item may be about several reasons. */
static bool has_item(const char *list, const char *word)
{
	const size_t n = strlen(word);
	const char *line = list;

	while ((line = strstr(line, "\n.It Li "))) {
		const char *end = strchr(++line, '\n');

		for (const char *at = line; (at = strstr(at, word)) && at < end; at++) {
			if (at[-1] == ' ' && (at[n] == ' ' || at[n] == '\n'))
				return true;
		}
	}
	return false;
}

/* Its list of reasons is the last one. */
START_TEST(the_document_has_it)
{
	char *text = unit_source_text("doc/tunion-json.5");
	const char *list = strstr(text, "\nThese are the reasons:\n");

	ck_assert_ptr_nonnull(list);
	for (enum drop reason = DROP_NONE + 1; reason < DROP_COUNT; reason++) {
		const char *word = word_of(reason);

		ck_assert_msg(has_item(list, word), "tunion-json(5) has no item for %s",
		              word);
	}
	free(text);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("each drop");

	tcase_add_test(tc, programs_know_its_word);
	tcase_add_test(tc, a_hint_says_what_to_do);
	tcase_add_test(tc, the_document_has_it);
	return tc;
}
