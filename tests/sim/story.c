/* tests/sim/story.c */
#include "story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "fake_loop.h"
#include "unit.h"

#define STORY_MAX (256U * 1024) /* what was before is forgotten */

static char story[STORY_MAX];
static size_t story_bytes;
static uint64_t story_seed;

void story_begin(uint64_t seed)
{
	story_bytes = 0;
	story_seed = seed;
}

void tell(const char *fmt, ...)
{
	va_list args;
	int n;

	if (story_bytes > STORY_MAX - 20000)
		story_bytes = 0;
	n = snprintf(story + story_bytes, 40, "%8" PRIu64 " ms ",
	             fake_loop.now_ns / NS_PER_MS);
	story_bytes += (size_t)n;
	va_start(args, fmt);
	n = vsnprintf(story + story_bytes, 16000, fmt, args);
	va_end(args);
	story_bytes += n < 16000 ? (size_t)n : 15999;
	story[story_bytes++] = '\n';
}

void story_print(void)
{
	fprintf(stderr, "%.*sTUNION_SIM_SEED=%" PRIu64 "\n", (int)story_bytes, story,
	        story_seed);
}

void story_wrong(const char *file, int line, const char *what)
{
	story_print();
	ck_abort_msg("%s:%d: %s (TUNION_SIM_SEED=%" PRIu64 ")", file, line, what,
	             story_seed);
}

void story_log(void *context, enum log_level level, const char *line)
{
	(void)context;
	tell("  log %d: %s", (int)level, line);
}
