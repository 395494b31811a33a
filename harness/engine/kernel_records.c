/* kernel_records.c - see kernel_records.h. */
#include "kernel_records.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"

#define RECORD_BYTES_MAX (16 << 20)

int record_load(const char *folder, const char *name, json_t **ret_record,
		struct error *err)
{
	cleanup_free char *path = path_join(folder, name), *text = NULL;
	json_error_t problem;
	size_t length;
	json_t *record;
	int code = file_read(path, RECORD_BYTES_MAX, &text, &length);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	record = json_loadb(text, length, 0, &problem);
	if (!json_is_object(record)) {
		json_decref(record);
		return error_set(err, -EBADMSG, "%s:%d: damaged: %s", path,
				 problem.line, problem.text);
	}
	*ret_record = record;
	return 0;
}

int record_save(const char *folder, const char *name, const json_t *record,
		struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	cleanup_free char *text = json_dumps(
		record, JSON_INDENT(2) | JSON_REAL_PRECISION(6) |
				JSON_PRESERVE_ORDER);
	cleanup_free char *line = NULL;
	int code;

	if (!text)
		return error_set(err, -EINVAL, "%s: text that is not UTF-8", path);
	line = string_format("%s\n", text);
	code = file_write_atomic(path, line, strlen(line), 0644);
	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

const char *record_text(const json_t *record, const char *name)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text ? text : "";
}

uint64_t record_number(const json_t *record, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(record, name));

	return number > 0 ? (uint64_t)number : 0;
}

/* --- sources ---------------------------------------------------------------- */

void source_info_release(struct source_info *source)
{
	free(source->instance);
	free(source->tree);
	source_record_release(&source->record);
	*source = (struct source_info){ .tree = NULL };
}

static const enum source_kind kinds[] = {
	SOURCE_DEBIAN, SOURCE_GIT, SOURCE_TARBALL, SOURCE_DIR,
};

static enum source_kind kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
		if (strcmp(source_kind_name(kinds[i]), name) == 0)
			return kinds[i];
	return SOURCE_DIR;
}

int source_info_load(const char *folder, const char *key,
		     struct source_info *ret_source, struct error *err)
{
	cleanup_json json_t *record = NULL;
	cleanup_free char *tree = path_join(folder, "tree");
	int code = record_load(folder, "source.json", &record, err);

	if (code < 0)
		return code;
	if (!path_is_folder(tree) || !*record_text(record, "instance"))
		return error_set(err, -EBADMSG, "%s: not whole", folder);
	*ret_source = (struct source_info){
		.instance = string_copy(record_text(record, "instance")),
		.tree = take_pointer(tree),
		.newest_ns = record_number(record, "newest_ns"),
		.bytes = record_number(record, "bytes"),
		.record = {
			.kind = kind_of(record_text(record, "kind")),
			.version = string_copy(record_text(record, "version")),
			.location = string_copy(record_text(record, "location")),
			.identity = string_copy(record_text(record, "identity")),
			.detail = string_copy(record_text(record, "detail")),
		},
	};
	snprintf(ret_source->key, sizeof(ret_source->key), "%s", key);
	return 0;
}

json_t *source_info_json(const struct source_info *source)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
			 "key", source->key,
			 "kind", source_kind_name(source->record.kind),
			 "version", source->record.version,
			 "location", source->record.location,
			 "identity", source->record.identity,
			 "detail", source->record.detail);
}

int source_info_save(const char *folder, const char *description,
		     const struct source_info *source, struct error *err)
{
	cleanup_json json_t *record = source_info_json(source);
	char now[CLOCK_TEXT_MAX];

	clock_format_utc(clock_wall_ns(), now);
	if (!record || json_object_update_new(record, json_pack(
		    "{s:s, s:s, s:s, s:I, s:I}", "description", description,
		    "instance", source->instance, "fetched", now,
		    "newest_ns", (json_int_t)source->newest_ns,
		    "bytes", (json_int_t)source->bytes)) < 0)
		return error_set(err, -EINVAL, "%s: text that is not UTF-8",
				 folder);
	return record_save(folder, "source.json", record, err);
}

/* --- trees ------------------------------------------------------------------ */

void tree_info_release(struct tree_info *tree)
{
	free(tree->folder);
	free(tree->base_name);
	free(tree->description);
	free(tree->source_instance);
	free(tree->toolchain);
	free(tree->requests);
	json_decref(tree->patched);
	*tree = (struct tree_info){ .folder = NULL };
}

static void copy_key(char to[SHA256_HEX_SIZE], const char *from)
{
	snprintf(to, SHA256_HEX_SIZE, "%s", from);
}

int tree_info_load(const char *folder, const char *key,
		   struct tree_info *ret_tree, struct error *err)
{
	cleanup_json json_t *record = NULL;
	cleanup_free char *source = path_join(folder, "tree");
	int code = record_load(folder, "tree.json", &record, err);

	if (code < 0)
		return code;
	if (!path_is_folder(source) ||
	    !json_is_object(json_object_get(record, "patched")))
		return error_set(err, -EBADMSG, "%s: not whole", folder);
	*ret_tree = (struct tree_info){
		.folder = string_copy(folder),
		.base_name = string_copy(record_text(record, "base")),
		.description = string_copy(record_text(record, "description")),
		.source_instance =
			string_copy(record_text(record, "source_instance")),
		.toolchain = string_copy(record_text(record, "toolchain")),
		.requests = string_copy(record_text(record, "requests")),
		.patched = json_incref(json_object_get(record, "patched")),
		.is_complete = json_is_true(json_object_get(record, "complete")),
		.objects_count = record_number(record, "objects_count"),
		.newest_ns = record_number(record, "newest_ns"),
		.bytes = record_number(record, "bytes"),
		.stored_ns = record_number(record, "stored_ns"),
	};
	copy_key(ret_tree->key, key);
	copy_key(ret_tree->source_key, record_text(record, "source_key"));
	return 0;
}

int tree_info_save(const struct tree_info *tree, struct error *err)
{
	cleanup_json json_t *record = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s, s:O}",
		"key", tree->key, "base", tree->base_name,
		"description", tree->description,
		"source_key", tree->source_key,
		"source_instance", tree->source_instance,
		"toolchain", tree->toolchain, "complete", tree->is_complete,
		"objects_count", (json_int_t)tree->objects_count,
		"newest_ns", (json_int_t)tree->newest_ns,
		"bytes", (json_int_t)tree->bytes,
		"stored_ns", (json_int_t)tree->stored_ns,
		"requests", tree->requests, "patched", tree->patched);

	if (!record)
		return error_set(err, -EINVAL, "%s: text that is not UTF-8",
				 tree->folder);
	return record_save(tree->folder, "tree.json", record, err);
}
