/* tests/sim/fake_host.c */
#include "fake_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "netlink/monitor.h"

#define IFINDEX 7

struct fake_host fake_host = { .tun_fd = -1 };

struct host {
	struct hooks_events events;
	char *tun; /* owned: a leak would be seen */
};

static struct {
	int fd; /* borrowed: the eventfd of the one who listens; -1: nobody */
	unsigned bits;
} monitor = { .fd = -1 };

/* ---- faults, by script and by order */

static void out_of_order(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void out_of_order(const char *fmt, ...)
{
	va_list args;

	if (fake_host.fault[0])
		return;
	va_start(args, fmt);
	vsnprintf(fake_host.fault, sizeof(fake_host.fault), fmt, args);
	va_end(args);
}

static bool fails(enum fake_host_call call, struct diag *diag)
{
	if (fake_host.failures[call] == 0)
		return false;
	fake_host.failures[call]--;
	diag_error(diag, NULL, 0, "the host fails by script");
	return true;
}

/* ---- what there is */

static bool no_table(void *context, uint32_t table)
{
	(void)context;
	(void)table;
	return false;
}

static struct rule_place rules_from(void *context, enum ip_family family)
{
	(void)context;
	(void)family;
	return (struct rule_place){ .first = 1000 };
}

int fake_host_config(struct host_config *out, const struct plan *plan)
{
	const struct host_config_env env = { .ifindex = IFINDEX,
		                             .table_used = no_table,
		                             .place_rules = rules_from };
	struct diag not_told = { 0 };
	int err = 0;

	*out = (struct host_config){ 0 };
	if (!fake_host.numbers.mark)
		err = host_numbers_choose_mark(&fake_host.numbers, plan, &env, &not_told);
	if (!err)
		err = host_config_make(out, &fake_host.numbers, plan, &env, &not_told);
	diag_clear(&not_told);
	return err;
}

struct ip_addr fake_host_resolver(const struct plan *plan)
{
	struct ip_addr addr = { 0 };
	uint8_t asked = 0;

	for (size_t i = 0; i < plan->device_count; i++)
		asked = (uint8_t)(asked + (plan->devices[i].conf->dns.servers.n > 0));
	if (asked > 0 && ip_addr_parse(&addr, "10.255.255.0"))
		addr.b[3] = asked;
	return addr;
}

static struct fake_host_file *find_file(const char *name)
{
	for (size_t i = 0; i < fake_host.file_count; i++)
		if (strcmp(fake_host.files[i].name, name) == 0)
			return &fake_host.files[i];
	return NULL;
}

static bool is_planned(const char *name)
{
	for (size_t i = 0; i < fake_host.planned_count; i++)
		if (strcmp(fake_host.planned[i].name, name) == 0)
			return true;
	return false;
}

static int take_plan(const struct plan *plan)
{
	struct host_config config;
	int err = fake_host_config(&config, plan);

	if (err)
		return err;
	host_config_clear(&fake_host.config);
	fake_host.config = config;
	fake_host.resolver = fake_host_resolver(plan);
	fake_host.missing = 0;
	fake_host.planned_count = plan->device_count;
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		snprintf(fake_host.planned[i].name, sizeof(fake_host.planned[i].name),
		         "%s", conf->name);
		memcpy(fake_host.planned[i].digest, conf->file.digest, CONF_DIGEST_BYTES);
	}
	return 0;
}

static void leave_all(void)
{
	host_config_clear(&fake_host.config);
	fake_host.planned_count = fake_host.file_count = 0;
	fake_host.is_up = fake_host.is_prepared = false;
	fake_host.missing = 0;
	if (fake_host.tun_fd >= 0)
		close(fake_host.tun_fd);
	fake_host.tun_fd = -1;
}

void fake_host_reset(void)
{
	leave_all();
	fake_host = (struct fake_host){ .tun_fd = -1, .reach6 = HOST_REACH_GOOD };
	monitor.fd = -1;
	monitor.bits = 0;
}

/* ---- hooks: what they say is told by their words */

static void run_hook(const struct host *h, const char *name)
{
	int fd = -1;

	h->events.begin(h->events.context, name);
	if (fake_host.hook)
		fake_host.hook(fake_host.context, &fd);
	if (fd >= 0) {
		h->events.wait(h->events.context, fd);
		close(fd);
	}
	h->events.end(h->events.context);
}

