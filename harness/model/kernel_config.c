/* kernel_config.c - kernel/bases/NAME.yaml > kernel_base. docs/configs.md has
 * the keys. Fetches nothing: which source is there is seen when it is built.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"

#define SOURCES_MAX 16u

static void cleanup_base(struct kernel_base *base)
{
	kernel_base_release(base);
}

static bool consists_of(const char *text, const char *accepted)
{
	return *text && !text[strspn(text, accepted)];
}

static const char *expect_version(const char *text)
{
	static const char digits[] = "0123456789";
	static const char expected[] =
		"a version such as \"7.3\" or \"7.3.4\"";
	size_t parts = 0;

	for (const char *rest = text;; rest++) {
		size_t length = strspn(rest, digits);

		if (!length || length > 4)
			return expected;
		parts++;
		rest += length;
		if (!*rest)
			break;
		if (*rest != '.')
			return expected;
	}
	return parts == 2 || parts == 3 ? NULL : expected;
}

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *expect_package(const char *text)
{
	return consists_of(text, LOWER_DIGITS "+.-") && text[0] != '-' ?
		       NULL : "the name of a Debian package";
}

static const char *expect_suite(const char *text)
{
	return consists_of(text, LOWER_DIGITS "-./") && text[0] != '-' ?
		       NULL : "the name of a Debian suite";
}

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* Only these: git also takes "ext::COMMAND". */
static const char *expect_git_url(const char *text)
{
	if (!config_expect_word(text) &&
	    (begins_with(text, "https://") || begins_with(text, "http://") ||
	     begins_with(text, "git://") || begins_with(text, "ssh://") ||
	     begins_with(text, "file:///") || text[0] == '/'))
		return NULL;
	return "a URL (https, http, git, ssh, file) or an absolute path";
}

static const char *expect_git_ref(const char *text)
{
	return consists_of(text, LOWER_DIGITS UPPER "._/-") &&
			       text[0] != '-' && !strstr(text, "..") ?
		       NULL : "a tag, branch or commit";
}

/* As Debian's policy allows them. */
static const char *expect_package_version(const char *text)
{
	return consists_of(text, LOWER_DIGITS UPPER ".+-:~") && text[0] >= '0' &&
			       text[0] <= '9' ? NULL : "a version of the package";
}

static const char *expect_sha256(const char *text)
{
	return strlen(text) == 64 && consists_of(text, "0123456789abcdef") ?
		       NULL : "64 lower-case hex digits";
}

static bool is_url(const char *text)
{
	return begins_with(text, "https://") || begins_with(text, "http://");
}

static const char *expect_location(const char *text)
{
	if (strstr(text, "://") && (!is_url(text) || config_expect_word(text)))
		return "a path or a URL (https, http)";
	return *text ? NULL : "a path or a URL (https, http)";
}

/* Paths in a file are against the folder of the file. */
static char *path_beside(const struct config_node *node, const char *path)
{
	cleanup_free char *folder = path_folder(node->file);
	cleanup_free char *joined = path_join(folder, path);

	return path_absolute(joined);
}

static int read_debian(const struct config_node *node, int *kind,
		       const char *const *kinds, struct source_spec *source,
		       struct error *err)
{
	const struct config_field fields[] = {
		{ CONFIG_CHOICE("kind", kind, kinds) },
		{ CONFIG_TEXT("package", &source->package, expect_package),
		  .required = true },
		{ CONFIG_TEXT("suite", &source->suite, expect_suite),
		  .required = true },
		{ CONFIG_TEXT("package_version", &source->package_version, expect_package_version) },
	};

	return config_read(node, "debian source", fields, ARRAY_COUNT(fields),
			   err);
}

static int read_git(const struct config_node *node, int *kind,
		    const char *const *kinds, struct source_spec *source,
		    struct error *err)
{
	const struct config_field fields[] = {
		{ CONFIG_CHOICE("kind", kind, kinds) },
		{ CONFIG_TEXT("url", &source->url, expect_git_url),
		  .required = true },
		{ CONFIG_TEXT("ref", &source->ref, expect_git_ref),
		  .required = true },
	};

	return config_read(node, "git source", fields, ARRAY_COUNT(fields), err);
}

