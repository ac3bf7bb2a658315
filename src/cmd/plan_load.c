/* src/cmd/plan_load.c */
#include "cmd/plan_load.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/endpoint_names.h"

int plan_load(struct plan_load *load, char *const *paths, size_t n,
              enum plan_load_names names)
{
	static const char *const default_paths[] = { PLAN_LOAD_DEFAULT_DIR };
	int err, plan_err;

	*load = (struct plan_load){ 0 };
	err = n > 0 ? conf_set_read(&load->set, (const char *const *)paths, n,
	                            &load->diag)
	            : conf_set_read(&load->set, default_paths, 1, &load->diag);
	if (err && err != -EINVAL)
		return err;
	if (!err && names == PLAN_LOAD_RESOLVE)
		endpoint_names_resolve(&load->set, stderr);
	plan_err = plan_make(&load->plan, &load->set, NULL, &load->diag);
	return err ? err : plan_err;
}

void plan_load_clear(struct plan_load *load)
{
	plan_clear(&load->plan);
	conf_set_clear(&load->set);
	diag_clear(&load->diag);
}
