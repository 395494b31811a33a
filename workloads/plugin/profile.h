/* profile.h - instructions per function of the kernel, while one region is open.
 * Counted by block, turned into functions at the end. What user space runs is
 * one entry, "[user]".
 */
#ifndef KERNGATE_PLUGIN_PROFILE_H
#define KERNGATE_PLUGIN_PROFILE_H

#include <stdio.h>

#include "counters.h"
#include "symbols.h"

struct profile_block {
	uint64_t address;          /* 0: user space, wherever */
	uint32_t instructions_count;
	uint64_t runs_count;
	int64_t extra;             /* instructions of blocks that hold a marker */
	struct profile_block *next; /* in its bucket */
};

/* Lives as long as QEMU. NULL: no memory, said by profile_write. */
struct profile_block *profile_block_get(uint64_t address, size_t instructions_count);
/* Has runs of the block counted while the profile is on. */
void profile_add_block(struct qemu_plugin_tb *tb, struct profile_block *block);
void profile_set(bool is_on);
/* Writes the profile and function lines; returns how many. top: functions at
 * most, the others become "[other]". */
unsigned long profile_write(FILE *out, const struct symbols *symbols,
			    unsigned int region, uint64_t visits, size_t top);

#endif
