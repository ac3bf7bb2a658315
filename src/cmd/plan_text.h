/* src/cmd/plan_text.h - a plan as text, for people */
#ifndef TUNION_CMD_PLAN_TEXT_H
#define TUNION_CMD_PLAN_TEXT_H

#include <stdio.h>

#include "plan/plan.h"

/* The union, then every device with its MTU and addresses, then the ways of their peers. */
void plan_text(const struct plan *plan, FILE *out);

#endif
