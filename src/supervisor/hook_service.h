/* src/supervisor/hook_service.h - what does the supervisor do while hooks run?
 *
 * They may speak to the devices by wg(8), which knows no name but the tun's, and the
 * worker then asks for sockets. */
#ifndef TUNION_SUPERVISOR_HOOK_SERVICE_H
#define TUNION_SUPERVISOR_HOOK_SERVICE_H

#include "host/hooks.h"
#include "supervisor/clients.h"
#include "supervisor/instance.h"
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
};

/* For host_options; h is borrowed as long as they are used. */
struct hooks_events hook_service_events(struct hook_service *h);

#endif
