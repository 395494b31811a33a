/* libvirt_host.c - the connection and its event thread. Not domains
 * (libvirt_domain.c), not their XML (model/guest_spec.h), not the embedded
 * driver's folder (embed_root.h).
 *
 * libvirt's event loop runs in a thread of its own, started before the
 * connection is opened (the embedded driver needs it for its very start). Its
 * callbacks only put events into a queue and raise an eventfd.
 */
#include "libvirt_private.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "clock.h"
#include "files.h"
#include "libvirt_user.h"
#include "memory.h"
#include "process.h"
#include "supervisor.h"

#define EMULATOR "qemu-system-x86_64"
#define GUEST_EXEC "kerngate-guest-exec"
#define TICK_MS 500               /* the loop wakes at least that often */
#define STOP_SECONDS 3           /* libvirt's own cleaning after a guest */
#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 6

/* --- errors -------------------------------------------------------------------- */

static void ignore_error(void *context, virErrorPtr error)
{
	(void)context;
	(void)error; /* every failure is reported through struct error */
}

int libvirt_failed(struct error *err, const char *what)
{
	const virError *last = virGetLastError();

	return error_set(err, -EIO, "libvirt: cannot %s: %s", what,
			 last && last->message ? last->message :
						 "no reason given");
}

/* --- events ------------------------------------------------------------------------ */

void libvirt_queue_event(struct libvirt_host *host, const char *uuid,
			 enum domain_event_kind kind)
{
	struct queued_event *item = memory_alloc(sizeof(*item));
	uint64_t one = 1;

	item->event.kind = kind;
	item->event.at_ns = clock_monotonic_ns();
	strncpy(item->event.uuid, uuid, sizeof(item->event.uuid) - 1);
	pthread_mutex_lock(&host->lock);
	if (host->last)
		host->last->next = item;
	else
		host->first = item;
	host->last = item;
	pthread_mutex_unlock(&host->lock);
	(void)!write(host->event_fd, &one, sizeof(one));
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain,
			int event, int detail, void *context)
{
	enum domain_event_kind kind = DOMAIN_STOPPED;
	struct libvirt_host *host = context;
	char uuid[VIR_UUID_STRING_BUFLEN];

	(void)connection;
	if (event == VIR_DOMAIN_EVENT_CRASHED)
		kind = DOMAIN_CRASHED;
	else if (event != VIR_DOMAIN_EVENT_STOPPED)
		return 0;
	else if (detail == VIR_DOMAIN_EVENT_STOPPED_DESTROYED)
		kind = DOMAIN_DESTROYED;
	else if (detail == VIR_DOMAIN_EVENT_STOPPED_FAILED)
		kind = DOMAIN_FAILED;
	if (virDomainGetUUIDString(domain, uuid) == 0)
		libvirt_queue_event(host, uuid, kind);
	if (kind == DOMAIN_CRASHED)
		return 0;
	pthread_mutex_lock(&host->lock);
	if (host->unstopped_count)
		host->unstopped_count--;
	pthread_cond_signal(&host->stopped);
	pthread_mutex_unlock(&host->lock);
	return 0;
}

bool libvirt_host_next_event(struct libvirt_host *host, struct domain_event *ret)
{
	struct queued_event *item;
	uint64_t count;

	pthread_mutex_lock(&host->lock);
	item = host->first;
	if (item)
		host->first = item->next;
	if (!host->first)
		host->last = NULL;
	if (!item)
		(void)!read(host->event_fd, &count, sizeof(count));
	pthread_mutex_unlock(&host->lock);
	if (!item)
		return false;
	*ret = item->event;
	free(item);
	return true;
}

int libvirt_host_event_fd(const struct libvirt_host *host)
{
	return host->event_fd;
}

static void on_tick(int timer, void *context)
{
	(void)timer;
	(void)context;
}

static void *run_events(void *context)
{
	struct libvirt_host *host = context;

	while (!atomic_load(&host->stopping))
		(void)virEventRunDefaultImpl();
	return NULL;
}

static int start_events(struct libvirt_host *host, struct error *err)
{
	static bool is_registered; /* once in a process */
	int code;

	if (!is_registered && virEventRegisterDefaultImpl() < 0)
		return libvirt_failed(err, "start its event loop");
	is_registered = true;
	host->tick_id = virEventAddTimeout(TICK_MS, on_tick, NULL, NULL);
	if (host->tick_id < 0)
		return libvirt_failed(err, "add a timer");
	code = -pthread_create(&host->thread, NULL, run_events, host);
	if (code < 0)
		return error_set_errno(err, code, "cannot start a thread for "
				       "libvirt's events");
	host->thread_runs = true;
	return 0;
}

