/* tests/unit/planned.h - makes the plan of some tunnel files that are given as texts */
#ifndef TUNION_UNIT_PLANNED_H
#define TUNION_UNIT_PLANNED_H

#include "base/diag.h"
#include "conf/set.h"
#include "plan/plan.h"

#define PLANNED_FILES 4 /* the most files of one plan */

/* A [Peer] whose key begins with this letter. It must not be "A", which would make a key
 * of zeroes, and that is no key. */
#define PEER(letter)                                                                     \
	"[Peer]\nPublicKey = " letter "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

struct planned {
	struct conf_set set;
	struct conf *confs[PLANNED_FILES];
	struct plan plan;
	struct diag diag; /* the warnings of the files, and what the test adds */
};

/* texts: NAME, TEXT, NAME, TEXT, ..., NULL, with the names in byte order. An error
 * fails the test. */
void planned_init(struct planned *p, const char *const *texts);
void planned_clear(struct planned *p);

#endif
