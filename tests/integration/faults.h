/* tests/integration/faults.h - lets the nth system call or allocation of src/host fail
 *
 * The calls are wrapped by the linker (-Wl,--wrap=NAME), see include.am. */
#ifndef TUNION_FAULTS_H
#define TUNION_FAULTS_H

/* From now on the nth call fails, once; 0: none does, they are only counted. */
void faults_arm(unsigned nth);
/* Calls since; the one that failed is named, NULL: none has. */
unsigned faults_disarm(const char **failed);

#endif
