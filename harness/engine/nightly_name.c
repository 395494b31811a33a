/* nightly_name.c - which patch made a confirmed regression: a walk over the patches that
 * the two kernels do not have in common, in the cell where it shows. What a walk cannot
 * find (another base, other options) is told, with the command that can.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "kernel_records.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "walk.h"

/* All worse events of one variant in one cell against one earlier run. */
struct naming {
	struct night_work *work;
	const struct night_event *event; /* the first of them */
	json_t *before, *after;      /* records of the two kernels; owned */
	const struct variant *variant;   /* of the campaign */
	size_t common;               /* patches that both begin with */
	size_t patches;              /* of the kernel after */
};

static void naming_release(struct naming *naming)
{
	json_decref(naming->before);
	json_decref(naming->after);
}

static void cleanup_walk_(struct walk **walk)
{
	walk_free(*walk);
}

static void set_reason(struct night_event *event, const char *text)
{
	cleanup_free char *old = event->stored.reason;

	event->stored.reason = old ? string_format("%s; %s", old, text) : string_copy(text);
}

static bool is_wanted(const struct night_event *event)
{
	return event->stored.is_worse && event->stored.state == NIGHT_EVENT_CONFIRMED &&
	       !event->stored.culprit && event->before;
}

static bool is_same_place(const struct night_event *a, const struct night_event *b)
{
	return !strcmp(a->stored.variant, b->stored.variant) &&
	       !strcmp(a->stored.guest, b->stored.guest) &&
	       !strcmp(a->stored.suite, b->stored.suite) && !strcmp(a->before, b->before);
}

/* The same text for all events that the naming is for. */
static void tell(const struct naming *naming, const char *text)
{
	struct night_work *work = naming->work;

	for (size_t i = 0; i < work->events_count; i++)
		if (is_wanted(&work->events[i]) && is_same_place(&work->events[i], naming->event))
			set_reason(&work->events[i], text);
	night_note(work, "%s", text);
}

/* --- the two kernels ----------------------------------------------------------------------- */

static json_t *record_of(const struct stored_run *run, const char *label)
{
	for (size_t i = 0; i < run->variants_count; i++)
		if (!strcmp(run->variants[i].label, label) && run->variants[i].kernel_record)
			return json_loads(run->variants[i].kernel_record, 0, NULL);
	return NULL;
}

static bool is_same_patch(const json_t *a, const json_t *b)
{
	return !strcmp(record_text(a, "sha256"), record_text(b, "sha256"));
}

static int load_naming(struct naming *naming, struct error *err)
{
	const char *label = naming->event->stored.variant;
	cleanup_with(stored_run_release) struct stored_run before = { .id = NULL };
	const struct campaign *campaign = &naming->work->campaign;
	const json_t *old, *new;
	int rc = run_store_load(naming->work->store, naming->event->before, &before, err);

	if (rc)
		return rc;
	naming->before = record_of(&before, label);
	naming->after = record_of(&naming->work->run, label);
	if (!naming->before || !naming->after)
		return error_set(err, -ENOENT, "what the kernels were made of is not known");
	for (size_t i = 0; i < campaign->variants_count; i++)
		if (!strcmp(campaign->variants[i].name, label))
			naming->variant = &campaign->variants[i];
	if (!naming->variant)
		return error_set(err, -ENOENT, "the campaign has no variant %s", label);
	old = json_object_get(naming->before, "patches");
	new = json_object_get(naming->after, "patches");
	naming->patches = json_array_size(new);
	while (naming->common < naming->patches && naming->common < json_array_size(old) &&
	       is_same_patch(json_array_get(old, naming->common),
			     json_array_get(new, naming->common)))
		naming->common++;
	return 0;
}

static const char *source_text(const json_t *record, const char *name)
{
	return record_text(json_object_get(record, "source"), name);
}

/* --- where no patch can be it ----------------------------------------------------------------- */

static const char *commit_of(const json_t *record)
{
	const char *identity = source_text(record, "identity");

	return strncmp(identity, "commit:", 7) ? NULL : identity + 7;
}

static void tell_base(const struct naming *naming)
{
	const struct stored_night_event *event = &naming->event->stored;
	const char *good = commit_of(naming->before), *bad = commit_of(naming->after);
	cleanup_free char *text = NULL;

	if (good && bad)
		text = string_format("its base moved: kerngate bisect --repo CLONE --good %s --bad %s "
				     "--campaign %s --variant %s --guest %s --suite %s --mode %s "
				     "--metric %s.%s (CLONE of %s)", good, bad,
				     naming->work->campaign.name, event->variant, event->guest,
				     event->suite, run_mode_name(naming->work->run.mode),
				     event->row, event->metric,
				     source_text(naming->after, "location"));
	else
		text = string_format("its base moved: %s %s, before %s",
				     source_text(naming->after, "kind"),
				     source_text(naming->after, "detail"),
				     source_text(naming->before, "detail"));
	tell(naming, text);
}

