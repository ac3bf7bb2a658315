/* tests/fuzz/failing.h - memory runs out in the middle of something
 *
 * A target that is linked with failing.c has its allocations replaced by the linker (-Wl,--wrap):
 * see state in include.am. */
#ifndef TUNION_FUZZ_FAILING_H
#define TUNION_FUZZ_FAILING_H

/* 1: the next allocation fails, 2: the one after it, and so on; 0: none does. */
void failing_in(unsigned n);

#endif
