/* report_format_kcidb.c - a report in the I/O schema of KCIDB, version 5.3: sources,
 * kernels, each boot, each metric of each variant, each verdict, and what consoles
 * said. Objects of one kernel have the same ids in every run.
 */
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "report_format_kcidb.h"

void kcidb_set_text(json_t *object, const char *key, const char *value)
{
	cleanup_free char *text = format_text(value, true);

	if (text[0])
		json_object_set_new(object, key, json_string(text));
}

void kcidb_set_time(json_t *object, const char *key, uint64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];

	if (wall_ns > 0)
		json_object_set_new(object, key, json_string(clock_format_utc(wall_ns, text)));
}

/* The rest of an id: one word of characters that no reader minds. */
static void set_id(json_t *object, const char *key, const char *rest)
{
	cleanup_free char *word = format_word(rest, "_.-");

	json_object_set_new(object, key, json_sprintf(KCIDB_ORIGIN ":%s", word));
}

json_t *kcidb_object(const char *rest)
{
	json_t *object = json_object();

	set_id(object, "id", rest);
	json_object_set_new(object, "origin", json_string(KCIDB_ORIGIN));
	return object;
}

void kcidb_set_id(json_t *object, const char *key, const char *rest)
{
	set_id(object, key, rest);
}

/* --- sources ---------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* As schema 5.3 wants it: SHA-256 over the lines of the patches' own sums, "" of none. */
static char *patchset_hash(const json_t *record)
{
	const json_t *patches = json_object_get(record, "patches"), *patch;
	cleanup_strbuf struct strbuf sums = STRBUF_INIT;
	char hex[SHA256_HEX_SIZE];
	size_t i;

	json_array_foreach(patches, i, patch)
		strbuf_addf(&sums, "%s\n", text_of(patch, "sha256"));
	if (sums.length == 0)
		return string_copy("");
	sha256_of(sums.data, sums.length, hex);
	return string_copy(hex);
}

static void set_commit(json_t *checkout, const json_t *source)
{
	const char *commit = text_of(source, "identity"), *url = text_of(source, "location");

	if (strcmp(text_of(source, "kind"), "git") != 0)
		return;
	if (strncmp(url, "https://", 8) == 0)
		kcidb_set_text(checkout, "git_repository_url", url);
	commit += strncmp(commit, "commit:", 7) == 0 ? 7 : 0;
	if (strlen(commit) == 40 && strspn(commit, "0123456789abcdef") == 40)
		kcidb_set_text(checkout, "git_commit_hash", commit);
	kcidb_set_text(checkout, "git_commit_name", text_of(source, "detail"));
}

/* Rest of the id of a variant's source: the same for the same code, whoever took it.
 * Owned. */
static char *checkout_rest(const struct stored_variant *variant, const json_t *record)
{
	const json_t *source = json_object_get(record, "source");
	cleanup_free char *patches = patchset_hash(record);
	cleanup_free char *text = string_format("%s\n%s\n", text_of(source, "identity"), patches);
	char hex[SHA256_HEX_SIZE];

	if (!source)
		return string_format("source-of-%s", variant->kernel_key);
	sha256_of(text, strlen(text), hex);
	return string_copy(hex);
}

static json_t *checkout_object(const struct stored_run *run,
			       const struct stored_variant *variant, const json_t *record)
{
	cleanup_free char *rest = checkout_rest(variant, record);
	cleanup_free char *hash = patchset_hash(record);
	json_t *object = kcidb_object(rest), *misc = json_object();
	const json_t *source = json_object_get(record, "source");

	kcidb_set_text(object, "comment", text_of(record, "description"));
	kcidb_set_time(object, "start_time", run->started_wall_ns);
	if (source) {
		set_commit(object, source);
		json_object_set_new(object, "patchset_hash", json_string(hash));
		json_object_set_new(object, "valid", json_true());
	}
	kcidb_set_text(misc, "base", text_of(record, "base"));
	kcidb_set_text(misc, "source_kind", text_of(source, "kind"));
	kcidb_set_text(misc, "source_version", text_of(source, "version"));
	kcidb_set_text(misc, "source_location", text_of(source, "location"));
	kcidb_set_text(misc, "source_identity", text_of(source, "identity"));
	json_object_set_new(object, "misc", misc);
	return object;
}

