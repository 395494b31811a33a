/* ab_range.c - a range of commits as patches, by git format-patch. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ab_patches.h"
#include "files.h"
#include "git_run.h"
#include "mail_series.h"
#include "memory.h"

struct range {
	char *repository, *from, *to; /* owned */
};

static void range_release(struct range *range)
{
	free(range->repository);
	free(range->from);
	free(range->to);
}

/* No name of a commit has a colon in it, but a folder's may. */
static int split_source(const char *source, struct range *range, struct error *err)
{
	const char *colon = strrchr(source, ':'), *text = colon ? colon + 1 : source;
	const char *dots = strstr(text, "..");
	cleanup_free char *folder = colon ? string_copy_n(source, (size_t)(colon - source)) :
					    string_copy(".");

	if (!dots || dots == text || dots[2] == '.')
		return error_set(err, -EINVAL, "%s: expected REPOSITORY:FROM..TO, the patches after "
				 "FROM up to TO", source);
	range->repository = path_absolute(folder);
	range->from = string_copy_n(text, (size_t)(dots - text));
	range->to = string_copy(dots[2] ? dots + 2 : "HEAD");
	if (!path_is_folder(range->repository))
		return error_set(err, -ENOENT, "%s: no such file or folder: expected a folder of "
				 "patches, a mailbox, or REPOSITORY:FROM..TO", source);
	return 0;
}

/* Lines of git rev-list with an option; owned. */
static int list_commits(const struct range *range, const char *option, const char *commits,
			char **ret_list, struct error *err)
{
	const char *const words[] = { "rev-list", option, commits, "--", NULL };
	const struct git_request request = { .folder = range->repository, .words = words };

	return git_run(&request, ret_list, err);
}

static int check_commits(const struct range *range, const char *source, const char *commits,
			 struct error *err)
{
	cleanup_free char *merges = NULL, *all = NULL;
	size_t count;
	int code = list_commits(range, "--merges", commits, &merges, err);

	if (!code)
		code = list_commits(range, "--count", commits, &all, err);
	if (code)
		return error_prefix(err, "%s", source);
	if (*merges)
		return error_set(err, -EINVAL, "%s: commit %.12s is a merge, which is no patch: "
				 "expected a line of commits (git rebase makes one)", source, merges);
	count = strtoul(all, NULL, 10);
	if (!count)
		return error_set(err, -EINVAL, "%s: no commit in it: %s is in %s already", source,
				 range->to, range->from);
	if (count > MAIL_SERIES_MAX)
		return error_set(err, -E2BIG, "%s: %zu commits: expected at most %u", source, count,
				 MAIL_SERIES_MAX);
	return 0;
}

/* What the user's configuration could change about a diff is said here. */
static int format_patches(const struct range *range, const char *commits, const char *folder,
			  struct error *err)
{
	const char *const words[] = {
		"-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false",
		"-c", "diff.renames=true", "-c", "diff.algorithm=default",
		"-c", "diff.interHunkContext=0", "-c", "diff.suppressBlankEmpty=false",
		"-c", "format.notes=false", "-c", "color.ui=false",
		"format-patch", "--quiet", "-U3", "--binary", "--no-ext-diff", "--no-textconv",
		"--no-cover-letter", "--no-attach", "--no-numbered", "--subject-prefix=PATCH",
		"-o", folder, commits, "--", NULL,
	};
	const struct git_request request = { .folder = range->repository, .words = words };

	return git_run(&request, NULL, err);
}

static int read_patches(const char *folder, const char *scratch, struct ab_set *set,
			struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = folder_list(folder, &names);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; !code && i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]), *subject = NULL;
		cleanup_free char *diff = NULL;
		struct stat info;

		/* of a commit that changes nothing git writes an empty file */
		if (stat(path, &info) || !info.st_size)
			continue;
		code = ab_mail_read(path, scratch, false, &subject, &diff, err);
		if (!code && *diff)
			ab_set_add(set, take_pointer(subject), take_pointer(diff));
	}
	if (!code && !set->count)
		code = error_set(err, -EINVAL, "no commit of it changes anything");
	return code;
}

int ab_range_load(const char *source, const char *scratch, struct ab_set *set,
		  struct error *err)
{
	cleanup_with(range_release) struct range range = { .repository = NULL };
	cleanup_free char *to = NULL, *commits = NULL, *folder = path_join(scratch, "range");
	int code = split_source(source, &range, err);

	if (!code)
		code = git_find_commit(range.repository, range.from, &set->first_commit, err);
	if (!code)
		code = git_find_commit(range.repository, range.to, &to, err);
	if (code)
		return code;
	commits = string_format("%s..%s", set->first_commit, to);
	set->repository = take_pointer(range.repository);
	range.repository = string_copy(set->repository);
	code = check_commits(&range, source, commits, err);
	if (!code)
		code = format_patches(&range, commits, folder, err);
	if (!code)
		code = read_patches(folder, scratch, set, err);
	set->name = ab_name_of(strcmp(range.to, "HEAD") ? range.to :
			       path_base_name(range.repository));
	return code;
}
