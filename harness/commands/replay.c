/* replay.c - `kerngate replay`: a trial of exact mode happens again, byte for byte,
 * with a debugger in it, or on another kernel.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "campaign.h"
#include "cases.h"
#include "command_experiment.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "replay.h"
#include "replay_debug.h"
#include "symptom.h"

enum { EXIT_DIFFERENT = 1 };

#define DEBUG_FOLDER "gdb"
#define DIGEST_SHOWN 16

struct request {
	const struct globals *globals;
	struct experiment_options options;
	const char *trial, *until, *keep, *kernel, *series; /* borrowed; NULL: not given */
	struct strvec commands;         /* of gdb */
	bool gdb;
	/* found */
	struct replay_world world;
	struct kernel_spec other;       /* of --kernel or --series */
	bool has_other;
	char *folder;                   /* of the new artifacts; owned */
	bool is_temporary;
};

static void request_release(struct request *request)
{
	if (request->folder && request->is_temporary)
		(void)!folder_remove(request->folder);
	free(request->folder);
	strvec_release(&request->commands);
	replay_world_release(&request->world);
	kernel_spec_release(&request->other);
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* --- what is run again ---------------------------------------------------------------- */

/* Behind the last slash stands a number; else it is a kept case. */
static bool names_trial(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash && slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1);
}

static int load_world(struct request *request, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_free char *folder = NULL;
	int rc;

	if (!names_trial(request->trial)) {
		rc = case_resolve(request->options.results_dir, request->trial, &folder, err);
		return rc ? rc : case_load(folder, &request->world, err);
	}
	rc = run_store_open(request->options.results_dir, &store, err);
	return rc ? rc : replay_load_trial(store, request->trial, &request->options,
					   &request->world, err);
}

/* VARIANT[@CAMPAIGN], of the project as it is now. */
static int load_variant(struct request *request, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	const char *at = strchr(request->kernel, '@');
	cleanup_free char *variant = string_copy_n(request->kernel, at ?
						   (size_t)(at - request->kernel) :
						   strlen(request->kernel));
	cleanup_free char *run = NULL;
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run stored = { .id = NULL };
	size_t index;
	int rc = 0;

	if (!at) { /* the run's own campaign */
		run = path_folder(request->trial);
		rc = run_store_open(request->options.results_dir, &store, err);
		if (!rc)
			rc = run_store_load(store, run, &stored, err);
	}
	if (!rc)
		rc = campaign_load(request->options.project_root,
				   at ? at + 1 : stored.campaign_file, &campaign, err);
	if (!rc)
		rc = campaign_find_variant(&campaign, variant, &index, err);
	if (!rc)
		kernel_spec_copy(&request->other, &campaign.variants[index].kernel);
	return rc;
}

/* The trial's kernel with one series more: a name in kernel/series, or a path. */
static int load_series(struct request *request, struct error *err)
{
	cleanup_free char *named = string_format("%s/kernel/series/%s",
						 request->options.project_root, request->series);
	cleanup_free char *folder = strchr(request->series, '/') ?
				    path_absolute(request->series) : take_pointer(named);
	cleanup_free char *file = path_join(folder, "series");

	if (!path_exists(file))
		return error_set(err, -ENOENT, "--series %s: expected a folder with a file "
				 "\"series\", and there is no %s", request->series, file);
	kernel_spec_copy(&request->other, &request->world.kernel);
	strvec_push(&request->other.series, folder);
	return 0;
}

static int load_other_kernel(struct request *request, struct error *err)
{
	request->has_other = request->kernel || request->series;
	if (request->kernel)
		return load_variant(request, err);
	return request->series ? load_series(request, err) : 0;
}

static int make_folder(struct request *request, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	const char *place = getenv("TMPDIR");
	int rc;

	if (!request->keep) {
		request->folder = string_format("%s/kerngate-replay-XXXXXX",
						place && *place == '/' ? place : "/tmp");
		request->is_temporary = mkdtemp(request->folder) != NULL;
		return request->is_temporary ? 0 : error_set_errno(err, -errno,
			"%s: cannot make a folder", request->folder);
	}
	request->folder = path_absolute(request->keep);
	rc = folder_list(request->folder, &names);
	if (!rc && names.count)
		return error_set(err, -EEXIST, "--keep %s: expected a folder that is empty or "
				 "not there", request->keep);
	rc = folder_make(request->folder);
	return rc ? error_set_errno(err, rc, "--keep %s: cannot be made", request->keep) : 0;
}

