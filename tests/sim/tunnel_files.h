/* tests/sim/tunnel_files.h - a directory of tunnel files that change at random
 *
 * Few names, ports, carriers and prefixes, so that files often contradict each other. */
#ifndef TUNION_SIM_TUNNEL_FILES_H
#define TUNION_SIM_TUNNEL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

#define TUNNEL_FILES    5
#define TUNNEL_VERSIONS 48 /* of one name in one run */

struct tunnel_version {
	struct conf *conf; /* owned */
	bool hooks_fail;   /* its PreUp or PostUp */
	unsigned id;       /* versions that say the same have the same */
};

struct tunnel_file {
	char name[2];
	char path[160];
	struct tunnel_version versions[TUNNEL_VERSIONS];
	size_t count;
	const struct tunnel_version *on_disk; /* borrowed; NULL: none, or a bad one */
	bool bad;                             /* what is on the disk has mistakes */
};

struct tunnel_files {
	struct tunnel_file v[TUNNEL_FILES]; /* in order of names */
	uint64_t *random;                   /* borrowed */
};

void tunnel_files_init(struct tunnel_files *f, const char *dir, uint64_t *random);
void tunnel_files_clear(struct tunnel_files *f);

/* Each changes what is on the disk. */
void tunnel_file_write(struct tunnel_files *f, struct tunnel_file *file);
void tunnel_file_break(struct tunnel_files *f, struct tunnel_file *file);
void tunnel_file_remove(struct tunnel_file *file);
void tunnel_file_rename(struct tunnel_file *from, struct tunnel_file *to);
/* Its text is the same, but for a comment. */
void tunnel_file_touch(struct tunnel_file *file);

/* The version of the name that has the digest; NULL: none. */
const struct tunnel_version *tunnel_files_find(const struct tunnel_files *f,
                                               const char *name, const uint8_t *digest);

#endif
