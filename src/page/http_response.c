/* src/page/http_response.c */
#include "page/http_response.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"

static const struct {
	unsigned status;
	const char *reason, *why;
} refusals[] = {
	{ 400, "Bad Request", "The request is no HTTP/1.1." },
	{ 404, "Not Found",
	  "There is no such page. Its address has a secret part, which is new after each start; tunion status --page prints it." },
	{ 405, "Method Not Allowed", "This page can only be read." },
	{ 413, "Content Too Large", "This page can only be read." },
	{ 421, "Misdirected Request",
	  "This page is only for this machine, by the name localhost or the address 127.0.0.1 or [::1]." },
	{ 431, "Request Header Fields Too Large", "The request is too long." },
	{ 500, "Internal Server Error", "Out of memory." },
	{ 503, "Service Unavailable", "The instance doesn't answer now." },
	{ 505, "HTTP Version Not Supported", "The request is no HTTP/1.1." },
};

static size_t find_refusal(unsigned status)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].status == status)
			return i;
	return 0;
}

/* No other site may read, embed or frame an answer, and nobody keeps it: the address is a
 * secret, and so is a client's file. */
static void add_head(struct outbuf *out, const struct http_response *h, size_t n)
{
	outbuf_print(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
	             h->status,
	             h->status == 200 ? "OK" : refusals[find_refusal(h->status)].reason,
	             h->type, n);
	if (h->status == 405)
		outbuf_print(out, "Allow: GET, HEAD\r\n");
	if (h->file)
		outbuf_print(out, "Content-Disposition: attachment; filename=\"%s\"\r\n",
		             h->file);
	outbuf_print(out, "Content-Security-Policy: %s\r\n",
	             h->policy ? h->policy
	                       : "default-src 'none'; frame-ancestors 'none'; sandbox");
	outbuf_print(out,
	             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	             "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
	             "Cross-Origin-Resource-Policy: same-origin\r\n"
	             "Cross-Origin-Opener-Policy: same-origin\r\n"
	             "Connection: %s\r\n\r\n",
	             h->keep_alive ? "keep-alive" : "close");
}

void http_response_add(struct outbuf *out, const struct http_response *head,
                       const void *text, size_t n, bool only_head)
{
	add_head(out, head, n);
	if (!only_head)
		outbuf_add(out, text, n);
}

void http_response_add_refusal(struct outbuf *out, unsigned status, const char *why,
                               bool keep_alive, bool only_head)
{
	size_t i = find_refusal(status);
	const struct http_response head = { .status = refusals[i].status,
		                            .type = "text/plain; charset=utf-8",
		                            .keep_alive = keep_alive };
	char text[OUTBUF_PRINT_MAX];
	int n = snprintf(text, sizeof(text), "%u %s\n%s\n", refusals[i].status,
	                 refusals[i].reason, why ? why : refusals[i].why);

	if (n >= (int)sizeof(text))
		n = (int)sizeof(text) - 1;
	http_response_add(out, &head, text, n > 0 ? (size_t)n : 0, only_head);
}
