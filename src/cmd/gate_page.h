/* src/cmd/gate_page.h - what the status page shows of a gate's clients. Functions for
 * struct page_wanted, whose context is the struct gate_folder */
#ifndef TUNION_CMD_GATE_PAGE_H
#define TUNION_CMD_GATE_PAGE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/diag.h"

MUST_CHECK char *gate_page_clients(void *context, size_t *n, struct diag *diag);
MUST_CHECK char *gate_page_file(void *context, const char *client, size_t *n,
                                struct diag *diag);

#endif
