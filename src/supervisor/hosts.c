/* src/supervisor/hosts.c */
#include "supervisor/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ifname.h"
#include "base/text_stream.h"
#include "host/remains.h"
#include "instance/own_states.h"

struct own_host {
	struct own_host *next;
	struct host *host; /* owned */
	char *servers;     /* owned: as in a resolv.conf; NULL: there are none */
	char name[IFNAME_MAX + 1];
	bool is_up;
	bool lost; /* somebody has removed its tun */
};

/* ---- one of them */

static struct own_host *find(const struct hosts *h, const char *name)
{
	struct own_host *own = h->own;

	while (own && strcmp(own->name, name) != 0)
		own = own->next;
	return own;
}

/* Returns the index of the device in its plan. */
static size_t index_of(const struct plan *plan, const struct plan_device *d)
{
	return (size_t)(d - plan->devices);
}

static MUST_CHECK int own_host_new(struct host **out, const struct host_options *shared,
                                   const char *name, const struct hooks_events *events,
                                   struct diag *diag)
{
	struct host_options options = *shared;
	char *path =
		shared->state_path ? own_states_path(shared->state_path, name) : NULL;
	int err = -ENOMEM;

	options.tun = name;
	options.state_path = path;
	options.events = events;
	if (path || !shared->state_path)
		err = host_new(out, &options, diag);
	free(path);
	return err;
}

/* The network's own servers are known from the resolv.conf, which contains those of all
 * tuns. If there is no memory, some of ours are taken for the network's. */
static void leave_out_servers(struct hosts *h)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	for (const struct own_host *own = h->own; own && out; own = own->next)
		fputs(own->servers ? own->servers : "", out);
	host_leave_out_servers(h->shared, out ? text_stream_close(out, &text) : NULL);
}

/* Takes it out of the list and frees it. What is still in place is undone. */
static void drop(struct hosts *h, struct own_host *own)
{
	struct own_host **at = &h->own;

	while (*at && *at != own)
		at = &(*at)->next;
	if (*at)
		*at = own->next;
	host_free(own->host);
	free(own->servers);
	free(own);
	leave_out_servers(h);
}

static void note_servers(struct hosts *h, struct own_host *own, const struct conf *conf)
{
	char address[IP_ADDR_STRLEN], *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	for (size_t i = 0; i < conf->dns.servers.n && out; i++)
		fprintf(out, "nameserver %s\n",
		        ip_addr_format(&conf->dns.servers.v[i], address));
	free(own->servers);
	own->servers = out ? text_stream_close(out, &text) : NULL;
	leave_out_servers(h);
}

/* Without a host of its own, because there is no second tun, the device has none. */
static bool needs_own(const struct hosts *h, const struct plan_device *d)
{
	return d->own_tun && !h->options.place;
}

int hosts_make_tun(struct hosts *h, const struct plan *plan, const struct plan_device *d,
                   struct diag *diag)
{
	struct plan part = plan_of_own_tun(plan, index_of(plan, d));
	struct own_host *own;
	int err;

	if (!needs_own(h, d) || find(h, d->way.name))
		return 0;
	own = calloc(1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	snprintf(own->name, sizeof(own->name), "%s", d->way.name);
	err = own_host_new(&own->host, &h->options, own->name,
	                   h->options.events ? &h->own_events : NULL, diag);
	if (err) {
		free(own);
		return err;
	}
	own->next = h->own;
	h->own = own;
	note_servers(h, own, d->conf);
	host_use_mark(own->host, host_mark(h->shared));
	host_give_up_name(h->shared, own->name);
	err = host_prepare(own->host, &part, diag);
	if (err) {
		diag_error(diag, d->conf->path, d->tun.line,
		           "its own tun %s can't be made", d->way.name);
		drop(h, own);
	}
	return err;
}

/* ---- all of them */

/* Calls host_new, and frees it, for each file's own tun that has left something and is not
 * among ours. */
static int each_stale(const struct hosts *h, const struct host_options *options,
                      bool *left, struct diag *diag)
{
	struct own_state *states = NULL;
	struct host *host = NULL;
	size_t n = 0;
	int err = options->state_path ? own_states_find(options->state_path, &states, &n)
	                              : 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (find(h, states[i].name))
			continue;
		err = own_host_new(&host, options, states[i].name, NULL, diag);
		*left |= !err && remains_exist(host_state_of(host));
		host_free(host);
		host = NULL;
	}
	free(states);
	return err;
}

