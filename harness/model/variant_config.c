/* variant_config.c - one variant of a campaign, on top of its `defaults`: the
 * kernel (base, series, fragments, compiler), command line and sysctls. Every
 * file it names is read here once, so that a mistake in one is refused before
 * anything is built; docs/configs.md has the keys.
 */
#include "config_files.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "files.h"
#include "memory.h"

/* Texts, and where each was said. */
struct said {
	struct strvec texts;
	const struct config_node **nodes; /* owned array of borrowed nodes */
};

static void said_release(struct said *said)
{
	strvec_release(&said->texts);
	free(said->nodes);
}

#define cleanup_said cleanup_with(said_release)

static void said_add(struct said *said, const char *text,
		     const struct config_node *node)
{
	size_t count = said->texts.count;

	said->nodes = memory_realloc_array(said->nodes, count + 1,
					   sizeof(*said->nodes));
	said->nodes[count] = node;
	strvec_push(&said->texts, text);
}

void variant_release(struct variant *variant)
{
	free(variant->name);
	kernel_spec_release(&variant->kernel);
	strvec_release(&variant->cmdline);
	strvec_release(&variant->sysctls);
	*variant = (struct variant){ .name = NULL };
}

static void cleanup_variant(struct variant *variant)
{
	variant_release(variant);
}

static const char *expect_sysctl(const char *text)
{
	static const char expected[] = "a sysctl such as kernel.numa_balancing=0";
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./");

	/* it becomes a path below /proc/sys */
	if (!length || text[length] != '=' || !text[length + 1] ||
	    strchr("./-", text[0]) || strstr(text, "..") || strstr(text, "//") ||
	    strstr(text, "./") || strstr(text, "/."))
		return expected;
	return config_expect_word(text) ? expected : NULL;
}

static const char *expect_argument(const char *text)
{
	return config_expect_word(text) || !strcmp(text, "--") ||
			       strpbrk(text, "\"'\\") ?
		       "one kernel argument without blanks and quotes" : NULL;
}

static const char *expect_command(const char *text)
{
	return config_expect_word(text) || text[0] == '-' ||
			       strpbrk(text, "\"'\\$`;&|<>()*?[]{}~#!=") ?
		       "a compiler command, one word" : NULL;
}

/* --- lists that a variant replaces or adds to -------------------------------- */

/* Appends the elements of the list under key, checked one by one. */
static int said_append(struct said *said, const struct config_node *map,
		       const char *key, config_expect_fn *expect,
		       struct error *err)
{
	cleanup_strvec struct strvec texts = STRVEC_INIT;
	const struct config_field field = { CONFIG_TEXTS(key, &texts, expect),
					    .unique = true };
	const struct config_node *list = map ? config_find(map, key) : NULL;
	int r;

	if (!list)
		return 0;
	r = config_read_value(list, &field, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < texts.count; i++)
		said_add(said, texts.items[i], list->items[i]);
	return 0;
}

/* KEY of the variant, else that of the defaults; then add_KEY. */
static int said_merge(struct said *said, const struct config_node *map,
		      const struct config_node *defaults, const char *key,
		      config_expect_fn *expect, struct error *err)
{
	cleanup_free char *add_key = string_format("add_%s", key);
	const struct config_node *own = map ? config_find(map, key) : NULL;
	const struct config_node *more = map ? config_find(map, add_key) : NULL;
	int r;

	if (own && more)
		return config_error(err, -EINVAL, more,
				    "expected %s (which replaces the defaults) "
				    "or %s (which adds to them), not both",
				    key, add_key);
	r = said_append(said, own ? map : defaults, key, expect, err);
	if (r < 0)
		return r;
	return said_append(said, map, add_key, expect, err);
}

static int refuse_twice(const struct config_node *second, const struct config_node *first,
			const char *noun, const char *text, size_t length, struct error *err)
{
	cleanup_free char *where = config_where(first, second);

	return config_error(err, -EINVAL, second, "the %s '%.*s' is there twice; first at %s", noun,
			    (int)length, text, where);
}

