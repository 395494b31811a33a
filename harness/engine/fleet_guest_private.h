/* fleet_guest_private.h - what fleet_guest.c (start, run, end) and
 * fleet_guest_result.c (what came of it) share.
 */
#ifndef KERNGATE_ENGINE_FLEET_GUEST_PRIVATE_H
#define KERNGATE_ENGINE_FLEET_GUEST_PRIVATE_H

#include <stdio.h>

#include "fleet_deadline.h"
#include "fleet_guest.h"
#include "guest_files.h"
#include "host_info.h"
#include "kernel_log.h"

struct plugging;                        /* a DIMM on its way: fleet_plug.c */

struct fleet_guest {
	struct fleet_place place;
	struct fleet_job job;
	char uuid[37];
	uint32_t pins[GUEST_VCPUS_MAX];
	uint32_t pins_count;
	char *xml;                      /* owned */
	struct guest_files files;
	char *counts_path;              /* owned; NULL where nothing is counted */
	struct strvec plugins;          /* arguments of QEMU's -plugin */
	struct domain *domain;          /* NULL until fleet_guest_created */
	struct domain *new_domain;      /* of the thread that creates it */
	uint64_t new_domain_ns;
	struct guest_port *console, *results;
	struct kernel_log *log;         /* owned */
	struct guest_lines *lines;      /* owned */
	struct plugging *plugging;      /* owned; NULL: none */
	uint32_t dimms_count;           /* plugged in, or on their way */
	uint64_t dimms_mib;
	FILE *events;                   /* fleet.log */
	struct guest_clock clock;
	struct trial_times times;
	struct host_sample before;
	bool is_ended;                  /* by us */
	bool is_stopped;                /* libvirt said so, or it need not */
	bool has_stop_event;            /* libvirt's last word was heard */
	bool has_crash_event;
	bool is_failed;                 /* QEMU's fault */
	bool is_timed_out, is_flooding;
	char *ended_reason;             /* owned; NULL unless is_ended */
};

/* A line of fleet.log, with the time since the start. */
void fleet_guest_note(struct fleet_guest *guest, const char *format, ...)
	printf_like(2, 3);
/* A file in the job's folder, without the fsync of file_write_atomic: a record
 * for people, and the next guest waits for it. */
int fleet_guest_save(const struct fleet_guest *guest, const char *name,
		     const char *text, size_t length, struct error *err) must_check;

/* --- fleet_plug.c: what a guest asks for while it runs ------------------------------- */
/* Plugs in what was asked for, in a thread, one DIMM at a time; what is refused, by us or
 * by the hypervisor, breaks the guest with the reason. Call it again when place.wake_fd
 * says so. */
void fleet_plug_look(struct fleet_guest *guest);
/* Waits for the thread. With the guest at its end that takes no longer than a call to
 * libvirt that fails. */
void fleet_plug_end(struct fleet_guest *guest);

/* --- fleet_exact.c: a guest in exact mode --------------------------------------- */
/* Chooses the plugins for this QEMU and says what is to be counted. -ENOTSUP for a
 * QEMU that no object of ours knows, where one is needed; -ENOENT: it is not
 * there; -ENAMETOOLONG: the debugger's socket. */
int fleet_exact_prepare(struct fleet_guest *guest, struct error *err) must_check;
/* Into guest_boot.exact; borrows from the guest. */
struct guest_exact fleet_exact_boot(const struct fleet_guest *guest);
/* Its counts become samples, or make it broken; then its digest. */
int fleet_exact_finish(const struct fleet_guest *guest, struct trial_result *result,
		       struct error *err) must_check;

#endif