/* The devices of a file with a tun of its own are removed at the end of all, or before
 * hosts_post_down. */
static void not_gone(void *context)
{
	(void)context;
}

int hosts_new(struct hosts *h, const struct host_options *options, struct diag *diag)
{
	bool *left = &h->options.stay_closed;
	int err;

	h->options = *options;
	if (options->events)
		h->own_events = *options->events;
	h->own_events.gone = not_gone;
	err = each_stale(h, options, left, diag);
	if (!err)
		err = host_new(&h->shared, &h->options, diag);
	if (err || !options->keep_remains)
		return err;
	*left |= remains_exist(host_state_of(h->shared));
	if (*left)
		log_info(
			options->log, NULL,
			"an earlier instance of %s was killed, or its tun was removed: what belongs to the tunnels stays unreachable until they are up",
			options->tun);
	remains_stay_closed(host_state_of(h->shared), *left);
	return 0;
}

void hosts_free(struct hosts *h)
{
	while (h->own)
		drop(h, h->own);
	host_free(h->shared);
	h->shared = NULL;
}

void hosts_forget(struct hosts *h)
{
	struct own_host *own;

	while ((own = h->own)) {
		h->own = own->next;
		host_forget(own->host);
		free(own->servers);
		free(own);
	}
	host_forget(h->shared);
	h->shared = NULL;
	h->shared_is_up = false;
}

int hosts_tun_fd(const struct hosts *h, const char *name)
{
	const struct own_host *own = name ? find(h, name) : NULL;

	if (!name)
		return host_tun_fd(h->shared);
	return own && !own->lost ? host_tun_fd(own->host) : -1;
}

bool hosts_have_ifindex(const struct hosts *h, uint32_t ifindex)
{
	if (ifindex == 0)
		return false;
	if (ifindex == host_tun_ifindex(h->shared))
		return true;
	for (const struct own_host *own = h->own; own; own = own->next) {
		if (ifindex == host_tun_ifindex(own->host))
			return true;
	}
	return false;
}

/* ---- up, all or nothing */

/* A step has failed, and its host has undone what concerns it. Undoes the others, too. */
static int undo_others(struct hosts *h, int err, struct diag *diag)
{
	for (; h->own; drop(h, h->own)) {
		if (h->own->is_up)
			(void)!host_down(h->own->host, diag);
	}
	if (h->shared_is_up)
		(void)!host_down(h->shared, diag);
	h->shared_is_up = false;
	return err;
}

/* Calls step for each device with a host of its own. */
static int each_own(struct hosts *h, const struct plan *plan,
                    int (*step)(struct own_host *own, const struct plan *part,
                                struct diag *diag),
                    struct diag *diag)
{
	int err = 0;

	for (size_t i = plan->shared_count; i < plan->device_count && !err; i++) {
		struct plan part = plan_of_own_tun(plan, i);
		struct own_host *own = find(h, plan->devices[i].way.name);

		if (own)
			err = step(own, &part, diag);
	}
	return err;
}

static int own_pre_up(struct own_host *own, const struct plan *part, struct diag *diag)
{
	return host_pre_up(own->host, part, diag);
}

static int own_up(struct own_host *own, const struct plan *part, struct diag *diag)
{
	int err = host_up(own->host, part, diag);

	own->is_up = err == 0;
	return err;
}

int hosts_prepare(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int err = host_prepare(h->shared, &shared, diag);

	for (size_t i = plan->shared_count; i < plan->device_count && !err; i++)
		err = hosts_make_tun(h, plan, &plan->devices[i], diag);
	return err ? undo_others(h, err, diag) : 0;
}

int hosts_pre_up(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int err = host_pre_up(h->shared, &shared, diag);

	if (!err)
		err = each_own(h, plan, own_pre_up, diag);
	return err ? undo_others(h, err, diag) : 0;
}

static int own_take_over(struct own_host *own, const struct plan *part, struct diag *diag)
{
	int err = remains_take_over(host_state_of(own->host), diag);

	if (!err)
		host_close(own->host, part);
	return err;
}

