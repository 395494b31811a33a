/* fleet_guest.h - one guest of a fleet from its start to its judged result.
 *
 *     fleet_guest_prepare(&place, &job, pins, &guest, err);
 *     fleet_guest_create(guest, err);       // blocks; in a thread of its own
 *     fleet_guest_created(guest);           // back in the fleet's thread
 *     fleet_guest_event(guest, &event);     // of libvirt, for its uuid; from prepare on
 *     fleet_guest_check(guest, now_ns);     // ends it where it must end
 *     if (fleet_guest_is_over(guest))
 *             fleet_guest_finish(guest, &result, err);
 *     fleet_guest_free(guest);
 */
#ifndef KERNGATE_ENGINE_FLEET_GUEST_H
#define KERNGATE_ENGINE_FLEET_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet.h"
#include "guest_link.h"
#include "libvirt_host.h"

struct fleet_guest;

struct fleet_place {               /* what all guests share; all borrowed */
	struct libvirt_host *host;
	struct guest_link *link;
	const char *emulator;
	const char *version;       /* "libvirt 9.0.0, QEMU 7.2.22" */
	enum accelerator accelerator;
	uint64_t console_max_bytes;
	int wake_fd;               /* an eventfd: a guest wants to be looked at */
	const struct host_cpu *cpus; /* that pins are chosen from */
	uint32_t cpus_count;
	const uint32_t *emulator_cpus; /* of QEMU's other threads */
	uint32_t emulator_cpus_count;  /* 0: the vCPUs' own */
};

/* Folder, ports, XML, and the host's state before it starts. */
int fleet_guest_prepare(const struct fleet_place *place,
			const struct fleet_job *job, const uint32_t *pins,
			struct fleet_guest **ret_guest,
			struct error *err) must_check;
/* How many host CPUs it is given: pins[] has so many. */
uint32_t fleet_guest_cpus_count(const struct fleet_job *job);
/* Touches nothing that the other functions do, but for fleet_guest_created. */
int fleet_guest_create(struct fleet_guest *guest, struct error *err) must_check;
void fleet_guest_created(struct fleet_guest *guest);
const char *fleet_guest_uuid(const struct fleet_guest *guest);
const struct fleet_job *fleet_guest_job(const struct fleet_guest *guest);
const uint32_t *fleet_guest_pins(const struct fleet_guest *guest);
void fleet_guest_event(struct fleet_guest *guest, const struct domain_event *event);
/* False where it was over before libvirt's last event on it came. */
bool fleet_guest_has_stop_event(const struct fleet_guest *guest);
/* clock_monotonic_ns of its nearest deadline. */
uint64_t fleet_guest_deadline_ns(const struct fleet_guest *guest);
/* Ends it (blocks ~0.2 s) when a deadline has passed, it cannot be believed any
 * more, or it floods. */
void fleet_guest_check(struct fleet_guest *guest, uint64_t now_ns);
bool fleet_guest_is_over(const struct fleet_guest *guest);
/* Reads the rest of its ports and judges it. -ENOSPC: the disk is full, and
 * what the guest said may be cut; other errors of reading. */
int fleet_guest_finish(struct fleet_guest *guest, struct trial_result *ret_result,
		       struct error *err) must_check;
/* Ends it if it still runs. NULL allowed. */
void fleet_guest_free(struct fleet_guest *guest);

/* The fleet's own arguments, the job's and the shape's; owned. Pure. */
char *fleet_kernel_cmdline(const struct fleet_job *job,
			   enum accelerator accelerator);
/* The plugin interface (1 or 3: count-api1.so, turns-api1.so ...) for the QEMU of
 * "libvirt 9.0.0, QEMU 7.2.22". -ENOTSUP says which versions it could be. Pure. */
int fleet_exact_plugin_api(const char *version, uint32_t *ret_api,
			   struct error *err) must_check;
/* Two emulated CPUs in threads of their own: before QEMU 8.1 one of them may go on
 * running code that the other has just replaced (QEMU commit deba78709a closed
 * it). A kernel that patches itself then meets a breakpoint it has taken away
 * (arch/x86/kernel/alternative.c, text_poke): seen in one smp2 boot of twelve.
 * That is the emulator's doing: a result that crashed of it becomes broken, so that
 * the trial is repeated; its findings are kept. Whether it was so. Pure. */
bool fleet_judge_stale_code(const struct fleet_job *job, enum accelerator accelerator,
			    struct trial_result *result);
/* A uuid that is the same for the same name (SHA-256, as version 8 of RFC 9562). */
void fleet_uuid(const char *name, char ret_uuid[37]);

#endif