/* Refuses the second of two elements that are alike, in their first length
 * bytes up to `until` (0: as a whole). */
static int said_check_unique(const struct said *said, const char *noun,
			     const char *until, struct error *err)
{
	for (size_t i = 0; i < said->texts.count; i++) {
		const char *text = said->texts.items[i];
		size_t length = strcspn(text, until);

		for (size_t j = 0; j < i; j++) {
			const char *other = said->texts.items[j];

			if (strcspn(other, until) != length ||
			    strncmp(text, other, length) != 0)
				continue;
			return refuse_twice(said->nodes[i], said->nodes[j], noun, text,
					    length, err);
		}
	}
	return 0;
}

/* --- files that a kernel is made of ------------------------------------------ */

static int check_fragment(const char *path, size_t patches_max, const struct config_node *at,
			  struct error *err)
{
	struct config_requests requests = CONFIG_REQUESTS_INIT;
	cleanup_free char *text = NULL;
	size_t length;
	int r = file_read(path, CONFIG_FILE_MAX, &text, &length);

	(void)patches_max;
	(void)at;
	if (r < 0)
		return error_set_errno(err, r, "%s", path);
	if (strlen(text) != length)
		return error_set(err, -EINVAL, "%s: holds a NUL character", path);
	r = config_requests_add(&requests, path, text, err);
	config_requests_release(&requests);
	return r;
}

static int check_patches(const char *folder, const char *path, const struct strvec *patches,
			 struct error *err)
{
	for (size_t i = 0; i < patches->count; i++) {
		cleanup_free char *patch = path_join(folder, patches->items[i]);

		if (!path_exists(patch) || path_is_folder(patch))
			return error_set(err, -ENOENT,
					 "%s: the patch '%s' is not there; "
					 "expected the file %s", path,
					 patches->items[i], patch);
	}
	return 0;
}

static int check_series(const char *folder, size_t patches_max, const struct config_node *at,
			struct error *err)
{
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	cleanup_free char *path = path_join(folder, "series");
	cleanup_free char *text = NULL;
	size_t length;
	int r = file_read(path, CONFIG_FILE_MAX, &text, &length);

	if (r < 0)
		return error_set_errno(err, r, "%s", path);
	if (strlen(text) != length)
		return error_set(err, -EINVAL, "%s: holds a NUL character", path);
	r = patch_series_parse(path, text, &patches, err);
	if (r == 0)
		r = check_patches(folder, path, &patches, err);
	if (r < 0)
		return r;
	if (patches_max != SIZE_MAX && patches_max > patches.count)
		return config_error(err, -ERANGE, at, "the first %zu patches of series '%s': "
				    "expected at most %zu, which is what it has",
				    patches_max, path_base_name(folder), patches.count);
	return 0;
}

typedef int check_fn(const char *path, size_t patches_max, const struct config_node *at,
		     struct error *err);

/* Without the "@N" that a series may have; owned. */
static char *split_reference(const struct reference_kind *kind, const char *text,
			     size_t *ret_patches_max)
{
	size_t patches_max = SIZE_MAX;
	char *reference = kind == &reference_series ? series_split(text, &patches_max) :
						      string_copy(text);

	if (ret_patches_max)
		*ret_patches_max = patches_max;
	return reference;
}

static const char *expect_series(const char *text)
{
	size_t patches_max;
	cleanup_free char *reference = series_split(text, &patches_max);

	if (!config_expect_reference(reference))
		return NULL;
	return strchr(text, '@') ? "a series, or SERIES@N for its first N patches" :
				   config_expect_reference(reference);
}

