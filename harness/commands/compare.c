/* compare.c - `kerngate compare`: judges a stored run again. */
#include "command.h"
#include "verdict_table.h"

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct verdict_options verdict = { .json = false };
	const char *margin = NULL, *alpha = NULL;
	const struct option_info options[] = {
		{ "--json", OPTION_FLAG, &verdict.json, 0, 0 },
		{ "--mail", OPTION_FLAG, &verdict.mail, 0, 0 },
		{ "--margin", OPTION_TEXT, &margin, 0, 0 },
		{ "--alpha", OPTION_TEXT, &alpha, 0, 0 },
		{ .name = NULL },
	};
	enum gate_exit gate;
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status && verdict.json && verdict.mail)
		status = command_usage_error(err, "--json and --mail exclude each other");
	if (!status)
		status = verdict_parse_number("--margin", margin, 0.01, 50,
					      &verdict.margin_percent, err);
	if (!status)
		status = verdict_parse_number("--alpha", alpha, 0.0001, 0.5, &verdict.alpha, err);
	if (status)
		return status;
	return command_status(verdict_print(globals->results_dir, argc > 1 ? argv[1] : NULL,
					    &verdict, &gate, err));
}

const struct command command_compare = {
	.name = "compare",
	.summary = "judge a stored run: every variant against the baseline",
	.usage = "compare [RUN] [--json | --mail] [--margin PERCENT] [--alpha A]",
	.help = "Prints the verdict table of a run (default: results/latest; the beginning of\n"
		"its name is enough), computed from the stored samples.\n"
		"\n"
		"  --json            for programs\n"
		"  --mail            for a patch mail: short, plain ASCII, at most 75 columns\n"
		"  --margin PERCENT  differences inside it do not matter (0.01 to 50)\n"
		"  --alpha A         chance of a false alarm (0.0001 to 0.5)\n"
		"\n"
		"exit status: 0 judged, whatever the verdict; 2 it could not be; 64 wrong usage.\n"
		"`kerngate gate` tells the verdict by its exit status.\n"
		"\n"
		"examples:\n"
		"  kerngate compare\n"
		"  kerngate compare 20261121-21 --margin 2 --json\n"
		"  kerngate compare --mail >>cover-letter.txt\n",
	.run = run,
};
