/* dimm.c - see dimm.h.
 *
 * The kernel sends an event (lib/kobject_uevent.c) for each block of memory when it has
 * been made (its part of the memory map is there, not yet initialised) and when it is
 * online. Who waits for them takes no CPU from the threads that do the work.
 */
#include "dimm.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workload.h"

#define MEMORY "/sys/devices/system/memory/"
#define KERNEL_GROUP 1           /* of NETLINK_KOBJECT_UEVENT; udev's is 2 */
#define PATIENCE_NS UINT64_C(30000000000)
#define BUFFER_BYTES (1 << 20)
#define LISTENER_PRIORITY 50

static struct {
	int socket;              /* -1: closed */
	char before[32];         /* auto_online_blocks; "": as we found it */
} state = { .socket = -1 };

struct block_event {
	bool is_online;          /* else it was added */
	uint64_t block;
};

static void socket_open(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK,
					     .nl_groups = KERNEL_GROUP };
	const int bytes = BUFFER_BYTES;

	state.socket = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			      NETLINK_KOBJECT_UEVENT);
	if (state.socket < 0 ||
	    setsockopt(state.socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    bind(state.socket, (const struct sockaddr *)&address, sizeof(address)) < 0)
		workload_broken("listening to the kernel's events: %s", strerror(errno));
}

void dimms_open(const char *wanted)
{
	int length = text_read(MEMORY "auto_online_blocks", state.before,
			       sizeof(state.before));

	if (length < 0) {
		state.before[0] = '\0';
		workload_broken(MEMORY "auto_online_blocks: %s", strerror(-length));
	}
	state.before[strcspn(state.before, "\n")] = '\0';
	text_write_or_broken(MEMORY "auto_online_blocks", "%s", wanted);
	socket_open();
}

void dimms_close(void)
{
	if (state.socket >= 0)
		close(state.socket);
	state.socket = -1;
	if (*state.before)
		(void)text_write(MEMORY "auto_online_blocks", state.before);
	state.before[0] = '\0';
}

/* "add@/devices/system/memory/memory40". */
static bool event_parse(const char *text, struct block_event *ret_event)
{
	static const char path[] = "@/devices/system/memory/memory";
	const char *at = strchr(text, '@');
	char *end;

	if (!at || strncmp(at, path, sizeof(path) - 1) != 0)
		return false;
	at += sizeof(path) - 1;
	ret_event->block = strtoull(at, &end, 10);
	ret_event->is_online = strncmp(text, "online@", 7) == 0;
	return end != at && !*end && (ret_event->is_online || strncmp(text, "add@", 4) == 0);
}

/* The next event of a block, at most until deadline_ns; false: none came. */
static bool event_next(uint64_t deadline_ns, struct block_event *ret_event)
{
	char text[4096];

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = now_ns < deadline_ns ? deadline_ns - now_ns : 1000;
		const struct timeval left = {
			.tv_sec = (time_t)(left_ns / 1000000000u),
			.tv_usec = (suseconds_t)(left_ns % 1000000000u / 1000),
		};
		ssize_t n;

		(void)setsockopt(state.socket, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left));
		n = recv(state.socket, text, sizeof(text) - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			workload_broken("the kernel's events: %s", strerror(errno));
		text[n] = '\0';
		if (event_parse(text, ret_event))
			return true;
	}
}

/* Events of before: a round may have left some unread. */
static void events_drop(void)
{
	char text[4096];

	while (recv(state.socket, text, sizeof(text), MSG_DONTWAIT) >= 0)
		;
}

static uint64_t block_bytes(void)
{
	char text[32];
	int result = text_read(MEMORY "block_size_bytes", text, sizeof(text));

	if (result < 0)
		workload_broken(MEMORY "block_size_bytes: %s", strerror(-result));
	return strtoull(text, NULL, 16);
}

/* Above all others, so that what is read is what has just happened; and back. */
static void listen_with_priority(bool is_high)
{
	const struct sched_param parameters = {
		.sched_priority = is_high ? LISTENER_PRIORITY : 0,
	};

	if (sched_setscheduler(0, is_high ? SCHED_FIFO : SCHED_OTHER, &parameters) < 0)
		workload_broken("real-time priority: %s", strerror(errno));
}

static void blocks_await(uint64_t count, bool is_online, struct dimm_plugged *plugged)
{
	uint64_t deadline_ns = plugged->asked_ns + PATIENCE_NS;
	uint64_t added_count = 0, online_count = 0, last_block = 0;
	struct block_event event;

	while (added_count < count || (is_online && online_count < count)) {
		if (!event_next(deadline_ns, &event))
			workload_broken("of a DIMM's %llu memory blocks %llu have come and "
					"%llu are online 30 s after it was asked for",
					(unsigned long long)count,
					(unsigned long long)added_count,
					(unsigned long long)online_count);
		if (event.is_online) {
			online_count++;
			plugged->last_online_ns = clock_now_ns();
			continue;
		}
		if (added_count++ == 0) {
			plugged->first_added_ns = clock_now_ns();
			plugged->first_block = last_block = event.block;
		}
		if (event.block < plugged->first_block)
			plugged->first_block = event.block;
		if (event.block > last_block)
			last_block = event.block;
	}
	plugged->blocks_count = last_block - plugged->first_block + 1;
	if (added_count != count || plugged->blocks_count != count)
		workload_broken("%llu memory blocks came, numbered %llu to %llu, expected %llu",
				(unsigned long long)added_count,
				(unsigned long long)plugged->first_block,
				(unsigned long long)last_block, (unsigned long long)count);
}

void dimm_plug(uint64_t size_mib, bool is_online, struct dimm_plugged *ret_plugged)
{
	struct dimm_plugged plugged = { .last_online_ns = 0 };
	uint64_t bytes = size_mib << 20;

	if (bytes % block_bytes())
		workload_broken("%llu MiB are not whole memory blocks of %llu MiB",
				(unsigned long long)size_mib,
				(unsigned long long)(block_bytes() >> 20));
	events_drop();
	listen_with_priority(true);
	plugged.asked_ns = clock_now_ns();
	host_request_dimm(size_mib);
	blocks_await(bytes / block_bytes(), is_online, &plugged);
	listen_with_priority(false);
	*ret_plugged = plugged;
}
