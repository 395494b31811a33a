/* fleet.c - several guests at once on CPUs of their own: waits for all of them
 * with one poll, hands events to the right one, gives back what is done. What a
 * single guest does is fleet_guest.c's; which job comes next is the caller's.
 */
#include "fleet.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fleet_guest.h"
#include "fleet_pins.h"
#include "guest_link.h"
#include "host_info.h"
#include "host_topology.h"
#include "memory.h"

/* A guest writes its console byte by byte; looking at each would take the CPU
 * that is being measured. Times of fleet_done are right to this. */
#define PUMP_INTERVAL_NS (5 * NS_PER_MS)
#define CONSOLE_MAX_BYTES (UINT64_C(4) << 20)
/* How long a start waits for libvirt's last word on a guest of the same name. */
#define LINGER_NS (3 * NS_PER_SECOND)

struct lingering {                  /* over, but libvirt has not said so yet */
	char uuid[37];
	struct lingering *next;
};

struct fleet {
	struct libvirt_host *host;  /* owned */
	struct guest_link *link;    /* owned */
	char *version, *emulator;   /* owned */
	enum accelerator accelerator;
	int wake_fd;                /* of guests' threads: look at them */
	uint64_t console_max_bytes;
	struct pin_map pins;
	uint32_t *emulator_cpus;    /* owned */
	uint32_t emulator_cpus_count;
	struct fleet_guest **guests; /* owned; guests_count of pins.count */
	uint32_t guests_count;
	struct lingering *lingering; /* owned */
	uint64_t pumped_ns;
};

/* --- interrupts -------------------------------------------------------------------- */

static atomic_bool interrupted;
static atomic_int interrupt_fd = -1;

void fleet_interrupt(void)
{
	int saved_errno = errno;
	int fd = atomic_load(&interrupt_fd);
	uint64_t one = 1;

	atomic_store(&interrupted, true);
	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
	errno = saved_errno;
}

bool fleet_is_interrupted(void)
{
	return atomic_load(&interrupted);
}

