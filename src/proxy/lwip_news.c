/* src/proxy/lwip_news.c */
#include "proxy/lwip_news.h"

#include <string.h>

#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_MSS  2
#define OPTION_SACK 5
#define OPTION_TIME 8
#define TIME_BYTES  10

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* A block of what isn't on the way is left out: it reports a duplicate, or is wrong. */
static void read_blocks(struct lwip_news *news, const uint8_t *option, size_t n,
                        uint32_t next)
{
	for (size_t at = 2; at + 8 <= n && news->count < LWIP_NEWS_BLOCKS; at += 8) {
		struct lwip_news_block b = { get32(option + at), get32(option + at + 4) };

		if (is_before(b.left, b.right) && is_before(news->first, b.left) &&
		    !is_before(next, b.right))
			news->blocks[news->count++] = b;
	}
}

void lwip_news_read(struct lwip_news *news, const uint8_t *options, size_t n,
                    uint32_t next)
{
	size_t at = 0;

	while (at < n && options[at] != OPTION_END) {
		if (options[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 2 > n || options[at + 1] < 2 || at + options[at + 1] > n)
			return;
		if (options[at] == OPTION_SACK)
			read_blocks(news, options + at, options[at + 1], next);
		if (options[at] == OPTION_TIME && options[at + 1] == TIME_BYTES) {
			news->sent_ms = get32(options + at + 6);
			news->has_time = true;
		}
		at += options[at + 1];
	}
}

bool lwip_news_sets_mss(const uint8_t *first, size_t first_n, const uint8_t *second,
                        size_t n)
{
	uint8_t options[40];
	size_t at = 0;

	if (n > sizeof(options) || first_n > n || (first_n < n && !second))
		return false;
	memcpy(options, first, first_n);
	if (first_n < n)
		memcpy(options + first_n, second, n - first_n);
	while (at < n && options[at] != OPTION_END) {
		if (options[at] == OPTION_MSS)
			return true;
		if (options[at] != OPTION_NOP && (at + 1 == n || options[at + 1] < 2))
			return false;
		at += options[at] == OPTION_NOP ? 1 : options[at + 1];
	}
	return false;
}
