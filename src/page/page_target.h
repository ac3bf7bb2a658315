/* src/page/page_target.h - what may be asked of the page, and by whom?
 *
 * By whom knows the token, which is the first part of the path: other programs and users
 * of this machine reach the page as well as its owner. And by pages whose address is this
 * machine's: a web site can give its own name our address (DNS rebinding) and have a
 * browser ask us, but then the Host is that name. */
#ifndef TUNION_PAGE_PAGE_TARGET_H
#define TUNION_PAGE_PAGE_TARGET_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/ifname.h"
#include "channel/page_entry.h"
#include "page/page_request.h"

enum page_thing {
	PAGE_THING_NONE, /* refused */
	PAGE_THING_HTML,
	PAGE_THING_STATUS,
	PAGE_THING_METRICS,
	PAGE_THING_HINTS,   /* for the reasons of drops */
	PAGE_THING_PROXY,   /* null, or what a client of the proxy has to know */
	PAGE_THING_CLIENTS, /* of a gate */
	PAGE_THING_FILE,    /* of one of them */
	PAGE_THING_QR,      /* of this file */
};

struct page_target {
	enum page_thing thing;
	unsigned refusal;          /* the status code if there is no thing */
	bool head;                 /* only the head of the answer is asked for */
	char name[IFNAME_MAX + 1]; /* of the client */
};

struct page_target page_target_of(const struct page_request *request,
                                  const char token[static PAGE_TOKEN_CHARS]);

#endif
