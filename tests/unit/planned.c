/* tests/unit/planned.c */
#include "planned.h"
#include "conf/load.h"

#include <stdio.h>

#include "plan/plan_make.h"
#include "unit.h"

static struct conf *read_text(const char *name, const char *text, struct diag *diag)
{
	char path[64];
	struct conf *conf;
	FILE *in = tmpfile();

	ck_assert_ptr_nonnull(in);
	ck_assert_int_ge(fputs(text, in), 0);
	rewind(in);
	snprintf(path, sizeof(path), "%s.conf", name);
	if (conf_read_stream(&conf, in, path, diag) < 0) {
		diag_print(diag, stderr);
		ck_abort_msg("%s", text);
	}
	fclose(in);
	return conf;
}

void planned_init(struct planned *p, const char *const *texts)
{
	*p = (struct planned){ 0 };
	p->set.v = p->confs;
	for (; texts[0]; texts += 2) {
		ck_assert_uint_lt(p->set.n, PLANNED_FILES);
		p->confs[p->set.n++] = read_text(texts[0], texts[1], &p->diag);
	}
	if (plan_make(&p->plan, &p->set, NULL, &p->diag) < 0) {
		diag_print(&p->diag, stderr);
		ck_abort();
	}
}

void planned_clear(struct planned *p)
{
	plan_clear(&p->plan);
	for (size_t i = 0; i < p->set.n; i++)
		conf_free(p->confs[i]);
	diag_clear(&p->diag);
}
