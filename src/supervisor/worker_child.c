/* src/supervisor/worker_child.c */
#include "supervisor/worker_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"

#define CHANNEL_FD  3
#define WAIT_MS     30000 /* for replies */
#define END_MS      5000  /* for the process to end once its channel is closed */
#define POLL_END_MS 5

/* Returns where the channel is now; all else that the supervisor has open is closed. */
static int keep_only(int channel_fd, bool keep_stderr)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (fd != null && !(fd == 2 && keep_stderr))
			dup2(null, fd);
	if (channel_fd != CHANNEL_FD && dup2(channel_fd, CHANNEL_FD) < 0)
		return -1;
	process_close_from(CHANNEL_FD + 1);
	return CHANNEL_FD;
}

int worker_child_start(struct worker_child *c, const struct worker_options *options,
                       bool keep_stderr, void (*forget)(void *context), void *context)
{
	pid_t supervisor = getpid(), pid;
	sigset_t none;
	int pair[2], err = channel_pair(pair);

	if (err)
		return err;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		err = -errno;
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (pid == 0) {
		/* a terminal's Ctrl-C is for the supervisor, which then closes the
		 * channel */
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		forget(context);
		exit(c->entry.run(keep_only(pair[1], keep_stderr), supervisor,
		                        options));
	}
	close(pair[1]);
	c->pid = pid;
	c->unanswered = 0;
	c->error = 0;
	return channel_init(&c->channel, pair[0]);
}

int worker_child_send(struct worker_child *c, const struct command *m)
{
	int err = command_send(&c->channel, m);

	if (!err)
		c->unanswered++;
	return err;
}

static void take_reply(struct worker_child *c, const struct command *m)
{
	if (c->unanswered > 0)
		c->unanswered--;
	if (m->result == 0 || c->error)
		return;
	c->error = m->result;
	c->error_request = m->request;
	snprintf(c->error_name, sizeof(c->error_name), "%s", m->name);
}

int worker_child_dispatch(struct worker_child *c)
{
	struct command m;
	int got = channel_write(&c->channel);

	if (got < 0)
		return got;
	while ((got = command_next(&c->channel, &m)) > 0) {
		if (m.type == COMMAND_REPLY)
			take_reply(c, &m);
		else
			c->handle(c->context, &m);
		command_clear(&m);
	}
	return got < 0 ? got : channel_write(&c->channel);
}

int worker_child_wait(struct worker_child *c)
{
	int err;

	while (c->unanswered > 0 || channel_pending(&c->channel)) {
		struct pollfd p = { .fd = c->channel.fd, .events = POLLIN };
		int ready;

		err = worker_child_dispatch(c);
		if (err)
			return err;
		if (c->unanswered == 0 && !channel_pending(&c->channel))
			break;
		if (channel_pending(&c->channel))
			p.events |= POLLOUT;
		ready = poll(&p, 1, WAIT_MS);
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
	err = c->error;
	c->error = 0;
	return err;
}

int worker_child_stop(struct worker_child *c)
{
	const struct timespec pause = { 0, POLL_END_MS * 1000000 };
	int status = 0;
	pid_t got = 0;

	channel_clear(&c->channel);
	if (c->pid <= 0)
		return 0;
	for (int waited = 0; waited < END_MS && got == 0; waited += POLL_END_MS) {
		got = waitpid(c->pid, &status, WNOHANG);
		if (got == 0)
			nanosleep(&pause, NULL);
	}
	if (got == 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &status, 0);
	}
	c->pid = 0;
	return status;
}
