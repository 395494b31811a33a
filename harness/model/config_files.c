/* config_files.c - references between config files > paths. */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"

const struct reference_kind reference_campaign = {
	.noun = "campaign", .folder = "configs/campaigns", .suffix = ".yaml"
};
const struct reference_kind reference_guest = {
	.noun = "guest", .folder = "configs/guests", .suffix = ".yaml"
};
const struct reference_kind reference_suite = {
	.noun = "suite", .folder = "configs/suites", .suffix = ".yaml"
};
const struct reference_kind reference_base = {
	.noun = "kernel base", .folder = "kernel/bases", .suffix = ".yaml"
};
const struct reference_kind reference_series = {
	.noun = "patch series", .folder = "kernel/series", .suffix = "/series",
	.is_folder = true
};
const struct reference_kind reference_fragment = {
	.noun = "config fragment", .folder = "kernel/fragments",
	.suffix = ".config"
};

/* Names that a kind of reference could have meant. */
static void list_names(const struct reference_kind *kind, const char *folder,
		       struct strvec *names)
{
	cleanup_strvec struct strvec files = STRVEC_INIT;
	size_t suffix_length = strlen(kind->suffix);

	if (folder_list(folder, &files) < 0)
		return; /* no folder, no names: the refusal stands by itself */
	for (size_t i = 0; i < files.count; i++) {
		cleanup_free char *path = path_join(folder, files.items[i]);
		cleanup_free char *name = string_copy(files.items[i]);
		size_t length = strlen(name);

		if (kind->is_folder) {
			cleanup_free char *file =
				string_format("%s%s", path, kind->suffix);

			if (!path_exists(file))
				continue;
		} else {
			if (length <= suffix_length ||
			    strcmp(name + length - suffix_length,
				   kind->suffix) != 0)
				continue;
			name[length - suffix_length] = '\0';
		}
		strvec_push(names, name);
	}
}

static int refuse_reference(const struct reference_kind *kind,
			    const char *folder, const char *path,
			    const char *reference, const struct config_node *at,
			    struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strbuf struct strbuf message = STRBUF_INIT;

	strbuf_addf(&message, "no %s '%s'", kind->noun, reference);
	if (strchr(reference, '/'))
		strbuf_addf(&message, "; expected the file %s", path);
	else
		list_names(kind, folder, &names);
	config_add_candidates(&message, reference,
			      (const char *const *)names.items, names.count);
	if (at)
		return config_error(err, -ENOENT, at, "%s", message.data);
	return error_set(err, -ENOENT, "%s", message.data);
}

int reference_resolve(const struct reference_kind *kind,
		      const char *project_root, const char *reference,
		      const struct config_node *at, char **ret_path,
		      struct error *err)
{
	cleanup_free char *folder = path_join(project_root, kind->folder);
	cleanup_free char *path = NULL;
	cleanup_free char *file = NULL;

	if (strchr(reference, '/')) {
		cleanup_free char *from = at ? path_folder(at->file) :
					       string_copy(".");
		path = path_join(from, reference);
		file = string_format("%s%s", path,
				     kind->is_folder ? kind->suffix : "");
	} else {
		cleanup_free char *name = string_format(
			"%s%s", reference, kind->is_folder ? "" : kind->suffix);
		path = path_join(folder, name);
		file = string_format("%s%s", path,
				     kind->is_folder ? kind->suffix : "");
	}
	if (!path_exists(file) || path_is_folder(file))
		return refuse_reference(kind, folder, file, reference, at, err);
	*ret_path = path_absolute(path);
	return 0;
}

int reference_name(const char *path, char **ret_name, struct error *err)
{
	static const char suffix[] = ".yaml";
	cleanup_free char *name = string_copy(path_base_name(path));
	size_t length = strlen(name);
	const char *expected;

	if (length > strlen(suffix) &&
	    !strcmp(name + length - strlen(suffix), suffix))
		name[length - strlen(suffix)] = '\0';
	expected = config_expect_name(name);
	if (expected)
		return error_set(err, -EINVAL,
				 "%s: its file name: expected %s", path,
				 expected);
	*ret_name = take_pointer(name);
	return 0;
}
