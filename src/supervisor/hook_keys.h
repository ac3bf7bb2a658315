/* src/supervisor/hook_keys.h - which keys of a device does only a hook know?
 *
 * A file may leave its PrivateKey to a hook, as wg-quick(8) shows it, and the preshared keys of
 * its peers too: PostUp = wg set %i private-key <(pass show vpn). Then only the worker has them.
 * Hooks aren't run again when it ends, so they are asked for once the hooks have run, and the next
 * worker is told. Supervisor process. */
#ifndef TUNION_SUPERVISOR_HOOK_KEYS_H
#define TUNION_SUPERVISOR_HOOK_KEYS_H

#include <stdbool.h>

#include "base/attr.h"
#include "channel/outbuf.h"
#include "conf/conf.h"

/* All sealed. */
struct hook_keys;

/* May hooks of this file set keys that it doesn't have? */
bool hook_keys_are_likely(const struct conf *conf);
/* Takes them from the answer to get=1. Returns NULL if there are none, or no memory. */
struct hook_keys *hook_keys_new(const struct conf *conf, const char *answer);
/* Wipes. k may be NULL, here and below. */
void hook_keys_free(struct hook_keys *k);
bool hook_keys_has_private(const struct hook_keys *k);

/* Print lines of a set=1: of the device, and, once its peers were named, of these. Leave out
 * what the file has by now. */
void hook_keys_print_device(struct outbuf *o, const struct hook_keys *k,
                            const struct conf *conf);
void hook_keys_print_peers(struct outbuf *o, const struct hook_keys *k,
                           const struct conf *conf);

#endif
