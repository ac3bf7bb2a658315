/* src/proxy/refusal.c */
#include "proxy/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

unsigned refusal_status(int err)
{
	return err == -ETIMEDOUT ? 504 : 502;
}

static const char *why(int err)
{
	switch (-err) {
	case ENETUNREACH:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		return "no tunnel file has this address";
	case ENOENT:
		return "there is no such name, or no name server has answered";
	case ECONNREFUSED:
		return "it refuses connections to this port";
	case EHOSTUNREACH:
		return "the tunnel that has this address can't reach it";
	case EOWNERDEAD:
		return "the process that connects outside of the tunnels has ended";
	case ETIMEDOUT:
		return "it has not answered in time";
	default: /* these are the system's numbers, not ours */
		return strerror(-err);
	}
}

const char *refusal_text(const struct destination *to, int err,
                         char out[static REFUSAL_STRLEN])
{
	char host[DESTINATION_STRLEN];

	snprintf(out, REFUSAL_STRLEN, "tunion: can't connect to %s: %s\n",
	         destination_format(to, host), why(err));
	return out;
}
