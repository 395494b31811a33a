/* campaign_select.c - which cells and variants of a campaign are run: chosen by glob
 * (fnmatch), or one by one.
 */
#include "campaign.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "config_files.h"
#include "memory.h"

/* --- keeping ------------------------------------------------------------------------ */

void campaign_keep_cells(struct campaign *campaign, const size_t *indexes, size_t count)
{
	struct campaign_cell *kept = memory_alloc_array(count, sizeof(*kept));
	cleanup_free bool *is_kept = memory_alloc_array(campaign->cells_count,
							sizeof(*is_kept));

	for (size_t i = 0; i < count; i++) {
		kept[i] = campaign->cells[indexes[i]];
		is_kept[indexes[i]] = true;
	}
	for (size_t i = 0; i < campaign->cells_count; i++) {
		if (is_kept[i])
			continue;
		guest_spec_release(&campaign->cells[i].guest);
		suite_release(&campaign->cells[i].suite);
	}
	free(campaign->cells);
	campaign->cells = kept;
	campaign->cells_count = count;
}

void campaign_keep_variants(struct campaign *campaign, const bool *is_kept)
{
	size_t kept = 0, baseline = 0;

	for (size_t i = 0; i < campaign->variants_count; i++) {
		if (i != campaign->baseline && !is_kept[i]) {
			variant_release(&campaign->variants[i]);
			continue;
		}
		if (i == campaign->baseline)
			baseline = kept;
		campaign->variants[kept++] = campaign->variants[i];
	}
	campaign->variants_count = kept;
	campaign->baseline = baseline;
}

/* --- globs -------------------------------------------------------------------------- */

static char *cell_name(const struct campaign_cell *cell)
{
	return string_format("%s/%s", cell->guest.name, cell->suite.name);
}

static bool fits_cell(const char *glob, const struct campaign_cell *cell)
{
	cleanup_free char *name = cell_name(cell);

	if (strchr(glob, '/'))
		return !fnmatch(glob, name, FNM_PATHNAME);
	return !fnmatch(glob, cell->guest.name, 0) || !fnmatch(glob, cell->suite.name, 0);
}

static bool fits_variant(const char *glob, const struct variant *variant)
{
	return !strchr(glob, '/') && !fnmatch(glob, variant->name, 0);
}

/* What the globs of one list fit. */
struct fits {
	bool *cells, *variants; /* owned */
	bool any_cell, any_variant;
};

static void fits_release(struct fits *fits)
{
	free(fits->cells);
	free(fits->variants);
}

static void add_name(struct strvec *names, const char *name)
{
	if (!strvec_contains(names, name))
		strvec_push(names, name);
}

static int refuse_glob(const struct campaign *campaign, const char *noun, const char *glob,
		       struct error *err)
{
	bool is_cell = strchr(glob, '/') != NULL;
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf tail = STRBUF_INIT;

	for (size_t i = 0; i < campaign->cells_count; i++) {
		const struct campaign_cell *cell = &campaign->cells[i];
		cleanup_free char *name = cell_name(cell);

		add_name(&names, is_cell ? name : cell->guest.name);
		if (!is_cell)
			add_name(&names, cell->suite.name);
	}
	for (size_t i = 0; !is_cell && i < campaign->variants_count; i++)
		add_name(&names, campaign->variants[i].name);
	config_add_candidates(&tail, glob, (const char *const *)names.items, names.count);
	return error_set(err, -ENOENT, "campaign %s: %s '%s' fits no %s%s", campaign->name, noun,
			 glob, is_cell ? "guest and suite" : "guest, suite or variant",
			 tail.data);
}

static int add_fits(const struct campaign *campaign, const char *noun, const char *glob,
		    struct fits *fits, struct error *err)
{
	bool any_cell = false, any_variant = false;

	for (size_t i = 0; i < campaign->cells_count; i++) {
		bool fit = fits_cell(glob, &campaign->cells[i]);

		fits->cells[i] = fits->cells[i] || fit;
		any_cell = any_cell || fit;
	}
	for (size_t i = 0; i < campaign->variants_count; i++) {
		bool fit = fits_variant(glob, &campaign->variants[i]);

		fits->variants[i] = fits->variants[i] || fit;
		any_variant = any_variant || fit;
	}
	fits->any_cell = fits->any_cell || any_cell;
	fits->any_variant = fits->any_variant || any_variant;
	return any_cell || any_variant ? 0 : refuse_glob(campaign, noun, glob, err);
}

static int find_fits(const struct campaign *campaign, const char *noun,
		     const struct strvec *globs, struct fits *fits, struct error *err)
{
	int rc = 0;

	fits->cells = memory_alloc_array(campaign->cells_count, sizeof(*fits->cells));
	fits->variants = memory_alloc_array(campaign->variants_count, sizeof(*fits->variants));
	for (size_t i = 0; rc == 0 && i < globs->count; i++)
		rc = add_fits(campaign, noun, globs->items[i], fits, err);
	return rc;
}

/* Every verdict is against the baseline: it cannot be meant alone. */
static int check_skip(const struct campaign *campaign, const struct strvec *skip,
		      struct error *err)
{
	const char *baseline = campaign->variants[campaign->baseline].name;

	for (size_t i = 0; i < skip->count; i++)
		if (!strcmp(skip->items[i], baseline))
			return error_set(err, -EINVAL, "campaign %s: skip '%s': expected another "
					 "variant than the baseline, which every other one is "
					 "compared with", campaign->name, baseline);
	return 0;
}

static int keep(struct campaign *campaign, const struct fits *only, const struct fits *skip,
		bool may_be_alone, struct error *err)
{
	cleanup_free size_t *cells = memory_alloc_array(campaign->cells_count, sizeof(*cells));
	cleanup_free bool *variants = memory_alloc_array(campaign->variants_count,
							 sizeof(*variants));
	size_t cells_count = 0, others_count = 0;

	for (size_t i = 0; i < campaign->cells_count; i++)
		if ((only->cells[i] || !only->any_cell) && !skip->cells[i])
			cells[cells_count++] = i;
	for (size_t i = 0; i < campaign->variants_count; i++) {
		variants[i] = (only->variants[i] || !only->any_variant) && !skip->variants[i];
		others_count += variants[i] && i != campaign->baseline;
	}
	if (!cells_count)
		return error_set(err, -E2BIG, "campaign %s: what was asked for leaves no pairing "
				 "of guest and suite", campaign->name);
	if (!may_be_alone && !others_count && campaign->variants_count > 1)
		return error_set(err, -E2BIG, "campaign %s: what was asked for leaves no variant "
				 "beside the baseline '%s'", campaign->name,
				 campaign->variants[campaign->baseline].name);
	campaign_keep_cells(campaign, cells, cells_count);
	campaign_keep_variants(campaign, variants);
	return 0;
}

int campaign_select(struct campaign *campaign, const struct strvec *only,
		    const struct strvec *skip, bool may_be_alone, struct error *err)
{
	cleanup_with(fits_release) struct fits fit_only = { .cells = NULL };
	cleanup_with(fits_release) struct fits fit_skip = { .cells = NULL };
	int rc = find_fits(campaign, "only", only, &fit_only, err);

	if (rc == 0)
		rc = find_fits(campaign, "skip", skip, &fit_skip, err);
	if (rc == 0)
		rc = check_skip(campaign, skip, err);
	return rc ? rc : keep(campaign, &fit_only, &fit_skip, may_be_alone, err);
}
