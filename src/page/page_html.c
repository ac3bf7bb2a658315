/* src/page/page_html.c */
#include "page/page_html.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define HASH_CHARS                                                                       \
	sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,                              \
	                          sodium_base64_VARIANT_ORIGINAL)

const unsigned char page_html[] = {
#include "page/page.html.inc"
};
const size_t page_html_bytes = sizeof(page_html);

/* Where the text begins; the end of the page if it isn't there. */
static size_t find(const char *text, size_t from)
{
	size_t n = strlen(text);

	for (size_t at = from; at + n <= page_html_bytes; at++)
		if (memcmp(page_html + at, text, n) == 0)
			return at;
	return page_html_bytes;
}

/* Hashes what is between the two tags. */
static void hash_between(const char *begin, const char *end, char out[static HASH_CHARS])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	size_t from = find(begin, 0) + strlen(begin);
	size_t to = find(end, from);

	if (from > to)
		from = to;
	crypto_hash_sha256(hash, page_html + from, to - from);
	sodium_bin2base64(out, HASH_CHARS, hash, sizeof(hash),
	                  sodium_base64_VARIANT_ORIGINAL);
}

void page_html_policy(char out[static PAGE_HTML_POLICY_MAX])
{
	char script[HASH_CHARS], style[HASH_CHARS];

	hash_between("<script>", "</script>", script);
	hash_between("<style>", "</style>", style);
	snprintf(out, PAGE_HTML_POLICY_MAX,
	         "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "
	         "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
	         "form-action 'none'; frame-ancestors 'none'",
	         script, style);
}
