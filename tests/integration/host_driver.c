/* tests/integration/host_driver.c - controls src/host directly, without worker and
 * supervisor
 *
 *   host_driver TUN STATE-FILE
 *
 * It reads commands from standard input, one per line. It prints what diag contains, and
 * then "ok" with perhaps more words, or "failed".
 *
 *   up DIR      calls host_prepare, host_pre_up and host_up with the files of DIR; prints
 *               the mark
 *   update DIR  calls host_update
 *   mtu ADDR    calls host_path_mtu
 *   down        calls host_down
 *   fail N COMMAND DIR  up, update or down, but the Nth system call or allocation fails; prints
 *               "result" and which one it was or, with N = 0, how many there are
 *   kill N COMMAND DIR  the same, but we are killed before this call
 *   end         frees everything and ends
 *
 * At the end of input it ends at once, as if it were killed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "host/host.h"
#include "plan/plan_make.h"

struct driver {
	struct host *host;
	struct conf_set set;
	struct plan plan;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The plan becomes that of the files in dir. */
static int load(struct driver *d, const char *dir, struct diag *diag)
{
	const struct plan_env env = { .path_mtu = host_path_mtu, .context = d->host };
	const struct conf_paths from = { .v = &dir, .n = 1 };
	struct conf_set set = { 0 };
	struct plan plan = { 0 };
	int rc = conf_set_read(&set, &from, diag);

	if (rc == 0)
		rc = plan_make(&plan, &set, &env, diag);
	if (rc < 0) {
		conf_set_clear(&set);
		return rc;
	}
	plan_clear(&d->plan);
	conf_set_clear(&d->set);
	d->plan = plan;
	d->set = set;
	return 0;
}

static int up(struct driver *d, struct diag *diag)
{
	int rc = host_prepare(d->host, &d->plan, diag);

	if (rc == 0)
		rc = host_pre_up(d->host, &d->plan, diag);
	return rc < 0 ? rc : host_up(d->host, &d->plan, diag);
}

/* Files that can't be brought up stay in the plan; the supervisor would leave them
 * out. */
static int update(struct driver *d, struct diag *diag)
{
	int first = 0, rc;

	for (size_t i = 0; i < d->plan.device_count; i++) {
		rc = host_file_added(d->host, d->plan.devices[i].conf, diag);
		first = first < 0 ? first : rc;
	}
	host_network_changed(d->host); /* perhaps; nobody listens here */
	if (first == 0)
		first = host_update(d->host, &d->plan, diag);
	if (first == 0)
		first = host_post_down(d->host, &d->plan, diag);
	for (size_t i = 0; i < d->plan.device_count && first == 0; i++)
		first = host_file_up(d->host, d->plan.devices[i].conf, diag);
	return first;
}

static int run_step(struct driver *d, const char *command, struct diag *diag)
{
	if (strcmp(command, "up") == 0)
		return up(d, diag);
	if (strcmp(command, "update") == 0)
		return update(d, diag);
	if (strcmp(command, "down") == 0)
		(void)!host_down(d->host, diag);
	return 0;
}

static int run_failing(struct driver *d, const char *words, bool killed,
                       struct diag *diag)
{
	unsigned nth = 0, count;
	char command[16] = "";
	const char *failed;
	int at = 0, rc;

	if (sscanf(words, "%u %15s %n", &nth, command, &at) < 2)
		return -EINVAL;
	rc = load(d, words + at, diag);
	if (rc < 0)
		return rc;
	if (killed)
		faults_arm_kill(nth);
	else
		faults_arm(nth);
	rc = run_step(d, command, diag);
	count = faults_disarm(&failed);
	printf("result %s %u %s\n", rc < 0 ? "failed" : "done", count,
	       failed ? failed : "-");
	return 0;
}

static int run(struct driver *d, const char *command, const char *word, struct diag *diag)
{
	int rc = 0;

	if (strcmp(command, "fail") == 0)
		return run_failing(d, word, false, diag);
	if (strcmp(command, "kill") == 0)
		return run_failing(d, word, true, diag);
	if (strcmp(command, "up") == 0 || strcmp(command, "update") == 0)
		rc = load(d, word, diag);
	return rc < 0 ? rc : run_step(d, command, diag);
}

static void answer(struct driver *d, char *line)
{
	const char *word = strchr(line, ' ') ? strchr(line, ' ') + 1 : "";
	struct diag diag = { 0 };
	struct ip_addr to;
	double started = now_ms(), took;
	int rc;

	line[strcspn(line, " ")] = '\0';
	rc = run(d, line, word, &diag);
	took = now_ms() - started;
	diag_print(&diag, stdout);
	diag_clear(&diag);
	if (rc == 0 && strcmp(line, "mtu") == 0 && ip_addr_parse(&to, word))
		printf("ok %u\n", host_path_mtu(d->host, NULL, &to));
	else if (rc == 0)
		printf("ok mark %u fd %d ms %.1f\n", host_mark(d->host),
		       host_tun_fd(d->host), took);
	else
		printf("failed %d\n", rc);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct host_options options = { 0 };
	struct driver d = { 0 };
	struct diag diag = { 0 };
	char line[1024];
	int rc;

	if (argc != 3)
		return 2;
	options.tun = argv[1];
	options.state_path = argv[2];
	options.vnet_hdr = true;
	rc = host_new(&d.host, &options, &diag);
	diag_print(&diag, stdout);
	diag_clear(&diag);
	if (rc < 0)
		return EXIT_FAILURE;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "end") == 0) {
			host_free(d.host);
			plan_clear(&d.plan);
			conf_set_clear(&d.set);
			return EXIT_SUCCESS;
		}
		answer(&d, line);
	}
	_exit(EXIT_SUCCESS); /* without any clean-up */
}
