/* config_files.h - how config files find each other; between campaign.c,
 * cell_config.c, guest_config.c, suite_config.c, kernel_config.c and
 * variant_config.c only.
 *
 * A reference is a name (kernel/fragments/NAME.config ...) or, with a slash, a
 * path against the file that says it. `at` is the node that says it; NULL for
 * a name from the command line, whose paths go against the working directory.
 */
#ifndef KERNGATE_MODEL_CONFIG_FILES_H
#define KERNGATE_MODEL_CONFIG_FILES_H

#include "campaign.h"
#include "config_node.h"

struct reference_kind {
	const char *noun;    /* "guest" */
	const char *folder;  /* "configs/guests" */
	const char *suffix;  /* ".yaml", put after a name; is_folder: the file
				that makes the folder one, "/series" */
	bool is_folder;      /* NAME is a folder */
};

extern const struct reference_kind reference_campaign, reference_guest,
	reference_suite, reference_base, reference_series, reference_fragment;

/* Absolute path of the file (is_folder: of the folder), which exists. -ENOENT
 * lists what there is. */
int reference_resolve(const struct reference_kind *kind,
		      const char *project_root, const char *reference,
		      const struct config_node *at, char **ret_path,
		      struct error *err) must_check;
/* Base name of a path without ".yaml", which must be a name. */
int reference_name(const char *path, char **ret_name,
		   struct error *err) must_check;

/* As the loaders of campaign.h, for a reference said at a node. */
int guest_spec_read(const char *project_root, const char *reference,
		    const struct config_node *at, struct guest_spec *ret_spec,
		    struct error *err) must_check;
int suite_read(const char *project_root, const char *reference,
	       const struct config_node *at, struct suite *ret_suite,
	       struct error *err) must_check;
int kernel_base_read(const char *project_root, const char *reference,
		     const struct config_node *at, struct kernel_base *ret_base,
		     struct error *err) must_check;

/* --- campaign_include.c: a campaign's file with what it includes, as one mapping --------- */
struct campaign_source;
int campaign_source_load(const char *project_root, const char *path,
			 struct campaign_source **ret_source, struct error *err) must_check;
void campaign_source_free(struct campaign_source *source); /* NULL allowed */
void cleanup_campaign_source_(struct campaign_source **source);
#define cleanup_campaign_source cleanup_with(cleanup_campaign_source_)
/* Borrowed; its nodes know the file that they stand in. */
const struct config_node *campaign_source_root(const struct campaign_source *source);
/* Absolute paths of the included files, none twice. */
void campaign_source_included(const struct campaign_source *source, struct strvec *ret_paths);

#define VARIANTS_MAX 64u
#define CELLS_MAX 64u

/* The `cells` of a campaign, those of vcpus_counts one by one. On failure the
 * campaign holds what was read; the caller releases it as ever. */
int cells_read(const char *project_root, const struct config_node *list,
	       struct campaign *campaign, struct error *err) must_check;

/* A variant as a campaign writes it, on top of what `defaults` says (NULL:
 * nothing). Each is the mapping { kernel, cmdline, sysctls }. */
int variant_read(const char *project_root, const struct config_node *node,
		 const struct config_node *defaults,
		 struct variant *ret_variant, struct error *err) must_check;
/* The node of `each_patch: true`, or NULL: the variant is one. */
const struct config_node *variant_patches_node(const struct config_node *node);
/* Every prefix of its last series as a variant (owned array), at most room of them. */
int variant_each_patch(const struct variant *whole, const struct config_node *at, size_t room,
		       struct variant **ret_variants, size_t *ret_count,
		       struct error *err) must_check;
void variant_release(struct variant *variant);
/* Refuses a defaults section that is wrong by itself. */
int variant_defaults_check(const struct config_node *defaults,
			   struct error *err) must_check;

#endif
