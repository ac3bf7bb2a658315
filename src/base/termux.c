/* src/base/termux.c */
#include "base/termux.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The name of the app, which is part of all its paths. */
#define APP "com.termux"

/* Other systems use the variable PREFIX, too, for instance in makefiles. */
const char *termux_prefix(void)
{
	const char *prefix = getenv("PREFIX");

	return prefix && prefix[0] == '/' && strstr(prefix, APP) ? prefix : NULL;
}

/* Processes of root come from no app. */
bool termux_app_filter(void)
{
	return termux_prefix() ||
	       (geteuid() != 0 && getenv("ANDROID_ROOT") && getenv("ANDROID_DATA"));
}

const char *termux_tmp(void)
{
	const char *tmp = getenv("TMPDIR");

	return termux_prefix() && tmp && tmp[0] == '/' ? tmp : NULL;
}
