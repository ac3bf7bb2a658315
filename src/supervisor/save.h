/* src/supervisor/save.h - SaveConfig: the tunnel file is written anew from what its device
 * is like when it goes
 *
 * As wg-quick on down: Address, DNS, MTU, Table and the hooks are as they were read;
 * ListenPort, FwMark, keys and peers are what the device's UAPI socket tells. Comments
 * and names of Endpoints are lost; tunion's own settings in comments, and search domains,
 * are kept. Supervisor process. */
#ifndef TUNION_SUPERVISOR_SAVE_H
#define TUNION_SUPERVISOR_SAVE_H

#include "base/attr.h"
#include "base/diag.h"
#include "channel/outbuf.h"
#include "conf/conf.h"

/* Asks at the socket, for a few seconds at most, and replaces the file; where that is a
 * link, what it leads to. Where others can write the file or a folder on the way, it must
 * be the very file that was read: they could have put another there, for us to overwrite.
 * Another is left alone, with a warning. 0 or -errno, the reason in diag; the file is then as it was. */
MUST_CHECK int save_file(struct conf *conf, const char *uapi_socket_path,
                         struct diag *diag);

/* The text of the file, given the answer to get=1. 0 or -EBADMSG. */
MUST_CHECK int save_text(struct outbuf *out, const struct conf *conf, const char *answer);

#endif
