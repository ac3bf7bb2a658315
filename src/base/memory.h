/* src/base/memory.h - memory that is free, but still the process's */
#ifndef TUNION_BASE_MEMORY_H
#define TUNION_BASE_MEMORY_H

/* Gives it back to the system. For once, after work that took much for a while: a start, a
 * reload, a status of many devices. Does nothing where the C library can't (musl gives
 * back large pieces by itself). */
void memory_give_back(void);

#endif
