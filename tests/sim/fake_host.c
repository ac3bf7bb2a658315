/* tests/sim/fake_host.c */
#include "fake_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "host/closing.h"
#include "host/remains.h"
#include "host/undo.h"
#include "io/tun.h"
#include "netlink/monitor.h"
#include "wire.h"

#define IFINDEX 7

struct fake_host fake_host = { .shared.fd = -1 };

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
	wire_excuse();
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

int fake_host_config(struct fake_tun *tun, struct host_config *out,
                     const struct plan *plan)
{
	const struct host_config_env env = { .ifindex = IFINDEX,
		                             .table_used = no_table,
		                             .place_rules = rules_from };
	struct diag not_told = { 0 };
	int err = 0;

	*out = (struct host_config){ 0 };
	if (!tun->numbers.mark)
		err = host_numbers_choose_mark(&tun->numbers, plan, &env, &not_told);
	if (!err)
		err = host_config_make(out, &tun->numbers, plan, &env, &not_told);
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

struct fake_tun *fake_host_own(const char *name)
{
	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		if (strcmp(fake_host.own[i].name, name) == 0)
			return &fake_host.own[i];
	return NULL;
}

int fake_host_own_count(void)
{
	int n = 0;

	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		n += fake_host.own[i].name[0] != '\0';
	return n;
}

static struct fake_host_file *find_file(struct fake_tun *t, const char *name)
{
	for (size_t i = 0; i < t->file_count; i++)
		if (strcmp(t->files[i].name, name) == 0)
			return &t->files[i];
	return NULL;
}

static bool is_planned(const struct fake_tun *t, const char *name)
{
	for (size_t i = 0; i < t->planned_count; i++)
		if (strcmp(t->planned[i].name, name) == 0)
			return true;
	return false;
}

static bool is_own(const struct fake_tun *t)
{
	return t != &fake_host.shared;
}

/* What host.c does, but for programs, and files of the system. */
static int change_kernel(struct fake_tun *t, const struct plan *plan, struct diag *told)
{
	struct diag diag = { 0 };
	unsigned refusals = fake_kernel_refusals();
	int err = host_change(&t->state, plan, &diag);

	if (err && refusals == fake_kernel_refusals())
		out_of_order("host_change of %s: %s", t->name,
		             diag.count > 0 ? diag.entries[0].text : "it fails");
	diag_move(told, &diag);
	return err;
}

static int choose_mark_in_kernel(struct fake_tun *t, const struct plan *plan,
                                 struct diag *diag)
{
	struct host_config_env env = host_change_env(&t->state);

	return host_numbers_choose_mark(&t->state.numbers, plan, &env, diag);
}

static void undo_in_kernel(struct fake_tun *t)
{
	struct diag not_told = { 0 };

	if (t->state.stay_closed)
		(void)!netlink_link_delete(t->state.nl, t->state.journal.ifindex);
	else
		(void)!undo_all(&t->state.journal, t->state.nl, NULL, &not_told);
	diag_clear(&not_told);
	fake_host_forget_state(t);
}

static void note_files(struct fake_tun *t, const struct plan *plan, bool refused)
{
	if (refused && !t->refused) {
		memcpy(t->before, t->planned, sizeof(t->before));
		t->before_count = t->planned_count;
	}
	t->refused = refused;
	t->planned_count = plan->device_count;
	for (size_t i = 0; i < plan->device_count; i++) {
		const struct conf *conf = plan->devices[i].conf;

		snprintf(t->planned[i].name, sizeof(t->planned[i].name), "%s",
		         conf->name);
		memcpy(t->planned[i].digest, conf->file.digest, CONF_DIGEST_BYTES);
	}
}

static int take_plan(struct fake_tun *t, const struct plan *plan, struct diag *diag)
{
	struct host_config config;
	int err = fake_host_config(t, &config, plan);

	if (err)
		return err;
	err = change_kernel(t, plan, diag);
	note_files(t, plan, err != 0);
	host_config_clear(&t->config);
	t->config = config;
	if (!is_own(t)) {
		fake_host.resolver = fake_host_resolver(plan);
		fake_host.missing = 0;
	}
	return err;
}

static void leave(struct fake_tun *t)
{
	undo_in_kernel(t);
	host_config_clear(&t->config);
	t->planned_count = t->file_count = 0;
	t->refused = false;
	t->is_up = t->is_prepared = false;
	if (!is_own(t))
		fake_host.missing = 0;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void fake_host_reset(void)
{
	leave(&fake_host.shared);
	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		if (fake_host.own[i].name[0])
			leave(&fake_host.own[i]);
	fake_host = (struct fake_host){ .shared.fd = -1, .reach6 = HOST_REACH_GOOD };
	fake_kernel_reset();
	monitor.fd = -1;
	monitor.bits = 0;
}

bool fake_host_has_ended(void)
{
	return fake_host.fault[0] == '\0' && !fake_host.shared.is_up &&
	       fake_kernel_is_clean() && fake_host.instances == 0 &&
	       !fake_host.shared.is_prepared && fake_host.shared.file_count == 0;
}

/* ---- hooks: what they say is told by their words */

static void run_hook(const struct host *h, const char *name)
{
	int fd = -1;

	fake_host.hooks++;
	h->events.begin(h->events.context, name);
	if (fake_host.hook)
		fake_host.hook(fake_host.context, &fd);
	if (fd >= 0) {
		h->events.wait(h->events.context, fd, INT64_MAX);
		close(fd);
	}
	h->events.end(h->events.context);
	fake_host.hooks--;
}

static int run_hooks(const struct host *h, const struct conf *conf, enum conf_hook kind,
                     struct diag *diag)
{
	for (size_t i = 0; i < conf->hooks[kind].n; i++) {
		const struct conf_text *hook = &conf->hooks[kind].v[i];

		run_hook(h, conf->name);
		if (strcmp(hook->text, "false") != 0)
			continue;
		wire_excuse();
		diag_error(diag, conf->path, hook->line, "the hook fails by script");
		return -EIO;
	}
	return 0;
}

static void bring_up_file(struct fake_tun *t, const struct conf *conf)
{
	struct fake_host_file *f = &t->files[t->file_count++];

	*f = (struct fake_host_file){ .pre_down = false };
	snprintf(f->name, sizeof(f->name), "%s", conf->name);
}

/* ---- host.h */

int host_new(struct host **out, const struct host_options *options, struct diag *diag)
{
	struct host *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->tun = strdup(options->tun);
	if (options->events)
		h->events = *options->events;
	h->at = fake_host.shared.name[0] ? fake_host_own("") : &fake_host.shared;
	if (fake_host_own(options->tun))
		out_of_order("host_new of %s, which is there", options->tun);
	h->at->fd = -1;
	snprintf(h->at->name, sizeof(h->at->name), "%s", options->tun);
	h->at->state = (struct host_state){ .no_guard = true,
		                            .no_dns = true,
		                            .stay_closed = options->stay_closed };
	if (netlink_open(&h->at->state.nl) < 0 ||
	    journal_init(&h->at->state.journal, options->tun, options->state_path) < 0 ||
	    remains_find(&h->at->state, options->keep_remains, diag) < 0)
		out_of_order("host_new of %s", options->tun);
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
	if (h->at->is_up)
		out_of_order("host_free of %s, which is up", h->tun);
	leave(h->at);
	journal_clear(&h->at->state.journal);
	h->at->name[0] = '\0';
	if (is_own(h->at))
		h->at->numbers = (struct host_numbers){ 0 };
	fake_host.instances--;
	host_forget(h);
}

void host_leave_out_servers(struct host *h, char *text)
{
	(void)h;
	free(text);
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

	if (h->at->is_prepared)
		out_of_order("host_prepare of %s twice", h->tun);
	if (fails(FAKE_HOST_PREPARE, diag))
		return -EPERM;
	err = fake_host_config(h->at, &config, plan); /* chooses the mark */
	host_config_clear(&config);
	if (err)
		return err;
	h->at->state.journal.ifindex = host_tun_ifindex(h);
	fake_kernel_add_tun(host_tun_ifindex(h), h->tun);
	err = journal_save(&h->at->state.journal, diag);
	remains_review_numbers(&h->at->state, plan);
	if (!err)
		err = choose_mark_in_kernel(h->at, plan, diag);
	if (err)
		return err;
	if (!is_own(h->at))
		fake_host.resolver = fake_host_resolver(plan);
	h->at->fd = eventfd(0, EFD_CLOEXEC);
	h->at->is_prepared = true;
	return h->at->fd < 0 ? -errno : 0;
}

bool __wrap_tun_is_gone(int fd);
bool __wrap_tun_is_gone(int fd)
{
	(void)fd; /* it is an eventfd, which can't tell */
	return fake_host.tun_is_gone;
}

int host_tun_fd(const struct host *h)
{
	return h->at->fd;
}

uint32_t host_tun_ifindex(const struct host *h)
{
	uint32_t first = IFINDEX + 100 * fake_host.kills;

	return is_own(h->at) ? first + 1 + (uint32_t)(h->at - fake_host.own) : first;
}

/* No socket of a simulation reaches the network. */
bool host_may_ask_outside(const struct host *h)
{
	(void)h;
	return false;
}

uint32_t host_mark(const struct host *h)
{
	return h->at->numbers.mark;
}

uint32_t host_file_mark(const struct host *h, const struct conf *conf)
{
	return conf->fwmark ? conf->fwmark : host_mark(h);
}

int host_choose_mark(struct host *h, const struct plan *plan, struct diag *diag)
{
	const struct host_config_env env = { .table_used = no_table };
	int err = choose_mark_in_kernel(h->at, plan, diag);

	return err ? err : host_numbers_choose_mark(&h->at->numbers, plan, &env, diag);
}

void host_unchoose_mark(struct host *h)
{
	host_numbers_decide_mark(&h->at->numbers, false);
	host_numbers_decide_mark(&h->at->state.numbers, false);
}

void host_use_mark(struct host *h, uint32_t mark)
{
	h->at->numbers.mark = h->at->state.numbers.mark = mark;
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
	if (!h->at->is_prepared || h->at->is_up)
		out_of_order("host_pre_up of %s, which is not prepared, or is up",
		             h->tun);
	for (size_t i = 0; i < plan->device_count; i++) {
		if (run_hooks(h, plan->devices[i].conf, CONF_PRE_UP, diag) == 0)
			continue;
		leave(h->at);
		return -EIO;
	}
	if (!fails(FAKE_HOST_PRE_UP, diag))
		return 0;
	leave(h->at);
	return -EIO;
}

int host_up(struct host *h, const struct plan *plan, struct diag *diag)
{
	int err;

	if (!h->at->is_prepared || h->at->is_up)
		out_of_order("host_up of %s, which is not prepared, or is up", h->tun);
	err = fails(FAKE_HOST_UP, diag) ? -EPERM : take_plan(h->at, plan, diag);
	for (size_t i = 0; i < plan->device_count && !err; i++) {
		err = run_hooks(h, plan->devices[i].conf, CONF_POST_UP, diag);
		if (!err)
			bring_up_file(h->at, plan->devices[i].conf);
	}
	h->at->is_up = !err;
	if (err)
		leave(h->at);
	return err;
}

/* A tun of a file's own comes while the others are up. */
static bool can_change(const struct host *h)
{
	return is_own(h->at) ? h->at->is_prepared : h->at->is_up;
}

int host_file_added(struct host *h, const struct conf *conf, struct diag *diag)
{
	int err;

	/* where host_update has failed, the plan is an older one */
	if (!can_change(h) || find_file(h->at, conf->name))
		out_of_order("host_file_added of %s, which is there", conf->name);
	err = fails(FAKE_HOST_FILE_ADDED, diag) ? -EIO : 0;
	return err ? err : run_hooks(h, conf, CONF_PRE_UP, diag);
}

void host_file_changed(struct host *h, const struct conf *conf, struct diag *diag)
{
	(void)diag;
	if (!h->at->is_up ||
	    (!is_planned(h->at, conf->name) && !find_file(h->at, conf->name)))
		out_of_order("host_file_changed of %s, which is not there", conf->name);
}

int host_file_up(struct host *h, const struct conf *conf, struct diag *diag)
{
	int err;

	/* where host_update has failed it is not */
	if (find_file(h->at, conf->name))
		out_of_order("host_file_up of %s, which is up", conf->name);
	err = fails(FAKE_HOST_FILE_UP, diag) ? -EIO
	                                     : run_hooks(h, conf, CONF_POST_UP, diag);
	if (!err)
		bring_up_file(h->at, conf);
	return err;
}

void host_network_changed(struct host *h)
{
	(void)h;
}

void host_leave_files(struct host *h, const struct plan *plan, struct diag *diag)
{
	(void)diag;
	for (size_t i = 0; i < h->at->file_count; i++) {
		struct fake_host_file *f = &h->at->files[i];

		if ((plan && plan_find(plan, f->name)) || f->pre_down)
			continue;
		run_hook(h, f->name);
		f->pre_down = true;
	}
}

void host_close(struct host *h, const struct plan *plan)
{
	unsigned refusals = fake_kernel_refusals();

	host_numbers_decide_mark(&h->at->state.numbers, true);
	(void)!closing_add(&h->at->state, plan);
	if (refusals != fake_kernel_refusals()) /* host_update does it, but later */
		wire_excuse();
}

int host_update(struct host *h, const struct plan *plan, struct diag *diag)
{
	if (!can_change(h))
		out_of_order("host_update of %s, which is not up", h->tun);
	h->at->is_up = true;
	host_numbers_decide_mark(&h->at->numbers, true);
	host_numbers_decide_mark(&h->at->state.numbers, true);
	host_leave_files(h, plan, diag);
	if (fails(FAKE_HOST_UPDATE, diag))
		return -EIO;
	return take_plan(h->at, plan, diag);
}

void host_give_up_name(struct host *h, const char *name)
{
	(void)h;
	(void)name;
}

int host_post_down(struct host *h, const struct plan *plan, struct diag *diag)
{
	size_t left = 0;

	(void)diag;
	if (!is_own(h->at) && fake_host.changed)
		fake_host.changed();
	for (size_t i = 0; i < h->at->file_count; i++) {
		struct fake_host_file f = h->at->files[i];

		if (plan_find(plan, f.name)) {
			h->at->files[left++] = f;
			continue;
		}
		if (!f.pre_down)
			out_of_order("PostDown of %s without PreDown", f.name);
		run_hook(h, f.name);
	}
	h->at->file_count = left;
	return 0;
}

int host_pre_down(struct host *h, struct diag *diag)
{
	if (!h->at->is_up)
		out_of_order("host_pre_down of %s, which is not up", h->tun);
	for (size_t i = h->at->file_count; i-- > 0;)
		run_hook(h, h->at->files[i].name);
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
	size_t n = is_own(h->at) ? 0 : fake_host.missing;

	(void)plan;
	if (!h->at->is_up)
		out_of_order("host_restore of %s, which is not up", h->tun);
	if (!is_own(h->at))
		fake_host.missing = 0;
	return n;
}

int host_down(struct host *h, struct diag *diag)
{
	(void)diag;
	if (!h->at->is_up)
		out_of_order("host_down of %s, which is not up", h->tun);
	if (is_own(h->at)) /* somebody has removed it, or all goes */
		wire_excuse();
	if (!h->at->state.stay_closed) {
		h->events.gone(h->events.context);
		for (size_t i = h->at->file_count; i-- > 0;)
			run_hook(h, h->at->files[i].name);
	}
	leave(h->at);
	return 0;
}

void host_end(struct host *h, struct diag *diag)
{
	for (size_t i = 0; i < h->at->file_count; i++)
		if (!h->at->files[i].pre_down)
			out_of_order("PostDown of %s without PreDown", h->tun);
	(void)!host_down(h, diag);
}

/* ---- monitor.h */

int monitor_open(int *fd)
{
	*fd = monitor.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

unsigned monitor_read(int fd, const struct monitor_tuns *tuns)
{
	unsigned bits = monitor.bits;
	uint64_t times;

	if (!tuns->have(tuns->context, IFINDEX) || tuns->have(tuns->context, 1))
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
