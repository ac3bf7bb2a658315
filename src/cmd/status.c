/* src/cmd/status.c - asks the instance for its status, and prints it */
#include "cmd/status.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/arguments.h"
#include "cmd/status_text.h"
#include "cmd/status_watch.h"
#include "cmd/target.h"
#include "io/loop.h"
#include "show/status_metrics.h"

/* On a terminal the status is asked for twice, so that rates can be shown. */
#define LOOK_PAUSE_NS (500 * NS_PER_MS)

enum output {
	OUTPUT_TEXT,
	OUTPUT_WATCH,
	OUTPUT_JSON,
	OUTPUT_METRICS,
	OUTPUT_PAGE,
};

static const char usage[] =
	"usage: tunion status [--watch | --json | --metrics | --page] [--tun NAME]\n"
	"                     [--run-dir DIR]\n"
	"  --watch        print it again every second, until q or Ctrl-C\n"
	"  --json         for programs; see tunion-json(5)\n"
	"  --metrics      for Prometheus\n"
	"  --page         the address of the status page, for a browser\n"
	"  --tun NAME     the tun of the instance, if several are up\n"
	"  --run-dir DIR  as given to tunion up\n";

/* Colours are for people: https://no-color.org */
static bool want_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* The answer is JSON, or a line that says why there is none. Then this returns NULL and
 * prints the reason. */
static json_t *parse(const char *answer)
{
	json_t *status = json_loads(answer, 0, NULL);

	if (!status)
		target_say_refused(answer);
	return status;
}

/* Whoever has the address sees the page, so only the instance's own user gets it. */
static int print_page(const struct instance *i)
{
	char *answer = NULL;
	int err = target_ask(i, "page", &answer);
	bool ok = !err && strncmp(answer, "http", 4) == 0;

	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	else if (ok)
		fputs(answer, stdout);
	else if (!err)
		target_say_refused(answer);
	free(answer);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* *answer must be freed; it is NULL after a failure, which is reported on stderr. */
static json_t *ask(const struct instance *i, char **answer)
{
	int err = target_ask(i, "status", answer);

	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	return err ? NULL : parse(*answer);
}

static bool ask_again(const struct instance *i, struct status_look *look, json_t **status)
{
	const struct timespec pause = { .tv_nsec = LOOK_PAUSE_NS };
	uint64_t then_ns = loop_now_ns();
	char *answer = NULL;

	nanosleep(&pause, NULL);
	*status = ask(i, &answer);
	free(answer);
	look->before = look->status;
	look->status = *status;
	look->elapsed_ns = loop_now_ns() - then_ns;
	return *status != NULL;
}

static int print(const struct instance *i, enum output output)
{
	char options[INSTANCE_OPTIONS_MAX];
	struct status_look look = { .colour = want_colour(),
		                    .options = instance_options(i, options),
		                    .ellipsis = status_watch_ellipsis() };
	char *answer = NULL;
	json_t *status = ask(i, &answer), *again = NULL;
	bool ok = status != NULL;

	look.status = status;
	if (isatty(STDOUT_FILENO))
		look.columns = status_watch_columns();
	if (ok && output == OUTPUT_TEXT && isatty(STDOUT_FILENO))
		ok = ask_again(i, &look, &again);
	look.wall_s = (int64_t)time(NULL);
	if (ok && output == OUTPUT_JSON)
		puts(answer);
	else if (ok && output == OUTPUT_METRICS)
		status_metrics(status, stdout);
	else if (ok)
		status_text(&look, stdout);
	json_decref(status);
	json_decref(again);
	free(answer);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns false, after it was printed, if another output was wanted before. */
static bool want(enum output *output, enum output wanted)
{
	if (*output != OUTPUT_TEXT && *output != wanted) {
		fprintf(stderr,
		        "tunion: status prints in one way; expected only one of --watch, --json, --metrics and --page\n");
		return false;
	}
	*output = wanted;
	return true;
}

/* Returns OUTPUT_TEXT if the option says nothing about the output. */
static enum output output_of(int option)
{
	switch (option) {
	case 'w':
		return OUTPUT_WATCH;
	case 'j':
		return OUTPUT_JSON;
	case 'm':
		return OUTPUT_METRICS;
	case 'p':
		return OUTPUT_PAGE;
	default:
		return OUTPUT_TEXT;
	}
}

int cmd_status(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "watch", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "metrics", no_argument, NULL, 'm' },
		{ "page", no_argument, NULL, 'p' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *tun = NULL, *run_dir = NULL;
	enum output output = OUTPUT_TEXT;
	struct instance instance;
	int option, status;

	while ((option = arguments_next(argc, argv, "h", long_options)) != -1) {
		switch (option) {
		case 'w':
		case 'j':
		case 'm':
		case 'p':
			if (!want(&output, output_of(option)))
				return EXIT_FAILURE;
			break;
		case 't':
			tun = optarg;
			break;
		case 'r':
			run_dir = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (!arguments_end(argc, argv, "it is about the whole instance"))
		return EXIT_FAILURE;
	if (target_find(&instance, run_dir, tun) < 0)
		return EXIT_FAILURE;
	if (output == OUTPUT_WATCH)
		status = status_watch(&instance, want_colour());
	else if (output == OUTPUT_PAGE)
		status = print_page(&instance);
	else
		status = print(&instance, output);
	instance_clear(&instance);
	return status;
}
