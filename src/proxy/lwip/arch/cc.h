/* src/proxy/lwip/arch/cc.h - what does lwIP have to know of the compiler? */
#ifndef TUNION_PROXY_LWIP_ARCH_CC_H
#define TUNION_PROXY_LWIP_ARCH_CC_H

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LWIP_NO_UNISTD_H        1
#define LWIP_PLATFORM_DIAG(x)   ((void)0)
#define LWIP_PLATFORM_ASSERT(x) abort()

#endif
