/* src/plan/plan_tun.h - does a file share the tun, or does it have one of its own?
 * (design R14)
 *
 * With `Table = off` or a number, with hooks that name the file's own interface, and with
 * `Tun = own`, the host decides what goes through the tunnel: by rules, marks, sources,
 * interfaces. A packet on a shared tun shows nothing of that. */
#ifndef TUNION_PLAN_PLAN_TUN_H
#define TUNION_PLAN_PLAN_TUN_H

#include <stdbool.h>

#include "conf/conf.h"
#include "plan/plan.h"

/* What the file asks for, and in which line. env may be NULL. */
struct plan_tun plan_tun_of(const struct conf *conf, const struct plan_env *env);

/* Does a file with this conf get a tun of its own? */
bool plan_tun_is_own(const struct conf *conf, const struct plan_env *env);

/* "Table", "PostUp" and so on: what asks for a tun of its own. */
const char *plan_tun_reason(const struct plan_tun *tun);

#endif
