/* src/cmd/trace_text.h - prints a packet's way as text, for people */
#ifndef TUNION_CMD_TRACE_TEXT_H
#define TUNION_CMD_TRACE_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* Prints the result of plan_json_trace or trace_status. */
void trace_text(const json_t *trace, FILE *out);

#endif
