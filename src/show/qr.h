/* src/show/qr.h - a text as a QR code, for the camera of another device */
#ifndef TUNION_SHOW_QR_H
#define TUNION_SHOW_QR_H

#include <stdio.h>

#include "base/attr.h"

/* Prints it in UTF-8 blocks, for a dark terminal as for a light one. Returns 0; -ENOTSUP if
 * tunion was built without libqrencode; or -E2BIG if the text is too long for one. */
MUST_CHECK int qr_print(FILE *out, const char *text);
/* Makes an SVG image of it, black on white, of *n bytes; to be wiped, if the text is a secret,
 * and freed. Returns the same, or -ENOMEM. */
MUST_CHECK int qr_svg(char **out, size_t *n, const char *text);

#endif
