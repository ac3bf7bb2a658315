/* tests/sim/fake_udp.h - udp_open and udp_set_mark without a network or rights
 *
 * Linked in the place of io/udp.c. A port is the name of a Unix socket that only this process
 * can want: it is taken as long as any process has the socket, as with UDP. */
#ifndef TUNION_SIM_FAKE_UDP_H
#define TUNION_SIM_FAKE_UDP_H

#include <stdint.h>

struct fake_udp {
	int owner;           /* part of the names; a process's id */
	uint16_t last_drawn; /* ports that are drawn follow each other */
	unsigned failures;   /* so many calls fail from now on: no descriptors left */
};

extern struct fake_udp fake_udp;

#endif
