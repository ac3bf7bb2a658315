/* src/page/page_answer.h - what is sent for each thing of the page? */
#ifndef TUNION_PAGE_PAGE_ANSWER_H
#define TUNION_PAGE_PAGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "channel/outbuf.h"
#include "channel/page_entry.h"
#include "page/page_target.h"

/* The question to the supervisor whose answer is needed. */
enum page_question page_answer_needs(enum page_thing thing);

/* Adds the answer. `text` is what the supervisor has said, of n bytes; it ends with a NUL
 * that isn't counted. It is NULL if it didn't answer, or isn't needed. For
 * PAGE_THING_PROXY it is the JSON. */
void page_answer_add(struct outbuf *out, const struct page_target *target,
                     bool keep_alive, const char *text, size_t n);

#endif
