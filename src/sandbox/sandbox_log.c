/* src/sandbox/sandbox_log.c */
#include "sandbox/sandbox_log.h"

#include <stdio.h>

#include "channel/line.h"
#include "sandbox/call_filter.h"

#define REFUSED_NS (60 * NS_PER_SEC)

void sandbox_log_stages(const struct log *log, const struct sandbox *s,
                        const char *process)
{
	for (int i = 0; i < SANDBOX_STAGE_COUNT; i++) {
		enum sandbox_stage stage = (enum sandbox_stage)i;
		const char *why = sandbox_why_not(s, stage);

		log_debug(log, NULL, "sandbox of the %s process, %s: %s", process,
		          sandbox_stage_name(stage), why ? why : "in force");
	}
}

void sandbox_tell_stages(const struct log *log, const struct sandbox *s,
                         const char *process)
{
	sandbox_log_stages(log, s, process);
	for (int i = 0; i < SANDBOX_STAGE_COUNT; i++) {
		enum sandbox_stage stage = (enum sandbox_stage)i;
		const char *why = sandbox_why_not(s, stage);
		struct line_stage said;
		char line[LINE_BYTES];

		snprintf(said.process, sizeof(said.process), "%s", process);
		snprintf(said.stage, sizeof(said.stage), "%s", sandbox_stage_name(stage));
		snprintf(said.why, sizeof(said.why), "%s", why ? why : "");
		line_put_stage(line, &said);
		log->write(log->context, LOG_LEVEL_DEBUG, line);
	}
}

void sandbox_log_refused(const struct log *log, struct log_limit *limit, uint64_t now_ns,
                         const char *process)
{
	int call = call_filter_refused();

	if (call >= 0)
		log_limited(
			log, limit, now_ns, REFUSED_NS, LOG_LEVEL_ERROR, NULL,
			"the %s process has made system call %d, which is not in its list, and was refused: please report this, with the system and its C library",
			process, call);
}
