/* src/show/qr.c - two rows of modules are one line of characters */
#include "show/qr.h"

#include <errno.h>

#ifdef HAVE_QRENCODE
#include <qrencode.h>
#include <stdbool.h>

#define QUIET 4 /* modules around the code, as the standard demands */

/* Dark modules have the least bit. Beyond the code all is light. */
static bool is_dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

/* Light modules are what is printed, in white on black: a terminal may have any colours. */
static void print_line(FILE *out, const QRcode *code, int y)
{
	static const char *const blocks[2][2] = {
		{ "\xe2\x96\x88", "\xe2\x96\x80" }, /* both light; only the upper one */
		{ "\xe2\x96\x84", " " },            /* only the lower one; none */
	};

	fputs("\033[40;97m", out);
	for (int x = -QUIET; x < code->width + QUIET; x++)
		fputs(blocks[is_dark(code, x, y)][is_dark(code, x, y + 1)], out);
	fputs("\033[0m\n", out);
}

int qr_print(FILE *out, const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (!code)
		return errno == ERANGE ? -E2BIG : -errno;
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		print_line(out, code, y);
	QRcode_free(code);
	return 0;
}

#else

int qr_print(FILE *out, const char *text)
{
	(void)out;
	(void)text;
	return -ENOTSUP;
}

#endif
