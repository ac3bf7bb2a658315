/* tests/sim/fake_remains.c - the part of fake_host.h that is about killed instances; the real
 * host/remains.c does the work */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_host.h"
#include "host/remains.h"
#include "instance/instance.h"
#include "story.h"
#include "supervisor/hosts.h"
#include "wire.h"

struct host_state *host_state_of(struct host *h)
{
	return &h->at->state;
}

void fake_host_forget_state(struct fake_tun *t)
{
	journal_clear(&t->state.remains);
	host_items_clear(&t->state.journal.rules);
	host_config_clear(&t->state.config);
	host_items_clear(&t->state.barriers);
	altnames_clear(&t->state.altnames);
	free(t->state.dns);
	t->state.dns = NULL;
	t->state.up = t->state.network_known = false;
	t->state.numbers = (struct host_numbers){ 0 };
}

static void kill_tun(struct fake_tun *t)
{
	if (!t->name[0])
		return;
	(void)!netlink_link_delete(t->state.nl, t->state.journal.ifindex);
	fake_host_forget_state(t);
	journal_clear(&t->state.journal);
	host_config_clear(&t->config);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct fake_tun){ .fd = -1 };
}

void fake_host_kill(void)
{
	kill_tun(&fake_host.shared);
	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		kill_tun(&fake_host.own[i]);
	tell("killed");
	fake_host.missing = 0;
	fake_host.hook = NULL;
	memset(fake_host.failures, 0, sizeof(fake_host.failures));
	fake_host.instances = 0;
	fake_host.tun_is_gone = false;
	fake_host.kills++;
}

void fake_host_clear_up(const char *run_dir)
{
	struct instance i = { .lock_fd = -1, .listen_fd = -1 };
	struct host_options options = { 0 };
	struct hosts hosts = { 0 };
	struct diag diag = { 0 };

	REQUIRE(wire_stayed_closed());
	REQUIRE(instance_init(&i, run_dir, "tun9", &diag) == 0);
	REQUIRE(instance_lock(&i, &diag) == 0);
	options.tun = i.tun;
	options.state_path = i.state_path;
	REQUIRE(hosts_new(&hosts, &options, &diag) == 0);
	hosts_free(&hosts);
	REQUIRE(access(i.state_path, F_OK) < 0);
	instance_clear(&i);
	diag_clear(&diag);
}
