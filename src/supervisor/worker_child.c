/* src/supervisor/worker_child.c - forks the worker, and waits for its replies */
#include "supervisor/worker_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/loop.h"
#include "supervisor/child.h"

#define WHOLE_MS    30000 /* for all replies, even if they keep coming */
#define POLL_END_MS 5
#define READ_MAX    256 /* messages at a time */

struct own {
	struct worker_entry entry;
	struct worker_options options;
};

static int run(const void *context, const int fds[static CHILD_FDS], pid_t supervisor)
{
	const struct own *own = context;

	return own->entry.run(fds[0], supervisor, &own->options);
}

int worker_child_start(struct worker_child *c, const struct worker_options *options,
                       bool keep_stderr, void (*forget)(void *context), void *context)
{
	struct own own = { c->entry, *options }; /* forget() may free c and options */
	const struct child_plan plan = { .fd = -1,
		                         .keep_stderr = keep_stderr,
		                         .forget = forget,
		                         .run = run,
		                         .own = &own,
		                         .context = context };
	int err = child_start(&plan, &c->channel, &c->pid);

	if (err)
		return err;
	permit_clear(&c->permit);
	c->broken = 0;
	c->late = false;
	c->error = 0;
	return 0;
}

bool worker_child_may_log(struct worker_child *c, const struct log *log,
                          enum log_level level)
{
	return line_limit_allows(&c->lines, log, level, "worker process", loop_now_ns());
}

bool worker_child_absent(const struct worker_child *c)
{
	return c->pid == 0 && c->broken;
}

/* What the worker says can make us send it something, and it may say it again and again without
 * ever reading. */
static int send_to_it(struct worker_child *c, const struct command *m)
{
	int err = command_send(&c->channel, m);

	if (c->channel.waiting_bytes > WORKER_UNREAD_MAX && !c->broken) {
		c->broken = -ETIMEDOUT;
		c->late = true;
	}
	return err;
}

int worker_child_send(struct worker_child *c, const struct command *m)
{
	int err;

	if (worker_child_absent(c))
		return 0;
	err = permit_reserve(&c->permit);
	if (!err)
		err = send_to_it(c, m);
	if (!err)
		permit_request(&c->permit, m);
	return err;
}

int worker_child_ask(struct worker_child *c, const struct command *m)
{
	if (worker_child_absent(c))
		return 0;
	permit_tell(&c->permit, m->type);
	return send_to_it(c, m);
}

/* Some errors mean more when worker_child_wait returns them: see there. */
static bool is_ours(int err)
{
	return err == -EINTR || err == -ETIMEDOUT || err == -ENOTCONN || err == -EPROTO;
}

static int take_reply(struct worker_child *c, const struct command *m)
{
	struct permit_due due;

	if (!permit_reply(&c->permit, m, &due))
		return -EPROTO;
	c->answered++;
	if (m->result == 0 || c->error)
		return 0;
	c->error = is_ours(m->result) ? -EIO : m->result;
	c->error_request = due.request;
	memcpy(c->error_name, due.name, sizeof(c->error_name));
	return 0;
}

static bool is_waited_for(const struct worker_child *c)
{
	return c->permit.due_count > 0 || channel_pending(&c->channel);
}

static int read_and_write(struct worker_child *c)
{
	struct command m;
	int err = channel_write(&c->channel), got = 1;

	for (int n = 0; n < READ_MAX && got && !err; n++) {
		got = command_next(&c->channel, &m);
		if (got < 0)
			err = got;
		else if (got && m.type == COMMAND_REPLY)
			err = take_reply(c, &m);
		else if (got)
			err = c->handle(c->context, &m);
		if (got > 0)
			command_clear(&m);
	}
	return err ? err : channel_write(&c->channel);
}

int worker_child_dispatch(struct worker_child *c)
{
	int err = c->broken ? 0 : read_and_write(c);

	if (!c->broken) /* what it said may have made us send something, see send_to_it */
		c->broken = err;
	if (!c->broken && !is_waited_for(c))
		c->late = false;
	return c->broken;
}

