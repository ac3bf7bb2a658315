/* tests/sim/in_force.c */
#include "in_force.h"

#include <string.h>

#include "fake_host.h"
#include "plan/plan_make.h"
#include "story.h"

struct in_force in_force_read(const struct tunnel_files *files)
{
	struct in_force f = { { NULL } };

	for (size_t i = 0; i < fake_host.planned_count; i++) {
		const char *name = fake_host.planned[i].name;
		const struct tunnel_version *v =
			tunnel_files_find(files, name, fake_host.planned[i].digest);

		REQUIRE(v);
		f.v[name[0] - 'a'] = v;
	}
	return f;
}

bool in_force_plan(const struct in_force *f, struct plan *plan, struct answers *a,
                   struct conf *room[static TUNNEL_FILES])
{
	struct plan_env env = { .path_mtu = host_path_mtu,
		                .endpoint = a ? expected_endpoint : NULL,
		                .tun = "tun9",
		                .context = a };
	struct conf_set set = { room, 0 };
	struct diag diag = { 0 };
	int err;

	for (size_t i = 0; i < TUNNEL_FILES; i++)
		if (f->v[i])
			room[set.n++] = f->v[i]->conf;
	err = plan_make(plan, &set, &env, &diag);
	diag_clear(&diag);
	return !err;
}

static bool can_be_planned(const struct in_force *f)
{
	struct conf *room[TUNNEL_FILES];
	struct plan plan;
	bool can = in_force_plan(f, &plan, NULL, room);

	if (can)
		plan_clear(&plan);
	return can;
}

/* Has any version of a file named this one as its carrier? */
static bool was_carrier(const struct tunnel_files *files, const char *name)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++)
		for (size_t k = 0; k < files->v[i].count; k++) {
			const struct conf *c = files->v[i].versions[k].conf;

			if (c->via.name && strcmp(c->via.name, name) == 0)
				return true;
		}
	return false;
}

/* One whose PostUp has failed goes again, but not if it has to carry another that has come
 * with it: it then stays as it is. */
void in_force_check_up(const struct in_force *f, const struct tunnel_files *files)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const char *name = files->v[i].name;
		bool up = false;

		for (size_t k = 0; k < fake_host.file_count; k++)
			up |= fake_host.files[k].name[0] == name[0];
		if (up == (f->v[i] != NULL))
			continue;
		tell("%s is %s", name, up ? "up" : "not up");
		REQUIRE(f->v[i] && was_carrier(files, name));
	}
}

/* Files whose hooks fail are there for a moment each time, and others give way to them. */
static bool can_come(const struct in_force *f, const struct tunnel_files *files)
{
	struct in_force with = *f;

	for (size_t i = 0; i < TUNNEL_FILES; i++)
		if (!f->v[i] && files->v[i].on_disk && files->v[i].on_disk->hooks_fail)
			with.v[i] = files->v[i].on_disk;
	return can_be_planned(f) && can_be_planned(&with);
}

/* What is on the disk is in force, or there is a reason. */
void in_force_check(const struct in_force *f, const struct tunnel_files *files,
                    bool (*port_is_taken)(const struct tunnel_version *v,
                                          const struct answers *a),
                    const struct answers *a)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const struct tunnel_file *file = &files->v[i];
		const struct tunnel_version *now = f->v[i], *disk = file->on_disk;
		struct in_force other = *f;

		if (disk)
			disk = tunnel_files_find(files, file->name,
			                         disk->conf->file.digest);
		if (file->bad || (now && disk && now->id == disk->id) || now == disk)
			continue;
		if (disk && !now && disk->hooks_fail)
			continue;
		if (port_is_taken(disk, a))
			continue;
		other.v[i] = disk;
		tell("%s is not in force as it is on the disk", file->name);
		REQUIRE(!can_come(&other, files));
	}
}
