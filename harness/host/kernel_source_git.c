/* kernel_source_git.c - a commit of a git repository. One on this machine gives
 * its objects as they lie there; of another one the commit is fetched alone,
 * without history. Files that an earlier source in the cache has too are linked
 * from it: a bisection takes many commits that differ in a few files, and what is
 * linked need not be compiled again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_source_private.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "progress_ticker.h"

#define TIMEOUT_NS (2 * 3600 * NS_PER_SECOND)

int source_run_git(const char *folder, const char *const *words,
		   char **ret_output, struct error *err)
{
	static const char *const environment[] = {
		"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", NULL,
	};
	static const char *const head[] = {
		"env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u",
		"GIT_INDEX_FILE", "-u", "GIT_OBJECT_DIRECTORY", "git",
		"-c", "core.autocrlf=false", "-c", "core.quotePath=false",
		"-c", "advice.detachedHead=false",
		/* Nothing may go on in the background. */
		"-c", "gc.auto=0", "-c", "maintenance.auto=false", NULL,
	};
	const struct process_options options = {
		.folder = folder, .environment = environment,
		.capture = ret_output != NULL, .timeout_ns = TIMEOUT_NS,
	};
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	cleanup_free char *git = process_find_program("git");

	if (!git)
		return error_set(err, -ENOENT, "needs git (package git)");
	strvec_push_all(&argv, head);
	strvec_push_all(&argv, words);
	return process_run((const char *const *)argv.items, &options,
			   ret_output, err);
}

/* The first line of what git says; owned. */
static int ask_git(const char *folder, const char *const *words, char **ret_line,
		   struct error *err)
{
	char *line = NULL;
	int code = source_run_git(folder, words, &line, err);

	if (code < 0)
		return code;
	line[strcspn(line, "\n")] = '\0';
	*ret_line = line;
	return 0;
}

/* The folder of a repository on this machine, or NULL; borrowed. */
static const char *local_repository(const char *url)
{
	static const char scheme[] = "file://";
	size_t length = strlen(scheme);
	const char *path = strncmp(url, scheme, length) == 0 ? url + length : url;

	return *path == '/' && path_is_folder(path) ? path : NULL;
}

/* Finds the commit in a repository on this machine and lets the tree's own, which
 * has nothing, read the objects there. */
static int borrow_objects(const struct source_job *job, const char *repository,
			  char **ret_commit, struct error *err)
{
	cleanup_free char *ref = string_format("%s^{commit}", job->source->ref);
	const char *const find[] = { "rev-parse", "--verify", "--quiet",
				     "--end-of-options", ref, NULL };
	const char *const where[] = { "rev-parse", "--path-format=absolute",
				      "--git-path", "objects", NULL };
	cleanup_free char *alternates =
		path_join(job->tree, ".git/objects/info/alternates");
	cleanup_free char *objects = NULL, *text = NULL, *commit = NULL;
	struct error cause = ERROR_INIT;
	int code = ask_git(repository, where, &objects, err);

	if (code < 0)
		return code;
	code = ask_git(repository, find, &commit, &cause);
	if (code == -EREMOTEIO)
		return error_set(err, code, "%s has no commit '%s'", repository, job->source->ref);
	if (code < 0)
		return error_set(err, code, "%s", cause.message);
	text = string_format("%s\n", objects);
	code = file_write_atomic(alternates, text, strlen(text), 0644);
	if (code < 0)
		return error_set_errno(err, code, "%s", alternates);
	*ret_commit = take_pointer(commit);
	return 0;
}

static int fetch_commit(const struct source_job *job, char **ret_commit,
			struct error *err)
{
	const char *const get[] = { "fetch", "--quiet", "--depth", "1",
				    "--no-tags", "--", job->source->url,
				    job->source->ref, NULL };
	const char *const name[] = { "rev-parse", "--verify",
				     "FETCH_HEAD^{commit}", NULL };
	int code = source_run_git(job->tree, get, NULL, err);

	return code < 0 ? code : ask_git(job->tree, name, ret_commit, err);
}

/* What cannot be linked is written by git. */
static int link_previous_tree(const struct source_job *job, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = source_walk_folder(job->previous, "", &names, err);

	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_free char *from = path_join(job->previous, names.items[i]);
		cleanup_free char *to = path_join(job->tree, names.items[i]);
		cleanup_free char *folder = path_folder(to);

		if (process_is_cancelled())
			return error_set(err, -ECANCELED, "interrupted");
		code = path_is_folder(folder) ? 0 : folder_make(folder);
		if (code < 0)
			return error_set_errno(err, code, "%s", folder);
		if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) < 0)
			log_debug("%s: not linked to %s", from, to);
	}
	return code;
}

