/* src/supervisor/hook_service.h - what does the supervisor do while hooks run? Part of
 * supervisor.c
 *
 * They may speak to the devices by wg(8), which knows no name but the tun's, and the
 * engine then asks for sockets. */
#ifndef TUNION_SUPERVISOR_HOOK_SERVICE_H
#define TUNION_SUPERVISOR_HOOK_SERVICE_H

#include "supervisor/supervisor_state.h"

/* Sets s->hooks_events, for as long as s lives. */
void hook_service_init(struct supervisor *s);

#endif
