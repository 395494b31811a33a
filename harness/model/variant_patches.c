/* variant_patches.c - `each_patch` of a variant: a variant for every prefix of its last
 * series, NAME-p00 (none of its patches) to NAME-pNN (all).
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"

/* Of the prefix that the variant has of it, where it has one ("@N"). The file was read
 * before, so that it is as it should be. */
static int count_patches(const char *series, char **ret_folder, size_t *ret_count,
			 struct error *err)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	size_t patches_max, length;
	cleanup_free char *folder = series_split(series, &patches_max);
	cleanup_free char *path = path_join(folder, "series"), *text = NULL;
	int r = file_read(path, CONFIG_FILE_MAX, &text, &length);

	if (r < 0)
		return error_set_errno(err, r, "%s", path);
	r = patch_series_parse(path, text, &patches, err);
	if (r < 0)
		return r;
	*ret_count = patches.count < patches_max ? patches.count : patches_max;
	*ret_folder = take_pointer(folder);
	return 0;
}

static void make_prefix(const struct variant *whole, const char *folder, size_t patches,
			struct variant *ret)
{
	struct strvec *series;
	char *last;

	*ret = (struct variant){ .name = string_format("%s-p%02zu", whole->name, patches) };
	kernel_spec_copy(&ret->kernel, &whole->kernel);
	strvec_copy(&ret->cmdline, &whole->cmdline);
	strvec_copy(&ret->sysctls, &whole->sysctls);
	series = &ret->kernel.series;
	last = string_format("%s@%zu", folder, patches);
	free(series->items[series->count - 1]);
	series->items[series->count - 1] = last;
}

int variant_each_patch(const struct variant *whole, const struct config_node *at, size_t room,
		       struct variant **ret_variants, size_t *ret_count, struct error *err)
{
	const struct strvec *series = &whole->kernel.series;
	cleanup_free char *folder = NULL;
	struct variant *variants;
	size_t patches = 0;
	int r;

	if (!series->count)
		return config_error(err, -EINVAL, at, "each_patch: expected a series in the "
				    "variant '%s', whose last one is taken patch by patch",
				    whole->name);
	r = count_patches(series->items[series->count - 1], &folder, &patches, err);
	if (r < 0)
		return r;
	if (patches + 1 > room)
		return config_error(err, -EINVAL, at, "each_patch: series '%s' has %zu patches, "
				    "which makes %zu variants; expected at most %zu, since a "
				    "campaign has at most %u (say SERIES@N for its first N)",
				    path_base_name(folder), patches, patches + 1, room,
				    VARIANTS_MAX);
	variants = memory_alloc_array(patches + 1, sizeof(*variants));
	for (size_t i = 0; i <= patches; i++) {
		make_prefix(whole, folder, i, &variants[i]);
		if (config_expect_name(variants[i].name)) {
			r = config_error(err, -EINVAL, at, "each_patch: the name '%s', made of the "
					 "variant's, is longer than 64", variants[i].name);
			for (size_t j = 0; j <= i; j++)
				variant_release(&variants[j]);
			free(variants);
			return r;
		}
	}
	*ret_variants = variants;
	*ret_count = patches + 1;
	return 0;
}