static void stop_events(struct libvirt_host *host)
{
	if (host->thread_runs) {
		atomic_store(&host->stopping, true);
		virEventUpdateTimeout(host->tick_id, 0);
		pthread_join(host->thread, NULL);
	}
}

/* --- opening ------------------------------------------------------------------------ */

/* Beside our program, or in the folder above it (the tests' builds). Owned. */
static char *find_guest_exec(void)
{
	char program[4096] = "";
	cleanup_free char *folder = NULL;
	cleanup_free char *above = NULL;
	char *path;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return NULL;
	folder = path_folder(program);
	path = path_join(folder, GUEST_EXEC);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	above = path_folder(folder);
	path = path_join(above, GUEST_EXEC);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* Below a supervisor guests go through kerngate-guest-exec; without one (some
 * tests) there is nobody they could die with. */
static int choose_emulator(struct libvirt_host *host, struct error *err)
{
	cleanup_free char *qemu = process_find_program(EMULATOR);

	if (!qemu)
		return error_set(err, -ENOENT, "%s is not installed (Debian: "
				 "qemu-system-x86)", EMULATOR);
	if (supervisor_pid() > 0) {
		host->emulator = find_guest_exec();
		if (!host->emulator)
			return error_set(err, -ENOENT, GUEST_EXEC " is missing "
					 "beside the program: run make build");
	}
	if (!host->emulator)
		host->emulator = take_pointer(qemu);
	return 0;
}

/* libvirt takes its embedded driver's folder once in the life of a process: opened
 * again, the driver must find the same one. So it stays until the process ends. */
static struct embed_root *process_root;
static pid_t process_root_owner;

static void remove_process_root(void)
{
	if (getpid() != process_root_owner)
		return;
	embed_root_remove(process_root);
	process_root = NULL;
}

static int take_process_root(const char *version, const char *emulator, struct error *err)
{
	int code = process_root ? 0 :
		   embed_root_create(version, emulator, &process_root, err);

	if (code == 0 && process_root_owner != getpid()) {
		process_root_owner = getpid();
		(void)atexit(remove_process_root);
	}
	return code;
}

static int prepare_embedded(struct libvirt_host *host, char **ret_uri,
			    struct error *err)
{
	cleanup_free char *version = NULL;
	unsigned long number = 0;
	int code;

	libvirt_user_link();
	(void)virGetVersion(&number, NULL, NULL);
	version = string_format("%lu", number);
	code = choose_emulator(host, err);
	if (code == 0)
		code = take_process_root(version, host->emulator, err);
	if (code < 0)
		return code;
	host->root = process_root;
	*ret_uri = string_format("qemu:///embed?root=%s",
				 embed_root_path(host->root));
	return 0;
}

static int set_log(const char *state_dir, struct error *err)
{
	static bool is_ours;
	cleanup_free char *outputs = NULL;
	int code = folder_make(state_dir);

	if (code < 0)
		return error_set_errno(err, code, "%s: cannot make the folder",
				       state_dir);
	/* 3: warnings and errors. A setting of the user's stands. libvirt opens it again
	 * for every guest, so an earlier one of ours, whose folder is gone, must not. */
	outputs = string_format("3:file:%s/libvirt.log", state_dir);
	is_ours = is_ours || !getenv("LIBVIRT_LOG_OUTPUTS");
	if (is_ours)
		(void)setenv("LIBVIRT_LOG_OUTPUTS", outputs, 1);
	return 0;
}

static int connect_to(struct libvirt_host *host, const char *uri,
		      struct error *err)
{
	host->connection = virConnectOpen(uri);
	if (!host->connection)
		return libvirt_failed(err, "connect");
	host->lifecycle_id = virConnectDomainEventRegisterAny(
		host->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), host, NULL);
	if (host->lifecycle_id < 0)
		return libvirt_failed(err, "follow the domains' events");
	/* A remote host that went away must not block a call for ever. Drivers
	 * without a connection refuse it. */
	if (!host->root)
		(void)virConnectSetKeepAlive(host->connection,
					     KEEPALIVE_SECONDS,
					     KEEPALIVE_COUNT);
	return 0;
}

int libvirt_host_open(const char *uri, const char *state_dir,
		      struct libvirt_host **ret_host, struct error *err)
{
	struct libvirt_host *host = memory_alloc(sizeof(*host));
	cleanup_free char *embedded = NULL;
	int code;