/* --- kernels ----------------------------------------------------------------------- */

/* "base+vm+measure": what the configuration is merged from. Owned. */
static char *config_name(const json_t *record)
{
	const json_t *fragments = json_object_get(record, "fragments"), *fragment;
	struct strbuf text = STRBUF_INIT;
	size_t i;

	json_array_foreach(fragments, i, fragment)
		strbuf_addf(&text, "%s%s", i ? "+" : "", text_of(fragment, "name"));
	return strbuf_detach(&text);
}

static json_t *build_object(const struct stored_variant *variant, const json_t *record)
{
	cleanup_free char *checkout = checkout_rest(variant, record);
	cleanup_free char *config = config_name(record);
	json_t *object = kcidb_object(variant->kernel_key), *misc = json_object();
	const json_t *seconds = json_object_get(record, "build_seconds");

	set_id(object, "checkout_id", checkout);
	json_object_set_new(object, "architecture", json_string("x86_64"));
	kcidb_set_text(object, "comment", text_of(record, "description"));
	kcidb_set_text(object, "compiler", text_of(record, "toolchain"));
	kcidb_set_text(object, "config_name", config);
	if (json_is_number(seconds))
		json_object_set_new(object, "duration", json_real(json_number_value(seconds)));
	if (variant->image_sha256)
		json_object_set_new(object, "status", json_string("PASS"));
	kcidb_set_text(misc, "image_sha256", variant->image_sha256);
	kcidb_set_text(misc, "config_sha256", text_of(record, "config_sha256"));
	kcidb_set_text(misc, "kernel_release", text_of(record, "release"));
	kcidb_set_text(misc, "built", text_of(record, "built"));
	json_object_set_new(object, "misc", misc);
	return object;
}

/* Unless there is one by that id. */
static void append_once(json_t *array, json_t *object)
{
	const json_t *known;
	bool is_known = false;
	size_t i;

	json_array_foreach(array, i, known)
		is_known = is_known || strcmp(text_of(known, "id"), text_of(object, "id")) == 0;
	if (is_known)
		json_decref(object);
	else
		json_array_append_new(array, object);
}

static void add_kernels(const struct stored_run *run, struct kcidb_report *report)
{
	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];
		json_t *record = variant->kernel_record ?
				 json_loads(variant->kernel_record, 0, NULL) : NULL;

		append_once(report->checkouts, checkout_object(run, variant, record));
		append_once(report->builds, build_object(variant, record));
		json_decref(record);
	}
}

/* --- the whole ---------------------------------------------------------------------- */

static void dump(struct kcidb_report *report, struct strbuf *out)
{
	json_t *root = json_pack("{s:{s:i, s:i}, s:o, s:o, s:o, s:o, s:o}",
				 "version", "major", 5, "minor", 3,
				 "checkouts", report->checkouts, "builds", report->builds,
				 "tests", report->tests, "issues", report->issues,
				 "incidents", report->incidents);
	char *text = json_dumps(root, JSON_INDENT(2));

	strbuf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}

static void drop(struct kcidb_report *report)
{
	json_decref(report->checkouts);
	json_decref(report->builds);
	json_decref(report->tests);
	json_decref(report->issues);
	json_decref(report->incidents);
}

int format_write_kcidb(const struct format_input *input, struct strbuf *out,
		       struct error *err)
{
	struct kcidb_report report = {
		.checkouts = json_array(), .builds = json_array(), .tests = json_array(),
		.issues = json_array(), .incidents = json_array(),
	};
	int rc;

	add_kernels(input->run, &report);
	rc = kcidb_add_boots(input, &report, err);
	if (!rc)
		rc = kcidb_add_metrics(input, &report, err);
	if (rc)
		drop(&report);
	else
		dump(&report, out);
	return rc;
}
