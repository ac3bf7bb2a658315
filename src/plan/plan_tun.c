/* src/plan/plan_tun.c */
#include "plan/plan_tun.h"

#include <string.h>

#include "plan/hook_words.h"

static const char *const reasons[] = {
	[PLAN_TUN_SHARED] = NULL,          [PLAN_TUN_SETTING] = "Tun",
	[PLAN_TUN_TABLE] = "Table",        [PLAN_TUN_PRE_UP] = "PreUp",
	[PLAN_TUN_POST_UP] = "PostUp",     [PLAN_TUN_PRE_DOWN] = "PreDown",
	[PLAN_TUN_POST_DOWN] = "PostDown",
};

static struct plan_tun by_hooks(const struct conf *conf)
{
	static const enum plan_tun_kind kinds[CONF_HOOK_COUNT] = {
		[CONF_PRE_UP] = PLAN_TUN_PRE_UP,
		[CONF_POST_UP] = PLAN_TUN_POST_UP,
		[CONF_PRE_DOWN] = PLAN_TUN_PRE_DOWN,
		[CONF_POST_DOWN] = PLAN_TUN_POST_DOWN,
	};

	for (size_t kind = 0; kind < CONF_HOOK_COUNT; kind++) {
		const struct conf_texts *hooks = &conf->hooks[kind];

		for (size_t i = 0; i < hooks->n; i++) {
			if (hook_words_have(hooks->v[i].text, conf->name))
				return (struct plan_tun){ kinds[kind], hooks->v[i].line };
		}
	}
	return (struct plan_tun){ PLAN_TUN_SHARED, 0 };
}

/* A hook may use the name of the shared tun. Where there is no second one, hooks are not
 * run. */
static bool hooks_count(const struct conf *conf, const struct plan_env *env)
{
	if (env && env->one_tun)
		return false;
	return !env || !env->tun || strcmp(conf->name, env->tun) != 0;
}

struct plan_tun plan_tun_of(const struct conf *conf, const struct plan_env *env)
{
	if (conf->switches.gate)
		return (struct plan_tun){ PLAN_TUN_SHARED, 0 };
	if (conf->switches.own_tun)
		return (struct plan_tun){ PLAN_TUN_SETTING, conf->lines.tun };
	if (plan_needs_own_tun(conf))
		return (struct plan_tun){ PLAN_TUN_TABLE, conf->lines.table };
	return hooks_count(conf, env) ? by_hooks(conf)
	                              : (struct plan_tun){ PLAN_TUN_SHARED, 0 };
}

/* If it is called like the shared tun, it uses that one: see plan_make.c. */
bool plan_tun_is_own(const struct conf *conf, const struct plan_env *env)
{
	bool one = env && env->one_tun;
	bool same = env && env->tun && strcmp(conf->name, env->tun) == 0;

	return !one && !same && plan_tun_of(conf, env).kind != PLAN_TUN_SHARED;
}

const char *plan_tun_reason(const struct plan_tun *tun)
{
	return reasons[tun->kind];
}
