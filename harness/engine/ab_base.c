/* ab_base.c - a kernel as people name it on the command line > a kernel base. */
#include "ab.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "campaign_file.h"
#include "files.h"
#include "git_run.h"
#include "memory.h"

/* A project's bases: names, and the version of each. */
struct bases {
	struct strvec names, versions;
};

static void bases_release(struct bases *bases)
{
	strvec_release(&bases->names);
	strvec_release(&bases->versions);
}

static int list_bases(const char *project_root, struct bases *ret, struct error *err)
{
	static const char suffix[] = ".yaml";
	cleanup_free char *folder = path_join(project_root, "kernel/bases");
	cleanup_strvec struct strvec files = STRVEC_INIT;
	int code = folder_list(folder, &files);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; i < files.count; i++) {
		cleanup_with(kernel_base_release) struct kernel_base base = { .name = NULL };
		size_t length = strlen(files.items[i]);
		cleanup_free char *name = NULL;

		if (length <= strlen(suffix) ||
		    strcmp(files.items[i] + length - strlen(suffix), suffix) != 0)
			continue;
		name = string_copy_n(files.items[i], length - strlen(suffix));
		/* one that is wrong is told by whoever uses it */
		if (kernel_base_load(project_root, name, &base, NULL))
			continue;
		strvec_push(&ret->names, name);
		strvec_push(&ret->versions, base.version);
	}
	return 0;
}

static int refuse(const struct bases *bases, const char *text, bool is_ambiguous,
		  struct error *err)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < bases->names.count; i++)
		if (!is_ambiguous || !strcmp(bases->versions.items[i], text))
			strbuf_addf(&list, "%s%s (%s)", list.length ? ", " : "",
				    bases->names.items[i], bases->versions.items[i]);
	if (is_ambiguous)
		return error_set(err, -EINVAL, "several kernel bases are of version %s: expected one "
				 "of %s", text, list.data);
	return error_set(err, -ENOENT, "no kernel base '%s': expected one of %s; or a folder with a "
			 "kernel's source, or REPOSITORY@REF", text, list.data);
}

/* By name, else by version. */
static int find_named(const char *project_root, const char *text, char **ret_reference,
		      struct error *err)
{
	cleanup_with(bases_release) struct bases bases = { .names = STRVEC_INIT };
	size_t found = SIZE_MAX, count = 0;
	int code = list_bases(project_root, &bases, err);

	if (code)
		return code;
	for (size_t i = 0; i < bases.names.count; i++) {
		if (!strcmp(bases.names.items[i], text)) {
			*ret_reference = string_copy(text);
			return 0;
		}
		if (!strcmp(bases.versions.items[i], text)) {
			found = i;
			count++;
		}
	}
	if (count != 1)
		return refuse(&bases, text, count > 1, err);
	*ret_reference = string_copy(bases.names.items[found]);
	return 0;
}

/* "FOLDER@REF": the first '@' behind a folder; NULL without. */
static char *split_commit(const char *text, const char **ret_ref)
{
	for (const char *at = strchr(text, '@'); at; at = strchr(at + 1, '@')) {
		cleanup_free char *folder = string_copy_n(text, (size_t)(at - text));

		if (at > text && path_is_folder(folder)) {
			*ret_ref = at + 1;
			return path_absolute(folder);
		}
	}
	return NULL;
}

static int commit_base(const char *repository, const char *ref, const char *folder,
		       char **ret_reference, struct error *err)
{
	cleanup_free char *commit = NULL;
	int code = git_find_commit(repository, ref, &commit, err);

	return code ? code : kernel_base_file_save(folder, NULL, repository, commit, ret_reference,
						   err);
}

int ab_base_resolve(const char *project_root, const char *text, const char *folder,
		    char **ret_reference, struct error *err)
{
	cleanup_free char *path = path_absolute(text), *repository = NULL;
	const char *ref = NULL;
	struct error cause = ERROR_INIT;
	int code = -ENOENT;

	if (!strchr(text, '/'))
		code = find_named(project_root, text, ret_reference, &cause);
	if (code != -ENOENT)
		return code ? error_set(err, code, "%s", cause.message) : 0;
	repository = split_commit(text, &ref);
	if (repository)
		return commit_base(repository, ref, folder, ret_reference, err);
	if (path_is_folder(path))
		return kernel_base_file_save(folder, NULL, path, NULL, ret_reference, err);
	if (strchr(text, '/') && path_exists(path)) {
		*ret_reference = take_pointer(path);
		return 0;
	}
	return cause.code ? error_set(err, code, "%s", cause.message) :
			    error_set(err, code, "%s: no such folder or file: expected a kernel "
				      "base, a folder with a kernel's source, or REPOSITORY@REF",
				      text);
}
