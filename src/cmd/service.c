/* src/cmd/service.c - in the background, the supervisor runs in a child, which uses a pipe
 * to tell us when it is ready */
#include "cmd/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ifname.h"
#include "base/process.h"
#include "base/termux.h"
#include "cmd/log_output.h"
#include "cmd/notify.h"
#include "cmd/paths.h"

/* Android's own C library writes to its log, any other to /dev/log. */
static bool has_syslog(void)
{
#ifdef __ANDROID__
	return true;
#else
	return !termux_prefix() || access("/dev/log", F_OK) == 0;
#endif
}

/* Detaches from the terminal. */
static void go_to_background(struct log_output *output, int ready_fd)
{
	if (!has_syslog())
		log_output_write(
			output, LOG_LEVEL_WARN,
			"there is no syslog here, so messages are not kept in the background: a service that runs tunion with --foreground keeps them");
	log_output_open_syslog(output);
	fflush(NULL);
	process_leave_streams(0, 2);
	if (chdir("/") < 0 || write(ready_fd, "", 1) != 1)
		log_output_write(output, LOG_LEVEL_WARN,
		                 "nobody is waiting for the start any more");
	close(ready_fd);
}

/* Whoever knows the address may read the page, and others may read a log. */
static void tell_page(struct log_output *output, const char *url)
{
	if (url && output->place == LOG_PLACE_STDERR)
		fprintf(stderr, "tunion: the status page is at %s\n", url);
	else if (url)
		log_output_write(
			output, LOG_LEVEL_INFO,
			"there is a status page: tunion status --page shows its address");
}

static int begin(const struct service *service, struct supervisor_options *options,
                 struct supervisor **out, struct log_output *output)
{
	struct diag diag = { 0 };
	int err =
		service->prepare ? service->prepare(service->context, options, &diag) : 0;

	if (!err)
		err = supervisor_up(out, options, &diag);
	log_output_diag(output, &diag);
	diag_clear(&diag);
	return err;
}

/* ready_fd is -1 in the foreground. Returns the exit status. */
static int run(const struct service *service, const char *const *paths, const char *gate,
               int ready_fd)
{
	struct supervisor_options options = service->options;
	struct log_output output = { log_output_stderr() };
	struct log log = { service->log_level, log_output_write, &output };
	char tun[IFNAME_MAX + 1];
	struct supervisor *s;
	struct diag diag = { 0 };
	int err, ended = 0;

	options.log = &log;
	options.paths = paths;
	options.gate = gate;
	if (begin(service, &options, &s, &output))
		return EXIT_FAILURE;
	tell_page(&output, supervisor_page_url(s));
	if (ready_fd >= 0)
		go_to_background(&output, ready_fd);
	else if (service->syslog)
		log_output_open_syslog(&output);
	snprintf(tun, sizeof(tun), "%s", supervisor_tun(s));
	log_info(&log, NULL, "%s is up", tun);
	notify("READY=1");
	err = supervisor_serve(s);
	notify("STOPPING=1");
	if (service->before_down)
		ended = service->before_down(service->context);
	supervisor_down(s, &diag);
	log_output_diag(&output, &diag);
	if (!err)
		log_info(&log, NULL, "%s is down", tun);
	diag_clear(&diag);
	return err || ended ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Waits for the child's byte, which says that it is ready, or for its end. A signal that
 * should end us is passed on to the child. Then the child undoes what it has done, and we
 * still wait for that. */
static bool wait_until_ready(int ready_fd, int signal_fd, pid_t child)
{
	struct pollfd p[] = { { .fd = ready_fd, .events = POLLIN },
		              { .fd = signal_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	char byte;

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info))
			kill(child, SIGTERM);
		if (p[0].revents)
			return read(ready_fd, &byte, 1) == 1;
	}
}

static void say_how_it_ended(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		fprintf(stderr, "tunion: ended by signal %d before it was up\n",
		        WTERMSIG(status));
	/* otherwise the child has printed the reason on stderr */
}

/* Closes all other descriptors that were inherited, because somebody may be waiting for
 * their end, which would never come from a daemon. Returns the descriptor, which may have
 * changed. */
static int keep_only(int fd)
{
	if (fd != 3 && dup3(fd, 3, O_CLOEXEC) < 0)
		return fd;
	process_close_from(4);
	return 3;
}

static int run_with_absolute_paths(const struct service *service, int ready_fd)
{
	const struct supervisor_options *options = &service->options;
	char **paths = paths_absolute(options->paths, options->path_count);
	char **gate = paths_absolute(&options->gate, options->gate ? 1 : 0);
	int status = EXIT_FAILURE;

	if (paths && gate)
		status = run(service, (const char *const *)paths, gate[0], ready_fd);
	else
		perror("tunion");
	paths_free(paths);
	paths_free(gate);
	return status;
}

static int run_in_background(const struct service *service)
{
	int ready[2], signal_fd;
	sigset_t ending, before;
	pid_t child;
	bool is_up;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGHUP);
	signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signal_fd < 0 || pipe2(ready, O_CLOEXEC) < 0) {
		perror("tunion");
		return EXIT_FAILURE;
	}
	sigprocmask(SIG_BLOCK, &ending, &before);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setsid();
		return run_with_absolute_paths(service, keep_only(ready[1]));
	}
	close(ready[1]);
	if (child < 0)
		perror("tunion: fork");
	is_up = child > 0 && wait_until_ready(ready[0], signal_fd, child);
	if (child > 0 && !is_up)
		say_how_it_ended(child);
	close(ready[0]);
	close(signal_fd);
	return is_up ? EXIT_SUCCESS : EXIT_FAILURE;
}

int service_run(const struct service *service)
{
	return service->options.foreground ? run_with_absolute_paths(service, -1)
	                                   : run_in_background(service);
}

/* ---- --resolver */

static bool is_server(const struct ip_addr *a)
{
	return !ip_addr_is_unspecified(a) && !ip_addr_is_multicast(a);
}

bool service_take_option(struct service *service, int option, const char *argument)
{
	struct supervisor_options *options = &service->options;

	switch (option) {
	case 'f':
		options->foreground = true;
		return true;
	case 'O':
		options->no_offload = true;
		return true;
	case 'w':
		options->no_watch = true;
		return true;
	case 'l':
		return log_output_parse_level(argument, &service->log_level);
	case 'r':
		options->run_dir = argument;
		return true;
	default:
		return false;
	}
}

bool service_take_resolver(struct service *service, const char *argument)
{
	struct supervisor_options *options = &service->options;
	size_t n = 0, length;

	for (const char *at = argument; at; at = at[length] ? at + length + 1 : NULL) {
		char word[IP_ADDR_STRLEN];

		length = strcspn(at, ",");
		snprintf(word, sizeof(word), "%.*s", (int)length, at);
		if (n == SERVICE_NAME_SERVERS_MAX || length >= sizeof(word) ||
		    !ip_addr_parse(&service->name_servers[n], word) ||
		    !is_server(&service->name_servers[n])) {
			fprintf(stderr,
			        "tunion: --resolver %s is wrong; expected 1 to %d addresses of name servers, such as 192.0.2.53,2001:db8::53\n",
			        argument, SERVICE_NAME_SERVERS_MAX);
			return false;
		}
		n++;
	}
	options->name_servers = service->name_servers;
	options->name_server_count = n;
	return true;
}
