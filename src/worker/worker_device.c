/* src/worker/worker_device.c - connects a device with its sockets and UAPI clients */
#include "worker/worker_device.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- its sockets */

static void udp_sink(void *context, struct packet **packets, size_t n)
{
	struct worker_device *d = context;

	engine_udp_input(d->device, packets, n, d->all->now_ns);
}

static void udp_ready(struct worker_device *d, enum udp_family family, uint64_t now_ns)
{
	int err;

	d->all->now_ns = now_ns;
	err = udp_read(d->udp, family, udp_sink, d);
	if (err) {
		log_error(d->all->log, device_name(d->device),
		          "its socket can't be read any more: %s", strerror(-err));
		loop_remove(d->all->loop, &d->udp_sources[family]);
	}
}

static void udp_ipv4_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	udp_ready(CONTAINER_OF(source, struct worker_device, udp_sources[UDP_IPV4]),
	          UDP_IPV4, now_ns);
}

static void udp_ipv6_ready(struct loop_source *source, uint32_t events, uint64_t now_ns)
{
	(void)events;
	udp_ready(CONTAINER_OF(source, struct worker_device, udp_sources[UDP_IPV6]),
	          UDP_IPV6, now_ns);
}

static void drop_udp(struct worker_device *d)
{
	if (!d->udp)
		return;
	device_set_udp(d->device, NULL);
	for (int f = 0; f < UDP_FAMILIES; f++)
		if (d->udp_sources[f].fd >= 0)
			loop_remove(d->all->loop, &d->udp_sources[f]);
	udp_free(d->udp);
	d->udp = NULL;
}

int worker_device_use_udp(struct worker_device *d, const int fds[static UDP_FAMILIES])
{
	static void (*const ready[UDP_FAMILIES])(struct loop_source *, uint32_t,
	                                         uint64_t) = {
		[UDP_IPV4] = udp_ipv4_ready,
		[UDP_IPV6] = udp_ipv6_ready,
	};
	int err;

	drop_udp(d);
	err = udp_new(&d->udp, fds, d->all->scratch);
	if (err)
		return err;
	for (int f = 0; f < UDP_FAMILIES; f++)
		d->udp_sources[f] = (struct loop_source){ fds[f], ready[f] };
	for (int f = 0; f < UDP_FAMILIES && !err; f++)
		if (fds[f] >= 0)
			err = loop_add(d->all->loop, &d->udp_sources[f], EPOLLIN);
	if (err)
		drop_udp(d);
	else
		device_set_udp(d->device, udp_as_link(d->udp));
	return err;
}

/* ---- what UAPI clients want from the host */

static struct worker_device *find(const struct worker_devices *all,
                                  const struct device *device)
{
	struct worker_device *d = all->first;

	while (d && d->device != device)
		d = d->next;
	return d;
}

static int ask(struct worker_device *d, const struct command *m)
{
	if (d->asked)
		return -EBUSY;
	d->asked = true;
	d->deadline_ns = loop_now_ns() + WORKER_DEVICE_ANSWER_NS;
	report_send(d->all->report, m);
	return -EINPROGRESS;
}

static int set_port(void *context, struct device *device, uint16_t port)
{
	struct command m = command_of(COMMAND_PORT_WANTED, device_name(device));

	m.port = port;
	return ask(find(context, device), &m);
}

static int set_fwmark(void *context, struct device *device, uint32_t mark)
{
	struct command m = command_of(COMMAND_MARK_WANTED, device_name(device));

	m.mark = mark;
	return ask(find(context, device), &m);
}

static uint32_t get_fwmark(void *context, const struct device *device)
{
	return find(context, device)->mark;
}

/* Sockets stay in the network namespace of the host, where the interfaces are, and asking
 * this one needs no other socket. */
static uint32_t interface_index(void *context, const struct device *device,
                                const char *name)
{
	const struct worker_device *d = find(context, device);
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name, strlen(name));
	return ioctl(d->uapi_server.listener.fd, SIOCGIFINDEX, &request) < 0
	               ? 0
	               : (uint32_t)request.ifr_ifindex;
}

static void endpoint_set(void *context, struct device *device, const struct wg_peer *peer,
                         const struct endpoint *before)
{
	const struct worker_devices *all = context;

	(void)before;
	report_peer(all->report, COMMAND_ENDPOINT_SET, device, peer,
	            wg_peer_endpoint(peer));
}

/* By the supervisor. What we said of the endpoint before may not have reached it when it
 * wrote this, and then it would believe that. */
