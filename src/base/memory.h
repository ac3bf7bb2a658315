/* src/base/memory.h - gives freed memory back to the system */
#ifndef TUNION_BASE_MEMORY_H
#define TUNION_BASE_MEMORY_H

/* Freed memory usually stays with the process. This gives it back to the system. Call it
 * once after work that took much memory for a short time: a start, a reload, the status
 * of many devices. It does nothing where the C library has no such function (musl gives
 * back large pieces by itself). */
void memory_give_back(void);

#endif