/* git reads what is linked and replaces what differs by files of its own (it
 * unlinks before it writes), so that the earlier source stays as it is. */
static int check_out(const struct source_job *job, const char *commit, struct error *err)
{
	const char *const read[] = { "read-tree", commit, NULL };
	const char *const refresh[] = { "update-index", "-q", "--refresh", NULL };
	const char *const write[] = { "checkout-index", "--quiet", "--force", "--all", NULL };
	const char *const clean[] = { "clean", "--quiet", "-ffdx", NULL };
	int code = 0;

	if (job->previous)
		code = link_previous_tree(job, err);
	if (code == 0)
		code = source_run_git(job->tree, read, NULL, err);
	if (code == 0 && job->previous)
		code = source_run_git(job->tree, refresh, NULL, err);
	if (code == 0)
		code = source_run_git(job->tree, write, NULL, err);
	if (code == 0 && job->previous)
		code = source_run_git(job->tree, clean, NULL, err);
	return code;
}

static int fetch_tree(const struct source_job *job, char **ret_commit, struct error *err)
{
	const char *const init[] = { "init", "--quiet", ".", NULL };
	const char *repository = local_repository(job->source->url);
	cleanup_ticker struct progress_ticker *ticker = progress_ticker_start(
		job->phase, "fetching", job->source->url, job->tree, 0);
	cleanup_free char *commit = NULL;
	int code = source_run_git(job->tree, init, NULL, err);

	if (code == 0 && repository)
		code = borrow_objects(job, repository, &commit, err);
	else if (code == 0)
		code = fetch_commit(job, &commit, err);
	if (code == 0)
		code = check_out(job, commit, err);
	if (code == 0)
		*ret_commit = take_pointer(commit);
	return code;
}

int source_fetch_git(const struct source_job *job,
		     struct source_record *record, struct error *err)
{
	cleanup_free char *repository = path_join(job->tree, ".git");
	cleanup_free char *commit = NULL;
	int code;

	if (*job->source->ref == '-')
		return error_set(err, -EINVAL, "ref '%s': expected a tag, "
				 "branch or commit", job->source->ref);
	code = folder_make(job->tree);
	if (code < 0)
		return error_set_errno(err, code, "%s", job->tree);
	code = fetch_tree(job, &commit, err);
	if (code < 0)
		return code;
	code = folder_remove(repository);
	if (code < 0)
		return error_set_errno(err, code, "%s", repository);
	record->location = string_copy(job->source->url);
	record->identity = string_format("commit:%s", commit);
	record->detail = string_copy(job->source->ref);
	return 0;
}

/* The commit in a line "COMMIT<tab>NAME" where NAME is prefix + ref + suffix; NULL. */
static const char *find_line(const char *text, const char *prefix, const char *ref,
			     const char *suffix, size_t *ret_length)
{
	cleanup_free char *wanted = string_format("\t%s%s%s\n", prefix, ref, suffix);
	const char *at = strstr(text, wanted), *start = at;

	if (!at)
		return NULL;
	while (start > text && start[-1] != '\n')
		start--;
	*ret_length = (size_t)(at - start);
	return start;
}

static bool is_commit(const char *ref)
{
	return strlen(ref) == 40 && strspn(ref, "0123456789abcdef") == 40;
}

/* In the order in which git itself takes them, a tag's commit before the tag. */
int source_resolve_git(const struct source_spec *source, const char *folder,
		       char **ret_identity, struct error *err)
{
	static const char *const places[][2] = {
		{ "", "^{}" }, { "", "" }, { "refs/tags/", "^{}" }, { "refs/tags/", "" },
		{ "refs/heads/", "" },
	};
	cleanup_free char *peeled = string_format("%s^{}", source->ref), *text = NULL;
	const char *const words[] = { "ls-remote", "--", source->url, source->ref, peeled, NULL };
	size_t length = 0;
	int code;

	if (is_commit(source->ref)) {
		*ret_identity = string_format("commit:%s", source->ref);
		return 0;
	}
	code = source_run_git(folder, words, &text, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		const char *line = find_line(text, places[i][0], source->ref, places[i][1],
					     &length);

		if (!line)
			continue;
		*ret_identity = string_format("commit:%.*s", (int)length, line);
		return 0;
	}
	return error_set(err, -ENOENT, "%s has no tag or branch '%s'", source->url, source->ref);
}
