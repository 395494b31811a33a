/* guest_image.h - workloads that this build has, and the initramfs of a trial:
 * one common archive (PID 1, the workloads of the suite, their tools) and one
 * per trial (the plan), concatenated.
 */
#ifndef KERNGATE_ENGINE_GUEST_IMAGE_H
#define KERNGATE_ENGINE_GUEST_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"
#include "workload_info.h"

struct workload_catalog {
	char *folder;                   /* where the programs are; owned */
	struct workload_info *items; size_t count; /* owned, sorted by name */
};

/* Runs every program in folder with --describe (each under a 5 s deadline). */
int workload_catalog_load(const char *folder, struct workload_catalog *ret,
			  struct error *err) must_check;
void workload_catalog_release(struct workload_catalog *catalog);
/* -ENOENT with the nearest name. Borrowed. */
int workload_catalog_find(const struct workload_catalog *catalog, const char *name,
			  const struct workload_info **ret, struct error *err) must_check;

/* Checks a cell before anything boots: workloads exist, arguments are in range,
 * tools are on the host (-ENOENT names tool and Debian package), the guest
 * shape has the devices, memory (a parameter size_mib adds to it) and vCPUs,
 * the rows' timeouts fit into its total_s. Messages begin with the row's origin. */
int guest_image_check_cell(const struct workload_catalog *catalog,
			   const struct campaign_cell *cell,
			   struct error *err) must_check;
/* Checks needed options against a built .config. */
int guest_image_check_kernel(const struct workload_catalog *catalog,
			     const struct suite *suite, const char *kernel_name,
			     const char *config_text, struct error *err) must_check;

/* The common archive for a suite: /init, /kerngate/workloads/NAME, tools. With
 * shell also busybox and /bin links. suite NULL: no workloads. */
int guest_image_write_common(const struct workload_catalog *catalog,
			     const char *init_path, const struct suite *suite,
			     bool shell, const char *path,
			     struct error *err) must_check;
/* The per-trial plan (docs/result-format.md, "The plan") as its own archive,
 * with a file /kerngate/padding of so many zero bytes where padding_bytes is not 0:
 * what is unpacked before the measurement moves the memory that comes after it.
 * -EINVAL: a word of the plan with a blank. */
int guest_image_write_plan(const struct suite *suite, const char *trial_id,
			   const struct strvec *sysctls, uint32_t padding_bytes,
			   const char *path, struct error *err) must_check;
/* common + plan > path, padded as the kernel wants (4 bytes). */
int guest_image_join(const char *common_path, const char *plan_path,
		     const char *path, struct error *err) must_check;

#endif
