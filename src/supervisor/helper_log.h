/* src/supervisor/helper_log.h - writes to the log what the processes of the page, of the proxy
 * and of the resolver say (channel/line.h) */
#ifndef TUNION_SUPERVISOR_HELPER_LOG_H
#define TUNION_SUPERVISOR_HELPER_LOG_H

#include <stddef.h>

#include "base/attr.h"
#include "base/log.h"
#include "channel/line.h"
#include "io/loop.h"
#include "supervisor/line_limit.h"

#define HELPER_LOG_STAGES 8 /* of two processes */

/* Embedded. All zeroes but log and who: nobody says anything. */
struct helper_log {
	const struct log *log; /* borrowed */
	const char *who;       /* borrowed: "process of the page" or the like */
	struct line_limit limit;
	/* how the process is locked in; if there were several of it, then the last one */
	struct line_stage stages[HELPER_LOG_STAGES];
	size_t stage_count;
	struct loop_source source; /* its fd is borrowed */
	struct loop *loop;         /* borrowed; NULL: not in a loop */
};

/* Writes one message, or notes the stage that it says; its bytes may be nonsense. Returns 0, or
 * -EPROTO if it is neither. */
MUST_CHECK int helper_log_take(struct helper_log *h, const void *message, size_t n);

/* Lines come from this socket, a SOCK_SEQPACKET. Returns 0 or -errno. */
MUST_CHECK int helper_log_start(struct helper_log *h, struct loop *loop, int fd);
/* Writes what is left. */
void helper_log_end(struct helper_log *h);

#endif
