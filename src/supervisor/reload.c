/* src/supervisor/reload.c - compares files, and prints their difference as UAPI text */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/hooks.h"
#include "supervisor/configure.h"

/* ---- do two files say the same? */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_prefixes(const struct conf_prefixes *a, const struct conf_prefixes *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (!ip_prefix_equal(&a->v[i].prefix, &b->v[i].prefix))
			return false;
	return a->n == b->n;
}

static bool same_addrs(const struct conf_addrs *a, const struct conf_addrs *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (!ip_addr_equal(&a->v[i], &b->v[i]))
			return false;
	return a->n == b->n;
}

static bool same_carrier(const struct conf_carrier *a, const struct conf_carrier *b)
{
	return a->kind == b->kind && same_text(a->name, b->name);
}

bool reload_same_endpoint(const struct conf_peer *a, const struct conf_peer *b)
{
	return a->has_endpoint == b->has_endpoint &&
	       same_text(a->endpoint_host, b->endpoint_host) &&
	       a->endpoint_port == b->endpoint_port;
}

static uint16_t keepalive_of(const struct conf_peer *p)
{
	return p->has_keepalive ? p->keepalive_s : 0;
}

static bool same_peer(const struct conf_peer *a, const struct conf_peer *b)
{
	return memcmp(a->public_key, b->public_key, KEY_BYTES) == 0 &&
	       sealed_equal(&a->preshared_key, &b->preshared_key) &&
	       same_prefixes(&a->allowed_ips, &b->allowed_ips) &&
	       reload_same_endpoint(a, b) && keepalive_of(a) == keepalive_of(b) &&
	       same_carrier(&a->via, &b->via);
}

static bool same_peers(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < a->peer_count && a->peer_count == b->peer_count; i++)
		if (!same_peer(&a->peers[i], &b->peers[i]))
			return false;
	return a->peer_count == b->peer_count;
}

static bool same_hooks(const struct conf *a, const struct conf *b)
{
	for (int i = 0; i < CONF_HOOK_COUNT; i++)
		if (!conf_texts_equal(&a->hooks[i], &b->hooks[i]))
			return false;
	return true;
}

static bool same_interface(const struct conf *a, const struct conf *b)
{
	return sealed_equal(&a->identity.private_key, &b->identity.private_key) &&
	       a->listen_port == b->listen_port && a->fwmark == b->fwmark &&
	       same_prefixes(&a->addresses, &b->addresses) &&
	       same_addrs(&a->dns.servers, &b->dns.servers) &&
	       conf_texts_equal(&a->dns.domains, &b->dns.domains) &&
	       conf_texts_equal(&a->applications.included, &b->applications.included) &&
	       conf_texts_equal(&a->applications.excluded, &b->applications.excluded) &&
	       a->mtu_bytes == b->mtu_bytes && a->table.kind == b->table.kind &&
	       a->table.number == b->table.number && a->save_config == b->save_config &&
	       same_carrier(&a->via, &b->via) && a->metric == b->metric &&
	       a->has_metric == b->has_metric &&
	       a->switches.source_fix_off == b->switches.source_fix_off &&
	       a->switches.source_check_off == b->switches.source_check_off &&
	       a->switches.gate == b->switches.gate &&
	       a->switches.isolate_off == b->switches.isolate_off &&
	       a->switches.own_tun == b->switches.own_tun &&
	       ip_addr_equal(&a->listen, &b->listen) &&
	       a->switches.resolve_off == b->switches.resolve_off;
}

static bool same_conf(const struct conf *a, const struct conf *b)
{
	return a == b || (same_interface(a, b) && same_hooks(a, b) && same_peers(a, b));
}

/* ---- peers by key */

static int compare_peers(const void *a, const void *b)
{
	const struct conf_peer *const *x = a, *const *y = b;

	return memcmp((*x)->public_key, (*y)->public_key, KEY_BYTES);
}

static int compare_key(const void *key, const void *peer)
{
	const struct conf_peer *const *p = peer;

	return memcmp(key, (*p)->public_key, KEY_BYTES);
}

/* Returns pointers to the peers of a file, sorted by key. To be freed; NULL: no
 * memory. */
static const struct conf_peer **by_key(const struct conf *conf)
{
	const struct conf_peer **v = calloc(conf->peer_count + 1, sizeof(*v));

	for (size_t i = 0; v && i < conf->peer_count; i++)
		v[i] = &conf->peers[i];
	if (v)
		qsort(v, conf->peer_count, sizeof(*v), compare_peers);
	return v;
}

static const struct conf_peer *find_by_key(const struct conf_peer **v, size_t n,
                                           const uint8_t key[static KEY_BYTES])
{
	const struct conf_peer **found = bsearch(key, v, n, sizeof(*v), compare_key);

	return found ? *found : NULL;
}

/* ---- which files differ? */

