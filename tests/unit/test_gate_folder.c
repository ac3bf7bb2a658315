#include "gate/gate_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/key.h"
#include "unit.h"

static char dir[32], path[64];
static struct diag diag;

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tunion.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a/b/state", dir);
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	diag_clear(&diag);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(all_folders_are_made_for_us_alone)
{
	struct gate_folder f;
	char name[128];

	begin();
	umask(0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), -ENOENT);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), 0);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(mode_of(path), 0700);
	snprintf(name, sizeof(name), "%s/a", dir);
	ck_assert_uint_eq(mode_of(name), 0700);
	snprintf(name, sizeof(name), "%s/clients", path);
	ck_assert_uint_eq(mode_of(name), 0700);
	gate_folder_close(&f);
	end();
}
END_TEST

/* Also what is inside it. */
START_TEST(a_folder_that_others_can_write_is_refused)
{
	struct gate_folder f;
	char clients[128];

	begin();
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(chmod(path, 0720), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), -EPERM);
	ck_assert_int_eq(chmod(path, 0702), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), -EPERM);
	ck_assert_int_eq(chmod(path, 0755), 0); /* its files are for us alone */
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), 0);
	gate_folder_close(&f);
	snprintf(clients, sizeof(clients), "%s/clients", path);
	ck_assert_int_eq(chmod(clients, 0777), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), -EPERM);
	ck_assert_uint_eq(diag.errors, 3);
	ck_assert_str_eq(diag.entries[2].file, clients);
	end();
}
END_TEST

START_TEST(only_one_has_it)
{
	struct gate_folder f, g;

	begin();
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), 0);
	ck_assert_int_eq(gate_folder_open(&g, path, &diag), 0);
	ck_assert_int_eq(gate_folder_lock(&f, &diag), 0);
	ck_assert_int_eq(gate_folder_lock(&g, &diag), -EWOULDBLOCK);
	ck_assert_uint_eq(diag.errors, 1);
	gate_folder_close(&f);
	ck_assert_int_eq(gate_folder_lock(&g, &diag), 0);
	gate_folder_close(&g);
	end();
}
END_TEST

START_TEST(a_file_is_written_whole_and_for_us_alone)
{
	uint8_t key[KEY_BYTES] = { 8 }, other[KEY_BYTES] = { 16 };
	struct gate_file file = { "# a\n", key, "MTU = 1\n" };
	struct gate_folder f;
	char name[GATE_FOLDER_PATH_MAX], text[256] = "";
	FILE *in;

	begin();
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), 0);
	ck_assert(!gate_file_is(f.fd, "gate.conf", &file));
	ck_assert_int_eq(gate_folder_write_conf(&f, &file, &diag), 0);
	ck_assert(gate_file_is(f.fd, "gate.conf", &file));
	ck_assert_uint_eq(mode_of(gate_folder_conf(&f, name)), 0600);
	in = fopen(name, "r");
	ck_assert_ptr_nonnull(in);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, in), 0);
	fclose(in);
	ck_assert_str_eq(
		text,
		"# a\n[Interface]\nPrivateKey = CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nMTU = 1\n");
	file.private_key = other;
	ck_assert(!gate_file_is(f.fd, "gate.conf", &file));
	file.private_key = key;
	file.rest = "MTU = 1\n ";
	ck_assert(!gate_file_is(f.fd, "gate.conf", &file));
	file.rest = "MTU = 1";
	ck_assert(!gate_file_is(f.fd, "gate.conf", &file));
	/* what a killed one has left is no obstacle */
	ck_assert_int_eq(mknodat(f.fd, ".gate.conf.tmp", S_IFREG | 0644, 0), 0);
	ck_assert_int_eq(gate_folder_write_conf(&f, &file, &diag), 0);
	ck_assert(gate_file_is(f.fd, "gate.conf", &file));
	ck_assert_uint_eq(mode_of(name), 0600);
	ck_assert_int_eq(faccessat(f.fd, ".gate.conf.tmp", F_OK, 0), -1);
	gate_folder_close(&f);
	end();
}
END_TEST

START_TEST(clients_are_files_with_the_name_of_a_device)
{
	static const char *const names[] = { "b.conf",   ".a.conf",
		                             "a.conf",   "c.conf~",
		                             "a b.conf", ".conf",
		                             "d",        "0123456789012345.conf" };
	struct gate_folder f;
	struct gate_names found;

	begin();
	ck_assert_int_eq(gate_folder_make(path, &diag), 0);
	ck_assert_int_eq(gate_folder_open(&f, path, &diag), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(mknodat(f.clients_fd, names[i], S_IFREG | 0600, 0), 0);
	ck_assert_int_eq(gate_folder_clients(&f, &found), 0);
	ck_assert_uint_eq(found.n, 2);
	ck_assert_str_eq(found.v[0], "a");
	ck_assert_str_eq(found.v[1], "b");
	ck_assert_int_eq(gate_names_add(&found, "b", 1), 0);
	ck_assert_uint_eq(found.n, 2);
	gate_names_clear(&found);
	gate_folder_close(&f);
	end();
}
END_TEST

TCase *unit_tests(void)
{
	TCase *tc = tcase_create("gate/gate_folder");

	tcase_add_test(tc, all_folders_are_made_for_us_alone);
	tcase_add_test(tc, a_folder_that_others_can_write_is_refused);
	tcase_add_test(tc, only_one_has_it);
	tcase_add_test(tc, a_file_is_written_whole_and_for_us_alone);
	tcase_add_test(tc, clients_are_files_with_the_name_of_a_device);
	return tc;
}
