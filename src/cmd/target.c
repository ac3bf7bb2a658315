/* src/cmd/target.c - finds the instance of a command, and waits for its answer */
#include "cmd/target.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/rights.h"
#include "cmd/arguments.h"
#include "instance/instance_find.h"
#include "supervisor/silence.h"

/* An instance hears us within milliseconds, unless it is waiting for a program of the
 * host. */
#define SILENCE_MS 2000
#define UNHEARD_MS 10000

int target_find(struct instance *out, const char *run_dir, const char *tun)
{
	struct diag diag = { 0 };
	char *only = NULL;
	int err = 0;

	*out = (struct instance){ .lock_fd = -1, .listen_fd = -1 };
	if (!tun) {
		err = instance_find_only(run_dir, &only, &diag);
		tun = only;
	}
	if (!err)
		err = instance_init(out, run_dir, tun, &diag);
	free(only);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	return err;
}

/* Returns 0 if there is something to read. Returns -ETIMEDOUT if the instance is stopped,
 * or if it runs but hasn't even said that it has heard us, because what it is doing
 * doesn't end. */
static int wait_answer(const struct instance *i, int fd, bool heard)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t since_ms = clock_now_ms();

	for (;;) {
		int ready = poll(&p, 1, SILENCE_MS);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (clock_now_ms() - since_ms < SILENCE_MS)
			continue;
		if (silence_is_stopped(instance_pid(i)) ||
		    (!heard && clock_now_ms() - since_ms >= UNHEARD_MS))
			return -ETIMEDOUT;
	}
}

