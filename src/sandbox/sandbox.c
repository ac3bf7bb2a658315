/* src/sandbox/sandbox.c - the order of the stages is the order in which they are possible */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/termux.h"
#include "sandbox/empty_root.h"
#include "sandbox/landlock.h"
#include "sandbox/usual_calls.h"

static const char *const names[] = {
	[SANDBOX_NAMESPACES] = "namespaces",
	[SANDBOX_RIGHTS] = "rights",
	[SANDBOX_FILES] = "files",
	[SANDBOX_CALLS] = "calls",
};
_Static_assert(ARRAY_SIZE(names) == SANDBOX_STAGE_COUNT, "a name for each stage");

const char *sandbox_stage_name(enum sandbox_stage stage)
{
	return names[stage];
}

/* Before: it may do all that its parent may. This stage is the first one, since it needs
 * root's rights, or files below /proc.
 * After: paths lead nowhere. A socket that it makes has no way out, unless making sockets is its
 * work. */
static int lose_sight(bool possible, const struct sandbox_inmate *inmate)
{
	return possible ? empty_root_enter(inmate->network) : -EOPNOTSUPP;
}

/* Before: it may be root.
 * After: it may do what any user may, which is little in an empty directory; a kernel without
 * the other stages only protects the host by users and by its limits. */
static int drop_rights(const struct sandbox_inmate *inmate)
{
	int err = rights_drop(inmate->parent, inmate->user);

	return err ? err : rights_limit(inmate->files_max);
}

/* Before: as above; where there were no namespaces, it sees the files of all.
 * After: only descriptors that it has, or is given, lead anywhere. Needs no_new_privs. */
static int close_files(bool possible, const struct sandbox_inmate *inmate)
{
	return possible ? landlock_close(inmate->network) : -EOPNOTSUPP;
}

/* Before: it may make any system call, if only with descriptors that it has.
 * After: the stages before can't be undone, and little of the kernel is left to attack. Needs
 * no_new_privs, and is the last stage because it forbids the calls of the others. */
static int close_calls(bool possible, const struct sandbox_inmate *inmate)
{
	struct call_rule all[CALL_RULES_MAX];
	size_t n = usual_calls_after(all, inmate->calls, inmate->call_count);

	return possible ? call_filter_enter(all, n) : -EOPNOTSUPP;
}

static const char *reason_to_leave_out(void)
{
	if (BUILT_WITH_SANITIZERS)
		return "this is a build with sanitizers, which is for tests";
	return termux_app_filter() ? "Android ends an app that tries" : NULL;
}

const char *sandbox_why_not(const struct sandbox *s, enum sandbox_stage stage)
{
	if (s->result[stage] == 0)
		return NULL;
	return s->left_out ? s->left_out : strerror(-s->result[stage]);
}

int sandbox_enter(struct sandbox *s, const struct sandbox_inmate *inmate)
{
	bool possible;

	s->left_out = reason_to_leave_out();
	possible = !s->left_out;
	s->result[SANDBOX_NAMESPACES] = lose_sight(possible, inmate);
	s->result[SANDBOX_RIGHTS] = drop_rights(inmate);
	s->result[SANDBOX_FILES] = close_files(possible, inmate);
	if (s->result[SANDBOX_RIGHTS] == 0)
		s->result[SANDBOX_CALLS] = close_calls(possible, inmate);
	return s->result[SANDBOX_RIGHTS];
}