static bool has_errors(const struct diag *errors, const char *path)
{
	for (size_t i = 0; i < errors->count; i++) {
		const struct diag_entry *e = &errors->entries[i];

		if (e->severity == DIAG_ERROR && e->file && strcmp(e->file, path) == 0)
			return true;
	}
	return false;
}

static void refuse_if_emptied(const struct conf *old, const struct conf *fresh,
                              struct diag *errors)
{
	const char *lost = NULL;

	if (old->lines.interface > 0 && fresh->lines.interface == 0)
		lost = "[Interface]";
	else if (sealed_is_set(&old->identity.private_key) &&
	         !sealed_is_set(&fresh->identity.private_key))
		lost = "PrivateKey";
	if (lost)
		diag_error(
			errors, fresh->path, 0,
			"has lost its %s, as happens when the disk is full or a copy is not finished, so its previous version stays in force; write the whole file, or remove it to take %s down",
			lost, fresh->name);
}

void reload_refuse(const struct conf_set *old, const struct conf_set *fresh,
                   struct diag *errors)
{
	size_t i = 0;

	for (size_t j = 0; j < fresh->n; j++) {
		const struct conf *conf = fresh->v[j];

		while (i < old->n && strcmp(old->v[i]->name, conf->name) < 0)
			i++;
		if (i < old->n && old->v[i] == conf)
			continue;
		if (has_errors(errors, conf->path))
			continue;
		(void)!hooks_check(conf, errors); /* an error is in errors */
		if (i < old->n && strcmp(old->v[i]->name, conf->name) == 0)
			refuse_if_emptied(old->v[i], conf, errors);
	}
}

static void keep_resolved(const struct conf *old, struct conf *fresh)
{
	for (size_t i = 0; i < fresh->peer_count; i++) {
		struct conf_peer *p = &fresh->peers[i];
		const struct conf_peer *was;

		if (!p->has_endpoint || p->endpoint.addr.family != IP_NONE)
			continue;
		was = conf_find_peer(old, p->public_key);
		if (was && reload_same_endpoint(was, p))
			p->endpoint = was->endpoint;
	}
}

static enum reload_state state_of(const struct reload_file *f, const struct diag *errors)
{
	if (!f->fresh)
		return RELOAD_REMOVED;
	if (errors->errors > 0 && has_errors(errors, f->fresh->path))
		return RELOAD_BAD;
	if (!f->old)
		return RELOAD_ADDED;
	return same_conf(f->old, f->fresh) ? RELOAD_SAME : RELOAD_CHANGED;
}

int reload_compare(struct reload *out, const struct conf_set *old,
                   const struct conf_set *fresh, const struct diag *errors)
{
	size_t i = 0, j = 0;

	*out = (struct reload){ 0 };
	out->v = calloc(old->n + fresh->n + 1, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	while (i < old->n || j < fresh->n) {
		struct reload_file *f = &out->v[out->n++];
		int order = i == old->n     ? 1
		            : j == fresh->n ? -1
		                            : strcmp(old->v[i]->name, fresh->v[j]->name);

		if (order <= 0)
			f->old = old->v[i++];
		if (order >= 0)
			f->fresh = fresh->v[j++];
		f->state = state_of(f, errors);
		if (f->old && f->fresh && f->old != f->fresh && f->state != RELOAD_BAD)
			keep_resolved(f->old, f->fresh);
	}
	return 0;
}

void reload_keep(const struct reload *r, struct conf_set *kept)
{
	kept->n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct reload_file *f = &r->v[i];
		struct conf *keep = reload_conf(f);

		if (keep)
			kept->v[kept->n++] = keep;
		if (f->old != keep)
			conf_free(f->old);
		if (f->fresh != keep)
			conf_free(f->fresh);
	}
}

void reload_clear(struct reload *r)
{
	free(r->v);
	*r = (struct reload){ 0 };
}

static int compare_file(const void *name, const void *file)
{
	return strcmp(name, reload_name(file));
}

struct reload_file *reload_find(const struct reload *r, const char *name)
{
	return r->n ? bsearch(name, r->v, r->n, sizeof(*r->v), compare_file) : NULL;
}

/* ---- the difference of two files, as UAPI text */

static int compare_prefixes(const void *a, const void *b)
{
	const struct ip_prefix *const *x = a, *const *y = b;
	int c = ip_addr_compare(&(*x)->addr, &(*y)->addr);

	return c ? c : (*x)->len - (*y)->len;
}

/* Returns pointers to the prefixes, sorted. To be freed; NULL if out of memory. */
static const struct ip_prefix **sorted(const struct conf_prefixes *list)
{
	const struct ip_prefix **v = calloc(list->n + 1, sizeof(*v));

	for (size_t i = 0; v && i < list->n; i++)
		v[i] = &list->v[i].prefix;
	if (v)
		qsort(v, list->n, sizeof(*v), compare_prefixes);
	return v;
}

