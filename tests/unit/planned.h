/* tests/unit/planned.h - the plan of some tunnel files, given as texts */
#ifndef TUNION_UNIT_PLANNED_H
#define TUNION_UNIT_PLANNED_H

#include "base/diag.h"
#include "conf/set.h"
#include "plan/plan.h"

#define PLANNED_FILES 4 /* at most */

/* A [Peer] whose key begins with the letter, which must not be "A": that would be no key.
 */
#define PEER(letter)                                                                     \
	"[Peer]\nPublicKey = " letter "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

struct planned {
	struct conf_set set;
	struct conf *confs[PLANNED_FILES];
	struct plan plan;
	struct diag diag; /* warnings of the files, and what the test adds */
};

/* texts: NAME, TEXT, NAME, TEXT, ... NULL; names in byte order. Fails the test on errors.
 */
void planned_init(struct planned *p, const char *const *texts);
void planned_clear(struct planned *p);

#endif
