/* gate.c - `kerngate gate`: a run's verdict as an exit status. */
#include <stdio.h>

#include "against.h"
#include "command.h"
#include "comparison.h"
#include "memory.h"
#include "verdict_table.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* --- against earlier runs --------------------------------------------------------------- */

/* Whether the run's own control or a canary failed: then it says nothing. */
static int judge_itself(struct run_store *store, const struct stored_run *run,
			bool *ret_void, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = comparison_make(store, run, NULL, &comparison, err);

	if (!rc)
		*ret_void = comparison.control_fired || comparison.canary_failed;
	return rc;
}

static void print(const struct baseline *run, const struct against *against,
		  const char *title, bool is_void, bool json)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *dumped = NULL;

	if (json) {
		json_t *object = against_render_json(run, against, title);

		dumped = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		json_decref(object);
		puts(dumped);
		return;
	}
	if (is_void)
		puts("! the run's own A/A control or a canary failed: the verdicts are void");
	against_render_text(run, against, title, &text);
	fputs(text.data, stdout);
}

struct request {
	const char *run, *against, *variant;
	bool json;
};

static int gate_against(const struct globals *globals, const struct request *request,
			enum gate_exit *ret_gate, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(baseline_release) struct baseline now = { .run_id = NULL };
	cleanup_with(against_earlier_release) struct against_earlier earlier = { .items = NULL };
	cleanup_with(against_release) struct against against = { .entries = NULL };
	bool is_void = false;
	int rc = run_store_open(globals->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, request->run, &run, err);
	if (!rc)
		rc = baseline_from_run(store, &run, request->variant, &now, err);
	if (!rc)
		rc = against_find(store, &run, now.variant, request->against, &earlier.items,
				  &earlier.count, &earlier.title, err);
	if (!rc)
		rc = judge_itself(store, &run, &is_void, err);
	if (rc)
		return rc;
	against_make(&now, earlier.items, earlier.count, &run.gate, is_void, &against);
	print(&now, &against, earlier.title, is_void, request->json);
	*ret_gate = against.gate;
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct verdict_options verdict = { .json = false };
	struct request request = { .run = NULL };
	const struct option_info options[] = {
		{ "--json", OPTION_FLAG, &verdict.json, 0, 0 },
		{ "--against", OPTION_TEXT, &request.against, 0, 0 },
		{ "--variant", OPTION_TEXT, &request.variant, 0, 0 },
		{ .name = NULL },
	};
	enum gate_exit gate = GATE_FAILED;
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status && request.variant && !request.against)
		status = command_usage_error(err, "--variant goes with --against: a run by itself "
					     "is judged whole");
	if (status)
		return status;
	request.run = argc > 1 ? argv[1] : NULL;
	request.json = verdict.json;
	if (request.against)
		status = gate_against(globals, &request, &gate, err);
	else
		status = verdict_print(globals->results_dir, request.run, &verdict, &gate, err);
	return status ? GATE_FAILED : (int)gate;
}

const struct command command_gate = {
	.name = "gate",
	.summary = "tell a run's verdict by the exit status",
	.usage = "gate [RUN] [--json]\n"
		 "       kerngate gate [RUN] --against EARLIER [--variant LABEL] [--json]",
	.help = "Judges a run (default: results/latest) by the policy it was begun with, prints\n"
		"the verdict table and exits with\n"
		"\n"
		"  0   improved or equivalent\n"
		"  1   regressed\n"
		"  2   the harness could not do its job\n"
		"  3   inconclusive\n"
		"  4   not comparable, or the A/A control was judged different, or a canary\n"
		"      of an exact run gave other bytes\n"
		"  64  wrong usage\n"
		"\n"
		"  --against EARLIER  not its own baseline, but what was measured before:\n"
		"      NAME       a baseline (kerngate baseline), or an earlier run\n"
		"      last-good  the newest earlier run of the campaign whose gate passed\n"
		"      N-nights   the last N runs of the campaign, which are the units\n"
		"  --variant LABEL    with --against: instead of the run's last variant\n"
		"\n"
		"Measured under other conditions: exit code 4, and each difference.\n"
		"\n"
		"examples:\n"
		"  kerngate run nightly && kerngate gate\n"
		"  kerngate gate --against 7-nights\n",
	.run = run,
};
