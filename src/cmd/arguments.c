/* src/cmd/arguments.c - getopt_long finds the mistakes, and we say what they are, because its own
 * messages don't say what to do next */
#include "cmd/arguments.h"

#include <stdio.h>
#include <string.h>

#include "conf/value.h"

/* Returns the option that was probably meant, or NULL. */
static const char *closest(const struct option *options, const char *name)
{
	const char *found = NULL;
	unsigned best = 3;

	for (; options->name; options++) {
		unsigned d = value_distance(options->name, name);

		if (d < best) {
			best = d;
			found = options->name;
		}
	}
	return found;
}

static void say_unknown(const char *command, const char *word,
                        const struct option *options)
{
	const char *meant =
		strncmp(word, "--", 2) == 0 ? closest(options, word + 2) : NULL;

	fprintf(stderr, "tunion: %s has no option %s%s%s%s; tunion %s --help lists all\n",
	        command, word, meant ? " (do you mean --" : "", meant ? meant : "",
	        meant ? "?)" : "", command);
}

/* getopt_long has just refused argv[optind - 1], or a letter of the word after it. */
static void say_wrong(char **argv, int result, const struct option *options)
{
	const char *command = argv[0], *word = argv[optind - 1];
	const char letter[] = { '-', (char)optopt, '\0' };
	bool is_long = strncmp(word, "--", 2) == 0;

	if (result == ':')
		fprintf(stderr,
		        "tunion: %s needs a value after it; tunion %s --help says which\n",
		        word, command);
	else if (optopt != 0 && is_long && strchr(word, '='))
		fprintf(stderr,
		        "tunion: %.*s takes no value; tunion %s --help explains it\n",
		        (int)strcspn(word, "="), word, command);
	else
		say_unknown(command, optopt != 0 ? letter : word, options);
}

int arguments_next(int argc, char **argv, const char *letters,
                   const struct option *options)
{
	char with_colon[16];
	int result;

	/* the colon makes getopt_long tell a missing value from an unknown option */
	snprintf(with_colon, sizeof(with_colon), ":%s", letters);
	opterr = 0;
	result = getopt_long(argc, argv, with_colon, options, NULL);
	if (result != '?' && result != ':')
		return result;
	say_wrong(argv, result, options);
	return '?';
}

bool arguments_end(int argc, char **argv, const char *why)
{
	if (optind >= argc)
		return true;
	fprintf(stderr,
	        "tunion: %s takes neither files nor NAMEs (%s), because %s; tunion %s --help lists what it takes\n",
	        argv[0], argv[optind], why, argv[0]);
	return false;
}
