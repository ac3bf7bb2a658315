/* src/base/unreadable.c */
#include "base/unreadable.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void report_forbidden(const char *path, int error, struct diag *diag)
{
	struct stat st;

	if (stat(path, &st) < 0)
		diag_error(diag, path, 0,
		           "this needs root: its folder is closed to this user");
	else if (st.st_uid == geteuid())
		diag_error(diag, path, 0,
		           "can't be read: %s; it is yours: chmod u+r%s opens it",
		           strerror(error), S_ISDIR(st.st_mode) ? "x" : "");
	else if (st.st_uid == 0)
		diag_error(diag, path, 0,
		           "this needs root: it belongs to root and is closed to others");
	else
		diag_error(
			diag, path, 0,
			"this needs root: it belongs to user %u and is closed to others",
			(unsigned)st.st_uid);
}

void unreadable_report(const char *path, int error, struct diag *diag)
{
	/* what root may not read is closed for another reason */
	if ((error == EACCES || error == EPERM) && geteuid() != 0)
		report_forbidden(path, error, diag);
	else
		diag_error(diag, path, 0, "can't be read: %s", strerror(error));
}
