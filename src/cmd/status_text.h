/* src/cmd/status_text.h - prints for people what a running instance does */
#ifndef TUNION_CMD_STATUS_TEXT_H
#define TUNION_CMD_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A status and how to show it. All is borrowed. */
struct status_look {
	const json_t *status;
	const json_t *before; /* an earlier status; NULL: rates aren't shown */
	uint64_t elapsed_ns;  /* time since the earlier status */
	int64_t wall_s;       /* seconds since 1970, for ages */
	bool colour;
	unsigned columns;     /* of the terminal; 0: it is none, and nothing is cut */
	const char *options;  /* of instance_options; may be NULL */
	const char *ellipsis; /* one character, behind what is cut; NULL: that of UTF-8 */
	/* May be NULL. Returns a device's sparkline, valid until the next call. It is
	 * shown instead of totals and endpoints, because a terminal is too narrow for
	 * all. */
	const char *(*trend)(void *context, const char *device);
	void *context;
};

/* Where the terminal is too narrow, lines above the tables are broken, and tables are cut:
 * first notes and hints, then what is written in `cuts` (status_text.c), and never the way. */
void status_text(const struct status_look *look, FILE *out);

#endif
