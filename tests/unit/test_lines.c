/* tests/unit/test_lines.c - what inih is told of a text, and what stays behind */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/lines.h"
#include "unit.h"

static const struct {
	const char *text;
	/* one line for each that inih reads: "NUMBER KIND TOLD|NAME|VALUE", '-' for no
	 * value */
	const char *expected;
} rows[] = {
	{ "", "" },
	{ "\n \t\r\n", "" },
	{ "#", "" },
	{ "a", "1 K a=|a|-\n" },
	{ "a=", "1 K a=|a|\n" },
	{ "a=b", "1 K a=|a|b\n" },
	{ " \ta \v\f= \rb c \r\n", "1 K a=|a|b c\n" },
	{ "a = b = c", "1 K a=|a|b = c\n" },
	{ "= b", "1 K ?=||b\n" },
	{ "=", "1 K ?=||\n" },
	{ "a # b = c", "1 K a=|a|-\n" },
	{ "a = b # c = d", "1 K a=|a|b\n" },
	{ "a = # b", "1 K a=|a|\n" },
	{ "a = ; b ; c", "1 K a=|a|; b ; c\n" },
	{ "a : b", "1 K ?=|a : b|-\n" },
	{ "A b9 = c", "1 K Ab9=|A b9|c\n" },
	{ "a-b = c", "1 K ?=|a-b|c\n" },
	{ "; x", "1 K ?=|; x|-\n" },
	{ "1234567890123456789012345678901234567890 = x",
	  "1 K 1234567890123456789012345678901234567890=|"
	  "1234567890123456789012345678901234567890|x\n" },
	{ "12345678901234567890123456789012345678901 = x",
	  "1 K ?=|12345678901234567890123456789012345678901|x\n" },
	{ "[A]", "1 S [A]|[A]|-\n1 S begin=|[A]|-\n" },
	{ "\n [ a b ] \n c=d", "2 S [ab]|[ a b ]|-\n2 S begin=|[ a b ]|-\n3 K c=|c|d\n" },
	{ "[]", "1 S [?]|[]|-\n1 S begin=|[]|-\n" },
	{ "[", "1 S [?]|[|-\n1 S begin=|[|-\n" },
	{ "[a]b", "1 S [?]|[a]b|-\n1 S begin=|[a]b|-\n" },
	{ "[a;b]", "1 S [?]|[a;b]|-\n1 S begin=|[a;b]|-\n" },
	{ "[a] = b", "1 S [?]|[|b\n1 S begin=|[|b\n" },
	{ "[a] # b", "1 S [a]|[a]|-\n1 S begin=|[a]|-\n" },
	{ "# tunion: a = b", "1 T a=|a|b\n" },
	{ "#tunion:a=b\n#\tTunion :a", "1 T a=|a|b\n2 T a=|a|-\n" },
	{ "# tunion: a = b # c", "1 T a=|a|b\n" },
	{ "# tunion:", "1 T ?=||-\n" },
	{ "# tunion", "" },
	{ "# tunio: a = b", "" },
	{ "## tunion: a = b", "" },
	{ "# the tunion: a = b", "" },
	{ "[a] # tunion: b = c", "1 S [a]|[a]|-\n1 S begin=|[a]|-\n1 T b=|b|c\n" },
	{ "a = b # tunion: c = d\n e=f", "1 K a=|a|b\n1 T c=|c|d\n2 K e=|e|f\n" },
	{ "# tunion c = d # e\n#TUNION\tf g= h", "1 C c=|c|d\n2 C fg=|f g|h\n" },
	{ "# tunion c\n# tunionc = d\n# tunion=\n# tunion - c =", "4 C ?=|- c|\n" },
};

static char *transcript(const char *text, size_t n)
{
	static const char kinds[] = {
		[LINES_SECTION] = 'S',
		[LINES_KEY] = 'K',
		[LINES_SETTING] = 'T',
		[LINES_COMMENT] = 'C',
	};
	char *copy = malloc(n + 1), *said = NULL, told[64];
	size_t size;
	FILE *out = open_memstream(&said, &size);
	struct lines lines;

	memcpy(copy, text, n);
	copy[n] = 'X'; /* must not matter */
	lines_init(&lines, copy, n);
	while (lines_read(told, sizeof(told), &lines)) {
		ck_assert_int_eq(told[strlen(told) - 1], '\n');
		told[strlen(told) - 1] = '\0';
		fprintf(out, "%u %c %s|%s|%s\n", lines.number, kinds[lines.kind], told,
		        lines.name, lines.value ? lines.value : "-");
	}
	fclose(out);
	free(copy);
	return said;
}

START_TEST(each_line_is_told_so_that_inih_cannot_err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *said = transcript(rows[i].text, strlen(rows[i].text));

		ck_assert_msg(strcmp(said, rows[i].expected) == 0, "%s\nis told as\n%s",
		              rows[i].text, said);
		free(said);
	}
}
END_TEST

START_TEST(a_room_too_small_ends_the_file)
{
	char text[] = "[Interface]\nPrivateKey = x\n", told[64];
	struct lines lines;

	for (int room = 1; room < 13; room++) {
		lines_init(&lines, text, sizeof(text) - 1);
		ck_assert_ptr_null(lines_read(told, room, &lines));
		memcpy(text, "[Interface]\n", 12);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t n;
	const char *whole;
	bool has_nul;
} hooks[] = {
	{ "a = b # c \n", 11, "b # c", false },
	{ "a = b#", 6, "b#", false },
	{ "a = b  \r\n", 9, "b", false },
	{ "a =# b", 6, "# b", false },
	{ "a =  # b\n", 9, "# b", false },
	{ "a =\nb", 5, "", false },
	{ "a = b # tunion: c = d\n", 22, "b # tunion: c = d", false },
	{ "a = b\0c # d\n", 12, "b", true },
	{ "a = b # \0d\n", 11, "b # ", true },
};

START_TEST(a_hook_has_the_whole_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		char *copy = malloc(hooks[i].n + 1), told[64];
		struct lines lines;

		memcpy(copy, hooks[i].text, hooks[i].n);
		lines_init(&lines, copy, hooks[i].n);
		ck_assert_ptr_nonnull(lines_read(told, sizeof(told), &lines));
		ck_assert_str_eq(lines_whole_value(&lines), hooks[i].whole);
		ck_assert(lines.has_nul == hooks[i].has_nul);
		while (lines_read(told, sizeof(told), &lines))
			ck_assert_int_ne(lines.kind, LINES_SETTING);
		free(copy);
	}
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("conf/lines");

	tcase_add_test(tc, each_line_is_told_so_that_inih_cannot_err);
	tcase_add_test(tc, a_room_too_small_ends_the_file);
	tcase_add_test(tc, a_hook_has_the_whole_line);
	return tc;
}
