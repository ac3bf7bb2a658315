/* src/supervisor/tunnel.c - opens and closes sockets */
#include "supervisor/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/rights.h"

struct tunnel tunnel_of(const struct plan_device *plan)
{
	return (struct tunnel){ .plan = plan, .udp_fds = { -1, -1 }, .uapi_fd = -1 };
}

static void explain(const struct conf *conf, int err, struct diag *diag)
{
	char address[IP_ADDR_STRLEN];

	if (err == -EADDRINUSE && conf->listen_port)
		diag_error(
			diag, conf->path, conf->lines.listen_port,
			"ListenPort %u is in use by another program: ss -lunp tells which; expected another port, or none",
			(unsigned)conf->listen_port);
	else if (conf->listen.family != IP_NONE)
		diag_error(diag, conf->path, conf->lines.listen,
		           "%scan't listen on %s: %s", rights_needed(-err),
		           ip_addr_format(&conf->listen, address),
		           err == -EADDRNOTAVAIL ? "this host has no such address"
		                                 : strerror(-err));
	else
		diag_error(diag, conf->path, conf->lines.listen_port,
		           "%scan't open the UDP sockets: %s", rights_needed(-err),
		           strerror(-err));
}

/* Hooks may ask for it with `wg show %i fwmark`, as in wg-quick, which sets one for a
 * default route. */
static void show_mark(struct tunnel *t, uint32_t mark)
{
	const struct conf *conf = t->plan->conf;

	t->fwmark = conf->fwmark || (conf->table.kind == CONF_TABLE_AUTO &&
	                             plan_has_default_route(t->plan))
	                    ? mark
	                    : 0;
}

void tunnel_set_mark(struct tunnel *t, uint32_t mark, struct diag *diag)
{
	const struct conf *conf = t->plan->conf;
	int err = udp_set_mark(t->udp_fds, mark);

	show_mark(t, mark);
	if (err)
		diag_error(diag, conf->path, conf->lines.fwmark,
		           "the sockets can't be marked: %s", strerror(-err));
}

int tunnel_open_udp(struct tunnel *t, uint32_t mark, const struct tunnel *leaving,
                    struct diag *diag)
{
	const struct conf *conf = t->plan->conf;
	struct endpoint at = { .addr = conf->listen, .port = conf->listen_port };
	int err;

	show_mark(t, mark);
	err = leaving ? udp_open_beside(t->udp_fds, &at, mark, leaving->udp_fds)
	              : udp_open(t->udp_fds, &at, mark);
	t->port = at.port;
	t->drawn = conf->listen_port == 0;
	if (err)
		explain(conf, err, diag);
	return err;
}

int tunnel_share_udp(struct tunnel *t, const struct tunnel *from)
{
	for (int f = 0; f < UDP_FAMILIES; f++) {
		if (from->udp_fds[f] < 0)
			continue;
		t->udp_fds[f] = fcntl(from->udp_fds[f], F_DUPFD_CLOEXEC, 0);
		if (t->udp_fds[f] < 0)
			return -errno;
	}
	t->port = from->port;
	t->drawn = from->drawn;
	return 0;
}

void tunnel_close_udp(struct tunnel *t)
{
	for (int f = 0; f < UDP_FAMILIES; f++) {
		if (t->udp_fds[f] >= 0)
			close(t->udp_fds[f]);
		t->udp_fds[f] = -1;
		t->is_protected[f] = false;
	}
}

void tunnel_close(struct tunnel *t)
{
	tunnel_close_udp(t);
	if (t->uapi_fd >= 0)
		close(t->uapi_fd);
	t->uapi_fd = -1;
	hook_keys_free(t->hook_keys);
	t->hook_keys = NULL;
}
