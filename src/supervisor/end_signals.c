/* src/supervisor/end_signals.c */
#include "supervisor/end_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

int end_signals_block(struct end_signals *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	s->source.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->source.fd < 0 ? -errno : 0;
}

bool end_signals_take(struct end_signals *s)
{
	struct signalfd_siginfo info;

	return read(s->source.fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

static void signal_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	struct end_signals *s = CONTAINER_OF(source, struct end_signals, source);

	(void)events;
	(void)now_ns;
	if (end_signals_take(s))
		ending_want(s->ending, 0);
}

int end_signals_start(struct end_signals *s, struct loop *loop)
{
	s->source.ready = signal_ready;
	return loop_add(loop, &s->source, EPOLLIN);
}

void end_signals_close(struct end_signals *s)
{
	if (s->source.fd >= 0)
		close(s->source.fd);
	s->source.fd = -1;
}
