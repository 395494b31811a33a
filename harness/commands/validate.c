/* validate.c - `kerngate validate`: many seeds of an exact campaign, walked for
 * what goes wrong in them; what fails is kept as a case; kept cases are tried
 * again on the kernels of today.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "command_experiment.h"
#include "experiment.h"
#include "log.h"
#include "memory.h"
#include "table.h"
#include "validation.h"

#define DEFAULT_CAMPAIGN "validate"
#define BUDGET_MAX 100000
#define BUDGET_UNSET UINT64_MAX

enum { EXIT_FOUND = 1, EXIT_PARTLY = 3 };

static const int statuses[] = {
	[VALIDATION_CLEAN] = EXIT_OK,
	[VALIDATION_FOUND] = EXIT_FOUND,
	[VALIDATION_PARTLY] = EXIT_PARTLY,
};

struct request {
	const struct globals *globals;
	struct experiment_options options;
	const char *name;      /* of the campaign or run; NULL: the default */
	struct strvec only, skip; /* globs; owned */
	uint64_t seeds, from, jobs;
	uint64_t budget;          /* minutes, 0: none; BUDGET_UNSET: the campaign's */
	bool until_found, cases, resume;
};

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static void request_release(struct request *request)
{
	strvec_release(&request->only);
	strvec_release(&request->skip);
}

/* --- what was found ------------------------------------------------------------------ */

static void add_name(struct strbuf *text, const char *name)
{
	strbuf_addf(text, "%s%s", text->length ? ", " : "", name);
}

static void print_head(const struct validation *validation)
{
	const struct stored_run *run = &validation->run;
	cleanup_table struct table table = TABLE_INIT(2);
	cleanup_strbuf struct strbuf variants = STRBUF_INIT, cells = STRBUF_INIT;
	cleanup_free char *seeds = string_format(
		"%" PRIu32 " of %" PRIu32 " walked (%" PRIu64 " to %" PRIu64 "), %" PRIu32
		" failed", validation->walked_count, validation->seeds_count,
		validation->first_seed, validation->first_seed + validation->seeds_count - 1,
		validation->failed_count);

	for (size_t i = 0; i < run->variants_count; i++)
		add_name(&variants, run->variants[i].label);
	for (size_t i = 0; i < run->cells_count; i++) {
		cleanup_free char *name = string_format("%s/%s", run->cells[i].guest,
							run->cells[i].suite);

		add_name(&cells, name);
	}
	table_add(&table, "run:", run->id);
	table_add(&table, "variants:", variants.data);
	table_add(&table, "guest/suite:", cells.data);
	table_add(&table, "seeds:", seeds);
	if (run->note)
		table_add(&table, "note:", run->note);
	table_print(&table, stdout);
}

static void print_findings(const struct validation *validation)
{
	cleanup_table struct table table = TABLE_INIT(4);

	table_add(&table, "SEEDS", "FIRST", "KIND", "FINDING");
	for (size_t i = 0; i < validation->findings_count; i++) {
		const struct validation_finding *finding = &validation->findings[i];
		char seeds[16], first[24];

		snprintf(seeds, sizeof(seeds), "%" PRIu32, finding->seeds_count);
		snprintf(first, sizeof(first), "%" PRIu64, finding->first_seed);
		table_add(&table, seeds, first, finding->symptom.kind, finding->symptom.title);
	}
	putchar('\n');
	table_print(&table, stdout);
}

static bool is_named_before(const struct validation *validation, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(validation->findings[i].case_name,
			    validation->findings[index].case_name))
			return true;
	return false;
}

/* "race in smp2/validate, seed 7, trial 12: comes again to the byte" */
static char *describe_case(const struct stored_run *run, const struct validation_finding *finding)
{
	const struct stored_trial *trial = &run->trials[finding->kept_trial];
	const struct stored_cell *cell = &run->cells[trial->cell];
	cleanup_free char *again = NULL;

	if (finding->is_known)
		return string_copy("kept before");
	again = finding->is_replayed ?
		string_copy("comes again to the byte") :
		string_format("does not come again the same: %s", finding->difference);
	return string_format("%s in %s/%s, seed %" PRIu64 ", trial %" PRIu32 "; %s",
			     run->variants[trial->variant].label, cell->guest, cell->suite,
			     trial->seed, trial->order + 1, again);
}

