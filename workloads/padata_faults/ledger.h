/* ledger.h - what a job must leave as it found it: the pool of huge pages, pinned
 * pages, and the counters of a control group. Exact, to the page.
 */
#ifndef KERNGATE_PADATA_FAULTS_LEDGER_H
#define KERNGATE_PADATA_FAULTS_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"

#define LEDGER_NODES_MAX 8
#define LEDGER_ENTRIES_MAX (8 + LEDGER_NODES_MAX)
#define HUGE_PAGE_BYTES (UINT64_C(2) << 20)
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

struct ledger {
	struct ledger_entry {
		char name[48];
		uint64_t value;
	} entries[LEDGER_ENTRIES_MAX];
	size_t count;
};

/* group: whose hugetlb counters are read too; NULL: none. */
void ledger_read(struct ledger *ret_ledger, const struct cgroup *group);
/* Ends the workload as failed where an entry differs, with all that do and by how
 * much. when: "after SIGKILL". */
void ledger_check(const struct ledger *before, const struct cgroup *group,
		  const char *when);

/* Free pages of the pool in a node. */
uint64_t node_free_pages(unsigned int node);
/* Nodes that hold memory, numbered from 0 without a gap. */
unsigned int nodes_count(void);

/* Whatever "WARNING", "BUG" and the like the kernel has said since the mark, which
 * the console did not show; "" if nothing. For the time that a case keeps the console
 * quiet because the kernel says there what the case wants it to do. */
void console_quiet_begin(void);
void console_quiet_end(char *complaint, size_t size);

#endif
