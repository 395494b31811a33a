/* nightly.c - a night in order, within its budget; whatever ends it, its record, its
 * summary and its hook come last.
 */
#include "nightly.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "against.h"
#include "clock.h"
#include "fleet.h"
#include "files.h"
#include "history.h"
#include "host_info.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"

#define MINUTE_NS (60 * NS_PER_SECOND)
#define CPUS_MAX 1024

/* For judging and reports, a tenth of the budget within these bounds. */
#define RESERVE_MIN_NS (10 * NS_PER_SECOND)
#define RESERVE_MAX_NS (180 * NS_PER_SECOND)
/* Of what is left then, for confirming and naming. */
#define SETTLE_SHARE 5

void nightly_release(struct nightly *nightly)
{
	stored_night_release(&nightly->record);
	strvec_release(&nightly->notes);
	free(nightly->report);
	free(nightly->failure);
}

static void work_release(struct night_work *work)
{
	for (size_t i = 0; i < work->events_count; i++) {
		stored_night_event_release(&work->events[i].stored);
		free(work->events[i].before);
	}
	free(work->events);
	campaign_release(&work->campaign);
	stored_run_release(&work->run);
	run_store_close(work->store);
	if (work->lock >= 0)
		(void)close(work->lock);
}

void night_note(struct night_work *work, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!text)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (strvec_contains(&work->night->notes, text))
		return;
	log_info("%s", text);
	strvec_push(&work->night->notes, text);
}

uint64_t night_left_ns(uint64_t end_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (!end_ns)
		return UINT64_MAX;
	return now_ns < end_ns ? end_ns - now_ns : 0;
}

int night_save(struct night_work *work, struct error *err)
{
	return run_store_set_night(work->store, &work->night->record, err);
}

/* --- the campaign and its budget ----------------------------------------------------------- */

static void set_times(struct night_work *work, bool has_past)
{
	uint64_t budget_ns = work->night->record.budget_minutes * MINUTE_NS;
	uint64_t reserve_ns = budget_ns / 10;
	bool settles = has_past && !work->request->no_confirm;

	if (!budget_ns)
		return;
	if (reserve_ns < RESERVE_MIN_NS)
		reserve_ns = RESERVE_MIN_NS;
	if (reserve_ns > RESERVE_MAX_NS)
		reserve_ns = RESERVE_MAX_NS;
	work->end_ns = work->began_ns + budget_ns;
	work->work_end_ns = work->end_ns - reserve_ns;
	work->run_end_ns = work->work_end_ns;
	if (settles)
		work->run_end_ns -= (work->work_end_ns - work->began_ns) / SETTLE_SHARE;
	work->options.deadline_ns = work->run_end_ns;
}

static int load_campaign(struct night_work *work, struct error *err)
{
	const struct nightly_request *request = work->request;
	struct stored_night *record = &work->night->record;
	struct campaign *campaign = &work->campaign;
	cleanup_free char *note = NULL;
	uint32_t cpus[CPUS_MAX];
	enum run_mode mode;
	int rc = campaign_load(work->options.project_root, request->campaign, campaign, err);

	if (rc)
		return rc;
	if (request->mode && !run_mode_parse(request->mode, &mode))
		campaign_set_mode(campaign, mode);
	rc = campaign_leave_out_cells(campaign, host_info_cpus(cpus, ARRAY_COUNT(cpus)), &note,
				      err);
	if (!rc)
		rc = campaign_select(campaign, &request->only, &request->skip, false, err);
	if (rc)
		return rc;
	if (note)
		night_note(work, "%s", note);
	free(record->campaign);
	record->campaign = string_copy(campaign->name);
	record->budget_minutes = request->budget_minutes ? request->budget_minutes :
							   campaign->budget_minutes;
	/* the night's deadline takes its place */
	campaign->budget_minutes = 0;
	work->options.has_budget = true;
	work->options.blocks_count = request->blocks_count;
	return 0;
}

static bool has_past(struct night_work *work)
{
	cleanup_free char *id = NULL;
	struct error ignored = ERROR_INIT;

	return work->store &&
	       !run_store_find_campaign(work->store, work->campaign.name, &id, &ignored) && id;
}

/* Two nights in one second have two records. */
static int choose_id(struct night_work *work, struct error *err)
{
	struct stored_night *nights = NULL;
	size_t count = 0;
	int rc = run_store_nights(work->store, NULL, 10, &nights, &count, err);
	cleanup_free char *first = string_copy(work->night->record.id);

	for (unsigned int number = 2; !rc && number < 10; number++) {
		bool is_taken = false;

		for (size_t i = 0; i < count; i++)
			is_taken = is_taken || !strcmp(nights[i].id, work->night->record.id);
		if (!is_taken)
			break;
		free(work->night->record.id);
		work->night->record.id = string_format("%s-%u", first, number);
	}
	if (!rc)
		stored_nights_free(nights, count);
	return rc;
}