static int run_hooks(const struct host *h, const struct conf *conf, enum conf_hook kind,
                     struct diag *diag)
{
	for (size_t i = 0; i < conf->hooks[kind].n; i++) {
		const struct conf_text *hook = &conf->hooks[kind].v[i];

		run_hook(h, conf->name);
		if (strcmp(hook->text, "false") != 0)
			continue;
		diag_error(diag, conf->path, hook->line, "the hook fails by script");
		return -EIO;
	}
	return 0;
}

static void bring_up_file(const struct conf *conf)
{
	struct fake_host_file *f = &fake_host.files[fake_host.file_count++];

	*f = (struct fake_host_file){ .pre_down = false };
	snprintf(f->name, sizeof(f->name), "%s", conf->name);
}

/* ---- host.h */

int host_new(struct host **out, const struct host_options *options, struct diag *diag)
{
	struct host *h = calloc(1, sizeof(*h));

	(void)diag;
	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->tun = strdup(options->tun);
	h->events = *options->events;
	fake_host.instances++;
	*out = h;
	return 0;
}

void host_forget(struct host *h)
{
	if (!h)
		return;
	free(h->tun);
	free(h);
}

void host_free(struct host *h)
{
	if (!h)
		return;
	if (fake_host.is_up)
		out_of_order("host_free of a host that is up");
	leave_all();
	fake_host.instances--;
	host_forget(h);
}

uint32_t host_path_mtu(void *context, const struct conf *conf, const struct ip_addr *to)
{
	(void)conf;
	(void)context;
	(void)to;
	return fake_host.path_mtu;
}

size_t host_network_servers(struct host *h, struct ip_addr *out, size_t max)
{
	(void)h;
	(void)out;
	(void)max;
	return 0;
}

enum host_reach host_reach(struct host *h, const struct conf *conf,
                           const struct ip_addr *to)
{
	(void)conf;
	(void)h;
	return to->family == IP_V6 ? fake_host.reach6 : HOST_REACH_GOOD;
}

int host_prepare(struct host *h, const struct plan *plan, struct diag *diag)
{
	struct host_config config;
	int err;

	(void)h;
	if (fake_host.is_prepared)
		out_of_order("host_prepare twice");
	if (fails(FAKE_HOST_PREPARE, diag))
		return -EPERM;
	err = fake_host_config(&config, plan); /* chooses the mark */
	host_config_clear(&config);
	if (err)
		return err;
	fake_host.resolver = fake_host_resolver(plan);
	fake_host.tun_fd = eventfd(0, EFD_CLOEXEC);
	fake_host.is_prepared = true;
	return fake_host.tun_fd < 0 ? -errno : 0;
}

int host_tun_fd(const struct host *h)
{
	(void)h;
	return fake_host.tun_fd;
}

uint32_t host_tun_ifindex(const struct host *h)
{
	(void)h;
	return IFINDEX;
}

uint32_t host_mark(const struct host *h)
{
	(void)h;
	return fake_host.numbers.mark;
}

uint32_t host_file_mark(const struct host *h, const struct conf *conf)
{
	return conf->fwmark ? conf->fwmark : host_mark(h);
}

int host_choose_mark(struct host *h, const struct plan *plan, struct diag *diag)
{
	const struct host_config_env env = { .table_used = no_table };

	(void)h;
	return host_numbers_choose_mark(&fake_host.numbers, plan, &env, diag);
}

void host_resolver(const struct host *h, struct ip_addr *ipv4, struct ip_addr *ipv6)
{
	(void)h;
	*ipv4 = fake_host.resolver;
	*ipv6 = (struct ip_addr){ 0 };
}

int host_own_networks(struct host *h, const struct plan *plan, struct own_networks *out)
{
	(void)h;
	(void)plan;
	out->n = 0;
	out->more = false;
	return 0;
}

int host_pre_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	if (!fake_host.is_prepared || fake_host.is_up)
		out_of_order("host_pre_up of a host that is not prepared, or is up");
	for (size_t i = 0; i < plan->device_count; i++) {
		if (run_hooks(h, plan->devices[i].conf, CONF_PRE_UP, diag) == 0)
			continue;
		leave_all();
		return -EIO;
	}
	if (!fails(FAKE_HOST_PRE_UP, diag))
		return 0;
	leave_all();
	return -EIO;
}