/* Returns 0 when the channel is ready, or -EINTR when somebody interrupts. */
static int wait_ready(const struct worker_child *c, int64_t ms)
{
	struct pollfd p[] = { { .fd = c->channel.fd, .events = POLLIN },
		              { .fd = c->interrupt_fd, .events = POLLIN } };

	if (channel_pending(&c->channel))
		p[0].events |= POLLOUT;
	if (poll(p, ARRAY_SIZE(p), (int)ms) < 0 && errno != EINTR)
		return -errno;
	return p[1].revents ? -EINTR : 0;
}

/* Changes if the worker makes progress, that is, if it replies or reads what it is
 * sent. */
static uint64_t progress(const struct worker_child *c)
{
	return c->answered - c->channel.waiting_bytes;
}

/* The error did not come in a reply, so there is no request to name. */
static int give_up(struct worker_child *c, int err)
{
	c->error = 0;
	c->error_request = COMMAND_NONE;
	return err;
}

int worker_child_wait(struct worker_child *c)
{
	int64_t end_ms = clock_now_ms() + WHOLE_MS,
		silent_ms = clock_now_ms() + c->silence_ms;
	uint64_t before = progress(c);
	int err;

	for (;;) {
		int64_t left_ms;

		err = worker_child_dispatch(c);
		if (err)
			return give_up(c, err);
		if (!is_waited_for(c))
			break;
		if (progress(c) != before)
			silent_ms = clock_now_ms() + c->silence_ms;
		before = progress(c);
		left_ms = (silent_ms < end_ms ? silent_ms : end_ms) - clock_now_ms();
		if (left_ms <= 0 || c->late) {
			c->late = true;
			return -ETIMEDOUT;
		}
		err = wait_ready(c, left_ms);
		if (err)
			return err == -EINTR ? err : give_up(c, err);
	}
	err = c->error;
	c->error = 0;
	return err;
}

void worker_child_explain(const struct worker_child *c, int err, struct diag *diag)
{
	char text[SILENCE_TEXT_MAX];

	if (err == -ETIMEDOUT)
		diag_error(diag, NULL, 0, "%s", worker_child_silence(c, text));
	else if (err == -EINTR)
		diag_error(diag, NULL, 0, "interrupted");
	else if (err == -ENOTCONN || c->error_request == COMMAND_NONE)
		diag_error(diag, NULL, 0, "the worker process does not answer: %s",
		           strerror(-err));
	else
		diag_error(diag, NULL, 0, "the worker process refuses %s %s: %s",
		           command_type_name(c->error_request), c->error_name,
		           strerror(-err));
}

const char *worker_child_silence(const struct worker_child *c,
                                 char out[static SILENCE_TEXT_MAX])
{
	return silence_text(out, "the worker process", c->pid,
	                    "makes the supervisor start another one");
}

int worker_child_stop(struct worker_child *c)
{
	const struct timespec pause = { 0, POLL_END_MS * 1000000 };
	bool at_once = c->late || c->broken == -EPROTO;
	int64_t end_ms = clock_now_ms() + (at_once ? 0 : c->end_ms);
	int status = 0;
	pid_t got;

	channel_clear(&c->channel);
	permit_clear(&c->permit);
	if (c->pid <= 0)
		return 0;
	got = waitpid(c->pid, &status, WNOHANG);
	while (got == 0 && clock_now_ms() < end_ms) {
		nanosleep(&pause, NULL);
		got = waitpid(c->pid, &status, WNOHANG);
	}
	if (got == 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, &status, 0);
	}
	c->pid = 0;
	c->broken = 0;
	c->late = false;
	return status;
}

int worker_child_leave(struct worker_child *c)
{
	int status = worker_child_stop(c);

	c->broken = -ENOTCONN;
	return status;
}