/* Names > paths of files that have been read once. */
static int resolve_all(const char *project_root,
		       const struct reference_kind *kind,
		       const struct said *names,
		       check_fn *check, struct strvec *ret_paths, struct error *err)
{
	cleanup_said struct said paths = { .nodes = NULL };
	int r;

	for (size_t i = 0; i < names->texts.count; i++) {
		cleanup_free char *reference = split_reference(kind, names->texts.items[i], NULL);
		cleanup_free char *path = NULL;

		r = reference_resolve(kind, project_root, reference, names->nodes[i], &path, err);
		if (r < 0)
			return r;
		said_add(&paths, path, names->nodes[i]);
	}
	/* names first: they read better; paths: two names, one file */
	r = said_check_unique(names, kind->noun, "", err);
	if (r == 0)
		r = said_check_unique(&paths, kind->noun, "", err);
	for (size_t i = 0; r == 0 && i < paths.texts.count; i++) {
		const char *path = paths.texts.items[i];
		size_t patches_max;
		cleanup_free char *reference =
			split_reference(kind, names->texts.items[i], &patches_max);

		r = check(path, patches_max, names->nodes[i], err);
		if (r == 0 && patches_max != SIZE_MAX)
			strvec_pushf(ret_paths, "%s@%zu", path, patches_max);
		else if (r == 0)
			strvec_push(ret_paths, path);
	}
	return r;
}

/* --- the sections --------------------------------------------------------------- */

/* Types and names of a kernel section; the lists are taken by said_merge. */
static int read_kernel_section(const struct config_node *node, bool is_defaults,
			       char **base, char **cc, struct error *err)
{
	const struct config_node *lists[4];
	const struct config_field fields[] = {
		{ CONFIG_TEXT("base", base, config_expect_reference) },
		{ CONFIG_TEXT("cc", cc, expect_command) },
		{ CONFIG_LIST_OF("series", &lists[0], 0, 1000) },
		{ CONFIG_LIST_OF("fragments", &lists[1], 0, 1000) },
		{ CONFIG_LIST_OF("add_series", &lists[2], 0, 1000) },
		{ CONFIG_LIST_OF("add_fragments", &lists[3], 0, 1000) },
	};
	size_t count = ARRAY_COUNT(fields) - (is_defaults ? 2 : 0);

	return node ? config_read(node, "kernel", fields, count, err) : 0;
}

static int read_section(const struct config_node *node, bool is_defaults,
			char **name, const struct config_node **ret_kernel,
			struct error *err)
{
	const struct config_node *lists[4];
	bool each_patch; /* variant_patches_node looks for it */
	const struct config_field fields[] = {
		{ CONFIG_MAPPING("kernel", ret_kernel) },
		{ CONFIG_LIST_OF("cmdline", &lists[0], 0, 1000) },
		{ CONFIG_LIST_OF("sysctls", &lists[1], 0, 1000) },
		{ CONFIG_LIST_OF("add_cmdline", &lists[2], 0, 1000) },
		{ CONFIG_LIST_OF("add_sysctls", &lists[3], 0, 1000) },
		{ CONFIG_TEXT("name", name, config_expect_name),
		  .required = true },
		{ CONFIG_BOOL("each_patch", &each_patch) },
	};
	size_t count = ARRAY_COUNT(fields) - (is_defaults ? 4 : 0);

	*ret_kernel = NULL;
	return config_read(node, is_defaults ? "defaults" : "variant", fields,
			   count, err);
}

const struct config_node *variant_patches_node(const struct config_node *node)
{
	const struct config_node *found = config_find(node, "each_patch");
	bool each_patch = false;
	const struct config_field field = { CONFIG_BOOL("each_patch", &each_patch) };
	struct error ignored = ERROR_INIT;

	/* variant_read has refused what is no truth value */
	return found && !config_read_value(found, &field, &ignored) && each_patch ? found : NULL;
}

int variant_defaults_check(const struct config_node *defaults,
			   struct error *err)
{
	cleanup_said struct said words = { .nodes = NULL };
	cleanup_said struct said names = { .nodes = NULL };
	cleanup_free char *base = NULL, *cc = NULL;
	const struct config_node *kernel;
	char *no_name = NULL;
	int r;

