/* regions.h - what was counted between a region's begin and end markers, as
 * lines of the output file (docs/exact-mode.md, "The count file").
 */
#ifndef KERNGATE_PLUGIN_REGIONS_H
#define KERNGATE_PLUGIN_REGIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "counters.h"

#define REGION_LINES_MAX 1000000u  /* a guest may repeat markers as it likes */

void regions_open(FILE *out, unsigned int vcpus_count);
/* The region begins or ends now. vcpu is in the middle of a block that was
 * counted whole: uncounted of its instructions have not run yet. A marker that
 * makes no sense (begun again, ended without a begin) gets a line of its own; the
 * end of a row cuts all other regions. */
void region_begin(unsigned int region, unsigned int vcpu, struct counts uncounted);
void region_end(unsigned int region, unsigned int vcpu, struct counts uncounted);
bool region_is_open(unsigned int region);
uint64_t region_visits(unsigned int region); /* ended so far */
/* Says what is still open and what all vCPUs ran; returns the lines written
 * since regions_open. */
unsigned long regions_finish(void);

#endif
