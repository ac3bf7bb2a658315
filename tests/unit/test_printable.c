#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/printable.h"

static const struct {
	const char *text, *made;
} cases[] = {
	{ "", "" },
	{ "home: a line, ~!", "home: a line, ~!" },
	{ "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
	  "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0" },
	{ "\033]0;title\007\033[2J", "?]0;title??[2J" },
	{ "one\ntwo\r\tthree\x7f", "one?two??three?" },
	{ "\xc2\x9b"
	  "2J",
	  "??2J" }, /* CSI as one character */
	{ "\x9b"
	  "2J",
	  "?2J" },
	{ "\xc0\x9b \xe0\x80\x9b \xf0\x80\x80\x9b", "?? ??? ????" }, /* too long */
	{ "\xed\xa0\x80 \xf4\x90\x80\x80 \xf8\xff", "??? ???? ??" },
	{ "\xc3", "?" }, /* the rest is missing */
	{ "\xe2\x82", "??" },
	{ "\xf0\x9f\x98", "???" },
	{ "\xe2\x82z", "??z" },
};

START_TEST(what_may_be_printed)
{
	char text[64], printed[64] = "";
	FILE *out;

	snprintf(text, sizeof(text), "%s", cases[_i].text);
	ck_assert_int_eq(printable_is(text), strcmp(cases[_i].text, cases[_i].made) == 0);
	printable_make(text);
	ck_assert_str_eq(text, cases[_i].made);
	ck_assert(printable_is(text));
	out = fmemopen(printed, sizeof(printed), "w");
	printable_print(out, cases[_i].text);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(printed, cases[_i].made);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("base/printable");

	tcase_add_loop_test(tc, what_may_be_printed, 0, (int)ARRAY_SIZE(cases));
	return tc;
}