/* True where there is a patch to look for. */
static bool has_new_patches(const struct naming *naming)
{
	bool base_moved = strcmp(source_text(naming->before, "identity"),
				 source_text(naming->after, "identity"));

	if (naming->common < naming->patches && !base_moved)
		return true;
	if (base_moved && naming->common == naming->patches)
		tell_base(naming);
	else if (base_moved)
		tell(naming, "both its base and its patches changed: not walked");
	else if (json_array_size(json_object_get(naming->before, "patches")) > naming->common)
		tell(naming, "patches were taken out, none came in: not walked");
	else
		tell(naming, "base and patches are the same: it is fragments, compiler or command "
		     "line");
	return false;
}

/* --- the walk ------------------------------------------------------------------------------------ */

/* One series of the variant, of which patches from..to are new. */
struct stretch {
	char *series;                /* name, or folder; owned */
	char *from, *to;             /* numbers; owned */
	size_t kernels;              /* that the walk boots at most */
};

static void stretch_release(struct stretch *stretch)
{
	free(stretch->series);
	free(stretch->from);
	free(stretch->to);
	*stretch = (struct stretch){ .series = NULL };
}

static char *series_reference(const char *root, const char *folder)
{
	cleanup_free char *prefix = string_format("%s/kernel/series/", root);
	size_t length = strlen(prefix);

	return string_copy(strncmp(folder, prefix, length) || strchr(folder + length, '/') ?
			   folder : folder + length);
}

/* The index-th series; *ret_has: whether it has new patches. *at: patches before it, and
 * then behind it. */
static int make_stretch(const struct naming *naming, size_t index, size_t *at, bool *ret_has,
			struct stretch *ret, struct error *err)
{
	const char *root = naming->work->options.project_root;
	size_t patches_max = 0, count, begin = *at;
	cleanup_free char *folder = series_split(naming->variant->kernel.series.items[index],
						 &patches_max);
	cleanup_free char *reference = series_reference(root, folder);
	cleanup_with(kernel_row_release) struct kernel_row row = { .series = NULL };
	int rc = kernel_row_of_series(root, reference, &row, err);

	if (rc)
		return rc;
	count = row.count - 1 < patches_max ? row.count - 1 : patches_max;
	*at = begin + count;
	*ret_has = naming->common < *at;
	if (!*ret_has)
		return 0;
	*ret = (struct stretch){
		.series = take_pointer(reference), .to = string_format("%zu", count),
		.from = string_format("%zu", naming->common > begin ? naming->common - begin : 0),
		.kernels = *at - (naming->common > begin ? naming->common : begin) + 1,
	};
	return 0;
}

static char *command_of(const struct naming *naming, const struct stretch *stretch)
{
	const struct stored_night_event *event = &naming->event->stored;

	return string_format("kerngate walk %s --from %s --to %s --campaign %s --variant %s "
			     "--guest %s --suite %s --mode %s", stretch->series, stretch->from,
			     stretch->to, naming->work->campaign.name, event->variant,
			     event->guest, event->suite, run_mode_name(naming->work->run.mode));
}

/* Boots one after another; what builds take nobody knows before. */
static uint64_t walk_needs_ns(const struct naming *naming, const struct stretch *stretch)
{
	struct night_work *work = naming->work;
	uint32_t blocks = work->options.blocks_count ? work->options.blocks_count :
						       work->campaign.blocks_count;
	const struct stored_night_event *event = &naming->event->stored;

	struct trial_history history = { .count = 0 };

	run_store_trial_history(work->store, event->guest, event->suite, work->run.mode, NULL,
				&history);
	return history.median_ns * blocks * stretch->kernels;
}

/* The step that moved the metric most, the way it went; NULL: none. */
static const struct kernel_row_item *find_culprit(const struct walk *walk,
						  const struct stored_night_event *event)
{
	const struct stored_cell *cell = &walk->run.cells[0];
	const struct kernel_row_item *culprit = NULL;
	double most = 0;

	for (size_t i = 0; i < walk->count; i++) {
		const struct walk_entry *entry = &walk->entries[i];
		double change = fabs(log(entry->judged.ratio));

		if (!entry->is_step || entry->judged.verdict != VERDICT_REGRESSED ||
		    strcmp(cell->rows[entry->row].name, event->row) ||
		    strcmp(entry->judged.metric->name, event->metric) || change <= most)
			continue;
		for (size_t k = 0; k < walk->row.count; k++)
			if (!strcmp(walk->row.items[k].name,
				    walk->run.variants[entry->variant].name)) {
				culprit = &walk->row.items[k];
				most = change;
			}
	}
	return culprit;
}

