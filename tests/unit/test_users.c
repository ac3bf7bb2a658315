#include "proxy/users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static int read_text(struct users **out, char *text, struct diag *diag)
{
	FILE *in = fmemopen(text, strlen(text), "r");
	int err = users_read(out, in, "users", diag);

	fclose(in);
	return err;
}

START_TEST(users_and_passwords)
{
	char text[] = "# a comment\n\nme:secret\r\nyou:with:colons\n";
	struct diag diag = { 0 };
	struct users *u;

	ck_assert_int_eq(read_text(&u, text, &diag), 0);
	ck_assert(users_check(u, "me", 2, "secret", 6));
	ck_assert(!users_check(u, "me", 2, "secret\0", 7));
	ck_assert(!users_check(u, "me", 2, "", 0));
	ck_assert(!users_check(u, "", 0, "", 0));
	ck_assert(!users_check(u, "me", 2, "with:colons", 11));
	ck_assert(users_check(u, "you", 3, "with:colons", 11));
	ck_assert(!users_check(u, "me", 300, "secret", 6));
	ck_assert(users_check_basic(u, "Basic bWU6c2VjcmV0", 18));
	ck_assert(users_check_basic(u, "basic  bWU6c2VjcmV0", 19));
	ck_assert(users_check_basic(u, "Basic eW91OndpdGg6Y29sb25z", 26));
	ck_assert(!users_check_basic(u, "Basic bWU6c2VjcmVU", 18));
	ck_assert(!users_check_basic(u, "Basic bWU6c2VjcmV0!", 19));
	ck_assert(!users_check_basic(u, "Basic bWU=", 10)); /* no colon */
	ck_assert(!users_check_basic(u, "Bearer bWU6c2VjcmV0", 19));
	ck_assert(!users_check_basic(u, "Basic ", 6));
	ck_assert(!users_check_basic(u, "", 0));
	users_free(u);
	users_free(NULL);
}
END_TEST

static const char *const wrong[] = {
	"me\n", ":secret\n", "me:\n", "# nobody\n", "\n",
};

START_TEST(mistakes)
{
	struct diag diag = { 0 };
	struct users *u;
	char text[64];

	snprintf(text, sizeof(text), "%s", wrong[_i]);
	ck_assert_int_eq(read_text(&u, text, &diag), -EINVAL);
	ck_assert_ptr_null(u);
	diag_clear(&diag);
}
END_TEST

START_TEST(a_long_line)
{
	struct diag diag = { 0 };
	struct users *u;
	char text[700];

	memset(text, 'a', sizeof(text));
	text[100] = ':';
	text[600] = '\0';
	ck_assert_int_eq(read_text(&u, text, &diag), -EINVAL);
	diag_clear(&diag);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("proxy/users");

	tcase_add_test(tc, users_and_passwords);
	tcase_add_loop_test(tc, mistakes, 0, ARRAY_SIZE(wrong));
	tcase_add_test(tc, a_long_line);
	return tc;
}
