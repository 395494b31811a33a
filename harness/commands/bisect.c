/* bisect.c - `kerngate bisect`: which patch or commit moved a metric. */
#include "bisect.h"

#include <stdio.h>

#include "command_experiment.h"
#include "command_row.h"
#include "log.h"
#include "render_bisect.h"
#include "verdict_table.h"

struct settings {
	struct bisect_request request;
	const char *effect, *confidence;
	struct command_row row;
};

static void cleanup_bisect_(struct bisect **bisect)
{
	bisect_free(*bisect);
}

static int check_new(struct settings *settings, struct error *err)
{
	struct bisect_request *request = &settings->request;

	if (!request->good || !request->bad || !request->metric)
		return command_usage_error(err, "needs --good, --bad and --metric");
	if (!request->series == !request->repository)
		return command_usage_error(err, "needs --series NAME or --repo DIR, one of them");
	if (request->repository && request->setting.base)
		return command_usage_error(err, "--base is for --series: commits are their own base");
	return command_row_complete(&request->setting, err);
}

static int check_resume(const struct settings *settings, struct error *err)
{
	const struct bisect_request *request = &settings->request;

	if (request->good || request->bad || request->metric || request->series ||
	    request->repository || command_row_is_set(&request->setting) || settings->effect ||
	    settings->confidence)
		return command_usage_error(err, "--resume goes on with what was asked: only --budget, "
					   "--jobs and --json go with it");
	return 0;
}

static int check_settings(struct settings *settings, int argc, char **argv, struct error *err)
{
	struct bisect_request *request = &settings->request;
	int status = command_check_operands(argc, argv, settings->row.resume ? 1 : 0, err);

	if (!status)
		status = settings->row.resume ? check_resume(settings, err) : check_new(settings, err);
	if (!status)
		status = verdict_parse_number("--effect", settings->effect, 0.001, 1000,
					      &request->effect_percent, err);
	if (!status)
		status = verdict_parse_number("--confidence", settings->confidence, 0.5, 0.9999,
					      &request->confidence, err);
	request->budget_minutes = (uint32_t)settings->row.budget_minutes;
	return status;
}

static int perform(const struct settings *settings, const char *id,
		   const struct experiment_options *options, struct error *err)
{
	cleanup_with(cleanup_bisect_) struct bisect *bisect = NULL;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int code;

	if (settings->row.resume)
		code = bisect_resume(id, settings->request.budget_minutes, options, &bisect, err);
	else
		code = bisect_begin(&settings->request, options, &bisect, err);
	if (!code)
		log_info("bisection %s: %s", bisect->id, bisect->folder);
	if (!code)
		code = bisect_go(bisect, err);
	code = command_row_end(code);
	if (code)
		return code;
	if (settings->row.json)
		render_bisect_json(bisect, &text);
	else
		render_bisect_text(bisect, &text);
	fputs(text.data, stdout);
	return (int)bisect_exit(bisect);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .effect = NULL };
	struct bisect_request *request = &settings.request;
	const struct option_info infos[] = {
		{ "--good", OPTION_TEXT, &request->good, 0, 0 },
		{ "--bad", OPTION_TEXT, &request->bad, 0, 0 },
		{ "--metric", OPTION_TEXT, &request->metric, 0, 0 },
		{ "--series", OPTION_TEXT, &request->series, 0, 0 },
		{ "--repo", OPTION_TEXT, &request->repository, 0, 0 },
		{ "--effect", OPTION_TEXT, &settings.effect, 0, 0 },
		{ "--confidence", OPTION_TEXT, &settings.confidence, 0, 0 },
		COMMAND_ROW_OPTIONS(&request->setting, &settings.row),
		{ .name = NULL },
	};
	struct experiment_options options;
	int status = command_parse_options(infos, &argc, argv, err);

	if (!status)
		status = check_settings(&settings, argc, argv, err);
	if (status)
		return status;
	options = command_experiment_options(globals, settings.row.jobs);
	command_catch_interrupts();
	return perform(&settings, argc > 1 ? argv[1] : NULL, &options, err);
}

const struct command command_bisect = {
	.name = "bisect",
	.summary = "which patch of a series, or which commit, moved a metric",
	.usage = "bisect --good REF --bad REF --metric ROW.METRIC\n"
		 "                       (--series NAME | --repo DIR) [OPTIONS]\n"
		 "       kerngate bisect --resume [ID] [--budget MINUTES] [--json]",
	.help = "Boots good and bad until they are told apart, then kernels between them, until\n"
		"the first bad one is known with the wanted confidence; then that one against\n"
		"the one before it once more. docs/bisect.md says how, and what is assumed.\n"
		"\n"
		"  --good, --bad REF  of a series: how many patches are applied, or a name of one\n"
		"                     (with it applied); else commits, good an ancestor of bad\n"
		"  --metric METRIC    ROW.METRIC of the suite; METRIC, where one row has it\n"
		"  --series NAME      in kernel/series, or a path\n"
		"  --repo DIR         a git repository of the kernel on this machine\n"
		"  --campaign NAME    whose base, fragments, guest, suite and mode are taken\n"
		"                     (default: quick; with --mode exact quick-exact)\n"
		"  --variant NAME     of the campaign, instead of its baseline\n"
		"  --base B, --fragments A,B,C, --guest G, --suite S, --mode timed|exact\n"
		"                     instead of the campaign's\n"
		"  --effect PERCENT   smallest change between good and bad that is worth it\n"
		"                     (default: 1; in exact mode the campaign's margin)\n"
		"  --confidence C     wanted of the answer, 0.5 to 0.9999 (default: 0.95)\n"
		"  --budget MINUTES   builds included; then it says what it knows\n"
		"  --jobs N           compiler jobs (default: CPUs)\n"
		"  --resume           go on (default: with the newest); nothing is repeated\n"
		"  --json             for programs\n"
		"\n"
		"exit status: 0 found; 2 the harness could not do its job; 3 not decided, or good\n"
		"and bad are not told apart; 64 wrong usage.\n"
		"\n"
		"examples:\n"
		"  kerngate bisect --series padata-mt --good 0 --bad 7 --mode exact \\\n"
		"      --metric hugetlb_fallocate.work_instructions\n"
		"  kerngate bisect --repo ~/linux --good v7.3 --bad HEAD --metric fallocate_ns\n",
	.supervised = true,
	.run = run,
};
