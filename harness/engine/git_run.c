/* git_run.c - see git_run.h. */
#include "git_run.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"

#define TIMEOUT_NS (600 * NS_PER_SECOND)

int git_run(const struct git_request *request, char **ret_output, struct error *err)
{
	static const char *const head[] = {
		"env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "git", NULL,
	};
	cleanup_free char *parent = path_folder(request->folder);
	cleanup_free char *ceiling = string_format("GIT_CEILING_DIRECTORIES=%s", parent);
	const char *const usual[] = { "LC_ALL=C", NULL };
	const char *const alone[] = { "LC_ALL=C", ceiling, "GIT_CONFIG_GLOBAL=/dev/null",
				      "GIT_CONFIG_NOSYSTEM=1", NULL };
	const struct process_options options = {
		.folder = request->folder, .environment = request->is_alone ? alone : usual,
		.input_path = request->input_path, .capture = true, .timeout_ns = TIMEOUT_NS,
	};
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	cleanup_free char *git = process_find_program("git");

	if (!git)
		return error_set(err, -ENOENT, "needs git (package git)");
	strvec_push_all(&argv, head);
	strvec_push_all(&argv, request->words);
	return process_run((const char *const *)argv.items, &options, ret_output, err);
}

int git_find_commit(const char *repository, const char *ref, char **ret_commit,
		    struct error *err)
{
	cleanup_free char *commit = string_format("%s^{commit}", ref);
	const char *const words[] = { "rev-parse", "--verify", "--quiet", "--end-of-options",
				      commit, NULL };
	const struct git_request request = { .folder = repository, .words = words };
	char *output = NULL;

	if (git_run(&request, &output, NULL))
		return error_set(err, -ENOENT, "%s has no commit '%s'", repository, ref);
	output[strcspn(output, "\n")] = '\0';
	*ret_commit = output;
	return 0;
}
