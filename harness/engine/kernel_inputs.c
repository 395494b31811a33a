/* kernel_inputs.c - see kernel_inputs.h. */
#include "kernel_inputs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "files.h"
#include "kernel_make.h"
#include "kernel_source.h"
#include "memory.h"

#define FRAGMENT_BYTES_MAX (1 << 20)

/* Counts up when the same inputs would give another image. Those of folders and
 * repositories did: files that had changed twice were once built as they had been in
 * between. */
#define BUILDER_FORMAT "1"
#define BUILDER_FORMAT_CHANGING "2"

void kernel_inputs_release(struct kernel_inputs *inputs)
{
	kernel_patches_release(&inputs->patches);
	config_requests_release(&inputs->requests);
	strvec_release(&inputs->fragment_digests);
	free(inputs->requests_text);
	free(inputs->toolchain);
	*inputs = (struct kernel_inputs){ .spec = NULL };
}

static int load_fragments(struct kernel_inputs *inputs, struct error *err)
{
	const struct strvec *fragments = &inputs->spec->fragments;

	for (size_t i = 0; i < fragments->count; i++) {
		const char *path = fragments->items[i];
		cleanup_free char *text = NULL;
		char digest[SHA256_HEX_SIZE];
		size_t length;
		int code = file_read(path, FRAGMENT_BYTES_MAX, &text, &length);

		if (code < 0)
			return error_set_errno(err, code, "config fragment %s",
					       path);
		code = config_requests_add(&inputs->requests, path, text, err);
		if (code < 0)
			return code;
		sha256_of(text, length, digest);
		strvec_push(&inputs->fragment_digests, digest);
	}
	inputs->requests_text = kernel_requests_text(&inputs->requests);
	return 0;
}

static void add_source(struct sha256 *hash, const struct source_spec *source)
{
	char key[SHA256_HEX_SIZE];

	/* A folder that cannot be read is an error only if no other source
	 * serves. */
	if (kernel_source_key(source, key, NULL) < 0)
		key[0] = '\0';
	sha256_add_field(hash, "source", key);
}

static const char *builder_format(const struct kernel_base *base)
{
	bool is_changing = base->sources_count && (base->sources[0].kind == SOURCE_DIR ||
						   base->sources[0].kind == SOURCE_GIT);

	return is_changing ? BUILDER_FORMAT_CHANGING : BUILDER_FORMAT;
}

static void compute_key(struct kernel_inputs *inputs)
{
	const struct kernel_base *base = &inputs->spec->base;
	struct sha256 *hash = sha256_new();

	sha256_add_field(hash, "format", builder_format(base));
	sha256_add_field(hash, "base", base->name);
	sha256_add_field(hash, "version", base->version);
	for (size_t i = 0; i < base->sources_count; i++)
		add_source(hash, &base->sources[i]);
	for (size_t i = 0; i < inputs->patches.count; i++)
		sha256_add_field(hash, "patch", inputs->patches.items[i].sha256);
	for (size_t i = 0; i < inputs->fragment_digests.count; i++)
		sha256_add_field(hash, "fragment",
				 inputs->fragment_digests.items[i]);
	sha256_add_field(hash, "cc", inputs->cc);
	sha256_add_field(hash, "toolchain", inputs->toolchain);
	sha256_finish(hash, inputs->key);
}

int kernel_inputs_load(const struct kernel_spec *spec,
		       struct kernel_inputs *ret_inputs, struct error *err)
{
	struct kernel_inputs inputs = {
		.spec = spec, .cc = spec->cc ? spec->cc : "gcc",
		.requests = CONFIG_REQUESTS_INIT,
	};
	int code = kernel_patches_load(&spec->series, &inputs.patches, err);

	if (code == 0)
		code = load_fragments(&inputs, err);
	if (code == 0)
		code = kernel_toolchain(inputs.cc, &inputs.toolchain, err);
	if (code < 0) {
		kernel_inputs_release(&inputs);
		return code;
	}
	compute_key(&inputs);
	*ret_inputs = inputs;
	return 0;
}

/* "base" of ".../base.config"; owned. */
static char *fragment_name(const char *path)
{
	const char *name = path_base_name(path);
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? string_copy_n(name, (size_t)(dot - name)) :
				    string_copy(name);
}

char *kernel_inputs_describe(const struct kernel_inputs *inputs,
			     const char *version)
{
	const struct kernel_spec *spec = inputs->spec;
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, spec->base.name);
	for (size_t i = 0; i < spec->series.count; i++)
		strbuf_addf(&text, " + %s", path_base_name(spec->series.items[i]));
	for (size_t i = 0; i < spec->fragments.count; i++) {
		cleanup_free char *name = fragment_name(spec->fragments.items[i]);

		strbuf_addf(&text, "%s%s", i ? " " : " (", name);
	}
	strbuf_addf(&text, "%s, %s", spec->fragments.count ? ")" : "", version);
	return strbuf_detach(&text);
}

json_t *kernel_inputs_patches_json(const struct kernel_inputs *inputs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inputs->patches.count; i++) {
		const struct kernel_patch *patch = &inputs->patches.items[i];

		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s}", "series", patch->series,
			"name", patch->name, "sha256", patch->sha256));
	}
	return list;
}

json_t *kernel_inputs_fragments_json(const struct kernel_inputs *inputs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inputs->fragment_digests.count; i++) {
		cleanup_free char *name =
			fragment_name(inputs->spec->fragments.items[i]);

		json_array_append_new(list, json_pack(
			"{s:s, s:s}", "name", name, "sha256",
			inputs->fragment_digests.items[i]));
	}
	return list;
}