static int open_interrupt(struct error *err)
{
	int fd;

	if (atomic_load(&interrupt_fd) >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return error_set_errno(err, -errno, "cannot make an eventfd");
	/* Stays open for good: a signal handler may hold it at any time. */
	atomic_store(&interrupt_fd, fd);
	return 0;
}

/* --- CPUs ---------------------------------------------------------------------------- */

static void take_cpus(struct fleet *fleet, const struct fleet_options *options)
{
	cleanup_free struct host_cpu *cpus = memory_alloc_array(options->cpus_count + 1,
								sizeof(*cpus));
	uint32_t count = options->emulator_cpus_count;

	host_topology_read("/sys", options->cpus, options->cpus_count, cpus);
	pin_map_init(&fleet->pins, cpus, options->cpus_count);
	fleet->emulator_cpus = memory_alloc_array(count + 1, sizeof(*fleet->emulator_cpus));
	if (count)
		memcpy(fleet->emulator_cpus, options->emulator_cpus, count * sizeof(uint32_t));
	fleet->emulator_cpus_count = count;
}

/* --- opening ------------------------------------------------------------------------- */

int fleet_open(const struct fleet_options *options, struct fleet **ret_fleet,
	       struct error *err)
{
	struct fleet *fleet = memory_alloc(sizeof(*fleet));
	int code;

	fleet->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fleet->accelerator = options->accelerator;
	fleet->console_max_bytes = options->console_max_bytes ?
		options->console_max_bytes : CONSOLE_MAX_BYTES;
	take_cpus(fleet, options);
	fleet->guests = memory_alloc_array(options->cpus_count,
					   sizeof(struct fleet_guest *));
	code = fleet->wake_fd < 0 ?
		error_set_errno(err, -errno, "cannot make an eventfd") : open_interrupt(err);
	if (code == 0)
		code = guest_link_open(&fleet->link, err);
	if (code == 0)
		code = libvirt_host_open(options->uri, options->state_dir,
					 &fleet->host, err);
	if (code < 0) {
		fleet_close(fleet);
		return code;
	}
	host_info_count_all_guests(strcmp(options->uri, "embed") != 0);
	fleet->version = libvirt_host_version(fleet->host);
	fleet->emulator = libvirt_host_emulator(fleet->host);
	*ret_fleet = fleet;
	return 0;
}

static void remove_guest(struct fleet *fleet, uint32_t index)
{
	struct fleet_guest *guest = fleet->guests[index];

	fleet->guests[index] = fleet->guests[--fleet->guests_count];
	pin_map_give(&fleet->pins, fleet_guest_pins(guest),
		     fleet_guest_cpus_count(fleet_guest_job(guest)));
	fleet_guest_free(guest);
}

static void drop_guests(struct fleet *fleet)
{
	while (fleet->guests_count)
		remove_guest(fleet, fleet->guests_count - 1);
}

void fleet_close(struct fleet *fleet)
{
	if (!fleet)
		return;
	drop_guests(fleet);
	while (fleet->lingering) {
		struct lingering *item = fleet->lingering;

		fleet->lingering = item->next;
		free(item);
	}
	libvirt_host_close(fleet->host);
	guest_link_close(fleet->link);
	cleanup_close_fd_(&fleet->wake_fd);
	pin_map_release(&fleet->pins);
	free(fleet->emulator_cpus);
	free(fleet->guests);
	free(fleet->version);
	free(fleet->emulator);
	free(fleet);
}

const char *fleet_version(const struct fleet *fleet)
{
	return fleet->version;
}

/* The shape as far as host CPUs go; borrows from guest. */
static struct guest_spec cpu_shape(const struct guest_spec *guest, enum run_mode mode)
{
	struct guest_spec shape = *guest;

	if (mode == MODE_EXACT) {
		shape.vcpus_count = 1;
		shape.host_cpus_count = 0;
		shape.cells_count = 0;
	}
	return shape;
}

static struct guest_spec job_cpu_shape(const struct fleet_job *job)
{
	return cpu_shape(job->guest, job->exact ? MODE_EXACT : MODE_TIMED);
}

bool fleet_has_room(const struct fleet *fleet, const struct guest_spec *guest,
		    enum run_mode mode)
{
	const struct guest_spec shape = cpu_shape(guest, mode);

	return pin_map_has_room(&fleet->pins, &shape);
}

uint32_t fleet_running_count(const struct fleet *fleet)
{
	return fleet->guests_count;
}

/* --- events ---------------------------------------------------------------------------- */

static bool is_last_word(enum domain_event_kind kind)
{
	return kind == DOMAIN_STOPPED || kind == DOMAIN_DESTROYED ||
	       kind == DOMAIN_FAILED;
}

/* Whether the event belongs to a guest that is over; it then is forgotten. */
static bool take_lingering(struct fleet *fleet, const struct domain_event *event)
{
	struct lingering **at = &fleet->lingering;

	while (*at && strcmp((*at)->uuid, event->uuid) != 0)
		at = &(*at)->next;
	if (!*at)
		return false;
	if (is_last_word(event->kind)) {
		struct lingering *item = *at;

		*at = item->next;
		free(item);
	}
	return true;
}

static void add_lingering(struct fleet *fleet, const char *uuid)
{
	struct lingering *item = memory_alloc(sizeof(*item));

	memcpy(item->uuid, uuid, sizeof(item->uuid));
	item->next = fleet->lingering;
	fleet->lingering = item;
}

static bool lingers(const struct fleet *fleet, const char *uuid)
{
	const struct lingering *item = fleet->lingering;

	while (item && strcmp(item->uuid, uuid) != 0)
		item = item->next;
	return item != NULL;
}

static void take_events(struct fleet *fleet)
{
	struct domain_event event;

	while (libvirt_host_next_event(fleet->host, &event)) {
		if (take_lingering(fleet, &event))
			continue;
		for (uint32_t i = 0; i < fleet->guests_count; i++)
			if (strcmp(fleet_guest_uuid(fleet->guests[i]),
				   event.uuid) == 0)
				fleet_guest_event(fleet->guests[i], &event);
	}
}

/* Rounded up, so that the time has come when poll returns. */
static int poll_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t ms;

	if (until_ns <= now_ns)
		return 0;
	ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 3600000 ? (int)ms : 3600000;
}

