/* profile.h - instructions per function of the kernel, while one region is open
 * (in another, in one row).
 * Counted by block, turned into functions at the end. What user space runs is
 * one entry, "[user]".
 */
#ifndef KERNGATE_PLUGIN_PROFILE_H
#define KERNGATE_PLUGIN_PROFILE_H

#include <stdio.h>

#include "counters.h"
#include "symbols.h"

/* What a profile covers: the region, as far as the others hold too. */
struct profile_scope {
	unsigned int region, inside;
	bool has_inside, has_row;
	uint64_t row;              /* that visit of the row's region, from 0 */
};

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
/* True if that is a change. */
bool profile_set(bool is_on);
/* Writes the profile and function lines; returns how many. top: functions at
 * most, the others become "[other]". */
unsigned long profile_write(FILE *out, const struct symbols *symbols,
			    const struct profile_scope *scope, size_t top);

#endif
