/* src/cmd/page_option.h - --page ADDRESS:PORT */
#ifndef TUNION_CMD_PAGE_OPTION_H
#define TUNION_CMD_PAGE_OPTION_H

#include <stdbool.h>

#include "base/attr.h"
#include "supervisor/page_child.h"

/* Returns false if the argument is wrong, and prints why. Otherwise sets where the page
 * listens and what runs in its process. */
MUST_CHECK bool page_option_take(struct page_wanted *page, const char *argument);

#endif
