/* src/supervisor/hook_service.h - what does the supervisor do while hooks run?
 *
 * A hook may use wg(8) with a device, but it only knows the name of the tun. As a
 * consequence, the worker may ask for sockets, and if it ends, the hook must find another one:
 * otherwise wg would wait for it in vain. */
#ifndef TUNION_SUPERVISOR_HOOK_SERVICE_H
#define TUNION_SUPERVISOR_HOOK_SERVICE_H

#include "host/hooks.h"
#include "instance/instance.h"
#include "supervisor/clients.h"
#include "supervisor/keeper.h"
#include "supervisor/status_request.h"
#include "supervisor/tunnels.h"

/* All borrowed. */
struct hook_service {
	struct instance *instance;
	struct tunnels *tunnels;
	struct keeper *keeper;
	struct clients *clients;
	struct status_request *status;
	const char *name; /* of the file whose hooks run */
};

/* The events for host_options; h is borrowed for as long as they are used. */
struct hooks_events hook_service_events(struct hook_service *h);

#endif
