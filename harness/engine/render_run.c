/* render_run.c - `kerngate show RUN`: what was planned and what came of it. */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "guest_title.h"
#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "render_parts.h"

#define TRIALS_LISTED_MAX 100 /* beyond it only those that did not pass */

/* "planned after 6, 12 and 18 blocks; 2 taken, 3 not settled at the last" */
static void add_looks(const struct stored_run *run, struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct stored_look *last = NULL;
	size_t taken = 0;

	for (size_t i = 0; i < run->looks_count; i++) {
		const struct stored_look *look = &run->looks[i];

		strbuf_addf(&text, "%s%u", i == 0 ? "planned after " :
			    i + 1 == run->looks_count ? " and " : ", ", look->blocks);
		if (look->taken_wall_ns) {
			last = look;
			taken++;
		}
	}
	if (run->looks_count == 0)
		return;
	strbuf_addf(&text, " blocks; %zu taken", taken);
	if (last)
		strbuf_addf(&text, ", %u not settled at the last%s", last->open_count,
			    last->stopped ? ", which ended the run" : "");
	render_field(out, "looks", "%s", text.data);
}

static void add_head(const struct stored_run *run, struct strbuf *out)
{
	char time[CLOCK_TEXT_MAX];

	render_field(out, "run", "%s of campaign %s (%s)", run->id, run->campaign,
		     run->campaign_file ? run->campaign_file : "file unknown");
	render_field(out, "state", "%s", run->state);
	if (run->note)
		render_field(out, "", "%s", run->note);
	render_field(out, "begun", "%s", clock_format_utc(run->started_wall_ns, time));
	if (run->finished_wall_ns > run->started_wall_ns) {
		char length[CLOCK_TEXT_MAX];

		render_field(out, "finished", "%s, after %s",
			     clock_format_utc(run->finished_wall_ns, time),
			     duration_format(run->finished_wall_ns - run->started_wall_ns,
					     length));
	}
	if (run->mode == MODE_EXACT)
		render_exact_mode(run, out);
	else
		render_field(out, "seed", "%" PRIu64, run->seed);
	add_looks(run, out);
	render_field(out, "guests run", "on %s%s%s",
		     run->accelerator ? run->accelerator : "unknown",
		     run->accelerator_reason ? ": " : "",
		     run->accelerator_reason ? run->accelerator_reason : "");
}

static void add_variants(const struct stored_run *run, struct strbuf *out)
{
	strbuf_adds(out, "\nvariants\n");
	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "%s:%s kernel ", variant->label,
			    i == run->baseline ? " baseline," : "");
		render_short_key(variant->kernel_key, &text);
		if (variant->cmdline && variant->cmdline[0])
			strbuf_addf(&text, ", with %s", variant->cmdline);
		render_wrapped(out, "  ", 4, text.data);
	}
}

static int compare_durations(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Median time of a cell's finished boots; 0 if none. */
static uint64_t median_duration(const struct stored_run *run, uint32_t cell)
{
	cleanup_free uint64_t *durations =
		memory_alloc_array(run->trials_count, sizeof(*durations));
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].cell == cell && run->trials[i].state == TRIAL_FINISHED)
			durations[count++] = run->trials[i].duration_ns;
	qsort(durations, count, sizeof(*durations), compare_durations);
	return count ? durations[count / 2] : 0;
}

static void add_cells(const struct stored_run *run, struct strbuf *out)
{
	strbuf_adds(out, "\ncells\n");
	for (uint32_t i = 0; i < run->cells_count; i++) {
		const struct stored_cell *cell = &run->cells[i];
		uint64_t duration = median_duration(run, i);
		cleanup_free char *guest = guest_title(run, cell);
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		char length[CLOCK_TEXT_MAX];

		strbuf_addf(&text, "guest %s, suite %s:", guest, cell->suite);
		for (size_t row = 0; row < cell->rows_count; row++)
			strbuf_addf(&text, " %s%s", cell->rows[row].name,
				    row + 1 < cell->rows_count ? "," : "");
		if (duration > 0)
			strbuf_addf(&text, "; a boot takes %s",
				    duration_format(duration, length));
		render_wrapped(out, "  ", 4, text.data);
	}
}

