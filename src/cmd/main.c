/* src/cmd/main.c - the command line: the first word chooses the command; or, if we are called
 * wireguard-tunion, the name does */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "cmd/app_plan.h"
#include "cmd/check.h"
#include "cmd/demo.h"
#include "cmd/down.h"
#include "cmd/exec.h"
#include "cmd/gate.h"
#include "cmd/proxy.h"
#include "cmd/reload.h"
#include "cmd/status.h"
#include "cmd/trace.h"
#include "cmd/up.h"
#include "cmd/wireguard.h"
#include "conf/value.h"

struct subcommand {
	const char *name, *summary;
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

static const struct subcommand commands[] = {
	{ "up", "bring up tunnel files on one tun device", cmd_up },
	{ "down", "take a running instance, or one of its files, down", cmd_down },
	{ "reload", "apply what has changed in its files to a running instance",
	  cmd_reload },
	{ "status", "print what a running instance does", cmd_status },
	{ "check", "read tunnel files, report mistakes, print what the files do together",
	  cmd_check },
	{ "plan", "print what an Android app has to give to its VpnService", cmd_plan },
	{ "trace", "print which device takes a packet to an address, and its way",
	  cmd_trace },
	{ "exec", "run a command whose only way out is the tunnels, without root",
	  cmd_exec },
	{ "gate", "let WireGuard apps use them all, without root and without a tun",
	  cmd_gate },
	{ "proxy", "SOCKS and HTTP into the tunnels, without root", cmd_proxy },
	{ "demo", "show it live in namespaces, without root", cmd_demo },
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: tunion COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "  %-8s %s\n\n", "help", "print this");
	fprintf(out, "tunion COMMAND --help prints the arguments of a command.\n");
}

/* Returns the command that was probably meant, or NULL. */
static const char *closest(const char *word)
{
	static const struct {
		const char *word, *command;
	} others[] = { /* of systemctl, docker and others */
		       { "start", "up" },       { "stop", "down" },
		       { "restart", "reload" }, { "show", "status" },
		       { "connect", "up" },     { "disconnect", "down" },
		       { "list", "status" },    { "validate", "check" }
	};
	const char *found = NULL;
	unsigned best = strlen(word) < 5 ? 2 : 3;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcmp(word, others[i].word) == 0)
			return others[i].command;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		unsigned d = value_distance(commands[i].name, word);

		if (d < best) {
			best = d;
			found = commands[i].name;
		}
	}
	return found;
}

static void say_unknown(const char *word)
{
	const char *meant = closest(word);

	fprintf(stderr,
	        "tunion: there is no command %s%s%s%s; tunion help lists the commands\n",
	        word, meant ? " (do you mean " : "", meant ? meant : "",
	        meant ? "?)" : "");
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* A caller may have closed them. Then other files would get their numbers, and what is
 * meant for stderr would go to a socket or into the pid file. If this process will be
 * another program (exec), that one finds them closed all the same. */
static bool open_standard_streams(bool until_exec)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | (until_exec ? O_CLOEXEC : 0));
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

static bool is_called(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && strcmp(slash ? slash + 1 : path, name) == 0;
}

/* argv[0] is the command. */
static int run(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argc, argv);
	}
	say_unknown(argv[0]);
	return EXIT_FAILURE;
}

/* NULL: about all of them. */
static int help_about(char *command)
{
	char option[] = "--help", *words[] = { command, option, NULL };

	if (command)
		return run(2, words);
	print_help(stdout);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bool until_exec = argc > 1 && strcmp(argv[1], "exec") == 0;

	if (!open_standard_streams(until_exec))
		return EXIT_FAILURE;
	/* If our caller ignores this signal, we can't learn how a hook has ended. A command of
	 * exec gets it as it is. */
	if (!until_exec)
		signal(SIGCHLD, SIG_DFL);
	if (is_called(argv[0], WIREGUARD_NAME))
		return cmd_wireguard(argc, argv);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_FAILURE;
	}
	if (is_one_of(argv[1], "help", "--help", "-h"))
		return help_about(argv[2]);
	if (is_one_of(argv[1], "version", "--version", "-V")) {
		printf("tunion %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	return run(argc - 1, argv + 1);
}
