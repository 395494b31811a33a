/* marker.h - the words that a guest says to the counting plugin: regions, and
 * the marker instruction's constant for the begin and the end of each. Shared by
 * workloads (workload_region_begin() in workload.h), PID 1 and workloads/plugin/;
 * knows none of them. docs/exact-mode.md says how regions are counted.
 *
 * A marker is the 8-byte no-op `0f 1f 84 00 imm32`, which no compiler emits with
 * such a constant; hardware and KVM run it as nothing.
 */
#ifndef KERNGATE_RUNTIME_MARKER_H
#define KERNGATE_RUNTIME_MARKER_H

#define MARKER_MAGIC 0x4b470000         /* the upper half of the constant */
#define MARKER_END_BIT 0x8000
#define MARKER_REGIONS_MAX 0x1000       /* regions are below */

#define MARKER_BEGIN(region) (MARKER_MAGIC | (region))
#define MARKER_END(region) (MARKER_MAGIC | MARKER_END_BIT | (region))

/* Runs a marker. The mark must be a constant. */
#define marker_emit(mark)                                                      \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0"           \
			 : : "i"(mark) : "memory")

/* A region is open once at a time, whatever vCPU opens and closes it; different
 * regions may overlap. What is open when a row ends is cut there: it is not
 * counted. */
#define MARKER_REGION_ROW 1             /* PID 1: one row of the suite */
#define MARKER_REGION_WARMUP 2          /* a round whose samples are dropped */
#define MARKER_REGION_ROUND 3           /* a round that counts */
#define MARKER_REGION_OWN 16            /* from here on: the workload's own,
					   begun and ended inside one round */

#endif