/* A prefix may have been on another tun than it will be, so all are closed first. */
static int take_over(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int err;

	if (!h->options.stay_closed)
		return 0;
	err = remains_take_over(host_state_of(h->shared), diag);
	if (!err)
		host_close(h->shared, &shared);
	return err ? err : each_own(h, plan, own_take_over, diag);
}

static int own_let_go(struct own_host *own, const struct plan *part, struct diag *diag)
{
	return remains_let_go(host_state_of(own->host), part, diag);
}

/* Also what files have left that have no tun of their own now. */
int hosts_let_go(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	struct host_options options = h->options;
	bool left = false;
	int err;

	if (!h->options.stay_closed)
		return 0;
	err = remains_let_go(host_state_of(h->shared), &shared, diag);
	if (!err)
		err = each_own(h, plan, own_let_go, diag);
	options.keep_remains = options.stay_closed = false;
	return err ? err : each_stale(h, &options, &left, diag);
}

int hosts_up(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int err = take_over(h, plan, diag);

	if (!err)
		err = host_up(h->shared, &shared, diag);
	h->shared_is_up = err == 0;
	if (!err)
		err = each_own(h, plan, own_up, diag);
	return err ? undo_others(h, err, diag) : 0;
}

bool hosts_stay_closed(const struct hosts *h)
{
	return h->options.stay_closed;
}

void hosts_settle(struct hosts *h)
{
	h->options.keep_remains = h->options.stay_closed = false;
	remains_stay_closed(host_state_of(h->shared), false);
	for (struct own_host *own = h->own; own; own = own->next)
		remains_stay_closed(host_state_of(own->host), false);
}

static void use_mark_of_shared(struct hosts *h)
{
	for (struct own_host *own = h->own; own; own = own->next)
		host_use_mark(own->host, host_mark(h->shared));
}

int hosts_choose_mark(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int err = host_choose_mark(h->shared, &shared, diag);

	if (!err)
		use_mark_of_shared(h);
	return err;
}

void hosts_unchoose_mark(struct hosts *h)
{
	host_unchoose_mark(h->shared);
	use_mark_of_shared(h);
}

void hosts_network_changed(struct hosts *h)
{
	host_network_changed(h->shared);
	for (struct own_host *own = h->own; own; own = own->next)
		host_network_changed(own->host);
}

/* ---- files that come and go */

/* Returns the host of the device's tun. */
static struct host *host_of(const struct hosts *h, const struct plan_device *d)
{
	const struct own_host *own = needs_own(h, d) ? find(h, d->way.name) : NULL;

	return own ? own->host : h->shared;
}

int hosts_file_added(struct hosts *h, const struct plan_device *d, struct diag *diag)
{
	return host_file_added(host_of(h, d), d->conf, diag);
}

void hosts_file_changed(struct hosts *h, const struct plan_device *d, struct diag *diag)
{
	host_file_changed(host_of(h, d), d->conf, diag);
}

int hosts_file_up(struct hosts *h, const struct plan_device *d, struct diag *diag)
{
	return host_file_up(host_of(h, d), d->conf, diag);
}

static bool has_own(const struct plan *plan, const char *name)
{
	const struct plan_device *d = plan_find(plan, name);

	return d && d->own_tun;
}

void hosts_leave_out(struct hosts *h, const struct plan *in_force, const char *name)
{
	struct own_host *own = find(h, name);

	if (own && !has_own(in_force, name))
		drop(h, own);
}

/* Takes away all that would be in the way of others, and runs PreDown. Only the tun is
 * left. */
static int empty(struct own_host *own, struct diag *diag)
{
	struct plan nothing = { 0 };
	int err = own->is_up ? union_init(&nothing.table) : 0;

	if (own->is_up && !err)
		err = host_update(own->host, &nothing, diag);
	union_clear(&nothing.table);
	return err;
}

static int update_own(struct hosts *h, const struct plan *plan, size_t device,
                      struct diag *diag)
{
	const struct plan_device *d = &plan->devices[device];
	struct plan part = plan_of_own_tun(plan, device);
	struct own_host *own = find(h, d->way.name);

	if (!own)
		return 0;
	note_servers(h, own, d->conf);
	own->is_up = true;
	return host_update(own->host, &part, diag);
}

