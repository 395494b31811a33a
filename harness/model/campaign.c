/* campaign.c - configs/campaigns/NAME.yaml and all that it names > campaign.
 * docs/configs.md has the keys. Its parts are read by guest_config.c,
 * suite_config.c, kernel_config.c and variant_config.c.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define VARIANTS_MAX 16u
#define CELLS_MAX 64u

static const char *const correction_names[] = {
	[CORRECTION_BENJAMINI_HOCHBERG] = "benjamini-hochberg",
	[CORRECTION_HOLM] = "holm", [CORRECTION_NONE] = "none", NULL
};

const char *correction_name(enum correction correction)
{
	return correction_names[correction];
}

void campaign_release(struct campaign *campaign)
{
	for (size_t i = 0; i < campaign->variants_count; i++)
		variant_release(&campaign->variants[i]);
	free(campaign->variants);
	for (size_t i = 0; i < campaign->cells_count; i++) {
		guest_spec_release(&campaign->cells[i].guest);
		suite_release(&campaign->cells[i].suite);
	}
	free(campaign->cells);
	free(campaign->name);
	free(campaign->purpose);
	free(campaign->file);
	*campaign = (struct campaign){ .name = NULL };
}

static void cleanup_campaign(struct campaign *campaign)
{
	campaign_release(campaign);
}

static void variant_names(const struct campaign *campaign,
			  struct strvec *ret_names)
{
	for (size_t i = 0; i < campaign->variants_count; i++)
		strvec_push(ret_names, campaign->variants[i].name);
}

static bool find_variant(const struct campaign *campaign, const char *name,
			 size_t *ret_index)
{
	for (size_t i = 0; i < campaign->variants_count; i++) {
		if (!strcmp(campaign->variants[i].name, name)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

int campaign_find_variant(const struct campaign *campaign, const char *name,
			  size_t *ret_index, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf tail = STRBUF_INIT;

	if (find_variant(campaign, name, ret_index))
		return 0;
	variant_names(campaign, &names);
	config_add_candidates(&tail, name, (const char *const *)names.items,
			      names.count);
	return error_set(err, -ENOENT, "campaign %s has no variant '%s'%s",
			 campaign->name, name, tail.data);
}

static int read_variants(const char *project_root,
			 const struct config_node *list,
			 const struct config_node *defaults,
			 struct campaign *campaign, struct error *err)
{
	campaign->variants = memory_alloc_array(list->count,
						sizeof(*campaign->variants));
	for (size_t i = 0; i < list->count; i++) {
		struct variant *variant = &campaign->variants[i];
		size_t first;
		int r = variant_read(project_root, list->items[i], defaults,
				     variant, err);

		if (r < 0)
			return r;
		if (find_variant(campaign, variant->name, &first))
			r = config_error(err, -EINVAL,
					 config_find(list->items[i], "name"),
					 "the variant '%s' is there twice; "
					 "first at line %zu", variant->name,
					 list->items[first]->line);
		campaign->variants_count++;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Files that the cells were read from, in their order. */
struct cell_files {
	struct strvec guests, suites;
};

static void cleanup_cell_files(struct cell_files *files)
{
	strvec_release(&files->guests);
	strvec_release(&files->suites);
}

/* The path is kept in files for check_cell. */
static int keep_file(const struct reference_kind *kind, const char *project_root,
		     const char *reference, const struct config_node *at,
		     struct strvec *files, struct error *err)
{
	cleanup_free char *path = NULL;
	int r = reference_resolve(kind, project_root, reference, at, &path, err);

	if (r < 0)
		return r;
	strvec_push(files, path);
	return 0;
}

static int read_cell(const char *project_root, const struct config_node *node,
		     struct campaign_cell *cell, struct cell_files *files,
		     struct error *err)
{
	cleanup_free char *guest = NULL, *suite = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("guest", &guest, config_expect_reference),
		  .required = true },
		{ CONFIG_TEXT("suite", &suite, config_expect_reference),
		  .required = true },
	};
	const struct config_node *guest_node, *suite_node;
	int r = config_read(node, "cell", fields, ARRAY_COUNT(fields), err);

	if (r < 0)
		return r;
	guest_node = config_find(node, "guest");
	suite_node = config_find(node, "suite");
	r = keep_file(&reference_guest, project_root, guest, guest_node,
		      &files->guests, err);
	if (r == 0)
		r = keep_file(&reference_suite, project_root, suite, suite_node,
			      &files->suites, err);
	if (r == 0)
		r = guest_spec_read(project_root, guest, guest_node,
				    &cell->guest, err);
	if (r == 0)
		r = suite_read(project_root, suite, suite_node, &cell->suite,
			       err);
	return r;
}

/* Results are told apart by names, so a name stands for one file. */
static int check_cells_differ(const struct config_node *list,
			      const struct campaign *campaign,
			      const struct cell_files *files, size_t first,
			      size_t second, struct error *err)
{
	const struct campaign_cell *a = &campaign->cells[first];
	const struct campaign_cell *b = &campaign->cells[second];
	bool same_guest = !strcmp(a->guest.name, b->guest.name);
	bool same_suite = !strcmp(a->suite.name, b->suite.name);
	const struct config_node *node = list->items[second];
	const size_t line = list->items[first]->line;

	if (same_guest && strcmp(files->guests.items[first],
				 files->guests.items[second]) != 0)
		return config_error(err, -EINVAL, config_find(node, "guest"),
				    "another guest '%s', of another file, is "
				    "in the cell at line %zu", b->guest.name,
				    line);
	if (same_suite && strcmp(files->suites.items[first],
				 files->suites.items[second]) != 0)
		return config_error(err, -EINVAL, config_find(node, "suite"),
				    "another suite '%s', of another file, is "
				    "in the cell at line %zu", b->suite.name,
				    line);
	if (same_guest && same_suite)
		return config_error(err, -EINVAL, node,
				    "the cell of guest '%s' and suite '%s' is "
				    "there twice; first at line %zu",
				    b->guest.name, b->suite.name, line);
	return 0;
}

