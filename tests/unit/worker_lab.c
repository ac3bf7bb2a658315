/* tests/unit/worker_lab.c */
#include "worker_lab.h"

#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "crypto/aead.h"

static void fill_random(void *context, void *bytes, size_t n)
{
	(void)context;
	randombytes_buf(bytes, n);
}

static uint64_t wall_clock_ns(void *context)
{
	(void)context;
	return loop_wall_clock_ns();
}

void worker_lab_begin(struct worker_lab *lab)
{
	struct engine_env env = { .rng = { fill_random, NULL },
		                  .log = &lab->log,
		                  .wall_clock_ns = wall_clock_ns };
	int fds[2];

	*lab = (struct worker_lab){ 0 };
	ck_assert_int_ge(sodium_init(), 0);
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&lab->channel, fds[0]), 0);
	ck_assert_int_eq(channel_init(&lab->supervisor, fds[1]), 0);
	lab->report.channel = &lab->channel;
	lab->log = (struct log){ LOG_LEVEL_WARN, report_log, &lab->report };
	env.aead = aead_choose(NULL);
	ck_assert_int_eq(loop_new(&lab->loop), 0);
	ck_assert_int_eq(buffers_new(&lab->buffers), 0);
	ck_assert_int_eq(udp_scratch_new(&lab->scratch, lab->buffers, true), 0);
	ck_assert_int_eq(engine_new(&lab->engine, &env), 0);
	lab->tun = (struct worker_tun){ .loop = lab->loop,
		                        .buffers = lab->buffers,
		                        .engine = lab->engine,
		                        .report = &lab->report };
	lab->devices = (struct worker_devices){ .loop = lab->loop,
		                                .engine = lab->engine,
		                                .buffers = lab->buffers,
		                                .scratch = lab->scratch,
		                                .log = &lab->log,
		                                .report = &lab->report,
		                                .now_ns = loop_now_ns() };
	worker_device_init(&lab->devices);
	lab->outside = (struct worker_outside){ .loop = lab->loop,
		                                .engine = lab->engine,
		                                .report = &lab->report,
		                                .relays.loop = lab->loop };
	lab->requests =
		(struct worker_requests){ &lab->devices, &lab->tun,      &lab->report,
		                          &lab->sandbox, &lab->stand_in, &lab->outside };
}

void worker_lab_end(struct worker_lab *lab)
{
	ck_assert(!lab->report.failed);
	worker_outside_clear(&lab->outside);
	worker_device_clear(&lab->devices);
	engine_free(lab->engine);
	worker_tun_clear(&lab->tun);
	udp_scratch_free(lab->scratch);
	buffers_free(lab->buffers);
	loop_free(lab->loop);
	channel_clear(&lab->channel);
	channel_clear(&lab->supervisor);
}

void worker_lab_run(struct worker_lab *lab)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_wait(lab->loop, loop_now_ns()), 0);
}

void worker_lab_expect(struct worker_lab *lab, enum command_type type,
                       struct command *out)
{
	ck_assert_int_eq(channel_write(&lab->channel), 0);
	ck_assert_int_eq(command_next(&lab->supervisor, out), 1);
	ck_assert_str_eq(command_type_name(out->type), command_type_name(type));
}

bool worker_lab_silent(struct worker_lab *lab)
{
	struct command m;
	int got;

	ck_assert_int_eq(channel_write(&lab->channel), 0);
	got = command_next(&lab->supervisor, &m);
	command_clear(&m);
	return got == 0;
}

int worker_lab_ask(struct worker_lab *lab, struct command *m)
{
	struct command reply;
	int result;

	ck_assert(worker_requests_handle(&lab->requests, m));
	worker_lab_expect(lab, COMMAND_REPLY, &reply);
	ck_assert_int_eq(reply.request, m->type);
	ck_assert_str_eq(reply.name, m->name);
	result = reply.result;
	for (size_t i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	return result;
}

int worker_lab_ask_name(struct worker_lab *lab, enum command_type type, const char *name)
{
	struct command m = command_of(type, name);

	return worker_lab_ask(lab, &m);
}

void worker_lab_uapi_piece(struct worker_lab *lab, const char *name, const char *text)
{
	struct command m = command_of(COMMAND_DEVICE_UAPI, name);

	m.text = text;
	m.text_bytes = strlen(text);
	ck_assert(worker_requests_handle(&lab->requests, &m));
}

int worker_lab_uapi(struct worker_lab *lab, const char *name, const char *text)
{
	struct command m = command_of(COMMAND_DEVICE_UAPI, name);

	m.text = text;
	m.text_bytes = strlen(text);
	return worker_lab_ask(lab, &m);
}

int worker_lab_listen(struct sockaddr_un *address, socklen_t *address_len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*address_len = sizeof(*address);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, address_len), 0);
	return fd;
}

void worker_lab_device(struct worker_lab *lab, const char *name,
                       struct sockaddr_un *address, socklen_t *address_len)
{
	struct command m = command_of(COMMAND_DEVICE_ADD, name);

	m.fds[0] = worker_lab_listen(address, address_len);
	m.fd_count = 1;
	ck_assert_int_eq(worker_lab_ask(lab, &m), 0);
}

int worker_lab_client(const struct sockaddr_un *address, socklen_t address_len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, address_len), 0);
	return fd;
}

bool worker_lab_closed(int other)
{
	struct pollfd p = { .fd = other, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}