static void add_summary(const struct stored_run *run, struct strbuf *out)
{
	size_t outcomes[OUTCOME_TIMED_OUT + 1] = { 0 };
	size_t open = 0, repeats = 0, disturbed = 0;
	bool is_first = true;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		repeats += trial->attempt > 0;
		if (trial->state != TRIAL_FINISHED) {
			open++;
			continue;
		}
		disturbed += trial->disturbed;
		if ((size_t)trial->outcome < ARRAY_COUNT(outcomes))
			outcomes[trial->outcome]++;
	}
	strbuf_addf(&text, "%zu planned", run->trials_count);
	for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
		if (outcomes[i] == 0)
			continue;
		strbuf_addf(&text, "%s%zu %s", is_first ? ": " : ", ", outcomes[i],
			    outcome_name((enum outcome)i));
		is_first = false;
	}
	if (open > 0)
		strbuf_addf(&text, ", %zu not run", open);
	if (repeats > 0)
		strbuf_addf(&text, "; %zu of them repeats", repeats);
	if (disturbed > 0)
		strbuf_addf(&text, "; %zu disturbed by the host", disturbed);
	render_field(out, "trials", "%s", text.data);
}

static const char *trial_state(const struct stored_trial *trial)
{
	if (trial->state == TRIAL_PLANNED)
		return "planned";
	return trial->state == TRIAL_STARTED ? "started" : outcome_name(trial->outcome);
}

static void add_trial(const struct stored_run *run, const struct stored_trial *trial,
		      struct strbuf *out)
{
	const struct stored_cell *cell = &run->cells[trial->cell];
	bool is_exact = run->mode == MODE_EXACT;
	char length[CLOCK_TEXT_MAX] = "-";
	cleanup_strbuf struct strbuf note = STRBUF_INIT;
	cleanup_free char *place = string_format("%s/%s", cell->guest, cell->suite);

	if (trial->state == TRIAL_FINISHED)
		duration_format(trial->duration_ns, length);
	strbuf_addf(out, "%5u %5" PRIu64 "  %-20.20s %-20.20s %-9s %s\n", trial->order + 1,
		    is_exact ? trial->seed : trial->block + UINT64_C(1),
		    run->variants[trial->variant].label, place,
		    trial_state(trial), length);
	if (trial->superseded)
		strbuf_adds(&note, is_exact ? "left out of comparisons. " :
					      "superseded by a repeat. ");
	if (trial->disturbed)
		strbuf_adds(&note, "disturbed by the host. ");
	if (trial->reason)
		strbuf_adds(&note, trial->reason);
	if (note.length > 0)
		render_wrapped(out, "              ", 14, note.data);
}

static void add_trials(const struct stored_run *run, struct strbuf *out)
{
	bool lists_all = run->trials_count <= TRIALS_LISTED_MAX;
	size_t hidden = 0;

	strbuf_addf(out, "\n%5s %5s  %-20s %-20s %-9s %s\n", "trial",
		    run->mode == MODE_EXACT ? "seed" : "block", "variant", "guest/suite",
		    "outcome", "time");
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		bool is_plain = trial->state == TRIAL_FINISHED &&
				trial->outcome == OUTCOME_PASSED && !trial->disturbed;

		if (lists_all || !is_plain)
			add_trial(run, trial, out);
		else
			hidden++;
	}
	if (hidden > 0)
		strbuf_addf(out, "      and %zu that passed undisturbed\n", hidden);
}

static uint32_t trial_number(const struct stored_run *run, int64_t id)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].id == id)
			return run->trials[i].order + 1;
	return 0;
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	return a->kind == b->kind && strcmp(a->title, b->title) == 0;
}

/* Each bug once, with the trials that show it. */
static void add_findings(const struct stored_run *run, const struct stored_finding *items,
			 size_t count, struct strbuf *out)
{
	strbuf_addf(out, "\nfindings%s\n", count ? "" : ": none on any console");
	for (size_t i = 0; i < count; i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		bool is_known = false;
		uint32_t last = 0;

		for (size_t k = 0; k < i && !is_known; k++)
			is_known = is_same(&items[k].finding, &items[i].finding);
		if (is_known)
			continue;
		strbuf_addf(&text, "%s: %s; trials", finding_kind_name(items[i].finding.kind),
			    items[i].finding.title);
		for (size_t k = i; k < count; k++) {
			uint32_t number = trial_number(run, items[k].trial_id);

			if (is_same(&items[k].finding, &items[i].finding) && number != last)
				strbuf_addf(&text, " %u", last = number);
		}
		render_wrapped(out, "  ", 4, text.data);
	}
}

void render_run(const struct stored_run *run, const struct stored_finding *findings,
		size_t findings_count, struct strbuf *out)
{
	add_head(run, out);
	add_summary(run, out);
	add_variants(run, out);
	add_cells(run, out);
	add_trials(run, out);
	add_findings(run, findings, findings_count, out);
}

int render_run_text(struct run_store *store, const struct stored_run *run,
		    struct strbuf *out, struct error *err)
{
	struct stored_finding *findings;
	size_t count;
	int rc = run_store_findings(store, run->id, &findings, &count, err);

	if (rc)
		return rc;
	render_run(run, findings, count, out);
	stored_findings_free(findings, count);
	return 0;
}
