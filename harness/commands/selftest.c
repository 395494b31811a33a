/* selftest.c - `kerngate selftest`: a slowdown that is there must be found, and none
 * where there is none.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "command_experiment.h"
#include "experiment.h"
#include "gate_selftest.h"
#include "log.h"
#include "memory.h"
#include "sequential.h"
#include "verdict_table.h"

#define DEFAULT_CAMPAIGN "selftest"
#define BUDGET_MAX 100000
#define LEGS_MAX 16
#define NONE "none"

enum { EXIT_WRONG = 1, EXIT_OPEN = 3 };

static const int statuses[] = {
	[SELFTEST_RIGHT] = EXIT_OK,
	[SELFTEST_WRONG] = EXIT_WRONG,
	[SELFTEST_OPEN] = EXIT_OPEN,
};

struct request {
	const struct globals *globals;
	struct experiment_options options;
	const char *name;      /* of the campaign; NULL: the default */
	const char *mode;      /* instead of the campaign's; NULL: that */
	const char *leg;       /* only this one; NULL: all */
	struct strvec slowdowns;
	uint64_t budget, blocks, looks, seed, jobs;
	struct selftest_leg legs[LEGS_MAX];
	size_t legs_count;
};

static void release_request(struct request *request)
{
	for (size_t i = 0; i < request->legs_count; i++)
		selftest_leg_release(&request->legs[i]);
	strvec_release(&request->slowdowns);
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* --- one leg ----------------------------------------------------------------------- */

/* Minutes are for all legs: what one leaves, the next may take. */
static uint32_t leg_minutes(const struct request *request, uint32_t campaign_minutes,
			    size_t index, uint64_t began_ns)
{
	uint64_t budget = request->budget ? request->budget : campaign_minutes;
	uint64_t spent = (clock_monotonic_ns() - began_ns) / (60 * NS_PER_SECOND);
	uint64_t left = budget > spent ? budget - spent : 0;
	uint64_t share = left / (request->legs_count - index);

	return budget == 0 ? 0 : share > 0 ? (uint32_t)share : 1;
}

static int load_campaign(const struct request *request, size_t index, uint64_t began_ns,
			 struct campaign *ret_campaign, struct error *err)
{
	enum run_mode mode;
	int rc = campaign_load(request->globals->project_root,
			       request->name ? request->name : DEFAULT_CAMPAIGN, ret_campaign,
			       err);

	if (rc)
		return rc;
	if (request->mode && !run_mode_parse(request->mode, &mode))
		campaign_set_mode(ret_campaign, mode);
	if (request->looks && ret_campaign->mode != MODE_TIMED)
		return command_usage_error(err, "--looks is for timed mode; exact mode runs all "
					   "its seeds");
	if (request->looks)
		ret_campaign->looks_count = (uint32_t)request->looks;
	ret_campaign->budget_minutes = leg_minutes(request, ret_campaign->budget_minutes, index,
						   began_ns);
	return selftest_inject(ret_campaign, request->legs[index].percent, err);
}

static int read_leg(const struct request *request, const char *run_id,
		    struct selftest_leg *leg, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	int rc = run_store_open(request->globals->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, run_id, &run, err);
	if (!rc)
		rc = comparison_make(store, &run, NULL, &c, err);
	if (!rc)
		selftest_leg_read(&run, &c, leg);
	return rc;
}

static int run_leg(struct request *request, size_t index, uint64_t began_ns, struct error *err)
{
	struct selftest_leg *leg = &request->legs[index];
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free char *run_id = NULL, *note = NULL;
	struct experiment_options options = request->options;
	int rc = load_campaign(request, index, began_ns, &campaign, err);

	if (rc)
		return rc;
	if (leg->percent > 0)
		note = string_format("self-test of the gate: +%g %% injected", leg->percent);
	else
		note = string_copy("self-test of the gate: nothing injected");
	options.note = note;
	log_info("leg %zu of %zu: %s", index + 1, request->legs_count, note);
	rc = experiment_run(&campaign, &options, &run_id, err);
	return rc ? rc : read_leg(request, run_id, leg, err);
}

/* --- the command --------------------------------------------------------------------- */

/* One leg's exit status is the gate's own. */
static int run_one(struct request *request, struct error *err)
{
	const struct verdict_options verdict = { .json = false };
	enum gate_exit gate = GATE_FAILED;
	int rc = run_leg(request, 0, clock_monotonic_ns(), err);

	if (rc)
		return rc;
	rc = verdict_print(request->globals->results_dir, request->legs[0].run_id, &verdict, &gate,
			   err);
	return rc ? rc : (int)gate;
}

static int run_all(struct request *request, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	uint64_t began_ns = clock_monotonic_ns();
	int rc = 0;

	for (size_t i = 0; !rc && i < request->legs_count; i++)
		rc = run_leg(request, i, began_ns, err);
	if (rc)
		return rc;
	selftest_render(request->legs, request->legs_count, &text);
	fputs(text.data, stdout);
	return statuses[selftest_end(request->legs, request->legs_count)];
}

static int add_leg(struct request *request, double percent, struct error *err)
{
	if (request->legs_count == LEGS_MAX)
		return command_usage_error(err, "more than %d legs", LEGS_MAX);
	request->legs[request->legs_count++] = (struct selftest_leg){ .percent = percent };
	return 0;
}

static int add_slowdown(struct request *request, const char *option, const char *text,
			struct error *err)
{
	double percent = 0;
	int status = verdict_parse_number(option, text, SELFTEST_PERCENT_MIN,
					  SELFTEST_PERCENT_MAX, &percent, err);

	return status ? status : add_leg(request, percent, err);
}

static int choose_legs(struct request *request, struct error *err)
{
	static const char *const usual[] = { "5", "10" };
	size_t asked = request->slowdowns.count;
	int status;

	if (request->leg && asked)
		return command_usage_error(err, "--leg is one leg by itself: no --slowdown");
	if (request->leg && strcmp(request->leg, NONE) != 0)
		return add_slowdown(request, "--leg", request->leg, err);
	status = add_leg(request, 0, err);
	if (request->leg)
		return status;
	for (size_t i = 0; !status && i < (asked ? asked : ARRAY_COUNT(usual)); i++)
		status = add_slowdown(request, "--slowdown",
				      asked ? request->slowdowns.items[i] : usual[i], err);
	return status;
}

static int check_request(struct request *request, int argc, char **argv, struct error *err)
{
	enum run_mode mode;
	int status = command_check_operands(argc, argv, 1, err);

	if (!status && request->mode && run_mode_parse(request->mode, &mode))
		status = command_usage_error(err, "--mode %s: expected timed or exact",
					     request->mode);
	return status ? status : choose_legs(request, err);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(release_request) struct request request = { .globals = globals };
	const struct option_info infos[] = {
		{ "--leg", OPTION_TEXT, &request.leg, 0, 0 },
		{ "--slowdown", OPTION_TEXTS, &request.slowdowns, 0, 0 },
		{ "--mode", OPTION_TEXT, &request.mode, 0, 0 },
		{ "--budget", OPTION_NUMBER, &request.budget, 1, BUDGET_MAX },
		{ "--blocks", OPTION_NUMBER, &request.blocks, 1, 10000 },
		{ "--looks", OPTION_NUMBER, &request.looks, 1, SEQUENTIAL_LOOKS_MAX },
		{ "--seed", OPTION_NUMBER, &request.seed, 1, INT64_MAX },
		{ "--jobs", OPTION_NUMBER, &request.jobs, 1, 4096 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err), rc;

	if (!status)
		status = check_request(&request, argc, argv, err);
	if (status)
		return status;
	request.name = argc > 1 ? argv[1] : NULL;
	request.options = command_experiment_options(globals, request.jobs);
	request.options.seed = request.seed;
	request.options.blocks_count = (uint32_t)request.blocks;
	command_catch_interrupts();
	rc = request.leg ? run_one(&request, err) : run_all(&request, err);
	if (rc == -EINTR || rc == -ECANCELED)
		return EXIT_INTERRUPTED;
	return rc > 0 ? rc : command_status(rc);
}

const struct command command_selftest = {
	.name = "selftest",
	.summary = "prove the gate: an injected slowdown must be found",
	.usage = "selftest [CAMPAIGN] [--mode MODE] [--slowdown PERCENT]...\n"
		 "                    [--budget MINUTES] [--blocks N] [--looks N] [--seed N]\n"
		 "       kerngate selftest [CAMPAIGN] --leg none|PERCENT ...",
	.help = "Runs a campaign (default: selftest, one kernel on both sides) once as it is and\n"
		"once with each slowdown: the workload selftest runs so much longer on the\n"
		"candidate's side, in real guests. The gate must say 0 without, and 1, for that\n"
		"workload, with a slowdown. Prints what each leg gave.\n"
		"\n"
		"  --slowdown PERCENT  instead of 5 and 10; may be given again\n"
		"  --leg LEG           only `none` or one slowdown: prints its verdict table and\n"
		"                      exits as `kerngate gate` does\n"
		"  --mode MODE         timed or exact, instead of the campaign's\n"
		"  --budget MINUTES    of boots for all legs, instead of the campaign's\n"
		"  --blocks N          at most, for each leg; in exact mode seeds\n"
		"  --looks N           instead of the campaign's looks_count\n"
		"  --seed N            of the order; in exact mode the first\n"
		"  --jobs N            compiler jobs (default: CPUs)\n"
		"\n"
		"exit status: 0 every leg gave what it must; 1 the gate is wrong; 2 the harness\n"
		"could not do its job; 3 a leg was inconclusive or not comparable, none wrong; 64\n"
		"wrong usage; 130 interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate selftest\n"
		"  kerngate selftest --mode exact --slowdown 0.5\n"
		"  kerngate selftest --leg 5; echo $?\n",
	.supervised = true,
	.run = run,
};