static void print_cases(const struct validation *validation, const char *program)
{
	printf("\nkept, to be run again:\n");
	for (size_t i = 0; i < validation->findings_count; i++) {
		const struct validation_finding *finding = &validation->findings[i];
		cleanup_free char *text = describe_case(&validation->run, finding);
		cleanup_table struct table table = TABLE_INIT(2);

		if (is_named_before(validation, i))
			continue;
		printf("  %s replay %s\n", program, finding->case_name);
		printf("  %s replay %s --gdb\n", program, finding->case_name);
		table_add(&table, "   ", text);
		table_print(&table, stdout);
	}
	printf("on a mended kernel: %s validate --cases\n", program);
}

static int report(const struct request *request, const char *run_id, bool interrupted,
		  int *ret_status, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_validation struct validation validation = { .findings = NULL };
	int rc = run_store_open(request->globals->results_dir, &store, err);

	if (!rc)
		rc = validation_read(store, run_id, &validation, err);
	if (rc)
		return rc;
	print_head(&validation);
	*ret_status = statuses[validation_end(&validation)];
	if (!validation.findings_count) {
		printf("\nnothing found%s\n", *ret_status == EXIT_PARTLY ? " so far" : "");
		return 0;
	}
	print_findings(&validation);
	if (interrupted) {
		printf("\nto go on, and to keep what was found: %s validate --resume\n",
		       request->globals->program);
		return 0;
	}
	rc = validation_keep(store, &request->options, &validation, err);
	if (!rc)
		print_cases(&validation, request->globals->program);
	return rc;
}

/* --- walking ---------------------------------------------------------------------------- */

/* A timed campaign is walked in exact mode: seeds are what this is about. */
static int load_campaign(const struct request *request, struct campaign *ret_campaign,
			 struct error *err)
{
	int rc = campaign_load(request->globals->project_root,
			       request->name ? request->name : DEFAULT_CAMPAIGN, ret_campaign,
			       err);

	if (!rc)
		rc = campaign_select(ret_campaign, &request->only, &request->skip, true, err);
	if (rc)
		return rc;
	campaign_set_mode(ret_campaign, MODE_EXACT);
	if (request->options.has_budget)
		ret_campaign->budget_minutes = request->options.budget_minutes;
	return 0;
}

/* A run that is finished is told once more, and its cases are kept if they are not
 * yet. */
static int resume(const struct request *request, char **ret_run_id, struct error *err)
{
	struct error why = ERROR_INIT;
	int rc = experiment_resume(request->name, &request->options, ret_run_id, &why);

	if (rc == -EALREADY) {
		*ret_run_id = string_copy(request->name);
		return 0;
	}
	return rc ? error_set(err, rc, "%s", why.message) : 0;
}

static int walk(const struct request *request, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free char *run_id = NULL;
	struct error second = ERROR_INIT;
	int status = EXIT_OK, rc, code;

	if (request->resume) {
		rc = resume(request, &run_id, err);
	} else {
		rc = load_campaign(request, &campaign, err);
		if (!rc)
			rc = experiment_run(&campaign, &request->options, &run_id, err);
	}
	if (!run_id || (rc && rc != -EINTR && rc != -ECANCELED))
		return rc;
	/* What an interrupted run has found is told too. */
	code = report(request, run_id, rc != 0, &status, rc ? &second : err);
	if (code && rc)
		log_warning("%s", second.message);
	return rc ? rc : code ? code : status;
}

/* --- kept cases --------------------------------------------------------------------------- */

static const char *const state_names[] = {
	[CASE_GONE] = "gone", [CASE_THERE] = "still there", [CASE_OTHER] = "another failure",
};

static int print_trials(const struct case_trials *trials)
{
	cleanup_table struct table table = TABLE_INIT(3);
	int status = EXIT_OK;

	table_add(&table, "NOW", "VARIANT", "CASE; WHAT SHOWS");
	for (size_t i = 0; i < trials->count; i++) {
		const struct case_trial *trial = &trials->items[i];
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		strbuf_adds(&text, trial->case_name);
		for (size_t j = 0; j < trial->symptoms.count; j++)
			strbuf_addf(&text, "\n%s: %s", trial->symptoms.items[j].kind,
				    trial->symptoms.items[j].title);
		table_add(&table, state_names[trial->state], trial->variant, text.data);
		if (trial->state != CASE_GONE)
			status = EXIT_FOUND;
	}
	table_print(&table, stdout);
	return status;
}

static int try_cases(const struct request *request, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_case_trials struct case_trials trials = { .items = NULL };
	int rc = load_campaign(request, &campaign, err), status;

	if (!rc)
		rc = validation_try_cases(&campaign, &request->options, &trials, err);
	if (!rc && !trials.count)
		printf("no cases in %s/%s\n", request->globals->results_dir, CASES_FOLDER);
	if (!trials.count)
		return rc;
	status = print_trials(&trials);
	return rc ? rc : status;
}

/* --- the command ---------------------------------------------------------------------------- */

