#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_stream.h"
#include "show/qr.h"

#define SIDE_MAX 200

static const char text[] = "[Interface]\nPrivateKey = 0123456789abcdef\n";

struct modules {
	int side; /* with the light margin */
	bool dark[SIDE_MAX][SIDE_MAX];
};

/* From what is printed on a terminal: each character is two modules, one above the other. */
static void read_terminal(const char *printed, struct modules *m)
{
	static const struct {
		const char *block;
		bool upper, lower;
	} blocks[] = { { "\xe2\x96\x88", false, false },
		       { "\xe2\x96\x80", false, true },
		       { "\xe2\x96\x84", true, false },
		       { " ", true, true } };
	int x = 0, y = 0;

	while (*printed) {
		if (*printed == '\033') {
			printed = strchr(printed, 'm') + 1;
		} else if (*printed == '\n') {
			m->side = x;
			x = 0;
			y += 2;
			printed++;
		} else {
			size_t i = 0;

			while (strncmp(printed, blocks[i].block, strlen(blocks[i].block)))
				ck_assert_uint_lt(++i, ARRAY_SIZE(blocks));
			m->dark[y][x] = blocks[i].upper;
			m->dark[y + 1][x] = blocks[i].lower;
			printed += strlen(blocks[i].block);
			x++;
		}
	}
}

static void read_svg(const char *svg, struct modules *m)
{
	const char *at = strstr(svg, "<path d=\"");
	int x, y, n, back, chars;

	ck_assert_int_eq(sscanf(strstr(svg, "viewBox"), "viewBox=\"0 0 %d", &m->side), 1);
	ck_assert_ptr_nonnull(at);
	at += strlen("<path d=\"");
	while (sscanf(at, "M%d %dh%dv1h-%dz%n", &x, &y, &n, &back, &chars) == 4) {
		ck_assert_int_eq(n, back);
		while (n-- > 0)
			m->dark[y][x + n] = true;
		at += chars;
	}
	ck_assert_str_eq(at, "\"/></svg>\n");
}

/* Both show the same, with a margin of four modules. */
START_TEST(image_and_terminal)
{
	static struct modules printed, drawn;
	char *terminal = NULL, *svg = NULL;
	size_t n;
	FILE *out = open_memstream(&terminal, &n);
	int err = qr_print(out, text);

	ck_assert_ptr_nonnull(text_stream_close(out, &terminal));
	ck_assert_int_eq(qr_svg(&svg, &n, text), err);
	if (err == -ENOTSUP) {
		unit_lacks("libqrencode");
		free(terminal);
		return;
	}
	ck_assert_int_eq(err, 0);
	ck_assert_uint_eq(strlen(svg), n);
	read_terminal(terminal, &printed);
	read_svg(svg, &drawn);
	ck_assert_int_eq(drawn.side, printed.side);
	for (int y = 0; y < drawn.side; y++)
		for (int x = 0; x < drawn.side; x++)
			ck_assert_msg(drawn.dark[y][x] == printed.dark[y][x], "%d %d", x,
			              y);
	ck_assert(!drawn.dark[3][3] && drawn.dark[4][4]);
	free(terminal);
	free(svg);
}
END_TEST

START_TEST(what_is_too_long_for_one)
{
	char *much = calloc(1, 4001), *svg = NULL;
	size_t n;
	int err;

	memset(much, 'x', 4000);
	err = qr_svg(&svg, &n, much);
	ck_assert(err == -E2BIG || err == -ENOTSUP);
	ck_assert_ptr_null(svg);
	free(much);
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("show/qr");

	tcase_add_test(tc, image_and_terminal);
	tcase_add_test(tc, what_is_too_long_for_one);
	return tc;
}
