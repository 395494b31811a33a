/* comparison_exact.c - was an exact run exact? What its canaries say. */
#include "canary.h"
#include "comparison.h"
#include "memory.h"

static void count_canary(struct comparison_canary *counts, enum canary_state state)
{
	switch (state) {
	case CANARY_NONE:
		break;
	case CANARY_WAITING:
	case CANARY_SILENT:
		counts->unchecked++;
		break;
	case CANARY_ODD:
		counts->odd++;
		counts->passed++;
		break;
	case CANARY_EQUAL:
		counts->passed++;
		break;
	case CANARY_REPEAT: /* asked for, and never run */
	case CANARY_INEXACT:
		counts->failed++;
		break;
	}
}

void comparison_count_canaries(struct comparison *comparison, const struct stored_run *run)
{
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	comparison->canaries = memory_alloc_array(run->cells_count,
						  sizeof(*comparison->canaries));
	for (uint32_t cell = 0; cell < run->cells_count; cell++) {
		struct comparison_canary *counts = &comparison->canaries[cell];

		counts->cell = cell;
		for (uint32_t block = 0; block < blocks; block++)
			count_canary(counts, canary_look(run, cell, block).state);
		comparison->canary_failed |= counts->failed > 0;
	}
}
