/* kernel_donor.c - see kernel_donor.h. */
#include "kernel_donor.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"

/* Rough numbers of objects that depend on one: good enough to rank by. */
enum {
	COST_SOURCE = 1,
	COST_BUILD_FILE = 5,
	COST_LOCAL_HEADER = 10,
	COST_OPTION = 50,
	COST_HEADER = 100,
};

void donor_release(struct donor *donor)
{
	free(donor->tree);
	free(donor->source);
	tree_info_release(&donor->info);
	*donor = (struct donor){ .tree = NULL };
}

static uint64_t file_cost(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".S") == 0))
		return COST_SOURCE;
	if (dot && strcmp(dot, ".h") == 0)
		return strstr(name, "include/") ? COST_HEADER : COST_LOCAL_HEADER;
	return COST_BUILD_FILE;
}

static uint64_t patches_cost(const struct patched_files *ours, json_t *theirs)
{
	uint64_t cost = 0;
	const char *name;
	json_t *digest;

	for (size_t i = 0; i < ours->count; i++) {
		const struct patched_file *file = &ours->items[i];
		const char *other =
			json_string_value(json_object_get(theirs, file->path));

		if (!other || strcmp(other, file->digest) != 0)
			cost += file_cost(file->path);
	}
	json_object_foreach(theirs, name, digest) {
		bool is_ours = false;

		(void)digest;
		for (size_t i = 0; i < ours->count && !is_ours; i++)
			is_ours = strcmp(ours->items[i].path, name) == 0;
		if (!is_ours)
			cost += file_cost(name);
	}
	return cost;
}

static void split_lines(const char *text, struct strvec *ret_lines)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line)
			strvec_push(ret_lines, line);
	strvec_sort(ret_lines);
}

/* Lines that only one of two texts has. */
static uint64_t lines_differing(const char *a, const char *b)
{
	cleanup_strvec struct strvec left = STRVEC_INIT, right = STRVEC_INIT;
	uint64_t count = 0;
	size_t i = 0, j = 0;
	int order;

	split_lines(a, &left);
	split_lines(b, &right);
	while (i < left.count && j < right.count) {
		order = strcmp(left.items[i], right.items[j]);
		count += order != 0;
		i += order <= 0;
		j += order >= 0;
	}
	return count + (left.count - i) + (right.count - j);
}

uint64_t donor_cost(const struct tree_wish *wish, const struct tree_info *donor,
		    uint64_t objects_count)
{
	uint64_t cost = patches_cost(wish->patched, donor->patched) +
		COST_OPTION * lines_differing(wish->requests, donor->requests);

	if (strcmp(donor->source_instance, wish->source->instance) != 0)
		cost += COST_HEADER;
	/* What an interrupted build of this kernel left began as a clone of
	 * the best donor and is further on: choosing anew would begin anew,
	 * at each interruption. */
	else if (strcmp(donor->key, wish->key) == 0)
		return 0;
	if (cost > objects_count)
		cost = objects_count;
	if (donor->objects_count < objects_count)
		cost += objects_count - donor->objects_count;
	return cost;
}

/* The donor's pristine source, if it is still the one that was linked. */
static bool find_source(const struct kernel_cache *cache,
			const struct tree_info *tree, char **ret_source)
{
	cleanup_free char *folder =
		cache_entry_path(cache, ENTRY_SOURCE, tree->source_key);
	cleanup_with(source_info_release) struct source_info source = {
		.tree = NULL,
	};

	if (source_info_load(folder, tree->source_key, &source, NULL) < 0 ||
	    strcmp(source.instance, tree->source_instance) != 0)
		return false;
	*ret_source = take_pointer(source.tree);
	return true;
}

static bool is_usable(const struct tree_wish *wish, const struct tree_info *tree)
{
	return strcmp(tree->base_name, wish->base_name) == 0 &&
	       strcmp(tree->toolchain, wish->toolchain) == 0 &&
	       tree->newest_ns < clock_wall_ns() &&
	       !(wish->ignore_own && strcmp(tree->key, wish->key) == 0);
}

/* Trees of other sources of the base are of use only where the two share
 * files, as copies of one folder and commits do. */
static bool shares_source(const struct tree_wish *wish,
			  const struct tree_info *tree)
{
	return strcmp(tree->source_instance, wish->source->instance) == 0 ||
	       wish->source->record.kind == SOURCE_DIR ||
	       wish->source->record.kind == SOURCE_GIT;
}

static void load_candidate(const struct kernel_cache *cache, const char *key,
			   const struct tree_wish *wish, struct donor *ret_donor)
{
	cleanup_free char *folder = cache_entry_path(cache, ENTRY_TREE, key);
	struct donor donor = { .tree = NULL };

	if (*key == '.' || tree_info_load(folder, key, &donor.info, NULL) < 0)
		return;
	if (!is_usable(wish, &donor.info) || !shares_source(wish, &donor.info) ||
	    !find_source(cache, &donor.info, &donor.source)) {
		donor_release(&donor);
		return;
	}
	donor.tree = path_join(folder, "tree");
	*ret_donor = donor;
}

static bool is_nearer(const struct tree_wish *wish, const struct donor *one,
		      const struct donor *other, uint64_t objects_count)
{
	uint64_t costs[2];

	if (!other->tree)
		return true;
	costs[0] = donor_cost(wish, &one->info, objects_count);
	costs[1] = donor_cost(wish, &other->info, objects_count);
	if (costs[0] != costs[1])
		return costs[0] < costs[1];
	if (one->info.is_complete != other->info.is_complete)
		return one->info.is_complete;
	return one->info.stored_ns > other->info.stored_ns;
}

static uint64_t most_objects(const struct donor *donors, size_t count)
{
	uint64_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (donors[i].tree && donors[i].info.objects_count > most)
			most = donors[i].info.objects_count;
	return most;
}

int donor_find(struct kernel_cache *cache, const struct tree_wish *wish,
	       struct donor *ret_donor, struct error *err)
{
	cleanup_free char *folder =
		path_join(cache->path, entry_kind_folder(ENTRY_TREE));
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	cleanup_free struct donor *donors = NULL;
	struct donor best = { .tree = NULL };
	int code = folder_list(folder, &keys);
	uint64_t most;

	if (code < 0)
		return error_set_errno(err, code, "%s", folder);
	donors = memory_alloc_array(keys.count, sizeof(*donors));
	for (size_t i = 0; i < keys.count; i++)
		load_candidate(cache, keys.items[i], wish, &donors[i]);
	most = most_objects(donors, keys.count);
	for (size_t i = 0; i < keys.count; i++) {
		if (donors[i].tree &&
		    is_nearer(wish, &donors[i], &best, most)) {
			struct donor previous = best;

			best = donors[i];
			donors[i] = previous;
		}
	}
	for (size_t i = 0; i < keys.count; i++)
		donor_release(&donors[i]);
	if (best.tree)
		code = cache_entry_hold(cache, ENTRY_TREE, best.info.key, err);
	if (code == 0 && best.tree &&
	    strcmp(best.info.source_key, wish->source->key) != 0)
		code = cache_entry_hold(cache, ENTRY_SOURCE,
					best.info.source_key, err);
	/* Removed by somebody's prune in between: do without. */
	if (code < 0) {
		donor_release(&best);
		return code == -ENOENT ? 0 : code;
	}
	*ret_donor = best;
	return 0;
}
