/* walk.c - `kerngate walk`: a series patch by patch. */
#include "walk.h"

#include <stdio.h>

#include "command_experiment.h"
#include "command_row.h"
#include "log.h"
#include "render_walk.h"

struct settings {
	struct walk_request request;
	uint64_t blocks;
	struct command_row row;
};

static void cleanup_walk_(struct walk **walk)
{
	walk_free(*walk);
}

static int check_settings(struct settings *settings, int argc, char **argv, struct error *err)
{
	struct walk_request *request = &settings->request;
	int status = command_check_operands(argc, argv, 1, err);

	if (status)
		return status;
	if (settings->row.resume && (request->from || request->to ||
				 command_row_is_set(&request->setting) || settings->blocks ||
				 settings->row.budget_minutes))
		return command_usage_error(err, "--resume goes on with what was asked: only --jobs "
					   "and --json go with it");
	if (!settings->row.resume && argc < 2)
		return command_usage_error(err, "needs a SERIES");
	status = command_row_complete(&request->setting, err);
	if (status)
		return status;
	request->series = argc > 1 ? argv[1] : NULL;
	request->blocks_count = (uint32_t)settings->blocks;
	request->budget_minutes = (uint32_t)settings->row.budget_minutes;
	return 0;
}

static int perform(const struct settings *settings, const struct experiment_options *options,
		   struct error *err)
{
	cleanup_with(cleanup_walk_) struct walk *walk = NULL;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int code;

	if (settings->row.resume)
		code = walk_resume(settings->request.series, options, &walk, err);
	else
		code = walk_begin(&settings->request, options, &walk, err);
	if (!code)
		log_info("walk %s: %s", walk->id, walk->folder);
	if (!code)
		code = walk_go(walk, err);
	code = command_row_end(code);
	if (code)
		return code;
	if (settings->row.json)
		render_walk_json(walk, &text);
	else
		render_walk_text(walk, &text);
	fputs(text.data, stdout);
	return EXIT_OK;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct settings settings = { .blocks = 0 };
	struct walk_request *request = &settings.request;
	const struct option_info infos[] = {
		{ "--from", OPTION_TEXT, &request->from, 0, 0 },
		{ "--to", OPTION_TEXT, &request->to, 0, 0 },
		{ "--blocks", OPTION_NUMBER, &settings.blocks, 1, 10000 },
		{ "--seeds", OPTION_NUMBER, &settings.blocks, 1, 10000 },
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
	return perform(&settings, &options, err);
}

const struct command command_walk = {
	.name = "walk",
	.summary = "a series patch by patch: which one moved which metric",
	.usage = "walk SERIES [--from REF] [--to REF] [OPTIONS]\n"
		 "       kerngate walk --resume [ID] [--json]",
	.help = "Builds every prefix of a series (in kernel/series, or a path), boots all of them\n"
		"in one run, interleaved, and judges each against the one before it and against\n"
		"the first, corrected for all of these comparisons. A prefix that does not build\n"
		"is named and left out; one that is the same image as the one before is not\n"
		"booted. docs/bisect.md says more.\n"
		"\n"
		"  --from, --to REF  how many patches are applied, or a patch's name (default:\n"
		"                    none, all)\n"
		"  --campaign NAME   whose base, fragments, guest, suite, mode, blocks, gate are\n"
		"                    taken (default: quick; with --mode exact quick-exact)\n"
		"  --variant NAME    of the campaign, instead of its baseline\n"
		"  --base B, --fragments A,B,C, --guest G, --suite S, --mode timed|exact\n"
		"                    instead of the campaign's\n"
		"  --blocks N, --seeds N  boots of each prefix\n"
		"  --budget MINUTES  of boots\n"
		"  --jobs N          compiler jobs (default: CPUs)\n"
		"  --resume          go on (default: with the newest), or show it again\n"
		"  --json            for programs\n"
		"\n"
		"exit status: 0 told, whatever the verdicts; 2 the harness could not do its job;\n"
		"64 wrong usage.\n"
		"\n"
		"examples:\n"
		"  kerngate walk padata-mt --mode exact --guest smp2 --suite fallocate\n"
		"  kerngate walk proxy-exec --campaign proxy-exec --from 3 --to 8\n",
	.supervised = true,
	.run = run,
};
