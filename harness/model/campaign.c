/* campaign.c - configs/campaigns/NAME.yaml and all that it names > campaign.
 * docs/configs.md has the keys. Its parts are read by campaign_include.c,
 * cell_config.c, guest_config.c, suite_config.c, kernel_config.c, variant_config.c and
 * variant_patches.c.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "campaign_merge.h"
#include "memory.h"
#include "sequential.h"

/* Timed mode: where boots differ by 2 %, a metric of ten that is 2 % worse is found in
 * four of five runs, and one that is not is called worse in less than one of a hundred
 * (test_calibration.c, docs/measurement.md). */
#define BLOCKS_DEFAULT 42u
#define LOOKS_DEFAULT 3u
#define ALPHA_TIMED 0.02
#define SEEDS_DEFAULT 5u
#define ALPHA_EXACT 0.05
/* Percent. Exact differences are as small as they are said to be. */
#define MARGIN_TIMED 2.0
#define MARGIN_EXACT 0.25
#define MARGIN_MIN_TIMED 0.1
#define MARGIN_MIN_EXACT 0.01

static const char *const mode_names[] = {
	[MODE_TIMED] = "timed", [MODE_EXACT] = "exact", NULL
};

enum { BY_BLOCK, BY_INSTRUCTION };
static const char *const by_names[] = {
	[BY_BLOCK] = "block", [BY_INSTRUCTION] = "instruction", NULL
};

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
	strvec_release(&campaign->included);
	free(campaign->merged);
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

/* Puts it behind the others, where no other has its name. */
static int add_variant(const struct config_node *list, size_t index, struct variant *variant,
		       const struct config_node **nodes, struct campaign *campaign,
		       struct error *err)
{
	size_t first;

	if (find_variant(campaign, variant->name, &first)) {
		const struct config_node *name = config_find(list->items[index], "name");
		cleanup_free char *where = config_where(nodes[first], name);

		return config_error(err, -EINVAL, name, "the variant '%s' is there twice; first at "
				    "%s", variant->name, where);
	}
	nodes[campaign->variants_count] = list->items[index];
	campaign->variants[campaign->variants_count++] = *variant;
	*variant = (struct variant){ .name = NULL };
	return 0;
}

/* One entry of the list, patch by patch if it says so. */
static int add_entry(const struct config_node *list, size_t index, struct variant *whole,
		     const struct config_node **nodes, struct campaign *campaign,
		     struct error *err)
{
	const struct config_node *at = variant_patches_node(list->items[index]);
	struct variant *prefixes;
	size_t count;
	int r;

	if (!at)
		return add_variant(list, index, whole, nodes, campaign, err);
	r = variant_each_patch(whole, at, VARIANTS_MAX - campaign->variants_count -
			       (list->count - index - 1), &prefixes, &count, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			r = add_variant(list, index, &prefixes[i], nodes, campaign, err);
		variant_release(&prefixes[i]);
	}
	free(prefixes);
	return r;
}

static int read_variants(const char *project_root,
			 const struct config_node *list,
			 const struct config_node *defaults,
			 struct campaign *campaign, struct error *err)
{
	cleanup_free const struct config_node **nodes =
		memory_alloc_array(VARIANTS_MAX, sizeof(*nodes));
	int r = 0;

	campaign->variants = memory_alloc_array(VARIANTS_MAX, sizeof(*campaign->variants));
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		struct variant whole = { .name = NULL };

		r = variant_read(project_root, list->items[i], defaults, &whole, err);
		if (r == 0)
			r = add_entry(list, i, &whole, nodes, campaign, err);
		variant_release(&whole);
	}
	return r;
}

