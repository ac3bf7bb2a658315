/* src/cmd/demo.c - uses colours on a terminal, except on a dumb one or with NO_COLOR */
#include "cmd/demo.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/arguments.h"
#include "cmd/paths.h"
#include "demo/stage.h"

static const char usage[] =
	"usage: tunion demo [--keep]\n"
	"  --keep  stay until Ctrl-C, and print how to enter the hosts\n";

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

int cmd_demo(int argc, char **argv)
{
	static const struct option options[] = {
		{ "keep", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char dir[PATH_MAX];
	struct stage_options o = { .out = stdout,
		                   .color = wants_color(),
		                   .folder = paths_default(dir) };
	struct diag diag = { 0 };
	int c, err;

	while ((c = arguments_next(argc, argv, "h", options)) != -1) {
		switch (c) {
		case 'k':
			o.keep = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (!arguments_end(argc, argv, "it makes its own files"))
		return 1;
	signal(SIGPIPE, SIG_IGN); /* what was made has to be removed */
	err = stage_run(&o, &diag);
	diag_print(&diag, stderr);
	if (err == -EINTR)
		fprintf(stderr,
		        "tunion: the demo was interrupted; everything was cleaned up\n");
	else if (err != 0 && err != -EIO && err != -EPIPE && diag.errors == 0)
		fprintf(stderr, "tunion: demo: %s\n", strerror(-err));
	diag_clear(&diag);
	return err == 0 ? 0 : 1;
}