static void wait_for_anything(const struct fleet *fleet, uint64_t until_ns)
{
	struct pollfd sources[] = {
		{ .fd = guest_link_fd(fleet->link), .events = POLLIN },
		{ .fd = libvirt_host_event_fd(fleet->host), .events = POLLIN },
		{ .fd = atomic_load(&interrupt_fd), .events = POLLIN },
		{ .fd = fleet->wake_fd, .events = POLLIN },
	};
	uint64_t pump_ns = fleet->pumped_ns + PUMP_INTERVAL_NS;

	/* First without the ports, until it is their turn again. */
	if (pump_ns > clock_monotonic_ns() &&
	    poll(sources + 1, 3, poll_ms(until_ns < pump_ns ? until_ns :
							      pump_ns)) != 0)
		return;
	(void)poll(sources, ARRAY_COUNT(sources), poll_ms(until_ns));
}

static int pump(struct fleet *fleet, struct error *err)
{
	fleet->pumped_ns = clock_monotonic_ns();
	return guest_link_pump(fleet->link, err);
}

/* --- jobs -------------------------------------------------------------------------------- */

/* A repeat of a job that has just ended: libvirt knows the old one for 0.2 s
 * more and would refuse the new. */
static void wait_for_lingering(struct fleet *fleet, const char *name)
{
	uint64_t until_ns = clock_monotonic_ns() + LINGER_NS;
	char uuid[37];

	fleet_uuid(name, uuid);
	while (lingers(fleet, uuid) && clock_monotonic_ns() < until_ns &&
	       !fleet_is_interrupted()) {
		struct pollfd events = {
			.fd = libvirt_host_event_fd(fleet->host),
			.events = POLLIN,
		};

		(void)poll(&events, 1, poll_ms(until_ns));
		take_events(fleet);
	}
}

static int check_job(const struct fleet *fleet, const struct fleet_job *job,
		     struct error *err)
{
	const struct guest_spec shape = job_cpu_shape(job);

	if (fleet_is_interrupted())
		return error_set(err, -EINTR, "interrupted");
	if (job->exact && fleet->accelerator != ACCELERATOR_TCG)
		return error_set(err, -EINVAL, "guest %s: exact mode needs the "
				 "emulator's instruction clock: accelerator tcg, not %s",
				 job->name, accelerator_name(fleet->accelerator));
	if (!pin_map_fits(&fleet->pins, &shape))
		return error_set(err, -EINVAL, "guest %s wants %u vCPUs, but "
				 "this host gives %u CPUs to guests (set "
				 "overcommit in the shape to allow it)",
				 job->guest->name ? job->guest->name : job->name,
				 job->guest->vcpus_count, fleet->pins.count);
	if (!pin_map_has_room(&fleet->pins, &shape))
		return error_set(err, -EAGAIN, "guest %s has to wait: all CPUs "
				 "are taken", job->name);
	for (uint32_t i = 0; i < fleet->guests_count; i++)
		if (strcmp(fleet_guest_job(fleet->guests[i])->name,
			   job->name) == 0)
			return error_set(err, -EEXIST, "guest %s runs already",
					 job->name);
	return 0;
}

/* libvirt takes 0.3 s to create a guest: in a thread, so that the ports of the
 * others are read and their times are right. */
struct creation {
	struct fleet_guest *guest;  /* borrowed */
	int done_fd;
	int code;
	struct error err;
};

static void *run_creation(void *context)
{
	struct creation *creation = context;
	uint64_t one = 1;

	creation->code = fleet_guest_create(creation->guest, &creation->err);
	(void)!write(creation->done_fd, &one, sizeof(one));
	return NULL;
}

static int follow_creation(struct fleet *fleet, int done_fd, struct error *err)
{
	struct pollfd sources[] = {
		{ .fd = done_fd, .events = POLLIN },
		{ .fd = guest_link_fd(fleet->link), .events = POLLIN },
		{ .fd = libvirt_host_event_fd(fleet->host), .events = POLLIN },
	};
	int code = 0;

	while (code == 0) {
		uint64_t pump_ns = fleet->pumped_ns + PUMP_INTERVAL_NS;

		(void)poll(sources, 1, poll_ms(pump_ns));
		if (sources[0].revents)
			break;
		(void)poll(sources, ARRAY_COUNT(sources), -1);
		take_events(fleet);
		code = pump(fleet, err);
	}
	return code;
}

static int create_guest(struct fleet *fleet, struct fleet_guest *guest,
			struct error *err)
{
	cleanup_close int done_fd = eventfd(0, EFD_CLOEXEC);
	struct creation creation = { .guest = guest, .done_fd = done_fd };
	pthread_t thread;
	int code;

