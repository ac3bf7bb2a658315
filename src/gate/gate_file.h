/* src/gate/gate_file.h - tunnel files that contain a private key, written by us */
#ifndef TUNION_GATE_GATE_FILE_H
#define TUNION_GATE_GATE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/diag.h"
#include "conf/conf.h"

/* What is in such a file. Both texts are borrowed, and contain no secret. */
struct gate_file {
	const char *remark;         /* comments, or "" */
	const uint8_t *private_key; /* KEY_BYTES bytes; borrowed */
	const char *rest;           /* what follows the PrivateKey in [Interface] */
};

/* Reads such a file as a tunnel file. Warnings are not told: a new client's file has no
 * peer, for example. Returns 0, or -errno with the reason in diag. */
MUST_CHECK int gate_file_read(struct conf **out, const char *path, struct diag *diag);
/* Is exactly this in the file? Also false if it can't be read. `folder` is a
 * descriptor. */
MUST_CHECK bool gate_file_is(int folder, const char *name, const struct gate_file *file);
/* Writes the file, for nobody but us. Whoever opens it finds it as it was, or whole. The
 * name has at most GATE_FILE_NAME_MAX characters. Returns 0 or -errno. */
#define GATE_FILE_NAME_MAX 32
MUST_CHECK int gate_file_replace(int folder, const char *name,
                                 const struct gate_file *file);

#endif