static int read_tarball(const struct config_node *node, int *kind,
			const char *const *kinds, struct source_spec *source,
			struct error *err)
{
	const struct config_field fields[] = {
		{ CONFIG_CHOICE("kind", kind, kinds) },
		{ CONFIG_TEXT("location", &source->location, expect_location),
		  .required = true },
		{ CONFIG_TEXT("sha256", &source->sha256, expect_sha256),
		  .required = true },
	};
	int r = config_read(node, "tarball source", fields, ARRAY_COUNT(fields),
			    err);

	if (r == 0 && !is_url(source->location)) {
		cleanup_free char *path = source->location;

		source->location = path_beside(node, path);
	}
	return r;
}

static int read_dir(const struct config_node *node, int *kind,
		    const char *const *kinds, struct source_spec *source,
		    struct error *err)
{
	const struct config_field fields[] = {
		{ CONFIG_CHOICE("kind", kind, kinds) },
		{ CONFIG_TEXT("path", &source->path, NULL), .required = true },
	};
	int r = config_read(node, "dir source", fields, ARRAY_COUNT(fields), err);

	if (r == 0) {
		cleanup_free char *path = source->path;

		source->path = path_beside(node, path);
	}
	return r;
}

static int read_source(const struct config_node *node,
		       struct source_spec *source, struct error *err)
{
	static const char *const kinds[] = {
		[SOURCE_DEBIAN] = "debian", [SOURCE_GIT] = "git",
		[SOURCE_TARBALL] = "tarball", [SOURCE_DIR] = "dir", NULL
	};
	const struct config_node *kind_node;
	int kind = 0, r;
	const struct config_field field = { CONFIG_CHOICE("kind", &kind, kinds) };

	if (node->kind != CONFIG_MAP)
		return config_refuse(err, node, "source", "a mapping");
	kind_node = config_find(node, "kind");
	if (!kind_node)
		return config_error(err, -EINVAL, node,
				    "source lacks the key 'kind' (debian, git, "
				    "tarball or dir)");
	r = config_read_value(kind_node, &field, err);
	if (r < 0)
		return r;
	source->kind = (enum source_kind)kind;
	switch (source->kind) {
	case SOURCE_DEBIAN:
		return read_debian(node, &kind, kinds, source, err);
	case SOURCE_GIT:
		return read_git(node, &kind, kinds, source, err);
	case SOURCE_TARBALL:
		return read_tarball(node, &kind, kinds, source, err);
	case SOURCE_DIR:
		break;
	}
	return read_dir(node, &kind, kinds, source, err);
}

static int read_root(const struct config_node *root, struct kernel_base *base,
		     struct error *err)
{
	const struct config_node *sources = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("version", &base->version, expect_version),
		  .required = true },
		{ CONFIG_LIST_OF("sources", &sources, 1, SOURCES_MAX),
		  .required = true },
	};
	int r = config_read(root, "kernel base", fields, ARRAY_COUNT(fields),
			    err);

	if (r < 0)
		return r;
	base->sources = memory_alloc_array(sources->count,
					   sizeof(*base->sources));
	for (size_t i = 0; i < sources->count; i++) {
		base->sources_count++;
		r = read_source(sources->items[i], &base->sources[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int kernel_base_read(const char *project_root, const char *reference,
		     const struct config_node *at, struct kernel_base *ret_base,
		     struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_with(cleanup_base) struct kernel_base base = { .name = NULL };
	cleanup_free char *path = NULL;
	int r;

	r = reference_resolve(&reference_base, project_root, reference, at,
			      &path, err);
	if (r < 0)
		return r;
	r = reference_name(path, &base.name, err);
	if (r < 0)
		return r;
	r = config_document_load(path, &document, err);
	if (r < 0)
		return r;
	r = read_root(config_document_root(document), &base, err);
	if (r < 0)
		return r;
	*ret_base = base;
	base = (struct kernel_base){ .name = NULL };
	return 0;
}

int kernel_base_load(const char *project_root, const char *name,
		     struct kernel_base *ret_base, struct error *err)
{
	return kernel_base_read(project_root, name, NULL, ret_base, err);
}
