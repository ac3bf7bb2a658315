/* src/host/valid_mark.c - all instances of a network namespace share this setting */
#include "host/valid_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH "/proc/sys/net/ipv4/conf/all/src_valid_mark"

static MUST_CHECK int read_value(void)
{
	FILE *in = fopen(PATH, "re");
	int value, err;

	if (!in)
		return -errno;
	err = fscanf(in, "%d", &value) == 1 ? value != 0 : -EIO;
	fclose(in);
	return err;
}

static MUST_CHECK int write_value(int value)
{
	int fd = open(PATH, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value ? "1\n" : "0\n", 2) != 2)
		err = -errno;
	close(fd);
	return err;
}

int valid_mark_set(struct journal *j, struct diag *diag)
{
	int value = read_value(), err;

	if (j->src_valid_mark)
		return 0;
	/* the user has set it, so we must not reset it */
	if (value == 1 && !journal_mark_is_needed_elsewhere(j))
		return 0;
	j->src_valid_mark = true;
	err = journal_save(j, diag);
	if (err < 0) {
		j->src_valid_mark = false;
		return err;
	}
	if (value == 1)
		return 0;
	err = value < 0 ? value : write_value(1);
	if (err == 0)
		return 0;
	j->src_valid_mark = false;
	diag_warning(
		diag, NULL, 0,
		"net.ipv4.conf.all.src_valid_mark cannot be set to 1: %s; a strict reverse path filter will drop answers",
		strerror(-err));
	return journal_save(j, diag);
}

void valid_mark_restore(struct journal *j, struct diag *diag)
{
	int err;

	if (!j->src_valid_mark)
		return;
	err = journal_mark_is_needed_elsewhere(j) ? 0 : write_value(0);
	j->src_valid_mark = err < 0;
	if (err < 0)
		diag_warning(
			diag, NULL, 0,
			"net.ipv4.conf.all.src_valid_mark cannot be set back to 0: %s",
			strerror(-err));
}
