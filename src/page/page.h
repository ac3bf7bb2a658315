/* src/page/page.h - the process that shows the status in a browser
 *
 * It reads HTTP from whoever connects, so it has no rights and no files. A client's key only
 * passes through, when somebody with the token asks for its file. */
#ifndef TUNION_PAGE_PAGE_H
#define TUNION_PAGE_PAGE_H

#include <sys/types.h>

#include "channel/page_entry.h"

/* A `run` of struct page_entry. */
int page_run(int channel_fd, int listen_fd, pid_t supervisor,
             const struct page_options *options);

#endif
