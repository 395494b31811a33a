/* kernel_donor.h - which of the trees built before is nearest to a wanted one. */
#ifndef KERNGATE_ENGINE_KERNEL_DONOR_H
#define KERNGATE_ENGINE_KERNEL_DONOR_H

#include "kernel_tree.h"

struct donor {
	char *tree;              /* NULL: none is usable; owned */
	char *source;            /* the pristine tree that it is linked to; owned */
	struct tree_info info;   /* owned */
};

void donor_release(struct donor *donor);

/* Marks the donor in use. *ret_donor is untouched if none is usable: another
 * base or toolchain, its source gone, files from the future. */
int donor_find(struct kernel_cache *cache, const struct tree_wish *wish,
	       struct donor *ret_donor, struct error *err) must_check;

/* About how many objects would have to be compiled on top of a donor, given
 * that a full build has objects_count. */
uint64_t donor_cost(const struct tree_wish *wish, const struct tree_info *donor,
		    uint64_t objects_count);

#endif