/* Before hours are spent. */
static int check_against(struct night_work *work, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	const char *text = work->request->against;
	cleanup_free char *path = baseline_path(work->options.results_dir, text);
	int rc;

	if (against_names_nights(text) || path_exists(path))
		return 0;
	rc = run_store_load(work->store, text, &run, err);
	return rc ? error_prefix(err, "--against %s: neither last-good, N-nights nor a baseline; "
				 "and as a run", text) : 0;
}

static int begin(struct night_work *work, struct error *err)
{
	int rc = load_campaign(work, err);

	if (!rc)
		rc = run_store_open(work->options.results_dir, &work->store, err);
	if (!rc)
		rc = choose_id(work, err);
	if (!rc)
		rc = check_against(work, err);
	if (rc)
		return rc;
	set_times(work, has_past(work));
	log_info("night %s of campaign %s, %s mode, budget %" PRIu32 " min",
		 work->night->record.id, work->campaign.name, run_mode_name(work->campaign.mode),
		 work->night->record.budget_minutes);
	return 0;
}

/* --- the run ------------------------------------------------------------------------------------ */

static int keep_run(struct night_work *work, char *run_id, struct error *err)
{
	free(work->night->record.run_id);
	work->night->record.run_id = run_id;
	return night_save(work, err);
}

static int load_run(struct night_work *work, struct error *err)
{
	int rc = run_store_load(work->store, work->night->record.run_id, &work->run, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < work->run.trials_count; i++) {
		const struct stored_trial *trial = &work->run.trials[i];

		work->night->trials_planned += !trial->superseded;
		work->night->trials_finished += !trial->superseded &&
						trial->state == TRIAL_FINISHED;
	}
	return 0;
}

/* Also where the run was cut off, the record says which it is. */
static int measure(struct night_work *work, struct error *err)
{
	struct error ignored = ERROR_INIT;
	char *run_id = NULL;
	int rc = experiment_run(&work->campaign, &work->options, &run_id, err), saved = 0;

	if (run_id)
		saved = keep_run(work, run_id, rc ? &ignored : err);
	if (!rc)
		rc = saved;
	if (run_id && rc && load_run(work, &ignored))
		log_debug("%s", ignored.message);
	return rc ? rc : load_run(work, err);
}

static int measure_anew(struct night_work *work, struct error *err)
{
	int rc = night_build(work, err);

	if (!rc)
		rc = night_choose(work, err);
	if (work->night->record.cells_count) {
		struct error second = ERROR_INIT;
		int saved = night_save(work, &second);

		if (!rc && saved)
			return error_set(err, saved, "%s", second.message);
	}
	return rc ? rc : measure(work, err);
}

static void keep_resumed_cells(struct night_work *work)
{
	struct stored_night *record = &work->night->record;
	const struct stored_run *run = &work->run;

	record->cells = memory_alloc_array(run->cells_count, sizeof(*record->cells));
	record->cells_count = run->cells_count;
	for (size_t i = 0; i < run->cells_count; i++)
		record->cells[i] = (struct stored_night_cell){
			.guest = string_copy(run->cells[i].guest),
			.suite = string_copy(run->cells[i].suite), .is_run = true,
			.reason = string_copy("of the run that was cut off"),
		};
}

static int measure_on(struct night_work *work, const char *run_id, struct error *err)
{
	cleanup_free char *resumed = NULL;
	int rc = keep_run(work, string_copy(run_id), err);

	if (!rc)
		rc = experiment_resume(run_id, &work->options, &resumed, err);
	if (!rc)
		rc = load_run(work, err);
	if (!rc)
		keep_resumed_cells(work);
	return rc;
}

/* Confirmations are runs too, and the newest run is what `latest` says. */
static int point_latest(const struct night_work *work, struct error *err)
{
	cleanup_free char *link = path_join(run_store_folder(work->store), "latest");
	int rc = symlink_replace(work->night->record.run_id, link);

	return rc ? error_set_errno(err, rc, "%s: cannot be set", link) : 0;
}

static int go(struct night_work *work, struct error *err)
{
	cleanup_free char *unfinished = NULL;
	int rc = begin(work, err), reported;

	if (!rc)
		rc = night_look_back(work, &unfinished, err);
	if (!rc)
		rc = night_save(work, err);
	if (!rc && !work->request->no_fetch)
		rc = night_fetch(work, err);
	if (!rc)
		rc = unfinished ? measure_on(work, unfinished, err) : measure_anew(work, err);
	if (!rc)
		rc = night_judge(work, err);
	if (!rc && !work->request->no_confirm)
		rc = night_settle(work, err);
	if (!rc && !work->request->no_walk)
		rc = night_name(work, err);
	if (!work->is_judged)
		return rc;
	reported = point_latest(work, rc ? NULL : err);
	return rc ? rc : reported;
}