static int read_gate(const struct config_node *node, enum run_mode mode,
		     struct gate_policy *gate, struct error *err)
{
	int correction = CORRECTION_BENJAMINI_HOCHBERG;
	const double margin_min = mode == MODE_EXACT ? MARGIN_MIN_EXACT :
						       MARGIN_MIN_TIMED;
	const struct config_field fields[] = {
		{ CONFIG_REAL("margin_percent", &gate->margin_percent,
			      margin_min, 50) },
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

/* --- what hangs on the mode ------------------------------------------------------ */

static double default_alpha(enum run_mode mode)
{
	return mode == MODE_EXACT ? ALPHA_EXACT : ALPHA_TIMED;
}

static void set_mode_defaults(struct campaign *campaign, enum run_mode mode)
{
	bool is_exact = mode == MODE_EXACT;

	campaign->mode = mode;
	campaign->blocks_count = is_exact ? SEEDS_DEFAULT : BLOCKS_DEFAULT;
	campaign->looks_count = is_exact ? 1 : LOOKS_DEFAULT;
	campaign->gate.margin_percent = is_exact ? MARGIN_EXACT : MARGIN_TIMED;
	campaign->control = !is_exact;
	campaign->exact = EXACT_POLICY_INIT;
}

void campaign_set_mode(struct campaign *campaign, enum run_mode mode)
{
	if (campaign->mode == mode)
		return;
	if (campaign->gate.alpha == default_alpha(campaign->mode))
		campaign->gate.alpha = default_alpha(mode);
	set_mode_defaults(campaign, mode);
}

/* First of all keys: what others may say and mean hangs on it. */
static int read_mode(const struct config_node *root, struct campaign *campaign,
		     struct error *err)
{
	const struct config_node *node =
		root->kind == CONFIG_MAP ? config_find(root, "mode") : NULL;
	int mode = MODE_TIMED;
	const struct config_field field = {
		CONFIG_CHOICE("mode", &mode, mode_names)
	};
	int r = node ? config_read_value(node, &field, err) : 0;

	if (r < 0)
		return r;
	set_mode_defaults(campaign, (enum run_mode)mode);
	campaign->gate.alpha = default_alpha(campaign->mode);
	return 0;
}

/* A key that says nothing in this mode is a mistake about the mode. */
static int refuse_keys_of_other_mode(const struct config_node *root,
				     enum run_mode mode, struct error *err)
{
	const struct config_node *blocks = config_find(root, "blocks_count");
	const struct config_node *seeds = config_find(root, "seeds_count");
	const struct config_node *looks = config_find(root, "looks_count");
	const struct config_node *exact = config_find(root, "exact");

	if (mode == MODE_EXACT && blocks)
		return config_error(err, -EINVAL, blocks,
				    "blocks_count: expected seeds_count in a "
				    "campaign of mode exact");
	if (mode == MODE_EXACT && looks)
		return config_error(err, -EINVAL, looks,
				    "looks_count: expected only in a campaign "
				    "of mode timed; seeds are few and all run");
	if (mode == MODE_TIMED && seeds)
		return config_error(err, -EINVAL, seeds,
				    "seeds_count: expected blocks_count in a "
				    "campaign of mode timed");
	if (mode == MODE_TIMED && exact)
		return config_error(err, -EINVAL, exact,
				    "exact: expected only in a campaign of "
				    "mode exact");
	return 0;
}

static int read_exact(const struct config_node *node,
		      struct exact_policy *policy, struct error *err)
{
	int by = BY_BLOCK;
	const struct config_field fields[] = {
		{ CONFIG_U32("shift", &policy->shift, 0, EXACT_SHIFT_MAX) },
		{ CONFIG_BOOL("counts", &policy->counts) },
		{ CONFIG_CHOICE("by", &by, by_names) },
		{ CONFIG_BOOL("profile", &policy->profile) },
		{ CONFIG_U32("jitter_us", &policy->jitter_us, 0,
			     EXACT_JITTER_MAX_US) },
		{ CONFIG_BOOL("kaslr", &policy->kaslr) },
	};
	int r = config_read(node, "exact", fields, ARRAY_COUNT(fields), err);

	if (r < 0)
		return r;
	if (policy->kaslr && policy->profile)
		return config_error(err, -EINVAL, config_find(node, "kaslr"),
				    "exact: kaslr and profile do not go "
				    "together: a profile needs addresses that "
				    "stay");
	policy->by_instruction = by == BY_INSTRUCTION;
	return 0;
}

/* --- the root ---------------------------------------------------------------------- */

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
	const struct config_node *cells = NULL, *gate = NULL, *exact = NULL;
	cleanup_free char *baseline = NULL;
	int mode; /* read_mode has it already */
	/* campaign_source_load has taken these; here they are known by name */
	const struct config_node *taken[3];
	const struct config_field fields[] = {
		{ CONFIG_TEXT("purpose", &campaign->purpose, NULL) },
		{ CONFIG_MAPPING("defaults", &defaults) },
		{ CONFIG_LIST_OF("variants", &variants, 1, VARIANTS_MAX),
		  .required = true },
		{ CONFIG_TEXT("baseline", &baseline, config_expect_name),
		  .required = true },
		{ CONFIG_LIST_OF("cells", &cells, 1, CELLS_MAX),
		  .required = true },
		{ CONFIG_CHOICE("mode", &mode, mode_names) },
		{ CONFIG_U32("blocks_count", &campaign->blocks_count, 2, 10000) },
		{ CONFIG_U32("seeds_count", &campaign->blocks_count, 1, 10000) },
		{ CONFIG_U32("looks_count", &campaign->looks_count, 1,
			     SEQUENTIAL_LOOKS_MAX) },
		{ CONFIG_U64("seed", &campaign->seed, 0, INT64_MAX) },
		{ CONFIG_U32("budget_minutes", &campaign->budget_minutes, 0,
			     100000) },
		{ CONFIG_U32("repeats_max", &campaign->repeats_max, 0, 10) },
		{ CONFIG_BOOL("control", &campaign->control) },
		{ CONFIG_MAPPING("exact", &exact) },
		{ CONFIG_MAPPING("gate", &gate) },
		{ CONFIG_LIST_OF("include", &taken[0], 1, 16) },
		{ CONFIG_LIST_OF("remove_variants", &taken[1], 0, 1000) },
		{ CONFIG_LIST_OF("remove_cells", &taken[2], 0, 1000) },
	};
	int r = read_mode(root, campaign, err);

	if (r == 0)
		r = config_read(root, "campaign", fields, ARRAY_COUNT(fields),
				err);
	if (r == 0)
		r = refuse_keys_of_other_mode(root, campaign->mode, err);
	/* A number that somebody chose is taken as it stands. */
	if (r == 0 && config_find(root, "blocks_count") && !config_find(root, "looks_count"))
		campaign->looks_count = 1;
	if (r == 0 && exact)
		r = read_exact(exact, &campaign->exact, err);
	if (r == 0 && gate)
		r = read_gate(gate, campaign->mode, &campaign->gate, err);
	if (r == 0 && defaults)
		r = variant_defaults_check(defaults, err);
	if (r == 0)
		r = read_variants(project_root, variants, defaults, campaign,
				  err);
	if (r == 0)
		r = read_baseline(root, baseline, campaign, err);
	if (r == 0)
		r = cells_read(project_root, cells, campaign, err);
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
	cleanup_campaign_source struct campaign_source *source = NULL;
	cleanup_with(cleanup_campaign) struct campaign campaign = {
		.repeats_max = 2,
		.gate = { .confidence = 0.95, .correction = CORRECTION_BENJAMINI_HOCHBERG },
	};
	int r = find_file(project_root, name, &campaign.file, err);

	if (r < 0)
		return r;
	r = reference_name(campaign.file, &campaign.name, err);
	if (r < 0)
		return r;
	r = campaign_source_load(project_root, campaign.file, &source, err);
	if (r < 0)
		return r;
	r = read_root(project_root, campaign_source_root(source), &campaign, err);
	if (r < 0)
		return r;
	campaign_source_included(source, &campaign.included);
	if (campaign.included.count)
		campaign.merged = campaign_merge_text(campaign_source_root(source));
	*ret_campaign = campaign;
	campaign = (struct campaign){ .name = NULL };
	return 0;
}
