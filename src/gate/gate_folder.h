/* src/gate/gate_folder.h - the folder in which a gate keeps its keys
 *
 *   gate.conf          the gate's own tunnel file
 *   clients/NAME.conf  a file for each client's WireGuard app
 *
 * Nobody else may write there. */
#ifndef TUNION_GATE_GATE_FOLDER_H
#define TUNION_GATE_GATE_FOLDER_H

#include <limits.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"
#include "gate/gate_file.h"

#define GATE_FOLDER_DEVICE "gate" /* the name of the device, and of its file */
#define GATE_FOLDER_CONF   GATE_FOLDER_DEVICE ".conf"

struct gate_folder {
	char path[PATH_MAX];
	int fd, clients_fd; /* owned */
};

/* Makes the folder, and those above it, if they are missing. Returns 0 or -errno, with the
 * reason in diag. */
MUST_CHECK int gate_folder_make(const char *path, struct diag *diag);
/* The path is absolute. Returns 0, or -errno with the reason in diag: it is missing, or
 * others can write there. Close it only after success. */
MUST_CHECK int gate_folder_open(struct gate_folder *f, const char *path,
                                struct diag *diag);
void gate_folder_close(struct gate_folder *f);
/* Keeps other gates out until it is closed. Returns 0 or -errno, with the reason in
 * diag. */
MUST_CHECK int gate_folder_lock(const struct gate_folder *f, struct diag *diag);

/* Path of the gate's file, and of a client's. */
#define GATE_FOLDER_PATH_MAX (PATH_MAX + 64)
const char *gate_folder_conf(const struct gate_folder *f,
                             char out[static GATE_FOLDER_PATH_MAX]);
const char *gate_folder_client(const struct gate_folder *f, const char *client,
                               char out[static GATE_FOLDER_PATH_MAX]);

/* They call gate_file_replace. client is the name of a client. Return 0 or -errno, with
 * the reason in diag. */
MUST_CHECK int gate_folder_write_conf(const struct gate_folder *f,
                                      const struct gate_file *file, struct diag *diag);
MUST_CHECK int gate_folder_write_client(const struct gate_folder *f, const char *client,
                                        const struct gate_file *file, struct diag *diag);

/* The names of the clients that have a file, sorted. */
struct gate_names {
	char **v; /* owned */
	size_t n;
};
/* Returns 0 or -errno. Clear it in both cases. */
MUST_CHECK int gate_folder_clients(const struct gate_folder *f, struct gate_names *out);
/* Adds a name unless it is there already. Returns 0 or -ENOMEM. */
MUST_CHECK int gate_names_add(struct gate_names *names, const char *name, size_t chars);
void gate_names_clear(struct gate_names *names);

#endif