	if (done_fd < 0)
		return error_set_errno(err, -errno, "cannot make an eventfd");
	code = -pthread_create(&thread, NULL, run_creation, &creation);
	if (code < 0)
		return error_set_errno(err, code, "cannot start a thread");
	code = follow_creation(fleet, done_fd, err);
	pthread_join(thread, NULL);
	if (creation.code < 0)
		return error_set(err, creation.code, "guest %s: %s",
				 fleet_guest_job(guest)->name,
				 creation.err.message);
	fleet_guest_created(guest);
	return code;
}

int fleet_start(struct fleet *fleet, const struct fleet_job *job,
		struct error *err)
{
	const struct fleet_place place = {
		.host = fleet->host,
		.link = fleet->link,
		.emulator = fleet->emulator,
		.version = fleet->version,
		.accelerator = fleet->accelerator,
		.console_max_bytes = fleet->console_max_bytes,
		.wake_fd = fleet->wake_fd,
		.cpus = fleet->pins.cpus,
		.cpus_count = fleet->pins.count,
		.emulator_cpus = fleet->emulator_cpus,
		.emulator_cpus_count = fleet->emulator_cpus_count,
	};
	const struct guest_spec shape = job_cpu_shape(job);
	uint32_t pins[GUEST_VCPUS_MAX];
	struct fleet_guest *guest;
	int code = check_job(fleet, job, err);

	if (code < 0)
		return code;
	wait_for_lingering(fleet, job->name);
	pin_map_take(&fleet->pins, &shape, pins);
	code = fleet_guest_prepare(&place, job, pins, &guest, err);
	if (code < 0) {
		pin_map_give(&fleet->pins, pins, shape.vcpus_count);
		return error_prefix(err, "guest %s", job->name);
	}
	fleet->guests[fleet->guests_count++] = guest;
	code = create_guest(fleet, guest, err);
	if (code < 0)
		remove_guest(fleet, fleet->guests_count - 1);
	return code;
}

static int hand_over(struct fleet *fleet, uint32_t index,
		     struct fleet_done *ret_done, struct error *err)
{
	struct fleet_guest *guest = fleet->guests[index];
	struct fleet_done done = { .tag = fleet_guest_job(guest)->tag };
	int code = fleet_guest_finish(guest, &done.result, err);

	if (code < 0)
		error_prefix(err, "guest %s", fleet_guest_job(guest)->name);
	if (!fleet_guest_has_stop_event(guest))
		add_lingering(fleet, fleet_guest_uuid(guest));
	remove_guest(fleet, index);
	if (code < 0)
		return code;
	*ret_done = done;
	return 1;
}

/* 1 with a finished job, 0 with none; *ret_next_ns: the nearest deadline. */
static int look_at_guests(struct fleet *fleet, struct fleet_done *ret_done,
			  uint64_t *ret_next_ns, struct error *err)
{
	uint64_t now_ns = clock_monotonic_ns();

	*ret_next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < fleet->guests_count; i++) {
		uint64_t deadline_ns;

		fleet_guest_check(fleet->guests[i], now_ns);
		if (fleet_guest_is_over(fleet->guests[i]))
			return hand_over(fleet, i, ret_done, err);
		deadline_ns = fleet_guest_deadline_ns(fleet->guests[i]);
		if (deadline_ns < *ret_next_ns)
			*ret_next_ns = deadline_ns;
	}
	return 0;
}

int fleet_wait(struct fleet *fleet, uint64_t timeout_ns,
	       struct fleet_done *ret_done, struct error *err)
{
	uint64_t start_ns = clock_monotonic_ns();
	uint64_t until_ns = timeout_ns < UINT64_MAX - start_ns ?
		start_ns + timeout_ns : UINT64_MAX;

	for (;;) {
		uint64_t next_ns, woken;
		int code;

		if (fleet_is_interrupted()) {
			drop_guests(fleet);
			return error_set(err, -EINTR, "interrupted");
		}
		(void)!read(fleet->wake_fd, &woken, sizeof(woken));
		take_events(fleet);
		code = pump(fleet, err);
		if (code == 0)
			code = look_at_guests(fleet, ret_done, &next_ns, err);
		if (code != 0)
			return code;
		if (clock_monotonic_ns() >= until_ns)
			return 0;
		wait_for_anything(fleet, next_ns < until_ns ? next_ns : until_ns);
	}
}
