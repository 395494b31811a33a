/* fleet_plug.c - what a guest asks for while it runs: DIMMs. Whether its shape has room
 * for them is model/guest_spec.h's; what the guest makes of them is its own.
 */
#include "fleet_guest_private.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "memory.h"

/* libvirt and QEMU take a moment, in which the other guests' ports are read. */
struct plugging {
	pthread_t thread;
	struct domain *domain;  /* borrowed */
	int wake_fd;
	uint64_t size_mib;
	char *xml;              /* owned */
	atomic_bool is_done;    /* what follows may be read */
	int code;
	struct error err;
};

static void *run_plugging(void *context)
{
	struct plugging *plugging = context;
	uint64_t one = 1;

	plugging->code = domain_attach_device(plugging->domain, plugging->xml,
					      &plugging->err);
	atomic_store(&plugging->is_done, true);
	(void)!write(plugging->wake_fd, &one, sizeof(one));
	return NULL;
}

static void refuse(struct fleet_guest *guest, uint64_t size_mib, const char *why)
{
	cleanup_free char *reason = string_format("a DIMM of %" PRIu64 " MiB, asked for by "
						  "the guest: %s", size_mib, why);

	fleet_guest_note(guest, "refused: %s", reason);
	guest_lines_refuse(guest->lines, reason);
}

static int check(const struct fleet_guest *guest, uint64_t size_mib, struct error *err)
{
	if (guest->job.exact)
		return error_set(err, -EINVAL, "exact mode has nothing come from outside: "
				 "it would come at another instruction each time");
	return guest_spec_check_dimm(guest->job.guest, guest->dimms_count, guest->dimms_mib,
				     size_mib, err);
}

static void begin(struct fleet_guest *guest, uint64_t size_mib)
{
	struct plugging *plugging;
	struct error err = ERROR_INIT;
	int code = check(guest, size_mib, &err);

	if (code < 0) {
		refuse(guest, size_mib, err.message);
		return;
	}
	plugging = memory_alloc(sizeof(*plugging));
	plugging->domain = guest->domain;
	plugging->wake_fd = guest->place.wake_fd;
	plugging->size_mib = size_mib;
	plugging->xml = guest_dimm_xml(size_mib);
	code = -pthread_create(&plugging->thread, NULL, run_plugging, plugging);
	if (code < 0) {
		(void)error_set_errno(&err, code, "cannot start a thread");
		refuse(guest, size_mib, err.message);
		free(plugging->xml);
		free(plugging);
		return;
	}
	guest->plugging = plugging;
	guest->dimms_count++;
	guest->dimms_mib += size_mib;
	fleet_guest_note(guest, "plugs in a DIMM of %" PRIu64 " MiB", size_mib);
}

void fleet_plug_end(struct fleet_guest *guest)
{
	struct plugging *plugging = take_pointer(guest->plugging);

	if (!plugging)
		return;
	pthread_join(plugging->thread, NULL);
	free(plugging->xml);
	free(plugging);
}

void fleet_plug_look(struct fleet_guest *guest)
{
	struct plugging *plugging = guest->plugging;
	struct guest_request request;

	if (plugging && !atomic_load(&plugging->is_done))
		return;
	if (plugging && plugging->code < 0)
		refuse(guest, plugging->size_mib, plugging->err.message);
	else if (plugging)
		fleet_guest_note(guest, "plugged in");
	fleet_plug_end(guest);
	if (guest_lines_take_request(guest->lines, &request))
		begin(guest, request.dimm_mib);
}
