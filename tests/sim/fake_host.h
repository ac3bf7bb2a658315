/* tests/sim/fake_host.h - host/host.h and netlink/monitor.h on a host that is a value
 *
 * Linked in the place of host/host.c and netlink/monitor.c. It keeps the addresses, routes and
 * rules that it is told to have, which files are up, and what was done in the wrong order.
 * The test's script makes calls fail, takes things away and changes the network. It also has
 * host/host_change.c make the changes, in the kernel of fake_kernel.h. */
#ifndef TUNION_SIM_FAKE_HOST_H
#define TUNION_SIM_FAKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "host/host.h"
#include "host/host_change.h"

#define FAKE_HOST_FILES 16

enum fake_host_call {
	FAKE_HOST_PREPARE,
	FAKE_HOST_PRE_UP,
	FAKE_HOST_UP,
	FAKE_HOST_FILE_ADDED,
	FAKE_HOST_FILE_UP,
	FAKE_HOST_UPDATE,
	FAKE_HOST_PRE_DOWN,
	FAKE_HOST_CALLS,
};

/* Of a file whose PostUp has succeeded, until its PostDown. */
struct fake_host_file {
	char name[16];
	bool pre_down; /* has run, since the file has gone */
};

/* What is done for one tun. */
struct fake_tun {
	char name[16]; /* empty: there is no host for it */
	bool is_prepared, is_up;
	struct host_config config; /* owned: what is there */
	struct host_state state;   /* the same, as it is done to the fake kernel */
	struct host_numbers numbers;
	struct fake_planned {
		char name[16];
		uint8_t digest[CONF_DIGEST_BYTES];
	} planned[FAKE_HOST_FILES]; /* the files of the last plan */
	size_t planned_count;
	/* Those of the last plan that is in force completely, since the kernel has refused a part of
	 * the one after it. */
	bool refused;
	struct fake_planned before[FAKE_HOST_FILES];
	size_t before_count;
	struct fake_host_file files[FAKE_HOST_FILES]; /* that are up */
	size_t file_count;
	int fd;
};

struct fake_host {
	/* What the script sets. */
	uint32_t path_mtu;                  /* to everywhere; 0: unknown */
	enum host_reach reach6;             /* of IPv6 */
	unsigned failures[FAKE_HOST_CALLS]; /* so many calls fail from now on */
	size_t missing;                     /* so much has somebody taken away */
	void (*hook)(void *context,
	             int *fd); /* while one runs: fd is readable at its end */
	void (*changed)(void); /* at the end of a round of changes; may be NULL */
	void *context;         /* borrowed */
	bool tun_is_gone;      /* what the supervisor sees when it looks */

	/* What has become of it. */
	unsigned kills;     /* by fake_host_kill */
	unsigned instances; /* hosts that were made and not freed */
	struct fake_tun shared, own[FAKE_HOST_FILES];
	struct ip_addr resolver;
	char fault[200]; /* the first call out of order; empty: none */
	unsigned hooks;  /* that are running */
};

extern struct fake_host fake_host;

struct host {
	struct hooks_events events;
	char *tun; /* owned: a leak would be seen */
	struct fake_tun *at;
};

/* All as before any instance. */
void fake_host_reset(void);
/* After an instance: was everything undone, and in the right order? */
bool fake_host_has_ended(void);
/* Of an instance that has left everything as it is: its tuns go, and nobody knows any more what it
 * had, but for its state files. Nothing fails by script any more, and no hook is told. */
void fake_host_kill(void);
/* Requires that all was closed until now, and does what `tunion down` does after that. */
void fake_host_clear_up(const char *run_dir);
/* Frees what is known of the tun's state. */
void fake_host_forget_state(struct fake_tun *tun);
/* What the part of a plan needs there, with the numbers as chosen. 0 or -errno. */
MUST_CHECK int fake_host_config(struct fake_tun *tun, struct host_config *out,
                                const struct plan *part);
/* The tun that this file has for itself; NULL: none. */
struct fake_tun *fake_host_own(const char *name);
/* How many there are. */
int fake_host_own_count(void);
/* The virtual resolver that a plan has; IP_NONE: none. */
struct ip_addr fake_host_resolver(const struct plan *plan);
/* Somebody has changed something: bits of monitor.h. */
void fake_host_network_changed(unsigned bits);

#endif
