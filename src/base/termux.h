/* src/base/termux.h - do we run in Termux, and where are its folders?
 *
 * Termux is a Unix for unrooted Android phones. All its files are below its app's folder,
 * which the environment calls PREFIX. There is no /etc/resolv.conf, no /var/run and no
 * /tmp that we could use. A static binary finds out where it is only by the
 * environment. */
#ifndef TUNION_BASE_TERMUX_H
#define TUNION_BASE_TERMUX_H

/* Returns what stands in the place of "/usr", without a slash at its end; NULL: this is not
 * Termux. Borrowed from the environment. */
const char *termux_prefix(void);
/* Returns where temporary files belong; NULL: this is not Termux, or it doesn't say so.
 * Borrowed from the environment. */
const char *termux_tmp(void);

#endif