int host_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err;

	if (!fake_host.is_prepared || fake_host.is_up)
		out_of_order("host_up of a host that is not prepared, or is up");
	err = fails(FAKE_HOST_UP, diag) ? -EPERM : take_plan(plan);
	for (size_t i = 0; i < plan->device_count && !err; i++) {
		err = run_hooks(h, plan->devices[i].conf, CONF_POST_UP, diag);
		if (!err)
			bring_up_file(plan->devices[i].conf);
	}
	fake_host.is_up = !err;
	if (err)
		leave_all();
	return err;
}

int host_file_added(struct host *h, const struct conf *conf, struct diag *diag)
{
	int err;

	if (!fake_host.is_up || is_planned(conf->name))
		out_of_order("host_file_added of %s, which is there", conf->name);
	err = fails(FAKE_HOST_FILE_ADDED, diag) ? -EIO : 0;
	return err ? err : run_hooks(h, conf, CONF_PRE_UP, diag);
}

void host_file_changed(struct host *h, const struct conf *conf, struct diag *diag)
{
	(void)h;
	(void)diag;
	if (!fake_host.is_up || !is_planned(conf->name))
		out_of_order("host_file_changed of %s, which is not there", conf->name);
}

int host_file_up(struct host *h, const struct conf *conf, struct diag *diag)
{
	int err;

	/* where host_update has failed it is not */
	if (find_file(conf->name))
		out_of_order("host_file_up of %s, which is up", conf->name);
	err = fails(FAKE_HOST_FILE_UP, diag) ? -EIO
	                                     : run_hooks(h, conf, CONF_POST_UP, diag);
	if (!err)
		bring_up_file(conf);
	return err;
}

void host_network_changed(struct host *h)
{
	(void)h;
}

int host_update(struct host *h, const struct plan *plan, struct diag *diag)
{
	if (!fake_host.is_up)
		out_of_order("host_update of a host that is not up");
	for (size_t i = 0; i < fake_host.file_count; i++) {
		struct fake_host_file *f = &fake_host.files[i];

		if (plan_find(plan, f->name) || f->pre_down)
			continue;
		run_hook(h, f->name);
		f->pre_down = true;
	}
	if (fails(FAKE_HOST_UPDATE, diag))
		return -EIO;
	return take_plan(plan);
}

int host_post_down(struct host *h, const struct plan *plan, struct diag *diag)
{
	size_t left = 0;

	(void)diag;
	for (size_t i = 0; i < fake_host.file_count; i++) {
		struct fake_host_file f = fake_host.files[i];

		if (plan_find(plan, f.name)) {
			fake_host.files[left++] = f;
			continue;
		}
		if (!f.pre_down)
			out_of_order("PostDown of %s without PreDown", f.name);
		run_hook(h, f.name);
	}
	fake_host.file_count = left;
	return 0;
}

int host_pre_down(struct host *h, struct diag *diag)
{
	if (!fake_host.is_up)
		out_of_order("host_pre_down of a host that is not up");
	for (size_t i = fake_host.file_count; i-- > 0;)
		run_hook(h, fake_host.files[i].name);
	return fails(FAKE_HOST_PRE_DOWN, diag) ? 3 : 0;
}

const struct yield *host_yields(const struct host *h, size_t *n)
{
	(void)h;
	*n = 0;
	return NULL;
}

size_t host_restore(struct host *h, const struct plan *plan)
{
	size_t n = fake_host.missing;

	(void)h;
	(void)plan;
	if (!fake_host.is_up)
		out_of_order("host_restore of a host that is not up");
	fake_host.missing = 0;
	return n;
}

int host_down(struct host *h, struct diag *diag)
{
	(void)diag;
	if (!fake_host.is_up)
		out_of_order("host_down of a host that is not up");
	h->events.gone(h->events.context);
	for (size_t i = fake_host.file_count; i-- > 0;)
		run_hook(h, fake_host.files[i].name);
	leave_all();
	return 0;
}

/* ---- monitor.h */

int monitor_open(int *fd)
{
	*fd = monitor.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

unsigned monitor_read(int fd, uint32_t tun)
{
	unsigned bits = monitor.bits;
	uint64_t times;

	if (tun != IFINDEX)
		out_of_order("monitor_read of another tun");
	if (read(fd, &times, sizeof(times)) < 0)
		return 0;
	monitor.bits = 0;
	return bits;
}

void fake_host_network_changed(unsigned bits)
{
	uint64_t one = 1;

	monitor.bits |= bits;
	if (monitor.fd >= 0 && write(monitor.fd, &one, sizeof(one)) < 0)
		out_of_order("the monitor's descriptor is closed");
}
