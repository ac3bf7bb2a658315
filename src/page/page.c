/* src/page/page.c - gives up its rights, and serves until the supervisor has gone */
#include "page/page.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel/line.h"
#include "io/loop.h"
#include "page/page_calls.h"
#include "page/page_server.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_log.h"

/* More than all connections need. */
#define FILES_MAX (PAGE_SERVER_CONNECTIONS + 48)

struct page {
	struct page_server server;
	struct loop *loop; /* owned */
	struct log log;
	struct sandbox sandbox;
	struct log_limit refused;
};

/* If it fails, the supervisor is gone, and so are we soon. */
static void say(void *context, enum log_level level, const char *line)
{
	struct channel *channel = context;
	char message[LINE_BYTES];
	size_t n = line_make(message, level, line);

	if (channel_send(channel, PAGE_LINE, message, n, NULL, 0) == 0)
		(void)!channel_write(channel);
}

static int serve(struct page *p)
{
	struct page_server *s = &p->server;
	int err = 0;

	sandbox_tell_stages(&p->log, &p->sandbox, "page");
	while (!err && !s->ask.gone) {
		err = loop_wait(p->loop, page_server_deadline_ns(s));
		page_server_run(s, loop_now_ns());
		sandbox_log_refused(&p->log, &p->refused, loop_now_ns(), "page");
	}
	return err;
}

static int lock_in(struct page *p, pid_t supervisor)
{
	struct sandbox_inmate inmate = { .parent = supervisor,
		                         .user = RIGHTS_PAGE,
		                         .files_max = FILES_MAX };

	json_object_seed(0); /* later it couldn't read the kernel's random numbers */
	inmate.calls = page_calls(&inmate.call_count);
	return sandbox_enter(&p->sandbox, &inmate);
}

int page_run(int channel_fd, int listen_fd, pid_t supervisor,
             const struct page_options *options)
{
	struct page p = { .loop = NULL };
	int err;

	prctl(PR_SET_NAME, "tunion-page");
	(void)setsid(); /* the terminal isn't its any more */
	err = sodium_init() < 0 ? -EIO : loop_new(&p.loop);
	if (err)
		return EXIT_FAILURE;
	err = page_server_init(&p.server, p.loop, channel_fd, listen_fd, options->token);
	p.server.proxy = options->proxy;
	/* the supervisor leaves out what nobody wants to read */
	p.log = (struct log){ LOG_LEVEL_DEBUG, say, &p.server.ask.channel };
	if (!err)
		err = lock_in(&p, supervisor);
	if (!err)
		err = serve(&p);
	page_server_clear(&p.server);
	loop_free(p.loop);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
