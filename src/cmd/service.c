/* src/cmd/service.c */
#include "cmd/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ifname.h"
#include "cmd/background.h"
#include "cmd/log_output.h"
#include "cmd/notify.h"
#include "cmd/paths.h"
#include "conf/missing.h"

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
	bool still_closed = false;
	int err =
		service->prepare ? service->prepare(service->context, options, &diag) : 0;

	options->still_closed = &still_closed;
	if (!err)
		err = supervisor_up(out, options, &diag);
	log_output_diag(output, &diag);
	options->still_closed = NULL;
	if (still_closed)
		log_output_write(
			output, LOG_LEVEL_ERROR,
			"what belongs to the tunnels is still unreachable, because an earlier instance was killed, or its tun was removed: tunion down opens the host");
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
	bool revoked;

	options.log = &log;
	options.paths = paths;
	options.gate = gate;
	if (begin(service, &options, &s, &output))
		return EXIT_FAILURE;
	tell_page(&output, supervisor_page_url(s));
	if (ready_fd >= 0 && service->tell_up)
		service->tell_up(service->context, supervisor_tun(s));
	if (ready_fd >= 0)
		background_begin(&output, ready_fd);
	else if (service->syslog)
		log_output_open_syslog(&output);
	snprintf(tun, sizeof(tun), "%s", supervisor_tun(s));
	log_info(&log, NULL, "%s is up", tun);
	notify("READY=1");
	err = supervisor_serve(s);
	notify("STOPPING=1");
	if (service->before_down)
		ended = service->before_down(service->context);
	revoked = supervisor_tun_revoked(s);
	supervisor_down(s, &diag);
	log_output_diag(&output, &diag);
	if (!err)
		log_info(&log, NULL, "%s is down", tun);
	diag_clear(&diag);
	if (err || ended)
		return EXIT_FAILURE;
	return revoked ? SERVICE_TUN_REVOKED : EXIT_SUCCESS;
}

static int run_with_absolute_paths(const void *context, int ready_fd)
{
	const struct service *service = context;
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

bool service_names_exist(const struct supervisor_options *options)
{
	struct diag diag = { 0 };
	bool ok;

	for (size_t i = 0; i < options->path_count; i++) {
		const char *word = options->paths[i];

		if (!strchr(word, '/') && access(word, F_OK) < 0 && errno == ENOENT)
			missing_report(word, options->names_folder, &diag);
	}
	ok = diag.errors == 0;
	diag_print(&diag, stderr);
	diag_clear(&diag);
	return ok;
}

int service_run(const struct service *service)
{
	if (!service_names_exist(&service->options))
		return EXIT_FAILURE;
	return service->options.foreground
	               ? run_with_absolute_paths(service, -1)
	               : background_run(run_with_absolute_paths, service,
	                                &service->kept_fd, service->kept_fd ? 1 : 0);
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
