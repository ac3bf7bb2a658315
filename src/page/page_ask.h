/* src/page/page_ask.h - asks the supervisor, one question at a time, and reads the answer */
#ifndef TUNION_PAGE_PAGE_ASK_H
#define TUNION_PAGE_PAGE_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "channel/frame.h"
#include "channel/outbuf.h"
#include "channel/page_entry.h"
#include "io/loop.h"

#define PAGE_ASK_MAX                                                                     \
	(16U * 1024 * 1024) /* bytes of an answer; a longer one counts as none */

/* Embedded. */
struct page_ask {
	struct loop *loop; /* borrowed */
	struct channel channel;
	struct loop_source channel_source;
	struct loop_source answer_source; /* its fd is owned; -1: none has come yet */
	enum page_question question;      /* what is asked; NONE: nothing */
	struct outbuf answer;             /* it may contain a key */
	bool gone;                        /* the supervisor has closed the channel */
	/* The answer is complete, and wiped after the call: n bytes, and a NUL. NULL: there
	 * is none. The next question may be asked in here. */
	void (*answered)(void *context, enum page_question question, const char *text,
	                 size_t n);
	void *context; /* borrowed */
};

/* Owns channel_fd, also after a failure. `answered` and `context` must be set. Returns 0 or
 * -errno. Clear it in both cases. */
MUST_CHECK int page_ask_init(struct page_ask *a, struct loop *loop, int channel_fd);
void page_ask_clear(struct page_ask *a);

/* name is that of a client, or "". Nothing may be asked yet. Returns 0 or -errno. */
MUST_CHECK int page_ask(struct page_ask *a, enum page_question question,
                        const char *name);

#endif
