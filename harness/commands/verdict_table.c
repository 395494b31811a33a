/* verdict_table.c - a stored run, judged and printed. */
#include "verdict_table.h"

#include <errno.h>
#include <stdio.h>

#include "command.h"
#include "comparison.h"
#include "files.h"
#include "render.h"
#include "strbuf.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static int judge(struct run_store *store, const struct stored_run *run,
		 const struct verdict_options *options, enum gate_exit *ret_gate,
		 struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct gate_policy policy = run->gate;
	int rc;

	if (options->margin_percent > 0)
		policy.margin_percent = options->margin_percent;
	if (options->alpha > 0)
		policy.alpha = options->alpha;
	rc = comparison_make(store, run, &policy, &comparison, err);
	if (rc)
		return error_prefix(err, "run %s", run->id);
	if (options->json)
		render_comparison_json(run, &comparison, &text);
	else if (options->mail)
		render_comparison_mail(run, &comparison, &text);
	else
		render_comparison_text(run, &comparison, &text);
	fputs(text.data, stdout);
	*ret_gate = comparison.gate;
	return 0;
}

int verdict_print(const char *results_dir, const char *run_id,
		  const struct verdict_options *options, enum gate_exit *ret_gate,
		  struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	int rc = run_store_open(results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, run_id, &run, err);
	return rc ? rc : judge(store, &run, options, ret_gate, err);
}

int verdict_table_print(const char *results_dir, const char *run_id, struct error *err)
{
	const struct verdict_options options = { .json = false };
	enum gate_exit gate;

	return verdict_print(results_dir, run_id, &options, &gate, err);
}

int verdict_parse_number(const char *option, const char *text, double minimum, double maximum,
			 double *ret_value, struct error *err)
{
	char *end = NULL;
	double value;

	if (!text)
		return 0;
	value = strtod(text, &end);
	if (end == text || *end || !(value >= minimum && value <= maximum))
		return command_usage_error(err, "%s %s: expected a number from %g to %g", option,
					   text, minimum, maximum);
	*ret_value = value;
	return 0;
}
