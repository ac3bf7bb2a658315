/* src/cmd/log_output.c - writes log lines to stderr, the journal or syslog */
#include "cmd/log_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

static const char *const levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};
_Static_assert(ARRAY_SIZE(priorities) == ARRAY_SIZE(levels), "a priority for each level");

bool log_output_parse_level(const char *word, enum log_level *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(word, levels[i]) != 0)
			continue;
		*out = (enum log_level)i;
		return true;
	}
	fprintf(stderr,
	        "tunion: --log-level %s is wrong; expected error, warn, info or debug\n",
	        word);
	return false;
}

/* The variable may have been inherited by a program whose stderr has become another file.
 * Therefore it must name the file that stderr is now: systemd.exec(5). */
enum log_place log_output_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return LOG_PLACE_STDERR;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0 ? LOG_PLACE_JOURNAL : LOG_PLACE_STDERR;
}

void log_output_open_syslog(struct log_output *o)
{
	openlog("tunion", LOG_PID, LOG_DAEMON);
	o->place = LOG_PLACE_SYSLOG;
}

void log_output_write(void *context, enum log_level level, const char *line)
{
	const struct log_output *o = context;

	if (o->place == LOG_PLACE_SYSLOG)
		syslog(priorities[level], "%s", line);
	else if (o->place == LOG_PLACE_JOURNAL)
		fprintf(stderr, "<%d>%s\n", priorities[level], line);
	else
		log_to_stderr(NULL, level, line);
}

void log_output_diag(const struct log_output *o, const struct diag *diag)
{
	struct log_output copy = *o;
	struct log log = { LOG_LEVEL_DEBUG, log_output_write, &copy };

	if (o->place == LOG_PLACE_STDERR) {
		diag_print(diag, stderr);
		return;
	}
	for (size_t i = 0; i < diag->count; i++) {
		const struct diag_entry *e = &diag->entries[i];
		enum log_level level = diag_level(e);

		if (e->file && e->line)
			log_line(&log, level, NULL, "%s:%u: %s", e->file, e->line,
			         e->text);
		else if (e->file)
			log_line(&log, level, NULL, "%s: %s", e->file, e->text);
		else
			log_line(&log, level, NULL, "%s", e->text);
	}
}
