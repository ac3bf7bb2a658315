/* src/supervisor/save.h - SaveConfig: writes the tunnel file again, with the state that
 * its device has when it goes down
 *
 * As wg-quick does on down: Address, DNS, MTU, Table and the hooks are kept as they were
 * read; ListenPort, FwMark, keys and peers come from the device's UAPI socket. Comments,
 * and names in Endpoints, are lost; tunion's own settings in comments, and search
 * domains, are kept. Supervisor process. */
#ifndef TUNION_SUPERVISOR_SAVE_H
#define TUNION_SUPERVISOR_SAVE_H

#include "base/attr.h"
#include "base/diag.h"
#include "channel/outbuf.h"
#include "conf/conf.h"
#include "supervisor/uapi_ask.h"

/* How long may asking take? For all files together, or a worker that answers each of a
 * thousand files slowly would keep the instance from going down for hours. */
#define SAVE_ASK_MS 5000

/* Asks at the socket, and replaces the file; its owner and mode stay. If the
 * path is a link, the file it leads to is replaced. If others can write the file or a
 * folder on its path, it must be the same file in the same folder that was read, because others
 * could have put another file there for us to overwrite. Such a file is left alone, with a
 * warning; so is one that is gone, and one of others that can't be written. Returns 0;
 * -ENOTCONN, without a message, if the device doesn't answer, or not what a device answers;
 * or another -errno, with the reason in diag. After an error the file is unchanged. */
MUST_CHECK int save_file(struct conf *conf, const char *uapi_socket_path,
                         const struct uapi_patience *patience, struct diag *diag);

/* Writes the text of the file, given the answer to get=1. Returns 0, -EBADMSG or
 * -ENOMEM. */
MUST_CHECK int save_text(struct outbuf *out, const struct conf *conf, const char *answer);

#endif
