/* tests/sim/sim_dirs.c */
#include "sim_dirs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "story.h"

void sim_dirs_make(struct sim_dirs *d)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->top, sizeof(d->top), "%.40s/tunion-sim-XXXXXX", tmp ? tmp : "/tmp");
	REQUIRE(mkdtemp(d->top));
	snprintf(d->conf, sizeof(d->conf), "%s/conf", d->top);
	snprintf(d->run, sizeof(d->run), "%s/run", d->top);
	snprintf(d->socket, sizeof(d->socket), "%s/tun9.sock", d->run);
	snprintf(d->worker, sizeof(d->worker), "%s/worker", d->top);
	REQUIRE(mkdir(d->conf, 0700) == 0);
}

bool sim_dirs_take_socket(const struct sim_dirs *d)
{
	(void)unlink(d->socket);
	return mkdir(d->socket, 0700) == 0;
}

static void remove_in(const char *dir, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)remove(path);
}

static void check_empty(const char *dir, const char *but)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, but) == 0)
			continue;
		tell("%s/%s is left", dir, e->d_name);
		REQUIRE(false);
	}
	if (d)
		closedir(d);
}

void sim_dirs_remove(const struct sim_dirs *d)
{
	char uapi[100];

	snprintf(uapi, sizeof(uapi), "%s/wireguard", d->run);
	check_empty(uapi, "");
	check_empty(d->run, "wireguard");
	remove_in(d->run, "wireguard");
	remove_in(d->top, "run");
	remove_in(d->top, "conf");
	remove_in(d->top, "worker");
	REQUIRE(access(d->top, F_OK) == 0);
	REQUIRE(rmdir(d->top) == 0);
}

int sim_dirs_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}