/* Reads up to the end, and adds a NUL. */
static int read_all(const struct instance *i, int fd, char **out)
{
	size_t used = 0, size = 0;
	ssize_t n;

	do {
		int err;

		if (size - used < 2) {
			char *more = realloc(*out, size = 2 * size + 4096);

			if (!more)
				return -ENOMEM;
			*out = more;
		}
		err = wait_answer(i, fd, used > 0);
		if (err)
			return err;
		n = read(fd, *out + used, size - used - 1);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	(*out)[used] = '\0';
	/* this empty line says that the instance has heard us */
	if ((*out)[0] == '\n')
		memmove(*out, *out + 1, used);
	return n < 0 && errno != ECONNRESET ? -errno : 0;
}

int target_ask_quietly(const struct instance *i, const char *request, char **answer)
{
	int fd, err = instance_ask(i, request, &fd);

	*answer = NULL;
	if (err)
		return err;
	err = read_all(i, fd, answer);
	close(fd);
	if (err) {
		free(*answer);
		*answer = NULL;
	}
	return err;
}

int target_ask(const struct instance *i, const char *request, char **answer)
{
	int err = target_ask_quietly(i, request, answer);

	if (err && err != -ENOENT && err != -ECONNREFUSED)
		target_say_error(i, err);
	return err;
}

/* Does root have an instance of this name, and is that one not the one that was asked? */
static bool is_roots(const struct instance *i)
{
	char *other = strcmp(i->run_dir, INSTANCE_ROOTS_DIR) == 0
	                      ? NULL
	                      : instance_find_other(INSTANCE_ROOTS_DIR);
	bool same = other && strcmp(other, i->tun) == 0;

	free(other);
	return same;
}

/* Which command has such names? */
static const char *command_of(const char *tun)
{
	static const char *const commands[] = { "exec", "proxy", "gate" };

	for (size_t k = 0; k < ARRAY_SIZE(commands); k++) {
		size_t n = strlen(commands[k]);

		if (strncmp(tun, commands[k], n) == 0 &&
		    strspn(tun + n, "0123456789") == strlen(tun + n))
			return commands[k];
	}
	return "up";
}

/* What a command needs to find this instance again, such as " --run-dir DIR --tun NAME"; to
 * be freed. NULL: out of memory. */
static char *options_for(const struct instance *i, bool with_tun)
{
	char *standard = instance_default_dir(), *text;
	bool elsewhere = !standard || strcmp(standard, i->run_dir) != 0;

	if (asprintf(&text, "%s%s%s%s", elsewhere ? " --run-dir " : "",
	             elsewhere ? i->run_dir : "", with_tun ? " --tun " : "",
	             with_tun ? i->tun : "") < 0)
		text = NULL;
	free(standard);
	return text;
}

/* There are others in this directory, or there is none. */
static void say_not_up(const struct instance *i, const char *command, const char *options)
{
	char *names = instance_find_names(i->run_dir);

	if (names)
		fprintf(stderr, "tunion: %s is not up (%s); what is up: %s\n", i->tun,
		        i->run_dir, names);
	else
		fprintf(stderr, "tunion: %s is not up (%s): tunion %s%s starts it\n",
		        i->tun, i->run_dir, command, options);
	free(names);
}

/* The tun goes with the instance, so nothing tells afterwards which of the two it was. */
static void say_killed(const struct instance *i, const char *command, const char *options)
{
	char *down = options_for(i, true);

	if (strcmp(command, "up") != 0)
		fprintf(stderr,
		        "tunion: %s was killed (pid %d has ended): tunion %s%s starts another one, tunion down%s clears up (%s)\n",
		        i->tun, (int)instance_pid(i), command, options, down ? down : "",
		        i->run_dir);
	else
		fprintf(stderr,
		        "tunion: %s has ended without tunion down (pid %d): it was killed, or its tun was removed, so what belongs to its tunnels is unreachable: bring its files up again by tunion up%s, or put the host back by tunion down%s (%s)\n",
		        i->tun, (int)instance_pid(i), options, options, i->run_dir);
	free(down);
}

void target_say_not_up(const struct instance *i)
{
	const char *command = command_of(i->tun);
	char *options = options_for(i, strcmp(command, "up") == 0 &&
	                                       strcmp(i->tun, INSTANCE_DEFAULT_TUN) != 0);

	if (instance_is_stale(i))
		say_killed(i, command, options ? options : "");
	else if (is_roots(i))
		fprintf(stderr,
		        "tunion: %s of yours is not up (%s), but root's is: put sudo in front of the command to ask it\n",
		        i->tun, i->run_dir);
	else
		say_not_up(i, command, options ? options : "");
	free(options);
}

void target_say_error(const struct instance *i, int err)
{
	char text[SILENCE_TEXT_MAX];

	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	else if (err == -ETIMEDOUT)
		fprintf(stderr, "tunion: %s: %s\n", i->tun,
		        silence_text(text, "the supervisor", instance_pid(i),
		                     "ends it, and tunion down then clears up"));
	else
		fprintf(stderr, "tunion: %s%s: %s\n", rights_needed(-err), i->socket_path,
		        strerror(-err));
}

void target_say_refused(const char *answer)
{
	static const char error[] = "error: ";
	size_t n = strcspn(answer, "\n");

	if (strncmp(answer, error, sizeof(error) - 1) == 0) {
		answer += sizeof(error) - 1;
		n -= sizeof(error) - 1;
	}
	if (n == 0)
		fprintf(stderr, "tunion: the instance ended meanwhile\n");
	else
		fprintf(stderr, "tunion: %.*s\n", (int)n, answer);
}

int target_command(int argc, char **argv, const struct target_command *command)
{
	static const struct option long_options[] = {
		{ "tun", required_argument, NULL, 't' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *tun = NULL, *run_dir = NULL;
	struct instance instance;
	int option, status;

	while ((option = arguments_next(argc, argv, "h", long_options)) != -1) {
		switch (option) {
		case 't':
			tun = optarg;
			break;
		case 'r':
			run_dir = optarg;
			break;
		case 'h':
			fputs(command->usage, stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (!command->takes_names &&
	    !arguments_end(argc, argv, "it is about the whole instance"))
		return EXIT_FAILURE;
	if (target_find(&instance, run_dir, tun) < 0)
		return EXIT_FAILURE;
	status = command->work(&instance, argv + optind);
	instance_clear(&instance);
	return status;
}
