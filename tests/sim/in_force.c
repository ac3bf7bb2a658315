/* tests/sim/in_force.c */
#include "in_force.h"

#include <string.h>

#include "fake_host.h"
#include "plan/plan_make.h"
#include "plan/plan_tun.h"
#include "story.h"

static void read_tun(struct in_force *f, const struct fake_tun *tun,
                     const struct tunnel_files *files)
{
	for (size_t i = 0; i < tun->planned_count; i++) {
		const char *name = tun->planned[i].name;
		const struct tunnel_version *v =
			tunnel_files_find(files, name, tun->planned[i].digest);

		REQUIRE(v && !f->v[name[0] - 'a']);
		f->v[name[0] - 'a'] = v;
	}
}

struct in_force in_force_read(const struct tunnel_files *files)
{
	struct in_force f = { { NULL } };

	read_tun(&f, &fake_host.shared, files);
	for (size_t i = 0; i < FAKE_HOST_FILES; i++)
		if (fake_host.own[i].name[0])
			read_tun(&f, &fake_host.own[i], files);
	return f;
}

static const struct tunnel_version *
find_on(const struct fake_tun *tun, const struct tunnel_files *files, const char *name)
{
	for (size_t i = 0; i < tun->planned_count; i++)
		if (strcmp(tun->planned[i].name, name) == 0)
			return tunnel_files_find(files, name, tun->planned[i].digest);
	return NULL;
}

const struct tunnel_version *in_force_find(const struct tunnel_files *files,
                                           const char *name)
{
	const struct fake_tun *own = fake_host_own(name);

	return find_on(own ? own : &fake_host.shared, files, name);
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

static bool is_up(const struct fake_tun *tun, const char *name)
{
	for (size_t i = 0; i < tun->file_count; i++)
		if (tun->files[i].name[0] == name[0])
			return true;
	return false;
}

/* One whose PostUp has failed goes again, but not if it has to carry another that has come
 * with it: it then stays as it is. */
void in_force_check_up(const struct in_force *f, const struct tunnel_files *files)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const char *name = files->v[i].name;
		bool up = false;

		up = is_up(&fake_host.shared, name);
		if (fake_host_own(name))
			up |= is_up(fake_host_own(name), name);
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

/* Has another tun. Then its hooks run again. */
static bool moves(const struct tunnel_version *from, const struct tunnel_version *to)
{
	const struct plan_env env = { .tun = "tun9" };

	return plan_tun_is_own(from->conf, &env) != plan_tun_is_own(to->conf, &env);
}

static bool has_prefix(const struct conf *c, const struct ip_prefix *wanted,
                       bool (*is)(const struct ip_prefix *a, const struct ip_prefix *b))
{
	for (size_t i = 0; i < c->peer_count; i++)
		for (size_t k = 0; k < c->peers[i].allowed_ips.n; k++)
			if (is(&c->peers[i].allowed_ips.v[k].prefix, wanted))
				return true;
	return false;
}

/* Has the file a prefix in force that it gives up, and that the other one has? */
static bool gives_up_to(const struct conf *now, const struct conf *disk,
                        const struct conf *other)
{
	for (size_t i = 0; i < now->peer_count; i++)
		for (size_t k = 0; k < now->peers[i].allowed_ips.n; k++) {
			const struct ip_prefix *p =
				&now->peers[i].allowed_ips.v[k].prefix;

			if (has_prefix(other, p, ip_prefix_overlaps) &&
			    !(disk && has_prefix(disk, p, ip_prefix_covers)))
				return true;
		}
	return false;
}

static const struct conf *conf_of(const struct tunnel_version *v)
{
	return v ? v->conf : NULL;
}

static bool is_same(const struct tunnel_version *now, const struct tunnel_version *disk,
                    const char *name, const struct tunnel_files *files)
{
	const struct tunnel_version *v =
		tunnel_files_find(files, name, disk->conf->file.digest);

	return now && v && now->id == v->id;
}

/* Is there a file that doesn't come into force as it is on the disk, and that has a prefix there
 * which this one gives up? */
static bool is_held_back(const struct in_force *f, const struct tunnel_files *files,
                         const struct conf *now, const struct conf *disk)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const struct tunnel_version *refused = files->v[i].on_disk;

		if (!refused || (f->v[i] && f->v[i]->conf == now) ||
		    is_same(f->v[i], refused, files->v[i].name, files))
			continue;
		if (gives_up_to(now, disk, refused->conf))
			return true;
	}
	return false;
}

/* Whether a file could come can't be told then: one that is held back may have its port, or be its
 * carrier. */
static bool any_is_held_back(const struct in_force *f, const struct tunnel_files *files)
{
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const struct tunnel_version *disk = files->v[i].on_disk;

		if (!f->v[i] || files->v[i].bad ||
		    (disk && is_same(f->v[i], disk, files->v[i].name, files)))
			continue;
		if (is_held_back(f, files, f->v[i]->conf, conf_of(disk)))
			return true;
	}
	return false;
}

/* What is on the disk is in force, or there is a reason. */
void in_force_check(const struct in_force *f, const struct tunnel_files *files,
                    bool (*port_is_taken)(const struct tunnel_version *v,
                                          const struct answers *a),
                    const struct answers *a)
{
	if (any_is_held_back(f, files))
		return;
	for (size_t i = 0; i < TUNNEL_FILES; i++) {
		const struct tunnel_file *file = &files->v[i];
		const struct tunnel_version *now = f->v[i], *disk = file->on_disk;
		struct in_force other = *f;

		if (disk)
			disk = tunnel_files_find(files, file->name,
			                         disk->conf->file.digest);
		if (file->bad || (now && disk && now->id == disk->id) || now == disk)
			continue;
		if (disk && disk->hooks_fail && (!now || moves(now, disk)))
			continue;
		if (port_is_taken(disk, a))
			continue;
		other.v[i] = disk;
		tell("%s is not in force as it is on the disk", file->name);
		REQUIRE(!can_come(&other, files));
	}
}
