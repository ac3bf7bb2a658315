/* src/page/page.c - gives up its rights, and serves until the supervisor has gone */
#include "page/page.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/rights.h"
#include "io/loop.h"
#include "page/page_server.h"

/* More than all connections need. */
#define FILES_MAX (PAGE_SERVER_CONNECTIONS + 48)

static int serve(struct page_server *s, struct loop *loop)
{
	int err = 0;

	while (!err && !s->ask.gone) {
		err = loop_wait(loop, page_server_deadline_ns(s));
		page_server_run(s, loop_now_ns());
	}
	return err;
}

int page_run(int channel_fd, int listen_fd, pid_t supervisor,
             const struct page_options *options)
{
	struct page_server server;
	struct loop *loop = NULL;
	int err;

	prctl(PR_SET_NAME, "tunion-page");
	(void)setsid(); /* the terminal isn't its any more */
	err = sodium_init() < 0 ? -EIO : loop_new(&loop);
	if (err)
		return EXIT_FAILURE;
	err = page_server_init(&server, loop, channel_fd, listen_fd, options->token);
	server.proxy = options->proxy;
	if (!err)
		err = rights_drop(supervisor, RIGHTS_PAGE);
	if (!err)
		err = rights_limit(FILES_MAX);
	if (!err)
		err = serve(&server, loop);
	page_server_clear(&server);
	loop_free(loop);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
