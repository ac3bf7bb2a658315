/* src/proxy/lwip_news.h - what does an acknowledgement say?
 *
 * Reads the options that lwIP itself ignores. Everything here takes bytes that anybody may
 * have sent. */
#ifndef TUNION_PROXY_LWIP_NEWS_H
#define TUNION_PROXY_LWIP_NEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LWIP_NEWS_BLOCKS 4 /* the most that fit into an option */

struct lwip_news_block {
	uint32_t left, right;
};

struct lwip_news {
	uint32_t first; /* byte that isn't acknowledged */
	uint32_t bytes; /* that it acknowledges */
	struct lwip_news_block
		blocks[LWIP_NEWS_BLOCKS]; /* that have arrived after them */
	size_t count;
	uint32_t sent_ms; /* when what it answers was sent */
	bool has_time;
};

/* Reads the options. `first` must be set; `next` is the first byte that wasn't sent yet. */
void lwip_news_read(struct lwip_news *news, const uint8_t *options, size_t n,
                    uint32_t next);

/* Do the options set the maximum segment size? They may be in two places; n is the sum. */
bool lwip_news_sets_mss(const uint8_t *first, size_t first_n, const uint8_t *second,
                        size_t n);

#endif
