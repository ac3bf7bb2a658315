/* src/base/termux.h - do we run in Termux or in another app of Android, and where are Termux's
 * folders?
 *
 * Termux is a Unix for unrooted Android phones. All its files are below its app's folder,
 * which the environment calls PREFIX. There is no /etc/resolv.conf, no /var/run and no
 * /tmp that we could use. A static binary finds out where it is only by the
 * environment. */
#ifndef TUNION_BASE_TERMUX_H
#define TUNION_BASE_TERMUX_H

#include <stdbool.h>

/* Returns what stands in the place of "/usr", without a slash at its end; NULL: this is not
 * Termux. Borrowed from the environment. */
const char *termux_prefix(void);
/* Does Android end this process if it makes a system call that no app may make? So it is in
 * Termux, and in any other app, whose environment has what Android gives to all. */
bool termux_app_filter(void);
/* Returns where temporary files belong; NULL: this is not Termux, or it doesn't say so.
 * Borrowed from the environment. */
const char *termux_tmp(void);

#endif
