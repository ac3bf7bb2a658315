/* src/supervisor/silence.c - reads the state of a process from /proc */
#include "supervisor/silence.h"

#include <stdio.h>
#include <string.h>

bool silence_is_stopped(pid_t pid)
{
	char path[40], line[512];
	const char *state = NULL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	/* "PID (NAME) STATE ...", where NAME may contain any character */
	if (f && fgets(line, sizeof(line), f))
		state = strrchr(line, ')');
	if (f)
		fclose(f);
	return state && state[1] == ' ' && (state[2] == 'T' || state[2] == 't');
}

const char *silence_text(char out[static SILENCE_TEXT_MAX], const char *who, pid_t pid,
                         const char *after_kill)
{
	int n = (int)pid;

	if (silence_is_stopped(pid))
		snprintf(
			out, SILENCE_TEXT_MAX,
			"%s (pid %d) does not answer: it is stopped; kill -CONT %d lets it go on, kill -9 %d %s",
			who, n, n, n, after_kill);
	else
		snprintf(out, SILENCE_TEXT_MAX,
		         "%s (pid %d) does not answer; kill -9 %d %s", who, n, n,
		         after_kill);
	return out;
}
