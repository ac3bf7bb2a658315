/* src/cmd/status.c */
#include "cmd/status.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/target.h"
#include "control/status.h"

static const char usage[] = "usage: tunion status [--json] [--tun NAME] [--run-dir DIR]\n"
			    "  --json         for programs; see doc/json.md\n"
			    "  --tun NAME     which one, if several are up\n"
			    "  --run-dir DIR  as given to tunion up\n";

/* The answer is JSON, or a line that says why not. */
static int tell(const char *answer, bool json)
{
	json_t *status = json_loads(answer, 0, NULL);

	if (!status) {
		fputs(*answer ? answer : "the instance ended meanwhile\n", stderr);
		return EXIT_FAILURE;
	}
	if (json)
		puts(answer);
	else
		status_print(status, (int64_t)time(NULL), stdout);
	json_decref(status);
	return EXIT_SUCCESS;
}

static int ask(const struct instance *i, bool json)
{
	char *answer;
	int status, err = target_ask(i, "status", &answer);

	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	if (err)
		return EXIT_FAILURE;
	status = tell(answer, json);
	free(answer);
	return status;
}

int cmd_status(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *tun = NULL, *run_dir = NULL;
	struct instance instance;
	bool json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
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
			fputs(usage, stderr);
			return EXIT_FAILURE;
		}
	}
	if (target_find(&instance, run_dir, tun) < 0)
		return EXIT_FAILURE;
	status = ask(&instance, json);
	instance_clear(&instance);
	return status;
}
