/* src/cmd/app_option.c */
#include "cmd/app_option.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unix_socket.h"
#include "cmd/paths.h"
#include "cmd/service.h"
#include "io/tun.h"

/* It gets another number, so that no standard stream is taken for it, and is closed by
 * exec. */
static bool take_tun_fd(struct app_option *a, struct service *service,
                        const char *argument)
{
	char *end;
	long n = strtol(argument, &end, 10);
	const char *unfit;

	if (*argument == '\0' || *end != '\0' || n < 0 || n > INT_MAX) {
		fprintf(stderr,
		        "tunion: --tun-fd %s is wrong; expected the number of an open descriptor, such as 3\n",
		        argument);
		return false;
	}
	unfit = tun_unfit((int)n);
	a->wanted.tun_fd = unfit ? -1 : fcntl((int)n, F_DUPFD_CLOEXEC, 3);
	if (unfit || a->wanted.tun_fd < 0) {
		fprintf(stderr, "tunion: --tun-fd %s: %s\n", argument,
		        unfit ? unfit : strerror(errno));
		return false;
	}
	service->kept_fd = &a->wanted.tun_fd;
	if (n > STDERR_FILENO)
		close((int)n);
	return true;
}

/* In the background the working directory is another. */
static bool take_socket(char **out, const char *option, const char *argument)
{
	char **paths = NULL;

	free(*out);
	*out = NULL;
	if (argument[0] == '@')
		*out = strdup(argument);
	else
		paths = paths_absolute(&argument, 1);
	if (paths)
		*out = strdup(paths[0]);
	paths_free(paths);
	if (*out && *argument && unix_name_valid(*out))
		return true;
	fprintf(stderr,
	        "tunion: %s %s is wrong; expected a path of at most 107 bytes, or an abstract name after an @\n",
	        option, argument);
	return false;
}

bool app_option_take(struct app_option *a, struct service *service, int option,
                     const char *argument)
{
	bool taken;

	service->options.app = &a->wanted;
	if (option == 'T')
		taken = take_tun_fd(a, service, argument);
	else if (option == 'P')
		taken = take_socket(&a->tun_path, "--tun-path", argument);
	else
		taken = take_socket(&a->protect_path, "--protect-path", argument);
	a->wanted.tun_path = a->tun_path;
	a->wanted.protect_path = a->protect_path;
	return taken;
}

bool app_option_complete(const struct app_option *a)
{
	if (!a->protect_path || a->wanted.tun_fd >= 0 || a->tun_path)
		return true;
	fputs("tunion: --protect-path needs --tun-fd or --tun-path: other tuns need no protected sockets\n",
	      stderr);
	return false;
}

void app_option_clear(struct app_option *a)
{
	free(a->tun_path);
	free(a->protect_path);
}
