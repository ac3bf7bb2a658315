/* tests/integration/faults.c */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>

static struct {
	bool armed, kills;
	unsigned count, nth;
	const char *failed;
} faults;

void faults_arm(unsigned nth)
{
	faults.armed = true;
	faults.kills = false;
	faults.count = 0;
	faults.nth = nth;
	faults.failed = NULL;
}

void faults_arm_kill(unsigned nth)
{
	faults_arm(nth);
	faults.kills = true;
}

unsigned faults_disarm(const char **failed)
{
	faults.armed = false;
	*failed = faults.failed;
	return faults.count;
}

static bool fails(const char *name, int error)
{
	if (!faults.armed || ++faults.count != faults.nth)
		return false;
	if (faults.kills)
		raise(SIGKILL);
	faults.failed = name;
	errno = error;
	return true;
}

/* The linker gives these names to the real functions and to those that replace them. */
ssize_t __real_sendto(int fd, const void *bytes, size_t n, int flags,
                      const struct sockaddr *to, socklen_t to_bytes);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t n, int flags,
                      const struct sockaddr *to, socklen_t to_bytes);
ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_posix_spawn(pid_t *pid, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const *argv,
                       char *const *env);
int __wrap_posix_spawn(pid_t *pid, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const *argv,
                       char *const *env);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);

ssize_t __wrap_sendto(int fd, const void *bytes, size_t n, int flags,
                      const struct sockaddr *to, socklen_t to_bytes)
{
	return fails("sendto", ENOBUFS)
	               ? -1
	               : __real_sendto(fd, bytes, n, flags, to, to_bytes);
}

/* The kernel has done what was sent to it, but we don't get to know that. */
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	return fails("recvmsg", ENOBUFS) ? -1 : __real_recvmsg(fd, m, flags);
}

int __wrap_rename(const char *from, const char *to)
{
	return fails("rename", EROFS) ? -1 : __real_rename(from, to);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	unsigned mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;
	va_end(args);
	return fails("open", EACCES) ? -1 : __real_open(path, flags, mode);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	return fails("ioctl", EPERM) ? -1 : __real_ioctl(fd, request, arg);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
	return fails("memfd_create", EMFILE) ? -1 : __real_memfd_create(name, flags);
}

int __wrap_posix_spawn(pid_t *pid, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const *argv, char *const *env)
{
	return fails("posix_spawn", EAGAIN)
	               ? EAGAIN
	               : __real_posix_spawn(pid, path, actions, attr, argv, env);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails("calloc", ENOMEM) ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails("reallocarray", ENOMEM) ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails("strdup", ENOMEM) ? NULL : __real_strdup(text);
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
	return fails("open_memstream", ENOMEM) ? NULL : __real_open_memstream(text, size);
}
