/* against_find.c - which earlier runs a name stands for. */
#include "against.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "config_node.h"
#include "files.h"
#include "memory.h"
#include "run_store_history.h"

#define NIGHTS_MAX 10000ul

void baselines_free(struct baseline *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		baseline_release(&items[i]);
	free(items);
}

struct finding_runs {
	struct run_store *store;
	const struct stored_run *run;
	const char *label;
	struct timeline_run *timeline; size_t timeline_count; /* owned */
	size_t before;               /* runs of it that began before this one */
	struct baseline *items; size_t count; /* owned */
};

static void finding_release(struct finding_runs *finding)
{
	timeline_free(finding->timeline, finding->timeline_count);
	baselines_free(finding->items, finding->count);
}

static int load_timeline(struct finding_runs *finding, struct error *err)
{
	const struct stored_run *run = finding->run;
	int rc = run_store_timeline(finding->store, run->campaign, run->mode, &finding->timeline,
				    &finding->timeline_count, err);

	if (rc)
		return rc;
	/* the run itself may not be finished, and so not be there */
	while (finding->before < finding->timeline_count &&
	       finding->timeline[finding->before].started_wall_ns < run->started_wall_ns &&
	       strcmp(finding->timeline[finding->before].id, run->id))
		finding->before++;
	return 0;
}

static int add_run(struct finding_runs *finding, const struct stored_run *run,
		   const char *label, struct error *err)
{
	struct baseline *item;

	finding->items = memory_realloc_array(finding->items, finding->count + 1,
					      sizeof(*finding->items));
	item = &finding->items[finding->count];
	*item = (struct baseline){ .run_id = NULL };
	finding->count++;
	return baseline_from_run(finding->store, run, label, item, err);
}

static int add_stored(struct finding_runs *finding, const char *run_id, const char *label,
		      struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	int rc = run_store_load(finding->store, run_id, &run, err);

	return rc ? rc : add_run(finding, &run, label, err);
}

/* --- the last good run -------------------------------------------------------------------- */

static int try_good(struct finding_runs *finding, const char *run_id, bool *ret_good,
		    struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = run_store_load(finding->store, run_id, &run, err);

	if (!rc)
		rc = comparison_make(finding->store, &run, NULL, &comparison, err);
	if (rc || comparison.gate != GATE_PASS)
		return rc;
	*ret_good = true;
	return add_run(finding, &run, finding->label, err);
}

static int find_last_good(struct finding_runs *finding, char **ret_title, struct error *err)
{
	for (size_t i = finding->before; i-- > 0;) {
		bool is_good = false;
		int rc = try_good(finding, finding->timeline[i].id, &is_good, err);

		if (rc)
			return rc;
		if (is_good) {
			*ret_title = string_format("the last good run, %s",
						   finding->timeline[i].id);
			return 0;
		}
	}
	return error_set(err, -ENOENT, "last-good: of the %zu finished runs of campaign %s before "
			 "%s none passed its gate", finding->before, finding->run->campaign,
			 finding->run->id);
}

/* --- nights -------------------------------------------------------------------------------- */

size_t against_parse_nights(const char *text)
{
	char *end = NULL;
	unsigned long count;

	if (*text < '1' || *text > '9')
		return 0;
	count = strtoul(text, &end, 10);
	if ((strcmp(end, "-nights") && strcmp(end, "-night")) || count > NIGHTS_MAX)
		return 0;
	return count;
}

static int find_nights(struct finding_runs *finding, size_t nights, char **ret_title,
		       struct error *err)
{
	int rc = 0;

	if (!finding->before)
		return error_set(err, -ENOENT, "campaign %s has no finished run before %s",
				 finding->run->campaign, finding->run->id);
	for (size_t i = finding->before; !rc && i-- > 0 && finding->count < nights;)
		rc = add_stored(finding, finding->timeline[i].id, finding->label, err);
	if (rc)
		return rc;
	if (finding->count < nights)
		*ret_title = string_format("the last %zu runs of the campaign (there are not %zu)",
					   finding->count, nights);
	else
		*ret_title = string_format("the last %zu runs of the campaign", finding->count);
	return 0;
}

/* --- a file or a run -------------------------------------------------------------------------- */

static int load_file(struct finding_runs *finding, const char *name, char **ret_title,
		     struct error *err)
{
	struct baseline *item;
	int rc;

	finding->items = memory_realloc_array(finding->items, 1, sizeof(*finding->items));
	item = &finding->items[0];
	*item = (struct baseline){ .run_id = NULL };
	rc = baseline_load(run_store_folder(finding->store), name, item, err);
	if (rc)
		return rc;
	finding->count = 1;
	*ret_title = string_format("baseline %s (%s of run %s)", name, item->variant, item->run_id);
	return 0;
}

static int load_run(struct finding_runs *finding, const char *text, char **ret_title,
		    struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf tail = STRBUF_INIT;
	struct error cause = ERROR_INIT;
	int rc = add_stored(finding, text, finding->label, &cause);

	if (!rc) {
		*ret_title = string_format("run %s (%s)", finding->items[0].run_id,
					   finding->items[0].variant);
		return 0;
	}
	finding->count = 0;
	if (rc != -ENOENT)
		return error_set(err, rc, "%s", cause.message);
	rc = baseline_names(run_store_folder(finding->store), &names, err);
	if (rc)
		return rc;
	config_add_candidates(&tail, text, (const char *const *)names.items, names.count);
	return error_set(err, -ENOENT, "--against %s: neither last-good, N-nights nor a baseline%s; "
			 "and as a run: %s", text, tail.data, cause.message);
}

int against_find(struct run_store *store, const struct stored_run *run, const char *label,
		 const char *text, struct baseline **ret_items, size_t *ret_count,
		 char **ret_title, struct error *err)
{
	cleanup_with(finding_release) struct finding_runs finding = {
		.store = store, .run = run, .label = label,
	};
	cleanup_free char *path = baseline_path(run_store_folder(store), text);
	size_t nights = against_parse_nights(text);
	int rc = load_timeline(&finding, err);

	if (rc)
		return rc;
	if (!strcmp(text, "last-good"))
		rc = find_last_good(&finding, ret_title, err);
	else if (nights)
		rc = find_nights(&finding, nights, ret_title, err);
	else if (!config_expect_name(text) && path_exists(path))
		rc = load_file(&finding, text, ret_title, err);
	else
		rc = load_run(&finding, text, ret_title, err);
	if (rc)
		return rc;
	*ret_items = take_pointer(finding.items);
	*ret_count = finding.count;
	finding.count = 0;
	return 0;
}

void against_earlier_release(struct against_earlier *earlier)
{
	baselines_free(earlier->items, earlier->count);
	free(earlier->title);
}
