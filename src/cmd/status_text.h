/* src/cmd/status_text.h - what a running instance does, for people */
#ifndef TUNION_CMD_STATUS_TEXT_H
#define TUNION_CMD_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* One look at an instance; all borrowed. */
struct status_look {
	const json_t *status;
	const json_t *before; /* an earlier status of it; NULL: no rates */
	uint64_t elapsed_ns;  /* since then */
	int64_t wall_s;       /* seconds since 1970, for ages */
	bool colour;
	/* May be NULL. A device's sparkline, until the next call: shown in place of totals
	 * and endpoints, for which a terminal is too narrow. */
	const char *(*trend)(void *context, const char *device);
	void *context;
};

void status_text(const struct status_look *look, FILE *out);

/* One short sentence that a user can act on; NULL: no such reason. */
const char *status_drop_hint(const char *reason);

#endif
