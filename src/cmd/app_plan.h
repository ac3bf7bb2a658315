/* src/cmd/app_plan.h - tunion plan: what does an Android app have to give to
 * VpnService.Builder, before it gives us the tun? */
#ifndef TUNION_CMD_APP_PLAN_H
#define TUNION_CMD_APP_PLAN_H

/* argv[0] is the command's name. Returns the exit status. */
int cmd_plan(int argc, char **argv);

#endif