static int check_request(const struct request *request, struct error *err)
{
	bool is_walk = request->seeds || request->from || request->until_found ||
		       request->budget != BUDGET_UNSET;

	if (request->cases && (is_walk || request->resume))
		return command_usage_error(err, "--cases runs what was kept, with its seeds: no "
					   "--seeds, --from, --until-found, --budget or --resume");
	if (request->resume && (request->seeds || request->from))
		return command_usage_error(err, "--resume goes on with the seeds as they are "
					   "stored: no --seeds or --from");
	if (request->resume && (request->only.count || request->skip.count))
		return command_usage_error(err, "--resume has the run's guests, suites and variants: "
					   "no --only or --skip");
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(request_release) struct request request = {
		.globals = globals, .budget = BUDGET_UNSET,
	};
	const struct option_info infos[] = {
		{ "--only", OPTION_TEXTS, &request.only, 0, 0 },
		{ "--skip", OPTION_TEXTS, &request.skip, 0, 0 },
		{ "--seeds", OPTION_NUMBER, &request.seeds, 1, 10000 },
		{ "--from", OPTION_NUMBER, &request.from, 1, INT64_MAX },
		{ "--until-found", OPTION_FLAG, &request.until_found, 0, 0 },
		{ "--budget", OPTION_NUMBER, &request.budget, 0, BUDGET_MAX },
		{ "--jobs", OPTION_NUMBER, &request.jobs, 1, 4096 },
		{ "--cases", OPTION_FLAG, &request.cases, 0, 0 },
		{ "--resume", OPTION_FLAG, &request.resume, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err), rc;

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status)
		status = check_request(&request, err);
	if (status)
		return status;
	request.name = argc > 1 ? argv[1] : NULL;
	request.options = command_experiment_options(globals, request.jobs);
	request.options.seed = request.from;
	request.options.blocks_count = (uint32_t)request.seeds;
	request.options.until_found = request.until_found;
	request.options.command = "validate";
	request.options.has_budget = request.budget != BUDGET_UNSET;
	if (request.options.has_budget)
		request.options.budget_minutes = (uint32_t)request.budget;
	command_catch_interrupts();
	rc = request.cases ? try_cases(&request, err) : walk(&request, err);
	if (rc == -EINTR || rc == -ECANCELED)
		return EXIT_INTERRUPTED;
	return rc > 0 ? rc : command_status(rc);
}

const struct command command_validate = {
	.name = "validate",
	.summary = "walk many seeds of a kernel in exact mode for what goes wrong",
	.usage = "validate [CAMPAIGN] [--seeds N] [--from SEED] [--until-found]\n"
		 "                    [--only GLOB] [--skip GLOB] [--budget MINUTES] [--jobs N]\n"
		 "       kerngate validate --resume [RUN] [--budget MINUTES]\n"
		 "       kerngate validate [CAMPAIGN] --cases",
	.help = "Runs an exact campaign (default: validate, a kernel with lockdep and KASAN)\n"
		"for its findings, not for its figures: every seed of every variant in every\n"
		"guest. A seed moves the scheduler, timers, memory and random numbers to another\n"
		"world, the same one each time. The first failing world of each finding is kept\n"
		"in results/cases; `kerngate replay CASE` makes it happen again.\n"
		"\n"
		"  --seeds N          instead of the campaign's seeds_count\n"
		"  --from SEED        the first one, instead of the campaign's seed: N seeds that\n"
		"                     no earlier run has walked find more than the same again\n"
		"  --only GLOB        the guests, suites and variants that fit, or with a slash\n"
		"                     the GUEST/SUITEs; may be said several times\n"
		"  --skip GLOB        not these\n"
		"  --until-found      start nothing more once anything has failed\n"
		"  --budget MINUTES   instead of the campaign's budget_minutes; 0: none. To be\n"
		"                     said again with --resume\n"
		"  --jobs N           compiler jobs (default: CPUs)\n"
		"  --cases            run every kept case on the campaign's kernels as they are\n"
		"                     now: on the variant of the case's name, else on each\n"
		"  --resume           go on with an interrupted run (default: the newest);\n"
		"                     of a finished one, tell once more what it found\n"
		"\n"
		"exit status: 0 nothing found (all cases gone); 1 findings, or rows that failed\n"
		"(a case is still there, or fails in another way); 2 the harness could not do\n"
		"its job; 3 nothing found, but not all seeds were run (budget); 64 wrong usage;\n"
		"130 interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate validate --seeds 100 --budget 60\n"
		"  kerngate validate validate-race --until-found\n"
		"  kerngate validate --cases\n",
	.supervised = true,
	.run = run,
};
