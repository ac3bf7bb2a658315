/* src/demo/files.h - the tunnel files of the demo: ordinary wg-quick files with keys that
 * are made on the spot. Two are for the client, and one for each server. */
#ifndef TUNION_DEMO_FILES_H
#define TUNION_DEMO_FILES_H

#include "base/attr.h"

#define FILES_TEXT_BYTES 1024

/* Contains private keys: wipe it with files_clear. */
struct files {
	char client_vpn[FILES_TEXT_BYTES], client_home[FILES_TEXT_BYTES];
	char provider[FILES_TEXT_BYTES], home[FILES_TEXT_BYTES];
};

MUST_CHECK int files_make(struct files *f);
void files_clear(struct files *f);

#endif