/* Prints those prefixes of `list` that `other` doesn't have, with `sign` before each. */
static void print_missing(struct outbuf *o, const char *sign,
                          const struct conf_prefixes *list,
                          const struct conf_prefixes *other)
{
	const struct ip_prefix **v = sorted(other);
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; v && i < list->n; i++) {
		const struct ip_prefix *p = &list->v[i].prefix;

		if (!bsearch(&p, v, other->n, sizeof(*v), compare_prefixes))
			outbuf_print(o, "allowed_ip=%s%s\n", sign,
			             ip_prefix_format(p, text));
	}
	if (!v)
		o->failed = true;
	free(v);
}

static void print_changed_peer(struct outbuf *o, const struct conf_peer *old,
                               const struct plan_peer *to)
{
	const struct conf_peer *new = to->conf;

	outbuf_print_key(o, "public_key", new->public_key);
	if (!sealed_equal(&old->preshared_key, &new->preshared_key))
		outbuf_print_sealed(o, "preshared_key", &new->preshared_key);
	if (!reload_same_endpoint(old, new) && new->has_endpoint)
		configure_print_endpoint(o, to);
	else if (!reload_same_endpoint(old, new)) /* it keeps the endpoint that it has */
		outbuf_print(o, "tunion_by_arrival=true\n");
	if (keepalive_of(old) != keepalive_of(new))
		outbuf_print(o, "persistent_keepalive_interval=%u\n",
		             (unsigned)keepalive_of(new));
	if (same_prefixes(&old->allowed_ips, &new->allowed_ips))
		return;
	print_missing(o, "-", &old->allowed_ips, &new->allowed_ips);
	print_missing(o, "", &new->allowed_ips, &old->allowed_ips);
}

static void print_removed(struct outbuf *o, const struct conf *old,
                          const struct conf *new)
{
	const struct conf_peer **there = by_key(new);

	for (size_t i = 0; there && i < old->peer_count; i++) {
		const uint8_t *key = old->peers[i].public_key;

		if (find_by_key(there, new->peer_count, key))
			continue;
		outbuf_print_key(o, "public_key", key);
		outbuf_print(o, "remove=true\n");
	}
	if (!there)
		o->failed = true;
	free(there);
}

void reload_print_uapi(struct outbuf *o, const struct conf *old,
                       const struct plan_device *to)
{
	const struct conf *new = to->conf;
	const struct conf_peer **there = by_key(old);

	if (!sealed_equal(&old->identity.private_key, &new->identity.private_key))
		outbuf_print_sealed(o, "private_key", &new->identity.private_key);
	print_removed(o, old, new);
	for (size_t i = 0; there && i < to->peer_count; i++) {
		const struct plan_peer *p = &to->peers[i];
		const struct conf_peer *was =
			find_by_key(there, old->peer_count, p->conf->public_key);

		if (!was)
			configure_print_peer(o, p);
		else if (!same_peer(was, p->conf))
			print_changed_peer(o, was, p);
	}
	if (!there)
		o->failed = true;
	free(there);
}

/* ---- settings */

static bool same_vias(const struct plan_device *a, const struct plan_device *b)
{
	for (size_t i = 0; i < a->peer_count && a->peer_count == b->peer_count; i++) {
		const struct conf_peer *x = a->peers[i].conf, *y = b->peers[i].conf;

		if (!same_carrier(&x->via, &y->via) ||
		    (x->via.kind != CONF_VIA_UNION &&
		     memcmp(x->public_key, y->public_key, KEY_BYTES) != 0))
			return false;
	}
	return a->peer_count == b->peer_count;
}

bool reload_changes_sockets(const struct reload_file *f)
{
	return f->state == RELOAD_ADDED ||
	       (f->state == RELOAD_CHANGED &&
	        (f->old->listen_port != f->fresh->listen_port ||
	         !ip_addr_equal(&f->old->listen, &f->fresh->listen)));
}

bool reload_same_settings(const struct plan_device *a, const struct plan_device *b)
{
	return a->mtu_bytes == b->mtu_bytes && a->way.metric == b->way.metric &&
	       a->way.has_metric == b->way.has_metric &&
	       a->way.has_fwmark == b->way.has_fwmark &&
	       a->way.table_off == b->way.table_off && a->left_out == b->left_out &&
	       a->own_tun == b->own_tun &&
	       a->conf->switches.source_fix_off == b->conf->switches.source_fix_off &&
	       a->conf->switches.source_check_off == b->conf->switches.source_check_off &&
	       a->conf->switches.gate == b->conf->switches.gate &&
	       a->conf->switches.isolate_off == b->conf->switches.isolate_off &&
	       same_prefixes(&a->conf->addresses, &b->conf->addresses) &&
	       same_addrs(&a->conf->dns.servers, &b->conf->dns.servers) &&
	       conf_texts_equal(&a->conf->dns.domains, &b->conf->dns.domains) &&
	       same_carrier(&a->conf->via, &b->conf->via) && same_vias(a, b);
}