void hosts_close(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);

	if (!h->own)
		return;
	for (struct own_host *own = h->own; own; own = own->next) {
		if (own->is_up && !has_own(plan, own->name))
			host_leave_files(own->host, NULL, diag);
	}
	host_leave_files(h->shared, &shared, diag);
	host_close(h->shared, &shared);
	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		struct plan part = plan_of_own_tun(plan, i);
		struct own_host *own = find(h, plan->devices[i].way.name);

		if (own)
			host_close(own->host, &part);
	}
}

/* First of all, what leaves a tun makes room: the kernel has each route only once. */
int hosts_update(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	int first = 0, err;

	for (struct own_host *own = h->own; own; own = own->next) {
		err = has_own(plan, own->name) ? 0 : empty(own, diag);
		if (!first)
			first = err;
	}
	err = host_update(h->shared, &shared, diag);
	if (!first)
		first = err;
	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		err = update_own(h, plan, i, diag);
		if (!first)
			first = err;
	}
	return first;
}

int hosts_post_down(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	struct plan shared = plan_of_shared_tun(plan);
	struct own_host *own = h->own, *next;

	for (; own; own = next) {
		next = own->next;
		if (has_own(plan, own->name))
			continue;
		if (own->is_up)
			host_end(own->host, diag);
		drop(h, own);
	}
	return host_post_down(h->shared, &shared, diag);
}

size_t hosts_restore(struct hosts *h, const struct plan *plan)
{
	struct plan shared = plan_of_shared_tun(plan);
	size_t n = host_restore(h->shared, &shared);

	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		struct plan part = plan_of_own_tun(plan, i);
		struct own_host *own = find(h, plan->devices[i].way.name);

		if (own && own->is_up && !own->lost)
			n += host_restore(own->host, &part);
	}
	return n;
}

/* ---- down */

int hosts_pre_down(struct hosts *h, struct diag *diag)
{
	int first = 0, err;

	for (struct own_host *own = h->own; own; own = own->next) {
		err = own->is_up ? host_pre_down(own->host, diag) : 0;
		if (!first)
			first = err;
	}
	err = host_pre_down(h->shared, diag);
	return first ? first : err;
}

/* The PostDown hooks of all files must find no device any more. */
int hosts_down(struct hosts *h, struct diag *diag)
{
	int first = 0, err;

	if (h->own && h->options.events)
		h->options.events->gone(h->options.events->context);
	for (; h->own; drop(h, h->own)) {
		err = h->own->is_up ? host_down(h->own->host, diag) : 0;
		if (!first)
			first = err;
	}
	err = host_down(h->shared, diag);
	h->shared_is_up = false;
	return first ? first : err;
}

/* ---- a tun that somebody has removed */

bool hosts_tun_lost(struct hosts *h, const char *name)
{
	struct own_host *own = find(h, name);

	if (!own || own->lost)
		return false;
	own->lost = true;
	return true;
}

void hosts_drop_lost(struct hosts *h)
{
	struct own_host *own = h->own, *next;
	struct diag diag = { 0 };

	for (; own; own = next) {
		next = own->next;
		if (!own->lost)
			continue;
		if (own->is_up)
			(void)!host_down(own->host, &diag);
		drop(h, own);
	}
	diag_log(&diag, h->options.log);
	diag_clear(&diag);
}

bool hosts_is_missing(const struct hosts *h, const struct plan_device *d)
{
	return needs_own(h, d) && !find(h, d->way.name);
}

bool hosts_any_missing(const struct hosts *h, const struct plan *plan)
{
	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		if (hosts_is_missing(h, &plan->devices[i]))
			return true;
	}
	return false;
}

static int make_missing(struct hosts *h, const struct plan *plan, size_t device,
                        struct diag *diag)
{
	const struct plan_device *d = &plan->devices[device];
	struct plan part = plan_of_own_tun(plan, device);
	int err = hosts_make_tun(h, plan, d, diag);
	struct own_host *own = find(h, d->way.name);

	if (!err)
		err = host_pre_up(own->host, &part, diag);
	if (!err)
		err = own_up(own, &part, diag);
	if (err && own)
		drop(h, own);
	return err;
}

int hosts_make_missing(struct hosts *h, const struct plan *plan, struct diag *diag)
{
	int first = 0, err;

	for (size_t i = plan->shared_count; i < plan->device_count; i++) {
		err = hosts_is_missing(h, &plan->devices[i])
		              ? make_missing(h, plan, i, diag)
		              : 0;
		if (!first)
			first = err;
	}
	return first;
}
