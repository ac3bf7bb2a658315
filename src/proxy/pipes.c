/* src/proxy/pipes.c */
#include "proxy/pipes.h"

#include <fcntl.h>
#include <unistd.h>

static void close_both(const int fds[static 2])
{
	close(fds[0]);
	close(fds[1]);
}

bool pipes_take(struct pipes *p, int fds[static 2])
{
	if (p->useless || p->taken >= PIPES_MAX)
		return false;
	if (p->has_idle) {
		fds[0] = p->idle[0];
		fds[1] = p->idle[1];
		p->has_idle = false;
	} else {
		if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
			return false;
		/* a smaller one does too, if this is more than a user may have */
		(void)fcntl(fds[1], F_SETPIPE_SZ, PIPES_BYTES);
	}
	p->taken++;
	return true;
}

void pipes_give(struct pipes *p, const int fds[static 2], bool empty)
{
	p->taken--;
	if (p->has_idle || !empty) {
		close_both(fds);
		return;
	}
	p->idle[0] = fds[0];
	p->idle[1] = fds[1];
	p->has_idle = true;
}

void pipes_clear(struct pipes *p)
{
	if (p->has_idle)
		close_both(p->idle);
	p->has_idle = false;
}
