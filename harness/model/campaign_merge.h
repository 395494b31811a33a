/* campaign_merge.h - a campaign's mapping on top of one that it includes, as nodes: every
 * value keeps the place where it was written. Pure. docs/configs.md ("Includes") has the
 * rules.
 */
#ifndef KERNGATE_MODEL_CAMPAIGN_MERGE_H
#define KERNGATE_MODEL_CAMPAIGN_MERGE_H

#include "config_node.h"

/* Owns the nodes that merging made; they refer to those of the documents. */
struct campaign_merge {
	struct config_node **nodes; /* owned */
	size_t count;
};

void campaign_merge_release(struct campaign_merge *merge);
#define cleanup_campaign_merge cleanup_with(campaign_merge_release)

/* `included` NULL: nothing is included, only `own` is checked. The result has none of the
 * keys include, remove_variants and remove_cells. -EINVAL: own removes what is not there, or
 * where nothing is included. What is wrong by itself is for the reader of the result. */
int campaign_merge_add(struct campaign_merge *merge, const struct config_node *included,
		       const struct config_node *own, const struct config_node **ret_merged,
		       struct error *err) must_check;
/* The mapping as YAML that any folder may hold: paths are absolute. Owned. */
char *campaign_merge_text(const struct config_node *merged);

#endif
