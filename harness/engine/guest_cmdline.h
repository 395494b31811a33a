/* guest_cmdline.h - what a trial's guest is told beside its initramfs: for the
 * trials of a run and for those that are run again.
 */
#ifndef KERNGATE_ENGINE_GUEST_CMDLINE_H
#define KERNGATE_ENGINE_GUEST_CMDLINE_H

#include <stdint.h>

#include "campaign.h"
#include "strbuf.h"
#include "workload_info.h"

/* The variant's kernel arguments, then what the rows' workloads need, each once.
 * Owned. */
char *guest_cmdline(const struct strvec *variant,
		    const struct workload_info *const *workloads, size_t rows_count);
/* For fleet_job.quiet_s: the longest row may measure that long without a word;
 * PID 1 then speaks. */
uint32_t guest_quiet_s(const struct suite *suite);

#endif