/* --- the end --------------------------------------------------------------------------------------- */

static void move_events(struct night_work *work)
{
	struct stored_night *record = &work->night->record;

	record->events = memory_alloc_array(work->events_count, sizeof(*record->events));
	for (size_t i = 0; i < work->events_count; i++) {
		record->events[i] = work->events[i].stored;
		work->events[i].stored = (struct stored_night_event){ .guest = NULL };
	}
	record->events_count = work->events_count;
}

static void finish(struct night_work *work, int code, const struct error *cause)
{
	struct nightly *night = work->night;
	struct error second = ERROR_INIT;

	if (code && (fleet_is_interrupted() || process_is_cancelled()))
		code = -EINTR;
	if (code)
		night->failure = string_copy(cause->message);
	move_events(work);
	night->spent_ns = clock_monotonic_ns() - work->began_ns;
	night->record.finished_wall_ns = clock_wall_ns();
	night->record.status = night_status(work, code);
	night->record.summary = night_summary(night);
	if (!work->store || work->lock < 0)
		return;
	if (night_save(work, &second) || night_report(work, &second)) {
		night->failure = night->failure ? night->failure : string_copy(second.message);
		night->record.status = night_status(work, code ? code : second.code);
		free(night->record.summary);
		night->record.summary = night_summary(night);
		if (night_save(work, &second))
			log_debug("%s", second.message);
	}
	night->spent_ns = clock_monotonic_ns() - work->began_ns;
}

void nightly_run(const struct nightly_request *request,
		 const struct experiment_options *options, struct nightly *ret)
{
	uint64_t now_ns = clock_wall_ns();
	char stamp[CLOCK_TEXT_MAX];
	cleanup_with(work_release) struct night_work work = {
		.request = request, .options = *options, .night = ret, .lock = -1,
		.began_ns = clock_monotonic_ns(),
	};
	struct error err = ERROR_INIT;
	int rc;

	*ret = (struct nightly){
		.record = {
			.id = string_format("%s-nightly", clock_format_stamp(now_ns, stamp)),
			.campaign = string_copy(request->campaign),
			.started_wall_ns = now_ns, .status = -1,
			.budget_minutes = request->budget_minutes,
		},
		.notes = STRVEC_INIT,
	};
	rc = night_lock(options->results_dir, &work.lock, &err);
	if (!rc)
		rc = go(&work, &err);
	progress_clear();
	finish(&work, rc, &err);
	night_hook(request, ret, options->results_dir);
}

/* --- the plan ------------------------------------------------------------------------------------------ */

static int print_choices(struct night_work *work, struct error *err)
{
	struct experiment_estimate estimate = { .cells = NULL };
	struct night_choice *choices = NULL;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	uint64_t whole_ns = work->end_ns ? work->run_end_ns - work->began_ns : UINT64_MAX;
	size_t count = work->campaign.cells_count, chosen = 0;
	char time[CLOCK_TEXT_MAX];
	int rc = night_choose_cells(work, whole_ns, whole_ns, &choices, &estimate, &chosen, err);

	if (rc)
		return rc;
	strbuf_addf(&text, "campaign %s: %zu of %zu cells fit into %" PRIu32 " minutes\n",
		    work->campaign.name, chosen, count, work->night->record.budget_minutes);
	if (estimate.builds_count)
		strbuf_addf(&text, "kernels to build: %zu, about %s\n", estimate.builds_count,
			    duration_format(estimate.build_ns, time));
	for (size_t i = 0; i < count; i++) {
		const struct campaign_cell *cell = &work->campaign.cells[choices[i].candidate];
		const struct stored_night_cell shown = {
			.guest = cell->guest.name, .suite = cell->suite.name,
			.estimate_ns = estimate.cells[choices[i].candidate].boots_ns,
			.reason = choices[i].reason,
		};

		night_format_cell(&shown, choices[i].place, &text);
	}
	fputs(text.data, stdout);
	night_choices_free(choices, count);
	experiment_estimate_release(&estimate);
	return 0;
}

int nightly_print_plan(const struct nightly_request *request,
		       const struct experiment_options *options, struct error *err)
{
	cleanup_with(nightly_release) struct nightly night = {
		.record = { .id = string_copy("plan") }, .notes = STRVEC_INIT,
	};
	cleanup_with(work_release) struct night_work work = {
		.request = request, .options = *options, .night = &night, .lock = -1,
		.began_ns = clock_monotonic_ns(),
	};
	cleanup_free char *path = path_join(options->results_dir, "store.sqlite");
	int rc = load_campaign(&work, err);

	/* a plan leaves nothing behind: no store is made for it */
	if (!rc && path_exists(path))
		rc = run_store_open(options->results_dir, &work.store, err);
	if (rc)
		return rc;
	set_times(&work, has_past(&work));
	return print_choices(&work, err);
}
