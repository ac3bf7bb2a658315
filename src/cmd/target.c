/* src/cmd/target.c */
#include "cmd/target.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

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

/* Up to the end, with a NUL behind. */
static int read_all(int fd, char **out)
{
	size_t used = 0, size = 0;
	ssize_t n;

	*out = NULL;
	do {
		if (size - used < 2) {
			char *more = realloc(*out, size = 2 * size + 4096);

			if (!more) {
				free(*out);
				*out = NULL;
				return -ENOMEM;
			}
			*out = more;
		}
		n = read(fd, *out + used, size - used - 1);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	(*out)[used] = '\0';
	return n < 0 && errno != ECONNRESET ? -errno : 0;
}

int target_ask_within(const struct instance *i, const char *request, unsigned seconds,
                      char **answer)
{
	const struct timeval timeout = { .tv_sec = (time_t)seconds };
	int fd, err = instance_ask(i, request, &fd);

	*answer = NULL;
	if (err)
		return err;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		err = -errno;
	if (!err)
		err = read_all(fd, answer);
	close(fd);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

int target_ask(const struct instance *i, const char *request, char **answer)
{
	int err = target_ask_within(i, request, 0, answer);

	if (err && err != -ENOENT && err != -ECONNREFUSED)
		target_say_error(i, err);
	return err;
}

void target_say_not_up(const struct instance *i)
{
	fprintf(stderr, "%s is not up (%s)\n", i->tun, i->run_dir);
}

void target_say_error(const struct instance *i, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		target_say_not_up(i);
	else
		fprintf(stderr, "%s: %s%s\n", i->socket_path, strerror(-err),
		        err == -EACCES ? " (are you root?)" : "");
}

int target_command(int argc, char **argv, const char *usage,
                   int (*work)(struct instance *instance))
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

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
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
	if (optind < argc) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	if (target_find(&instance, run_dir, tun) < 0)
		return EXIT_FAILURE;
	status = work(&instance);
	instance_clear(&instance);
	return status;
}