static int read_cells(const char *project_root, const struct config_node *list,
		      struct campaign *campaign, struct error *err)
{
	cleanup_with(cleanup_cell_files) struct cell_files files = {
		.guests = { .items = NULL }
	};

	campaign->cells = memory_alloc_array(list->count,
					     sizeof(*campaign->cells));
	for (size_t i = 0; i < list->count; i++) {
		int r;

		campaign->cells_count++;
		r = read_cell(project_root, list->items[i],
			      &campaign->cells[i], &files, err);
		for (size_t j = 0; r == 0 && j < i; j++)
			r = check_cells_differ(list, campaign, &files, j, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_gate(const struct config_node *node, struct gate_policy *gate,
		     struct error *err)
{
	int correction = CORRECTION_BENJAMINI_HOCHBERG;
	const struct config_field fields[] = {
		{ CONFIG_REAL("margin_percent", &gate->margin_percent, 0.1, 50) },
		{ CONFIG_REAL("alpha", &gate->alpha, 0.0001, 0.5) },
		{ CONFIG_REAL("confidence", &gate->confidence, 0.5, 0.9999) },
		{ CONFIG_CHOICE("correction", &correction, correction_names) },
	};
	int r = config_read(node, "gate", fields, ARRAY_COUNT(fields), err);

	if (r < 0)
		return r;
	gate->correction = (enum correction)correction;
	return 0;
}

static int read_baseline(const struct config_node *root, const char *baseline,
			 struct campaign *campaign, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_free char *problem = NULL;

	if (find_variant(campaign, baseline, &campaign->baseline))
		return 0;
	variant_names(campaign, &names);
	problem = string_format("baseline: no variant '%s'", baseline);
	return config_refuse_name(err, -EINVAL, config_find(root, "baseline"),
				  problem, baseline,
				  (const char *const *)names.items, names.count);
}

static int read_root(const char *project_root, const struct config_node *root,
		     struct campaign *campaign, struct error *err)
{
	const struct config_node *defaults = NULL, *variants = NULL;
	const struct config_node *cells = NULL, *gate = NULL;
	cleanup_free char *baseline = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("purpose", &campaign->purpose, NULL) },
		{ CONFIG_MAPPING("defaults", &defaults) },
		{ CONFIG_LIST_OF("variants", &variants, 1, VARIANTS_MAX),
		  .required = true },
		{ CONFIG_TEXT("baseline", &baseline, config_expect_name),
		  .required = true },
		{ CONFIG_LIST_OF("cells", &cells, 1, CELLS_MAX),
		  .required = true },
		{ CONFIG_U32("blocks_count", &campaign->blocks_count, 2, 10000) },
		{ CONFIG_U64("seed", &campaign->seed, 0, INT64_MAX) },
		{ CONFIG_U32("budget_minutes", &campaign->budget_minutes, 0,
			     100000) },
		{ CONFIG_U32("repeats_max", &campaign->repeats_max, 0, 10) },
		{ CONFIG_BOOL("control", &campaign->control) },
		{ CONFIG_MAPPING("gate", &gate) },
	};
	int r = config_read(root, "campaign", fields, ARRAY_COUNT(fields), err);

	if (r == 0 && gate)
		r = read_gate(gate, &campaign->gate, err);
	if (r == 0 && defaults)
		r = variant_defaults_check(defaults, err);
	if (r == 0)
		r = read_variants(project_root, variants, defaults, campaign,
				  err);
	if (r == 0)
		r = read_baseline(root, baseline, campaign, err);
	if (r == 0)
		r = read_cells(project_root, cells, campaign, err);
	return r;
}

/* A campaign's name, or a path: with a slash or ".yaml" at its end. */
static int find_file(const char *project_root, const char *name, char **ret_path,
		     struct error *err)
{
	size_t length = strlen(name);
	cleanup_free char *path = NULL;

	if (!strchr(name, '/') && length > 5 &&
	    !strcmp(name + length - 5, ".yaml"))
		path = string_format("./%s", name);
	return reference_resolve(&reference_campaign, project_root,
				 path ? path : name, NULL, ret_path, err);
}

int campaign_load(const char *project_root, const char *name,
		  struct campaign *ret_campaign, struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_with(cleanup_campaign) struct campaign campaign = {
		.blocks_count = 10, .repeats_max = 2, .control = true,
		.exact = EXACT_POLICY_INIT,
		.gate = { .margin_percent = 5, .alpha = 0.05,
			  .confidence = 0.95,
			  .correction = CORRECTION_BENJAMINI_HOCHBERG },
	};
	int r = find_file(project_root, name, &campaign.file, err);

	if (r < 0)
		return r;
	r = reference_name(campaign.file, &campaign.name, err);
	if (r < 0)
		return r;
	r = config_document_load(campaign.file, &document, err);
	if (r < 0)
		return r;
	r = read_root(project_root, config_document_root(document), &campaign,
		      err);
	if (r < 0)
		return r;
	*ret_campaign = campaign;
	campaign = (struct campaign){ .name = NULL };
	return 0;
}
