/* gate.c - `kerngate gate`: a run's verdict as an exit status. */
#include "command.h"
#include "verdict_table.h"

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct verdict_options verdict = { .json = false };
	const struct option_info options[] = {
		{ "--json", OPTION_FLAG, &verdict.json, 0, 0 },
		{ .name = NULL },
	};
	enum gate_exit gate = GATE_FAILED;
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (status)
		return status;
	if (verdict_print(globals->results_dir, argc > 1 ? argv[1] : NULL, &verdict, &gate, err))
		return GATE_FAILED;
	return (int)gate;
}

const struct command command_gate = {
	.name = "gate",
	.summary = "tell a run's verdict by the exit status",
	.usage = "gate [RUN] [--json]",
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
		"example:\n"
		"  kerngate run nightly && kerngate gate\n",
	.run = run,
};
