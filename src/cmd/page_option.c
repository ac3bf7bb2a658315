/* src/cmd/page_option.c */
#include "cmd/page_option.h"

#include <stdio.h>

#include "page/page.h"

/* The page isn't encrypted, and its address is a secret that is a part of each request. */
bool page_option_take(struct page_wanted *page, const char *argument)
{
	page->entry.run = page_run;
	if (endpoint_parse(&page->at, argument) && page->at.port != 0 &&
	    ip_addr_is_loopback(&page->at.addr))
		return true;
	fprintf(stderr,
	        "tunion: --page %s is wrong; expected an address that only this machine reaches, and a port, such as 127.0.0.1:1081 or [::1]:1081 (use ssh -L to see the page from another machine)\n",
	        argument);
	return false;
}
