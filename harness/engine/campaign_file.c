/* campaign_file.c - see campaign_file.h. */
#include "campaign_file.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "git_run.h"
#include "kernel_records.h"
#include "kernel_source.h"
#include "memory.h"

json_t *campaign_file_texts(const struct strvec *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(list, json_string(texts->items[i]));
	return list;
}

json_t *campaign_file_gate(const struct gate_policy *gate)
{
	return json_pack("{s:f, s:f, s:f, s:s}", "margin_percent", gate->margin_percent, "alpha",
			 gate->alpha, "confidence", gate->confidence, "correction",
			 correction_name(gate->correction));
}

void campaign_file_add_mode(const struct campaign *from, uint32_t blocks_count,
			    uint64_t first_seed, json_t *campaign)
{
	struct exact_policy policy = from->exact;
	cleanup_free char *text = NULL;

	json_object_set_new(campaign, "mode", json_string(run_mode_name(from->mode)));
	if (from->mode != MODE_EXACT) {
		uint32_t blocks = blocks_count < 2 ? 2 : blocks_count;

		json_object_set_new(campaign, "blocks_count", json_integer(blocks));
		return;
	}
	policy.profile = false;
	text = exact_policy_format(&policy);
	json_object_set_new(campaign, "exact", json_loads(text, 0, NULL));
	json_object_set_new(campaign, "seeds_count", json_integer(blocks_count));
	json_object_set_new(campaign, "seed", json_integer((json_int_t)first_seed));
}

int campaign_file_save(const char *project_root, const char *folder, const char *name,
		       const json_t *campaign, struct campaign *ret_campaign,
		       struct error *err)
{
	cleanup_free char *file = string_format("%s.yaml", name);
	cleanup_free char *path = path_join(folder, file);
	int code = folder_make(folder);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	code = record_save(folder, file, campaign, err);
	return code ? code : campaign_load(project_root, path, ret_campaign, err);
}

/* --- references ---------------------------------------------------------------------------- */

char *campaign_file_said(const char *text)
{
	return strchr(text, '/') ? path_absolute(text) : string_copy(text);
}

void campaign_file_said_list(const char *text, struct strvec *ret)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		cleanup_free char *reference = campaign_file_said(word);

		strvec_push(ret, reference);
	}
}

char *campaign_file_reference(const char *project_root, const char *folder,
			      const char *suffix, const char *path)
{
	cleanup_free char *prefix = string_format("%s/%s/", project_root, folder);
	size_t length = strlen(prefix), all = strlen(path), tail = strlen(suffix);

	if (strncmp(path, prefix, length) || strchr(path + length, '/') || all < length + tail ||
	    strcmp(path + all - tail, suffix))
		return string_copy(path);
	return string_copy_n(path + length, all - length - tail);
}

/* --- bases ------------------------------------------------------------------------------------ */

/* "7.3" of a tree's Makefile; owned. */
static int read_version(const char *tree, char **ret_version, struct error *err)
{
	cleanup_free char *version = NULL;
	int code = kernel_source_version(tree, &version, err);
	size_t length;

	if (code)
		return code;
	/* VERSION.PATCHLEVEL */
	length = strcspn(version, ".");
	*ret_version = string_copy_n(version, version[length] ?
				     length + 1 + strcspn(version + length + 1, ".-") : length);
	return 0;
}

/* The same of a commit, whose Makefile is put into the folder. */
static int commit_version(const char *repository, const char *ref, const char *folder,
			  char **ret_version, struct error *err)
{
	cleanup_free char *name = string_format("%s:Makefile", ref);
	cleanup_free char *path = path_join(folder, "Makefile"), *text = NULL;
	const char *const words[] = { "show", name, NULL };
	const struct git_request request = { .folder = repository, .words = words };
	int code = git_run(&request, &text, err);

	if (code)
		return code;
	code = file_write_atomic(path, text, strlen(text), 0644);
	if (code)
		return error_set_errno(err, code, "%s", path);
	return read_version(folder, ret_version, err);
}

int kernel_base_file_save(const char *folder, const char *name, const char *place,
			  const char *ref, char **ret_path, struct error *err)
{
	cleanup_free char *version = NULL, *file = NULL;
	cleanup_json json_t *base = NULL;
	int code = folder_make(folder);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	code = ref ? commit_version(place, ref, folder, &version, err) :
		     read_version(place, &version, err);
	if (code)
		return error_prefix(err, "%s%s%s", place, ref ? ", commit " : "", ref ? ref : "");
	if (ref)
		base = json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "version", version, "sources",
				 "kind", "git", "url", place, "ref", ref);
	else
		base = json_pack("{s:s, s:[{s:s, s:s}]}", "version", version, "sources", "kind",
				 "dir", "path", place);
	file = name ? string_format("%s.yaml", name) : string_format("linux-%s.yaml", version);
	code = record_save(folder, file, base, err);
	if (!code)
		*ret_path = path_join(folder, file);
	return code;
}
