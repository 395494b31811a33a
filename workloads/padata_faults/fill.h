/* fill.h - jobs of one kind: fallocate() of a file of huge pages, from a pool all of
 * whose pages were dirty when they were free.
 */
#ifndef KERNGATE_PADATA_FAULTS_FILL_H
#define KERNGATE_PADATA_FAULTS_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "ledger.h"

struct fill {
	int fd;
	uint64_t pages_count;
};

/* Makes the pool exactly that large, evenly over the nodes, and leaves a pattern in
 * every page. Skips the case where memory does not allow it. */
void pool_make(uint64_t pages_count);
/* Back to the size it had at the first pool_make(); for cleanup() too. */
void pool_restore(void);

void fill_open(struct fill *ret_fill, uint64_t pages_count);
void fill_close(struct fill *fill);
/* An actor's job: fills the whole file (its argument is the struct fill). */
int fill_job(struct actor *actor);
/* Pages that the pool has given away. */
uint64_t fill_progress(struct actor *actor);
/* Pages that the file holds. */
uint64_t fill_pages(const struct fill *fill);
/* What the file holds is zero, throughout; `taken` pages are missing in the pool. */
void fill_check(const struct fill *fill, uint64_t taken, const char *when);
/* Truncates the file; all is as before then. */
void fill_undo_check(const struct fill *fill, const struct ledger *before,
		     const struct cgroup *group, const char *when);

#endif