/* Whether all that were looked for are found. */
static bool take_culprits(const struct naming *naming, const struct walk *walk)
{
	struct night_work *work = naming->work;
	bool all = true;

	for (size_t i = 0; i < work->events_count; i++) {
		struct night_event *event = &work->events[i];
		const struct kernel_row_item *item;

		if (!is_wanted(event) || !is_same_place(event, naming->event))
			continue;
		item = walk->withheld ? NULL : find_culprit(walk, &event->stored);
		if (item)
			event->stored.culprit = string_copy(item->label);
		else
			all = false;
	}
	return all;
}

static int walk_stretch(const struct naming *naming, const struct stretch *stretch,
			bool *ret_found, struct error *err)
{
	struct night_work *work = naming->work;
	const struct stored_night_event *event = &naming->event->stored;
	cleanup_with(cleanup_walk_) struct walk *walk = NULL;
	struct experiment_options options = work->options;
	cleanup_free char *mode = string_copy(run_mode_name(work->run.mode));
	/* the bases, patches and fragments of this night, as its run keeps them */
	cleanup_free char *root = string_format("%s/%s/config", run_store_folder(work->store),
						work->run.id);
	const struct walk_request request = {
		.series = stretch->series, .from = stretch->from, .to = stretch->to,
		.setting = { .campaign = work->campaign.name, .variant = event->variant,
			     .guest = event->guest, .suite = event->suite, .mode = mode },
		.blocks_count = work->options.blocks_count,
	};
	int rc;

	options.project_root = root;
	options.deadline_ns = work->work_end_ns;
	options.note = NULL;
	rc = walk_begin(&request, &options, &walk, err);
	if (!rc)
		rc = walk_go(walk, err);
	if (!rc && walk->withheld)
		night_note(work, "walk %s: nothing is said: %s", walk->id, walk->withheld);
	if (!rc)
		*ret_found = take_culprits(naming, walk);
	return rc;
}

/* Series by series, the first new patch first. */
static int walk_all(const struct naming *naming, struct error *err)
{
	const struct strvec *series = &naming->variant->kernel.series;
	size_t at = 0;
	bool found = false, has = false;
	int rc = 0;

	for (size_t i = 0; !rc && !found && i < series->count; i++) {
		cleanup_with(stretch_release) struct stretch stretch = { .series = NULL };
		struct error cause = ERROR_INIT;

		rc = make_stretch(naming, i, &at, &has, &stretch, err);
		if (rc || !has)
			continue;
		if (walk_needs_ns(naming, &stretch) > night_left_ns(naming->work->work_end_ns)) {
			cleanup_free char *command = command_of(naming, &stretch);
			cleanup_free char *text = string_format("no time left to find the patch: %s",
								command);

			tell(naming, text);
			return 0;
		}
		log_info("walking %s from %s to %s", stretch.series, stretch.from, stretch.to);
		rc = walk_stretch(naming, &stretch, &found, &cause);
		if (rc)
			(void)error_set(err, rc, "%s", cause.message);
	}
	if (!rc && !found)
		tell(naming, "no single patch was shown to be it");
	return rc;
}

static int name_event(struct night_work *work, const struct night_event *event,
		      struct error *err)
{
	cleanup_with(naming_release) struct naming naming = { .work = work, .event = event };
	int rc = load_naming(&naming, err);

	if (!rc && has_new_patches(&naming))
		rc = walk_all(&naming, err);
	return rc;
}

static void mark_walked(struct night_work *work, const struct night_event *event)
{
	for (size_t i = 0; i < work->events_count; i++)
		if (is_wanted(&work->events[i]) && is_same_place(&work->events[i], event))
			work->events[i].is_walked = true;
}

int night_name(struct night_work *work, struct error *err)
{
	for (size_t i = 0; i < work->events_count; i++) {
		const struct night_event *event = &work->events[i];
		struct error cause = ERROR_INIT;
		int rc;

		if (!is_wanted(event) || event->is_walked)
			continue;
		mark_walked(work, event);
		rc = name_event(work, event, &cause);
		if (rc == -EINTR || rc == -ECANCELED)
			return error_set(err, rc, "%s", cause.message);
		if (rc)
			night_note(work, "the patch was not found: %s", cause.message);
	}
	return 0;
}
