/* tests/unit/host_world.c */
#include "host_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

const struct host_facts host_facts_plain = { .rules = { 32766, 32767 } };

static bool table_used(void *context, uint32_t table)
{
	const struct host_facts *f = context;

	for (size_t i = 0; i < ARRAY_SIZE(f->tables_used); i++) {
		if (f->tables_used[i] == table)
			return true;
	}
	return false;
}

static bool mark_used(void *context, uint32_t mark)
{
	const struct host_facts *f = context;

	return f->mark_mask != 0 && (mark & f->mark_mask) == f->mark;
}

static struct rule_place place_rules(void *context, enum ip_family family)
{
	const struct host_facts *f = context;
	struct netlink_rule rules[4] = { 0 };
	struct rule_list list = { rules, 0, NULL, 0, table_used, context };

	for (; list.n < ARRAY_SIZE(f->rules) && f->rules[list.n] != 0; list.n++) {
		rules[list.n].priority = f->rules[list.n];
		rules[list.n].table = f->rules[list.n] == 32766 ? NETLINK_TABLE_MAIN : 99;
	}
	return rule_place_choose(&list, HOST_RULES_MAX(family == IP_V4 ? 32U : 128U));
}

void host_world_init(struct host_world *w, const char *const *texts,
                     const struct host_facts *facts)
{
	planned_init(&w->planned, texts);
	w->env = (struct host_config_env){ .ifindex = 7,
		                           .table_used = table_used,
		                           .mark_used = mark_used,
		                           .place_rules = place_rules,
		                           .context = (void *)(uintptr_t)facts };
}

void host_world_clear(struct host_world *w)
{
	planned_clear(&w->planned);
}

char *host_world_format(const struct host_items *items)
{
	char line[NETLINK_ITEM_STRLEN], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < items->n; i++)
		fprintf(out, "%s\n", netlink_item_format(&items->v[i], line));
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

void host_world_make(struct host_world *w, const char *const *texts,
                     struct host_numbers *numbers, struct host_config *config)
{
	host_world_init(w, texts, &host_facts_plain);
	if (numbers->mark == 0)
		ck_assert_int_eq(host_numbers_choose_mark(numbers, &w->planned.plan,
		                                          &w->env, &w->planned.diag),
		                 0);
	ck_assert_int_eq(host_config_make(config, numbers, &w->planned.plan, &w->env,
	                                  &w->planned.diag),
	                 0);
}
