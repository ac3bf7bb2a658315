/* src/show/qr.c - on a terminal two rows of modules are one line of characters; in an image
 * a run of dark modules is one rectangle */
#include "show/qr.h"

#include <errno.h>

#ifdef HAVE_QRENCODE
#include <qrencode.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>

#define QUIET         4   /* modules around the code, as the standard demands */
#define SVG_RUN_MAX   32  /* characters of a run */
#define SVG_FRAME_MAX 256 /* and of what is around all */

/* Returns 0 or what qr_print returns. Give it to forget. */
static MUST_CHECK int encode(QRcode **code, const char *text)
{
	*code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (*code)
		return 0;
	return errno == ERANGE ? -E2BIG : -errno;
}

static void forget(QRcode *code)
{
	sodium_memzero(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
}

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
	QRcode *code;
	int err = encode(&code, text);

	if (err)
		return err;
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		print_line(out, code, y);
	forget(code);
	return 0;
}

/* Returns the length of the run of dark modules that begins here. */
static int run_of(const QRcode *code, int x, int y)
{
	int n = 0;

	while (is_dark(code, x + n, y))
		n++;
	return n;
}

static size_t count_runs(const QRcode *code)
{
	size_t runs = 0;

	for (int y = 0; y < code->width; y++)
		for (int x = 0; x < code->width; x += 1 + run_of(code, x, y))
			runs += is_dark(code, x, y);
	return runs;
}

/* There is room for all runs. Returns where they end. */
static char *write_runs(char *at, const QRcode *code)
{
	for (int y = 0; y < code->width; y++) {
		for (int x = 0, n; x < code->width; x += 1 + n) {
			n = run_of(code, x, y);
			if (n > 0)
				at += snprintf(at, SVG_RUN_MAX, "M%d %dh%dv1h-%dz",
				               x + QUIET, y + QUIET, n, n);
		}
	}
	return at;
}

/* The size is known before, because a buffer that grows would leave copies of a secret
 * behind. */
int qr_svg(char **out, size_t *n, const char *text)
{
	QRcode *code;
	int err = encode(&code, text), side;
	char *at;

	if (err)
		return err;
	at = *out = malloc(count_runs(code) * SVG_RUN_MAX + SVG_FRAME_MAX);
	if (!at) {
		forget(code);
		return -ENOMEM;
	}
	side = code->width + 2 * QUIET;
	at += snprintf(
		at, SVG_FRAME_MAX,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
		side, side, side, side);
	at = write_runs(at, code);
	at += snprintf(at, SVG_RUN_MAX, "\"/></svg>\n");
	*n = (size_t)(at - *out);
	forget(code);
	return 0;
}

#else

int qr_print(FILE *out, const char *text)
{
	(void)out;
	(void)text;
	return -ENOTSUP;
}

int qr_svg(char **out, size_t *n, const char *text)
{
	(void)out;
	(void)n;
	(void)text;
	return -ENOTSUP;
}

#endif