/* --- what came of it ---------------------------------------------------------------------- */

static void print_outcome(const char *when, enum outcome outcome, const char *reason)
{
	printf("%s %s%s%s\n", when, outcome_name(outcome), reason ? ": " : "",
	       reason ? reason : "");
}

static void print_findings(const struct trial_result *result)
{
	for (size_t i = 0; i < result->findings_count; i++)
		printf("  %s, console line %" PRIu64 ": %s\n",
		       finding_kind_name(result->findings[i].kind), result->findings[i].line,
		       result->findings[i].title);
}

static uint64_t file_bytes(const char *folder, const char *name)
{
	cleanup_free char *path = path_join(folder, name);
	struct stat info;

	return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static int print_identity(const struct request *request, const struct replay_outcome *outcome)
{
	const char *digest = outcome->result.digest;

	if (!outcome->identical) {
		printf("different: %s\n", outcome->difference);
		return EXIT_DIFFERENT;
	}
	printf("console: %" PRIu64 " bytes, identical; results: %" PRIu64 " bytes, identical",
	       file_bytes(request->folder, "console.log"),
	       file_bytes(request->folder, "results.log"));
	if (digest)
		printf("; digest %.*s", DIGEST_SHOWN, digest);
	putchar('\n');
	return EXIT_OK;
}

/* On another kernel nothing is identical; is what went wrong then still there? */
static int print_mended(const struct request *request, const struct replay_outcome *outcome)
{
	const struct replay_world *world = &request->world;
	const struct trial_result *result = &outcome->result;
	cleanup_symptoms struct symptoms then = SYMPTOMS_INIT, now = SYMPTOMS_INIT;

	symptoms_add_trial(&then, world->outcome, world->reason, world->findings,
			   world->findings_count);
	symptoms_add_trial(&now, result->outcome, result->reason, result->findings,
			   result->findings_count);
	printf("kernel %.12s: ", outcome->kernel.key);
	if (symptoms_meet(&then, &now))
		puts("what went wrong is still there");
	else if (now.count)
		puts(then.count ? "it goes wrong in another way" : "it goes wrong, and did not");
	else
		puts(then.count ? "what went wrong is gone" : "nothing goes wrong, as before");
	return now.count ? EXIT_DIFFERENT : EXIT_OK;
}

static int print_result(const struct request *request, const struct replay_outcome *outcome)
{
	const struct replay_world *world = &request->world;
	int status;

	progress_clear();
	printf("%s: %s in %s/%s, seed %" PRIu64 "\n", world->name, world->variant,
	       world->guest.name, world->suite.name, world->seed.number);
	print_outcome("then:", world->outcome, world->reason);
	print_outcome("now: ", outcome->result.outcome, outcome->result.reason);
	print_findings(&outcome->result);
	status = request->has_other ? print_mended(request, outcome) :
				      print_identity(request, outcome);
	if (outcome->debugged)
		printf("under gdb it went on otherwise: %s\n", outcome->debugged);
	if (!request->is_temporary)
		printf("artifacts: %s\n", request->folder);
	return status;
}

/* --- the command ---------------------------------------------------------------------------- */

static void cleanup_debugger(struct replay_debugger **debugger)
{
	replay_debugger_free(*debugger);
}

static int make_debugger(struct request *request, struct replay_debug_request *debug,
			 struct replay_debugger **ret_debugger, struct error *err)
{
	int rc = folder_make(debug->folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", debug->folder);
	debug->until = request->until;
	if (request->commands.count || !isatty(STDIN_FILENO)) {
		if (!request->commands.count)
			strvec_push(&request->commands, "backtrace");
		debug->commands = &request->commands;
	}
	return replay_debugger_new(&request->world, debug, ret_debugger, err);
}

static int replay(struct request *request, struct error *err)
{
	cleanup_with(cleanup_debugger) struct replay_debugger *debugger = NULL;
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.result = TRIAL_RESULT_INIT
	};
	cleanup_free char *scratch = NULL;
	struct replay_debug_request debug = { .until = NULL };
	struct replay_options options = { .experiment = &request->options };
	int rc = load_world(request, err);

	if (!rc)
		rc = load_other_kernel(request, err);
	if (!rc)
		rc = make_folder(request, err);
	if (rc)
		return rc;
	debug.folder = scratch = path_join(request->folder, DEBUG_FOLDER);
	options.folder = request->folder;
	options.other_kernel = request->has_other ? &request->other : NULL;
	if (request->gdb) {
		rc = make_debugger(request, &debug, &debugger, err);
		options.debug = replay_debugger_run;
		options.context = debugger;
	}
	if (!rc)
		rc = replay_run(&request->world, &options, &outcome, err);
	return rc ? rc : print_result(request, &outcome);
}

static int check_request(struct request *request, struct error *err)
{
	if (request->kernel && request->series)
		return command_usage_error(err, "--kernel and --series are two other kernels; "
					   "one of them");
	if (request->kernel && !strchr(request->kernel, '@') && !names_trial(request->trial))
		return command_usage_error(err, "--kernel %s: a kept case has no campaign; "
					   "expected VARIANT@CAMPAIGN", request->kernel);
	request->gdb |= request->until || request->commands.count;
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(request_release) struct request request = {
		.globals = globals,
		.options = command_experiment_options(globals, 0),
	};
	const struct option_info infos[] = {
		{ "--gdb", OPTION_FLAG, &request.gdb, 0, 0 },
		{ "--gdb-command", OPTION_TEXTS, &request.commands, 0, 0 },
		{ "--until", OPTION_TEXT, &request.until, 0, 0 },
		{ "--keep", OPTION_TEXT, &request.keep, 0, 0 },
		{ "--kernel", OPTION_TEXT, &request.kernel, 0, 0 },
		{ "--series", OPTION_TEXT, &request.series, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err), rc;

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status && argc < 2)
		status = command_usage_error(err, "needs a trial: RUN/NUMBER");
	if (status)
		return status;
	request.trial = argv[1];
	status = check_request(&request, err);
	if (status)
		return status;
	command_catch_interrupts();
	rc = replay(&request, err);
	if (rc == -EINTR || rc == -ECANCELED)
		return EXIT_INTERRUPTED;
	return rc < 0 ? EXIT_HARNESS : rc;
}

const struct command command_replay = {
	.name = "replay",
	.summary = "make a trial of exact mode happen again, also in a debugger",
	.usage = "replay RUN/TRIAL [--keep FOLDER]\n"
		 "                       [--kernel VARIANT[@CAMPAIGN] | --series PATH]\n"
		 "       kerngate replay RUN/TRIAL --gdb [--until MARKER] [--gdb-command CMD]...",
	.help = "Runs a trial of an exact run again from what the run kept of it, and compares\n"
		"console, results and counts with what they were, byte for byte. Another kernel\n"
		"image, initramfs or QEMU than then is refused. A kept case of `kerngate\n"
		"validate` goes by its name.\n"
		"\n"
		"  RUN/TRIAL           RUN as for `kerngate show`; TRIAL by its number there\n"
		"  --keep FOLDER       keep the new artifacts there (must be empty or not there)\n"
		"  --kernel V[@C]      on the kernel of variant V (of campaign C; else the run's\n"
		"                      own) as the project has it now: is the finding there?\n"
		"  --series PATH       on its own kernel with that patch series on top\n"
		"  --gdb               gdb with the kernel's symbols, stopped where the trial's\n"
		"                      finding begins to be said; when a row that did not pass is\n"
		"                      over; or at the start. `detach` or `quit` lets it go on\n"
		"  --until MARKER      gdb, stopped before row:ROW (name or number), round:ROW.M\n"
		"                      (M-th counted round of the row), region:NUMBER:VISIT; or\n"
		"                      at `end`, when the last row is over. All count from 1\n"
		"  --gdb-command CMD   gdb runs it at the stop; may be given several times; then\n"
		"                      the guest goes on to its end. Without a terminal on stdin\n"
		"                      `backtrace` is run so\n"
		"\n"
		"exit status: 0 identical (on another kernel: nothing went wrong), 1 not, 2 the\n"
		"harness could not do its job, 64 wrong usage, 130 interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate replay latest/3\n"
		"  kerngate replay latest/3 --gdb\n"
		"  kerngate replay latest/3 --until round:fill.2 --gdb-command 'info registers'\n"
		"  kerngate replay latest/3 --series kernel/series/my-fix\n",
	.supervised = true,
	.run = run,
};
