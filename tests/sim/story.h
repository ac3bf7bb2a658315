/* tests/sim/story.h - what has happened in a simulation, told when something is wrong */
#ifndef TUNION_SIM_STORY_H
#define TUNION_SIM_STORY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"

void story_begin(uint64_t seed);
/* A line, with the time of fake_loop.h. */
void tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* For a struct log. */
void story_log(void *context, enum log_level level, const char *line);
/* To stderr. */
void story_print(void);

/* Ends the test and tells the story. */
void story_wrong(const char *file, int line, const char *what);

#define REQUIRE(condition)                                                               \
	do {                                                                             \
		if (!(condition))                                                        \
			story_wrong(__FILE__, __LINE__, #condition);                     \
	} while (0)

#endif
