/* src/engine/source_check.c - packets of one flow come together, so what was found out
 * about the addresses of a packet is mostly right for the next one, too. */
#include "engine/source_check.h"

#include "base/iphdr.h"
#include "engine/gate.h"
#include "engine/icmp.h"
#include "engine/rewrite.h"
#include "engine/source.h"

/* Does another device, or a client of a gate, have the address rather than d? */
static bool is_of_another(const struct device *d, const struct ip_addr *addr)
{
	const struct engine *e = d->engine;
	const struct union_node *node = union_lookup_node(&e->table, addr);
	const struct trie_entry *own;

	if (e->gates.first && gate_client(e, addr))
		return true;
	if (node && node->active->device != &d->way) {
		own = trie_lookup(wg_device_allowed_ips(d->wg), addr);
		if (!own || own->prefix.len < node->trie.prefix.len)
			return true;
	}
	return source_is_of_another(d, addr);
}

/* The view contains the addresses. */
static enum drop judge(const struct device *d, const struct ip_view *view)
{
	const struct resolver *r = d->engine->resolver;

	if (source_is_guarded(d, &view->dst))
		return DROP_GUARDED_ADDRESS;
	if (resolver_is_virtual(r, &view->src) ||
	    (is_of_another(d, &view->src) &&
	     !(resolver_active(r) && resolver_is_server(r, &view->src))))
		return DROP_FORGED_SOURCE;
	return DROP_NONE;
}

/* What an error quotes was sent by us, so its destination is the other end. No error is so
 * long that it has to be cut into pieces (RFC 1812 4.3.2.3, RFC 4443 2.4(c)). One whose first
 * piece ends before what it quotes hides this from us, but not from the host. */
static bool is_error_about_another(const struct device *d, const struct packet *p)
{
	struct rewrite x, quoted;
	struct ip_view whole;
	struct ip_addr to;

	if (!ip_view_parse(&whole, p->data, p->len_bytes))
		return false;
	x = rewrite_fields(p, &whole);
	if (!rewrite_quoted(&quoted, &x, &whole))
		return whole.fragment && whole.first && icmp_is_error(p, &whole);
	to = ip_addr_from_bytes(whole.family, rewrite_addr_at(&quoted, false));
	return is_of_another(d, &to);
}

static bool may_be_error(const struct ip_view *view)
{
	return view->protocol != PROTO_TCP && view->protocol != PROTO_UDP;
}

/* With one device alone, there is nobody for whom it could speak. */
static bool is_off(const struct device *d)
{
	const struct engine *e = d->engine;

	return d->source_check_off ||
	       (!e->devices.first->way.sibling && !resolver_active(e->resolver));
}

size_t source_check(const struct device *d, struct packet **packets, size_t n)
{
	struct ip_addr src = { 0 }, dst = { 0 }; /* of the last one that was judged */
	enum drop judgement = DROP_NONE, reason;
	size_t kept = 0;

	if (is_off(d))
		return n;
	for (size_t i = 0; i < n; i++) {
		struct packet *p = packets[i];
		struct ip_view view;

		/* this succeeds, because cryptokey routing has done it before */
		if (!ip_view_parse_addresses(&view, p->data, p->len_bytes))
			continue;
		if (!ip_addr_equal(&view.src, &src) || !ip_addr_equal(&view.dst, &dst)) {
			judgement = judge(d, &view);
			src = view.src;
			dst = view.dst;
		}
		reason = judgement;
		if (reason == DROP_NONE && may_be_error(&view) &&
		    is_error_about_another(d, p))
			reason = DROP_FORGED_SOURCE;
		if (reason == DROP_NONE)
			packets[kept++] = p;
		else
			device_drop(d, reason, 1);
	}
	return kept;
}

size_t source_check_servers(const struct device *d, struct packet **packets, size_t n)
{
	const struct resolver *r = d->engine->resolver;
	size_t kept = 0;

	if (d->source_check_off || !resolver_active(r))
		return n;
	for (size_t i = 0; i < n; i++) {
		struct packet *p = packets[i];
		struct ip_view view;

		if (ip_view_parse_addresses(&view, p->data, p->len_bytes) &&
		    resolver_is_server(r, &view.src) && is_of_another(d, &view.src))
			device_drop(d, DROP_FORGED_SOURCE, 1);
		else
			packets[kept++] = p;
	}
	return kept;
}