	host->lifecycle_id = host->tick_id = -1;
	pthread_mutex_init(&host->lock, NULL);
	pthread_cond_init(&host->stopped, NULL);
	host->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	host->autodestroy = strcmp(uri, "embed") != 0;
	code = host->event_fd < 0 ?
		error_set_errno(err, -errno, "cannot make an eventfd") : 0;
	if (code == 0)
		code = set_log(state_dir, err);
	virSetErrorFunc(NULL, ignore_error);
	if (code == 0 && virInitialize() < 0)
		code = libvirt_failed(err, "start");
	if (code == 0 && strcmp(uri, "embed") == 0)
		code = prepare_embedded(host, &embedded, err);
	if (code == 0)
		code = start_events(host, err);
	if (code == 0)
		code = connect_to(host, embedded ? embedded : uri, err);
	if (code < 0) {
		libvirt_host_close(host);
		return error_prefix(err, "%s", uri);
	}
	*ret_host = host;
	return 0;
}

/* A guest whose process has ended keeps libvirt busy for a moment; its folder
 * must not go from under it. All domains of an embedded host are ours. */
static void wait_until_stopped(struct libvirt_host *host)
{
	struct timespec until;

	if (!host->root)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SECONDS;
	pthread_mutex_lock(&host->lock);
	while (host->unstopped_count &&
	       pthread_cond_timedwait(&host->stopped, &host->lock, &until) == 0)
		;
	pthread_mutex_unlock(&host->lock);
}

void libvirt_host_close(struct libvirt_host *host)
{
	struct domain_event event;

	if (!host)
		return;
	for (struct domain *domain = host->domains; domain; domain = domain->next)
		domain_destroy(domain);
	while (host->domains)
		domain_free(host->domains);
	wait_until_stopped(host);
	if (host->lifecycle_id >= 0)
		(void)virConnectDomainEventDeregisterAny(host->connection,
							 host->lifecycle_id);
	if (host->connection)
		(void)virConnectClose(host->connection);
	stop_events(host);
	libvirt_drop_watches(host);
	if (host->event_fd >= 0) {
		while (libvirt_host_next_event(host, &event))
			;
		close(host->event_fd);
	}
	pthread_cond_destroy(&host->stopped);
	pthread_mutex_destroy(&host->lock);
	free(host->emulator);
	free(host);
}

/* --- questions --------------------------------------------------------------------------- */

static void add_version(char *text, size_t size, const char *name,
			unsigned long number)
{
	snprintf(text, size, "%s %lu.%lu.%lu", name, number / 1000000,
		 number / 1000 % 1000, number % 1000);
}

/* From the program itself: libvirt would probe its default emulator for it,
 * which takes a second and need not be the one that guests run in. Owned. */
static char *emulator_version(void)
{
	static const char *const argv[] = { EMULATOR, "--version", NULL };
	const struct process_options options = { .capture = true,
						 .timeout_ns = 5 * NS_PER_SECOND };
	cleanup_free char *text = NULL;
	struct error ignored = ERROR_INIT;
	const char *start;

	if (process_run(argv, &options, &text, &ignored) < 0)
		return NULL;
	start = strstr(text, "version ");
	if (!start)
		return NULL;
	start += strlen("version ");
	return string_format("QEMU %.*s", (int)strcspn(start, " \n"), start);
}

/* "QEMU 7.2.22" by the driver; owned or NULL. */
static char *driver_version(struct libvirt_host *host)
{
	const char *type = virConnectGetType(host->connection);
	unsigned long number = 0;
	char text[64];

	if (!type || virConnectGetVersion(host->connection, &number) < 0)
		return NULL;
	add_version(text, sizeof(text), type, number);
	return string_copy(text);
}

char *libvirt_host_version(struct libvirt_host *host)
{
	cleanup_free char *second = host->root ? emulator_version() :
						 driver_version(host);
	unsigned long library = 0;
	char first[64] = "libvirt";

	if (virConnectGetLibVersion(host->connection, &library) == 0)
		add_version(first, sizeof(first), "libvirt", library);
	return string_format("%s%s%s", first, second ? ", " : "",
			     second ? second : "");
}

/* Text between <tag> and </tag>; owned or NULL. */
static char *text_of_tag(const char *xml, const char *tag)
{
	cleanup_free char *open = string_format("<%s>", tag);
	const char *start = strstr(xml, open);
	const char *end;

	if (!start)
		return NULL;
	start += strlen(open);
	end = strchr(start, '<');
	return end ? string_copy_n(start, (size_t)(end - start)) : NULL;
}

char *libvirt_host_emulator(struct libvirt_host *host)
{
	char *xml, *path = NULL;

	if (host->emulator)
		return string_copy(host->emulator);
	xml = virConnectGetDomainCapabilities(host->connection, NULL, "x86_64",
					      NULL, NULL, 0);
	if (xml)
		path = text_of_tag(xml, "path");
	free(xml);
	return path ? path : string_copy("/usr/bin/" EMULATOR);
}
