/* fleet_deadline.h - until when a guest may go on. Pure: times in, the nearest
 * deadline out.
 */
#ifndef KERNGATE_ENGINE_FLEET_DEADLINE_H
#define KERNGATE_ENGINE_FLEET_DEADLINE_H

#include <stdint.h>

#include "guest_spec.h"

/* After the end line a guest powers off at once; after a panic it restarts,
 * which ends it. One that does neither is helped; so is one in a lockup. */
#define FLEET_POWER_OFF_GRACE_NS (5 * NS_PER_SECOND)
#define FLEET_PANIC_GRACE_NS (5 * NS_PER_SECOND)
/* Between the end of a guest's process and libvirt's word on it. */
#define FLEET_STOP_GRACE_NS (3 * NS_PER_SECOND)

enum deadline_kind {
	DEADLINE_FIRST_BYTE, /* of the console, from the start */
	DEADLINE_SILENCE,    /* since the last byte of either port */
	DEADLINE_TOTAL,      /* from the start */
	DEADLINE_POWER_OFF,  /* since the end line */
	DEADLINE_PANIC,      /* since a fatal finding */
	DEADLINE_STOP,       /* since the process ended */
};

/* clock_monotonic_ns; 0: has not happened. */
struct guest_clock {
	uint64_t start_ns;
	uint64_t first_byte_ns;
	uint64_t last_byte_ns;
	uint64_t end_line_ns;
	uint64_t panic_ns;
	uint64_t exited_ns;
	uint32_t quiet_s;    /* silence that is no sign of trouble; 0: the shape's */
	uint32_t patience;   /* deadlines are so many times longer; 0: there are none
				before its process ends (a debugger has it) */
};

/* How long it may say nothing. */
uint32_t guest_clock_silence_s(const struct guest_clock *clock,
			       const struct guest_spec *guest);

/* When the nearest one passes, and which it is. */
uint64_t guest_clock_deadline(const struct guest_clock *clock,
			      const struct guest_spec *guest,
			      enum deadline_kind *ret_kind);

#endif
