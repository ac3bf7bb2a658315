/* src/base/ending.h - has the instance to end, and why? */
#ifndef TUNION_BASE_ENDING_H
#define TUNION_BASE_ENDING_H

#include <stdbool.h>

struct ending {
	bool wanted;
	int error; /* -errno: why it has to end; 0: somebody has asked for it */
};

/* Only the first error is kept as the reason. */
static inline void ending_want(struct ending *e, int error)
{
	e->wanted = true;
	if (error && !e->error)
		e->error = error;
}

#endif
