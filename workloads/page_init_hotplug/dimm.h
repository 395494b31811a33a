/* dimm.h - memory that the host plugs in while the guest runs, and the kernel's own words
 * on when it had it: the events of its memory blocks. Knows no workload.
 *
 *	setup:    dimms_open("online_movable");
 *	measure:  dimm_plug(1024, true, &plugged);
 *	cleanup:  dimms_close();
 *
 * A DIMM stays until the guest ends, so the number of rounds is the number of slots.
 * All calls are for the thread that runs setup(), measure() and cleanup().
 */
#ifndef KERNGATE_PAGE_INIT_HOTPLUG_DIMM_H
#define KERNGATE_PAGE_INIT_HOTPLUG_DIMM_H

#include <stdbool.h>
#include <stdint.h>

struct dimm_plugged {
	uint64_t first_block, blocks_count; /* of /sys/devices/system/memory */
	uint64_t asked_ns;                  /* of the clock, as are these: */
	uint64_t first_added_ns;            /* the first block is there */
	uint64_t last_online_ns;            /* 0 where none was to go online */
};

/* Listens to the kernel, and says what it shall do with blocks that come: "offline",
 * "online_movable", "online_kernel". Ends the workload as broken where it cannot. */
void dimms_open(const char *state);
/* Asks for a DIMM and waits until its last block has come, and has gone online where it
 * is to. Ends the workload as broken where that takes longer than 30 s, where blocks
 * come that are not one row, or that are more. */
void dimm_plug(uint64_t size_mib, bool is_online, struct dimm_plugged *ret_plugged);
/* Puts back what was there. May be called without dimms_open(), and twice. */
void dimms_close(void);

#endif
