/* campaign_include.c - a campaign's file and those that it includes, as one mapping.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "campaign_merge.h"
#include "memory.h"

#define INCLUDES_MAX 16u      /* in one file */
#define INCLUDE_DEPTH_MAX 8u

struct included_file {
	char *path;                        /* absolute; owned */
	struct config_document *document;  /* owned */
	const struct config_node *at;      /* the reference to it; NULL: the campaign itself */
	const struct config_node *merged;  /* with what it includes; NULL: not yet */
};

struct campaign_source {
	const char *project_root;          /* borrowed */
	struct included_file *files;       /* owned; the campaign itself first */
	size_t count;
	struct campaign_merge merge;
};

void campaign_source_free(struct campaign_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->count; i++) {
		free(source->files[i].path);
		config_document_free(source->files[i].document);
	}
	free(source->files);
	campaign_merge_release(&source->merge);
	free(source);
}

void cleanup_campaign_source_(struct campaign_source **source)
{
	campaign_source_free(*source);
}

const struct config_node *campaign_source_root(const struct campaign_source *source)
{
	return source->files[0].merged;
}

void campaign_source_included(const struct campaign_source *source, struct strvec *ret_paths)
{
	for (size_t i = 1; i < source->count; i++)
		strvec_push(ret_paths, source->files[i].path);
}

static struct included_file *find_file(struct campaign_source *source, const char *path)
{
	for (size_t i = 0; i < source->count; i++)
		if (!strcmp(source->files[i].path, path))
			return &source->files[i];
	return NULL;
}

/* It is open still, so it is among those that led here. */
static int refuse_cycle(const struct included_file *file, const struct config_node *at,
			const char *reference, struct error *err)
{
	cleanup_free char *where = file->at ? config_where(file->at, at) : NULL;

	return config_error(err, -ELOOP, at, "include: '%s' would include itself; %s%s", reference,
			    where ? "it is included at " : "it is the campaign that is read",
			    where ? where : "");
}

static int load_file(struct campaign_source *source, const char *path,
		     const struct config_node *at, size_t depth,
		     const struct config_node **ret_merged, struct error *err);

static int load_reference(struct campaign_source *source, const char *reference,
			  const struct config_node *at, size_t depth,
			  const struct config_node **ret_merged, struct error *err)
{
	cleanup_free char *path = NULL;
	const struct included_file *file;
	int r = reference_resolve(&reference_campaign, source->project_root, reference, at, &path,
				  err);

	if (r < 0)
		return r;
	file = find_file(source, path);
	if (file && !file->merged)
		return refuse_cycle(file, at, reference, err);
	if (file) {
		*ret_merged = file->merged;
		return 0;
	}
	if (depth == INCLUDE_DEPTH_MAX) {
		cleanup_free char *where = config_where(source->files[1].at, at);

		return config_error(err, -ELOOP, at, "include: '%s' would be level %u; expected at "
				    "most %u levels, counted from %s", reference,
				    INCLUDE_DEPTH_MAX + 1, INCLUDE_DEPTH_MAX, where);
	}
	return load_file(source, path, at, depth + 1, ret_merged, err);
}

/* What the file includes, a later one on top of the ones before; NULL: nothing. */
static int load_included(struct campaign_source *source, const struct config_node *own,
			 size_t depth, const struct config_node **ret_included,
			 struct error *err)
{
	cleanup_strvec struct strvec references = STRVEC_INIT;
	const struct config_field field = { CONFIG_TEXTS("include", &references,
							 config_expect_reference),
					    .unique = true };
	const struct config_node *list = own->kind == CONFIG_MAP ? config_find(own, "include") :
								   NULL;
	const struct config_node *included = NULL;
	int r = list ? config_read_value(list, &field, err) : 0;

	if (r == 0 && list && (!references.count || references.count > INCLUDES_MAX))
		r = config_error(err, -EINVAL, list, "include: expected 1..%u elements, found %zu",
				 INCLUDES_MAX, references.count);
	for (size_t i = 0; r == 0 && i < references.count; i++) {
		const struct config_node *next = NULL;

		r = load_reference(source, references.items[i], list->items[i], depth, &next, err);
		if (r == 0)
			r = included ? campaign_merge_add(&source->merge, included, next,
							  &included, err) : 0;
		if (r == 0 && !included)
			included = next;
	}
	*ret_included = included;
	return r;
}

static int load_file(struct campaign_source *source, const char *path,
		     const struct config_node *at, size_t depth,
		     const struct config_node **ret_merged, struct error *err)
{
	const struct config_node *own, *included = NULL, *merged = NULL;
	size_t index = source->count;
	int r;

	source->files = memory_realloc_array(source->files, index + 1, sizeof(*source->files));
	source->files[index] = (struct included_file){ .path = string_copy(path), .at = at };
	source->count++;
	r = config_document_load(path, &source->files[index].document, err);
	if (r < 0)
		return r;
	own = config_document_root(source->files[index].document);
	if (at && own->kind != CONFIG_MAP)
		return config_refuse(err, own, "campaign", "a mapping");
	r = load_included(source, own, depth, &included, err);
	if (r == 0)
		r = campaign_merge_add(&source->merge, included, own, &merged, err);
	if (r < 0)
		return r;
	source->files[index].merged = merged;
	*ret_merged = merged;
	return 0;
}

int campaign_source_load(const char *project_root, const char *path,
			 struct campaign_source **ret_source, struct error *err)
{
	cleanup_with(cleanup_campaign_source_) struct campaign_source *source =
		memory_alloc(sizeof(*source));
	const struct config_node *merged;
	int r;

	source->project_root = project_root;
	r = load_file(source, path, NULL, 0, &merged, err);
	if (r < 0)
		return r;
	*ret_source = take_pointer(source);
	return 0;
}
