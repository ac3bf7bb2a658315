/* src/show/status_metrics.h - a status in Prometheus' text format, version 0.0.4 */
#ifndef TUNION_SHOW_STATUS_METRICS_H
#define TUNION_SHOW_STATUS_METRICS_H

#include <jansson.h>
#include <stdio.h>

/* The names and labels are documented in tunion(8), and don't change. */
void status_metrics(const json_t *status, FILE *out);

#endif