static void endpoint_set_by_supervisor(void *context, struct device *device,
                                       const struct wg_peer *peer,
                                       const struct endpoint *before)
{
	if (before->addr.family != IP_NONE &&
	    !endpoint_equal(before, wg_peer_endpoint(peer)))
		endpoint_set(context, device, peer, before);
}

void worker_device_answered(struct worker_device *d, int result)
{
	d->asked = false;
	d->deadline_ns = NEVER_NS;
	uapi_server_resume(&d->uapi_server, result, d->all->now_ns);
}

uint64_t worker_device_next_deadline_ns(const struct worker_devices *all)
{
	uint64_t next_ns = NEVER_NS;

	for (const struct worker_device *d = all->first; d; d = d->next)
		if (d->deadline_ns < next_ns)
			next_ns = d->deadline_ns;
	return next_ns;
}

/* The answer may still come. So `asked` stays set, or the next client would take the
 * answer for its own. */
void worker_device_run_timers(struct worker_devices *all)
{
	for (struct worker_device *d = all->first; d; d = d->next)
		if (d->deadline_ns <= all->now_ns) {
			d->deadline_ns = NEVER_NS;
			uapi_server_resume(&d->uapi_server, -ETIMEDOUT, all->now_ns);
		}
}

/* ---- answers to devices that are gone */

struct owed_answer {
	struct owed_answer *next;
	char name[]; /* of the device */
};

/* A device takes its memory from the beginning, so that its removal can't fail. */
static struct owed_answer *owed_new(const char *name)
{
	size_t n = strlen(name) + 1;
	struct owed_answer *o = calloc(1, sizeof(*o) + n);

	if (o)
		memcpy(o->name, name, n);
	return o;
}

bool worker_device_takes_owed(struct worker_devices *all, const char *name)
{
	struct owed_answer **at = &all->owed, *o;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	o = *at;
	if (!o)
		return false;
	*at = o->next;
	free(o);
	return true;
}

static void leave_owed(struct worker_device *d)
{
	if (d->asked) {
		d->owed->next = d->all->owed;
		d->all->owed = d->owed;
	} else {
		free(d->owed);
	}
	d->owed = NULL;
}

/* ---- adding and removing devices */

void worker_device_init(struct worker_devices *all)
{
	all->spare_fd = -1;
	all->uapi_host = (struct uapi_host){ set_port,        set_fwmark,   get_fwmark,
		                             interface_index, endpoint_set, all };
	all->uapi_host_supervisor = (struct uapi_host){
		NULL, NULL, get_fwmark, interface_index, endpoint_set_by_supervisor, all
	};
}

void worker_device_clear(struct worker_devices *all)
{
	while (all->first)
		worker_device_remove(all->first);
	while (all->owed)
		(void)worker_device_takes_owed(all, all->owed->name);
	if (all->spare_fd >= 0)
		close(all->spare_fd);
	all->spare_fd = -1;
}

int worker_device_add(struct worker_devices *all, const char *name, int uapi_fd)
{
	struct worker_device *d = calloc(1, sizeof(*d));
	struct owed_answer *owed = owed_new(name);
	int err = d && owed ? engine_add_device(all->engine, name, &d->device) : -ENOMEM;

	if (err) {
		close(uapi_fd);
		free(owed);
		free(d);
		return err;
	}
	d->owed = owed;
	d->all = all;
	d->tun = (struct worker_tun){ .loop = all->loop,
		                      .buffers = all->buffers,
		                      .engine = all->engine,
		                      .device = d->device,
		                      .report = all->report };
	d->deadline_ns = NEVER_NS;
	d->next = all->first;
	all->first = d;
	if (all->spare_fd < 0)
		all->spare_fd = fcntl(loop_fd(all->loop), F_DUPFD_CLOEXEC, 0);
	uapi_init(&d->uapi, d->device, &all->uapi_host_supervisor);
	err = uapi_server_start(&d->uapi_server, all->loop, uapi_fd, d->device,
	                        &all->uapi_host);
	d->uapi_server.spare_fd = &all->spare_fd;
	if (err)
		worker_device_remove(d);
	return err;
}

void worker_device_remove(struct worker_device *d)
{
	struct worker_device **at = &d->all->first;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	uapi_server_stop(&d->uapi_server);
	uapi_clear(&d->uapi);
	drop_udp(d);
	leave_owed(d);
	worker_tun_clear(&d->tun);
	engine_remove_device(d->all->engine, d->device);
	free(d);
}

struct worker_device *worker_device_find(const struct worker_devices *all,
                                         const char *name)
{
	struct device *device = engine_find_device(all->engine, name);

	return device ? find(all, device) : NULL;
}