	r = read_section(defaults, true, &no_name, &kernel, err);
	if (r == 0)
		r = read_kernel_section(kernel, true, &base, &cc, err);
	if (r == 0)
		r = said_append(&words, defaults, "cmdline", expect_argument, err);
	if (r == 0)
		r = said_append(&words, defaults, "sysctls", expect_sysctl, err);
	if (r == 0)
		r = said_append(&names, kernel, "series", expect_series, err);
	if (r == 0)
		r = said_append(&names, kernel, "fragments",
				config_expect_reference, err);
	return r;
}

static int read_kernel_lists(const char *project_root,
			     const struct config_node *node,
			     const struct config_node *defaults,
			     const struct config_node *variant,
			     struct kernel_spec *spec, struct error *err)
{
	cleanup_said struct said series = { .nodes = NULL };
	cleanup_said struct said fragments = { .nodes = NULL };
	int r;

	r = said_merge(&series, node, defaults, "series", expect_series, err);
	if (r == 0)
		r = said_merge(&fragments, node, defaults, "fragments",
			       config_expect_reference, err);
	if (r < 0)
		return r;
	if (!fragments.texts.count)
		return config_error(err, -EINVAL, node ? node : variant,
				    "kernel: expected at least one config "
				    "fragment, here or in defaults");
	r = resolve_all(project_root, &reference_series, &series, check_series,
			&spec->series, err);
	if (r < 0)
		return r;
	return resolve_all(project_root, &reference_fragment, &fragments,
			   check_fragment, &spec->fragments, err);
}

static int read_kernel(const char *project_root, const struct config_node *node,
		       const struct config_node *defaults,
		       const struct config_node *variant,
		       struct kernel_spec *spec, struct error *err)
{
	cleanup_free char *base = NULL;
	const struct config_node *base_node = NULL;
	int r;

	/* the variant's own go over those of the defaults */
	r = read_kernel_section(defaults, true, &base, &spec->cc, err);
	if (r == 0)
		r = read_kernel_section(node, false, &base, &spec->cc, err);
	if (r < 0)
		return r;
	if (!spec->cc)
		spec->cc = string_copy("gcc");
	if (node)
		base_node = config_find(node, "base");
	if (!base_node && defaults)
		base_node = config_find(defaults, "base");
	if (!base_node)
		return config_error(err, -EINVAL, node ? node : variant,
				    "kernel lacks the key 'base', here or in "
				    "defaults");
	r = kernel_base_read(project_root, base, base_node, &spec->base, err);
	if (r < 0)
		return r;
	return read_kernel_lists(project_root, node, defaults, variant, spec,
				 err);
}

int variant_read(const char *project_root, const struct config_node *node,
		 const struct config_node *defaults,
		 struct variant *ret_variant, struct error *err)
{
	cleanup_with(cleanup_variant) struct variant variant = { .name = NULL };
	cleanup_said struct said cmdline = { .nodes = NULL };
	cleanup_said struct said sysctls = { .nodes = NULL };
	const struct config_node *kernel;
	int r;

	r = read_section(node, false, &variant.name, &kernel, err);
	if (r < 0)
		return r;
	r = read_kernel(project_root, kernel,
			defaults ? config_find(defaults, "kernel") : NULL, node,
			&variant.kernel, err);
	if (r == 0)
		r = said_merge(&cmdline, node, defaults, "cmdline",
			       expect_argument, err);
	if (r == 0)
		r = said_merge(&sysctls, node, defaults, "sysctls",
			       expect_sysctl, err);
	if (r == 0)
		r = said_check_unique(&sysctls, "sysctl", "=", err);
	if (r < 0)
		return r;
	strvec_copy(&variant.cmdline, &cmdline.texts);
	strvec_copy(&variant.sysctls, &sysctls.texts);
	*ret_variant = variant;
	variant = (struct variant){ .name = NULL };
	return 0;
}
