/* experiment_fingerprint.c - under what conditions a trial was measured, as
 * "key=value" lines. Lines that begin with "variant." may differ between the
 * sides of a comparison; all others must not, but in exact mode those of the host
 * ("host."), on which nothing hangs that is measured there.
 */
#include <jansson.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "host_info.h"
#include "memory.h"
#include "process.h"

/* What measures: patches and configs are told apart by keys of their own, and a team that
 * keeps them in this repository changes them every day. */
#define MEASURING_PARTS "harness", "workloads", "Makefile"

/* The newest commit of those parts in the repository at root: "abcdef123456" or
 * "abcdef123456+changes"; "unknown" outside one. */
static char *source_version(const char *root)
{
	const char *const newest[] = { "git", "-C", root, "log", "-1", "--format=%h",
				       "--abbrev=12", "--", MEASURING_PARTS, NULL };
	const char *const same[] = { "git", "-C", root, "diff", "--quiet", "HEAD", "--",
				     MEASURING_PARTS, NULL };
	cleanup_free char *output = NULL;
	const struct process_options options = { .capture = true,
						 .timeout_ns = UINT64_C(10000000000) };
	cleanup_free char *git = path_join(root, ".git");

	/* A repository further up is not ours. */
	if (!path_exists(git) || process_run(newest, &options, &output, NULL))
		return string_copy("unknown");
	output[strcspn(output, "\n")] = '\0';
	if (!*output)
		return string_copy("unknown");
	return process_run(same, &options, NULL, NULL) ? string_format("%s+changes", output) :
							 take_pointer(output);
}

static bool same_compiler(const struct campaign *campaign)
{
	for (size_t i = 1; i < campaign->variants_count; i++)
		if (strcmp(campaign->variants[i].kernel.cc, campaign->variants[0].kernel.cc))
			return false;
	return true;
}

static void add_exact(const struct experiment *experiment, struct strvec *lines)
{
	const struct exact_policy *policy = &experiment->run.exact;

	strvec_push(lines, "mode=exact");
	strvec_pushf(lines, "exact.shift=%u", policy->shift);
	strvec_pushf(lines, "exact.jitter_us=%u", policy->jitter_us);
	strvec_pushf(lines, "exact.kaslr=%s", policy->kaslr ? "on" : "off");
	strvec_pushf(lines, "exact.counts=%s", !policy->counts ? "none" :
		     policy->by_instruction ? "by instruction" : "by block");
	for (size_t i = 0; i < experiment->plugin_lines.count; i++)
		strvec_push(lines, experiment->plugin_lines.items[i]);
}

void experiment_fingerprint_begin(struct experiment *experiment)
{
	cleanup_strvec struct strvec host = STRVEC_INIT;
	cleanup_free char *version = source_version(experiment->options->project_root);
	struct strvec *lines = &experiment->fingerprint;

	strvec_release(lines);
	*lines = STRVEC_INIT;
	host_info_fingerprint(&host);
	for (size_t i = 0; i < host.count; i++)
		strvec_pushf(lines, "host.%s", host.items[i]);
	if (experiment_is_exact(experiment))
		add_exact(experiment, lines);
	strvec_pushf(lines, "accelerator=%s", accelerator_name(experiment->accelerator));
	if (experiment->accelerator == ACCELERATOR_KVM)
		strvec_pushf(lines, "emulator_cpus=%s",
			     experiment->emulator_cpus_count ? "own" : "of the vCPUs");
	strvec_pushf(lines, "hypervisor=%s", fleet_version(experiment->fleet));
	strvec_pushf(lines, "connection=%s", experiment->options->uri);
	strvec_pushf(lines, "kerngate=%s", version);
}

/* The first text under one of the keys of a kernel's record; "" if none. */
static char *record_text(const char *record, const char *key)
{
	json_t *root = json_loads(record, 0, NULL);
	json_t *value = json_object_get(root, key);
	cleanup_free char *dumped = json_is_string(value) || !value ? NULL :
				    json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	char *text = string_copy(json_is_string(value) ? json_string_value(value) :
				 dumped ? dumped : "");

	json_decref(root);
	return text;
}

static void add_variant(const struct experiment *experiment, uint32_t stored_variant,
			struct strvec *lines)
{
	size_t index = experiment_variant_of(experiment, stored_variant);
	const struct stored_variant *stored = &experiment->run.variants[stored_variant];
	const struct built_kernel *kernel = &experiment->kernels[index];
	const struct kernel_base *base = &experiment->campaign->variants[index].kernel.base;
	cleanup_free char *toolchain = record_text(kernel->record, "toolchain");
	char config_sha256[SHA256_HEX_SIZE];

	sha256_of(kernel->config_text, strlen(kernel->config_text), config_sha256);
	strvec_pushf(lines, "variant.kernel_key=%s", kernel->key);
	strvec_pushf(lines, "variant.image_sha256=%s", kernel->image_sha256);
	strvec_pushf(lines, "variant.config_sha256=%s", config_sha256);
	strvec_pushf(lines, "variant.kernel_release=%s", kernel->release);
	strvec_pushf(lines, "variant.base=%s %s", base->name, base->version);
	strvec_pushf(lines, "variant.cmdline=%s", stored->cmdline);
	/* Two compilers on purpose are part of what is compared. */
	strvec_pushf(lines, "%stoolchain=%s",
		     same_compiler(experiment->campaign) ? "" : "variant.", toolchain);
}

char *experiment_fingerprint(const struct experiment *experiment, uint32_t cell,
			     uint32_t stored_variant)
{
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct experiment_cell *prepared = &experiment->cells[cell];

	strvec_copy(&lines, &experiment->fingerprint);
	strvec_pushf(&lines, "guest=%s %s", experiment->run.cells[cell].guest,
		     prepared->guest_sha256);
	strvec_pushf(&lines, "guest_image=%s", prepared->initrd_sha256);
	add_variant(experiment, stored_variant, &lines);
	strvec_sort(&lines);
	for (size_t i = 0; i < lines.count; i++) {
		/* one line each, whatever a value holds */
		for (char *c = lines.items[i]; *c; c++)
			*c = *c == '\n' ? ' ' : *c;
		strbuf_addf(&text, "%s\n", lines.items[i]);
	}
	return strbuf_detach(&text);
}
