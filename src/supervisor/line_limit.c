/* src/supervisor/line_limit.c */
#include "supervisor/line_limit.h"

bool line_limit_allows(struct line_limit *l, const struct log *log, enum log_level level,
                       const char *who, uint64_t now_ns)
{
	if (level >= LOG_LEVEL_DEBUG)
		return true;
	if (now_ns - l->since_ns >= LINE_LIMIT_NS) {
		if (l->lines > LINE_LIMIT_MAX)
			log_warn(log, NULL, "%zu lines of the %s were left out",
			         l->lines - LINE_LIMIT_MAX, who);
		l->since_ns = now_ns;
		l->lines = 0;
	}
	return l->lines++ < LINE_LIMIT_MAX;
}
