/* profile_run.c - profiles at the end of a run: of each row in which the number of
 * instructions changed.
 */
#include <errno.h>
#include <string.h>

#include "comparison.h"
#include "log.h"
#include "memory.h"
#include "profile.h"

#define UNIT_INSTRUCTIONS "insn"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static bool changed(const struct comparison_entry *entry)
{
	const struct metric_comparison *judged = &entry->judged;

	return strcmp(judged->metric->unit, UNIT_INSTRUCTIONS) == 0 &&
	       (judged->verdict == VERDICT_REGRESSED || judged->verdict == VERDICT_IMPROVED);
}

/* Several metrics of a row may have changed: one profile tells of all. */
static bool is_first_of_row(const struct comparison *comparison, size_t index)
{
	const struct comparison_entry *entry = &comparison->entries[index];

	for (size_t i = 0; i < index; i++) {
		const struct comparison_entry *other = &comparison->entries[i];

		if (other->cell == entry->cell && other->row == entry->row &&
		    other->variant == entry->variant && changed(other))
			return false;
	}
	return true;
}

static int take_and_save(struct run_store *store, const struct profile_request *request,
			 struct strbuf *out, struct error *err)
{
	cleanup_profile struct profile profile = { .run_id = NULL };
	cleanup_free char *path = NULL;
	int rc = profile_take(store, request, &profile, err);

	if (!rc)
		rc = profile_save(store, &profile, &path, err);
	if (rc)
		return rc;
	strbuf_addc(out, '\n');
	profile_render_text(&profile, PROFILE_TOP_DEFAULT, out);
	strbuf_addf(out, "profile: %s\n", path);
	return 0;
}

/* What keeps one profile from being taken keeps no other. */
static int profile_entry(struct run_store *store, const struct stored_run *run,
			 const struct comparison_entry *entry,
			 const struct experiment_options *options, struct strbuf *out,
			 struct error *err)
{
	const struct stored_cell *stored = &run->cells[entry->cell];
	cleanup_free char *cell = string_format("%s/%s", stored->guest, stored->suite);
	const struct profile_request request = {
		.options = options,
		.run_id = run->id,
		.variant = run->variants[entry->variant].label,
		.cell = cell,
		.row = stored->rows[entry->row].name,
	};
	struct error cause = ERROR_INIT;
	int rc;

	log_info("profile of %s, %s, row %s", request.variant, cell, request.row);
	rc = take_and_save(store, &request, out, &cause);
	if (rc == -EINTR || rc == -ECANCELED)
		return error_set(err, rc, "%s", cause.message);
	if (rc)
		strbuf_addf(out, "\nno profile of %s, %s, row %s: %s\n", request.variant, cell,
			    request.row, cause.message);
	return 0;
}

int profile_run(const struct experiment_options *options, const char *run_id,
		struct strbuf *out, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = run_store_open(options->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, run_id, &run, err);
	if (rc || run.mode != MODE_EXACT || !run.exact.profile)
		return rc;
	rc = comparison_make(store, &run, NULL, &comparison, err);
	for (size_t i = 0; !rc && i < comparison.count; i++)
		if (changed(&comparison.entries[i]) && is_first_of_row(&comparison, i))
			rc = profile_entry(store, &run, &comparison.entries[i], options, out, err);
	return rc;
}
