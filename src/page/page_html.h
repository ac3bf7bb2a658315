/* src/page/page_html.h - the page itself: one file, which loads nothing from elsewhere */
#ifndef TUNION_PAGE_PAGE_HTML_H
#define TUNION_PAGE_PAGE_HTML_H

#include <stddef.h>

#include "base/attr.h"

/* src/page/page.html; the build makes an array of it. */
extern const unsigned char page_html[];
extern const size_t page_html_bytes;

#define PAGE_HTML_POLICY_MAX 400
/* Writes a Content-Security-Policy that allows exactly the script and the style that are in
 * the page, by their hashes, and to load from the page's own address. */
void page_html_policy(char out[static PAGE_HTML_POLICY_MAX]);

#endif
