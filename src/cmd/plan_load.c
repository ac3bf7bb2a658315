/* src/cmd/plan_load.c - reads the files, looks up names, and makes the plan */
#include "cmd/plan_load.h"

#include <errno.h>
#include <stdbool.h>

#include "cmd/endpoint_names.h"
#include "instance/instance.h"
#include "plan/plan_make.h"

/* Can a plan be made at all? Like `up`, this command only looks up names after that. */
static bool can_be_planned(const struct conf_set *set, const struct plan_env *env)
{
	struct diag not_told = { 0 };
	struct plan plan;
	int err = plan_make(&plan, set, env, &not_told);

	if (!err)
		plan_clear(&plan);
	diag_clear(&not_told);
	return !err;
}

static int make(struct plan_load *load, const struct conf_paths *from,
                const struct plan_env *env, enum plan_load_names names)
{
	int err, plan_err;

	*load = (struct plan_load){ 0 };
	err = conf_set_read(&load->set, from, &load->diag);
	if (err && err != -EINVAL)
		return err;
	if (!err && names == PLAN_LOAD_RESOLVE && can_be_planned(&load->set, env))
		endpoint_names_resolve(&load->set, &load->diag);
	plan_err = plan_make(&load->plan, &load->set, env, &load->diag);
	return err ? err : plan_err;
}

int plan_load(struct plan_load *load, const struct conf_paths *from,
              enum plan_load_names names)
{
	const struct plan_env env = { .tun = INSTANCE_DEFAULT_TUN };

	return make(load, from, &env, names);
}

int plan_load_app(struct plan_load *load, const struct conf_paths *from,
                  enum plan_load_names names)
{
	const struct plan_env env = { .one_tun = true, .applications = true };

	return make(load, from, &env, names);
}

void plan_load_clear(struct plan_load *load)
{
	plan_clear(&load->plan);
	conf_set_clear(&load->set);
	diag_clear(&load->diag);
}
