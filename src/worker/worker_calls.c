/* src/worker/worker_calls.c - what each packet needs comes first. The comments are the reasons
 * that SECURITY.md gives. */
#include "worker/worker_calls.h"

#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static const struct call_rule rules[] = {
	CALL(recvmmsg),                                 /* datagrams from the network */
	CALL(recvmmsg_time64),                          /* the same */
	CALL(sendmmsg),                                 /* datagrams to the network */
	CALL(accept4),                                  /* UAPI clients */
	CALL(getsockopt),                               /* of which family is a socket? */
	CALL_BOTH(setsockopt, 1, IPPROTO_UDP, UDP_GRO), /* many at a time */
	CALL_EQUAL(ioctl, 1, TUNGETIFF),     /* has the tun headers for offloads? */
	CALL_EQUAL(ioctl, 1, TUNSETOFFLOAD), /* which offloads does it have? */
	CALL_EQUAL(ioctl, 1, SIOCGIFINDEX),  /* the zone of [fe80::1%eth0]:51820 */
};

const struct call_rule *worker_calls(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}

size_t worker_calls_with(struct call_rule out[static CALL_RULES_MAX],
                         const struct call_rule *more, size_t n)
{
	if (n > CALL_RULES_MAX - ARRAY_SIZE(rules))
		n = CALL_RULES_MAX - ARRAY_SIZE(rules);
	memcpy(out, rules, sizeof(rules));
	if (n > 0)
		memcpy(out + ARRAY_SIZE(rules), more, n * sizeof(*more));
	return ARRAY_SIZE(rules) + n;
}
