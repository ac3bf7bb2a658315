/* src/sandbox/usual_calls.h - which system calls does every process need that is locked in?
 *
 * Those of its loop, of descriptors that it has, of memory, and of abort(). None of them makes
 * a descriptor out of a name or an address, nor a process. */
#ifndef TUNION_SANDBOX_USUAL_CALLS_H
#define TUNION_SANDBOX_USUAL_CALLS_H

#include <stddef.h>

#include "sandbox/call_filter.h"

#define USUAL_CALLS_MAX 64

/* Puts the n rules of a process into `out`, and then the usual ones. Returns how many they are,
 * which is more than CALL_RULES_MAX if they don't all have room: then there are only the first
 * ones. */
size_t usual_calls_after(struct call_rule out[static CALL_RULES_MAX],
                         const struct call_rule *own, size_t n);

#endif
