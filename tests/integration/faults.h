/* tests/integration/faults.h - lets the nth system call or allocation of src/host fail
 *
 * The calls are wrapped by the linker (-Wl,--wrap=NAME), see include.am. */
#ifndef TUNION_FAULTS_H
#define TUNION_FAULTS_H

/* From now on the nth call fails, once. With 0 no call fails; they are only counted. */
void faults_arm(unsigned nth);
/* From now on the nth call is not made, since we are killed before it. */
void faults_arm_kill(unsigned nth);
/* Returns the number of calls since then. *failed is the name of the one that failed, or
 * NULL. */
unsigned faults_disarm(const char **failed);

#endif
