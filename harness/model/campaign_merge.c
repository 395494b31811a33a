/* campaign_merge.c - see campaign_merge.h. */
#include "campaign_merge.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "memory.h"

#define ADD "add_"

void campaign_merge_release(struct campaign_merge *merge)
{
	for (size_t i = 0; i < merge->count; i++) {
		free(merge->nodes[i]->text);
		free(merge->nodes[i]->keys);
		free(merge->nodes[i]->items);
		free(merge->nodes[i]);
	}
	free(merge->nodes);
	*merge = (struct campaign_merge){ .nodes = NULL };
}

/* --- nodes ---------------------------------------------------------------------------- */

/* Stands where `at` does. */
static struct config_node *node_make(struct campaign_merge *merge, enum config_kind kind,
				     const struct config_node *at)
{
	struct config_node *node = memory_alloc(sizeof(*node));

	*node = (struct config_node){ .kind = kind, .file = at->file, .line = at->line,
				      .column = at->column };
	merge->nodes = memory_realloc_array(merge->nodes, merge->count + 1,
					    sizeof(*merge->nodes));
	merge->nodes[merge->count++] = node;
	return node;
}

/* key NULL: a list's element. */
static void node_push(struct config_node *node, const struct config_node *key,
		      const struct config_node *item)
{
	if (key) {
		node->keys = memory_realloc_array(node->keys, node->count + 1,
						  sizeof(struct config_node *));
		node->keys[node->count] = (struct config_node *)key;
	}
	node->items = memory_realloc_array(node->items, node->count + 1,
					   sizeof(struct config_node *));
	node->items[node->count++] = (struct config_node *)item;
}

static bool is_map(const struct config_node *node)
{
	return node && node->kind == CONFIG_MAP;
}

static bool is_list(const struct config_node *node)
{
	return node && node->kind == CONFIG_LIST;
}

static const struct config_node *find(const struct config_node *map, const char *key)
{
	return is_map(map) ? config_find(map, key) : NULL;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(text, *words))
			return true;
	return false;
}

/* --- lists and mappings that are added to ------------------------------------------------ */

/* Elements that came in by two ways are there once. */
static const struct config_node *concat(struct campaign_merge *merge,
					const struct config_node *included,
					const struct config_node *own)
{
	struct config_node *list = node_make(merge, CONFIG_LIST, own);

	for (size_t i = 0; i < included->count; i++)
		node_push(list, NULL, included->items[i]);
	for (size_t i = 0; i < own->count; i++) {
		bool is_there = false;

		for (size_t j = 0; j < included->count && !is_there; j++)
			is_there = included->items[j] == own->items[i];
		if (!is_there)
			node_push(list, NULL, own->items[i]);
	}
	return list;
}

/* gate, exact, cells: own keys replace, others stay. */
static const struct config_node *merge_keys(struct campaign_merge *merge,
					    const struct config_node *included,
					    const struct config_node *own)
{
	struct config_node *map;

	if (!is_map(included) || !is_map(own))
		return own;
	map = node_make(merge, CONFIG_MAP, own);
	for (size_t i = 0; i < included->count; i++)
		if (!config_find(own, included->keys[i]->text))
			node_push(map, included->keys[i], included->items[i]);
	for (size_t i = 0; i < own->count; i++)
		node_push(map, own->keys[i], own->items[i]);
	return map;
}

/* The "fragments" of "fragments" and "add_fragments". */
static const char *plain_name(const char *key)
{
	return strncmp(key, ADD, strlen(ADD)) ? key : key + strlen(ADD);
}

static const struct config_node *find_add(const struct config_node *own, const char *plain)
{
	cleanup_free char *key = string_format(ADD "%s", plain);

	return config_find(own, key);
}

static const struct config_node *merge_adding(struct campaign_merge *merge,
					      const struct config_node *included,
					      const struct config_node *own, bool is_defaults);

/* What own leaves of one included key: X replaces X and add_X, add_X adds to either. */
static void take_included(struct campaign_merge *merge, const struct config_node *included,
			  size_t index, const struct config_node *own, bool is_defaults,
			  struct config_node *map)
{
	const struct config_node *key = included->keys[index], *item = included->items[index];
	const char *plain = plain_name(key->text);
	const struct config_node *replaced = config_find(own, plain);
	const struct config_node *added = find_add(own, plain);

	if (!strcmp(key->text, "kernel") && is_map(item) && is_map(replaced))
		node_push(map, key, merge_adding(merge, item, replaced, is_defaults));
	else if (replaced)
		return;
	else if (is_list(item) && is_list(added))
		node_push(map, key, concat(merge, item, added));
	else
		node_push(map, key, item);
}

/* Whether take_included had it. */
static bool is_taken(const struct config_node *included, const struct config_node *own,
		     const char *key, const struct config_node *item)
{
	const char *plain = plain_name(key);
	const struct config_node *lists[2] = { config_find(included, plain),
					       find_add(included, plain) };

	if (!strcmp(key, "kernel"))
		return is_map(lists[0]) && is_map(item);
	return plain != key && !config_find(own, plain) && is_list(item) && (is_list(lists[0]) || is_list(lists[1]));
}

/* A variant, `defaults`, or the `kernel` of one. */
static const struct config_node *merge_adding(struct campaign_merge *merge,
					      const struct config_node *included,
					      const struct config_node *own, bool is_defaults)
{
	struct config_node *map;

	if (!is_map(included) || !is_map(own))
		return own;
	map = node_make(merge, CONFIG_MAP, own);
	for (size_t i = 0; i < included->count; i++)
		take_included(merge, included, i, own, is_defaults, map);
	for (size_t i = 0; i < own->count; i++) {
		const struct config_node *key = own->keys[i];
		const char *plain = plain_name(key->text);

		if (is_taken(included, own, key->text, own->items[i]))
			continue;
		/* Nothing is below defaults: there, to add is to say. */
		if (is_defaults && plain != key->text && !config_find(own, plain)) {
			struct config_node *renamed = node_make(merge, CONFIG_SCALAR, key);

			renamed->text = string_copy(plain);
			key = renamed;
		}
		node_push(map, key, own->items[i]);
	}
	return map;
}

/* --- variants and cells ------------------------------------------------------------------- */

/* What a reference is called: "up" of "../guests/up.yaml". */
static char *name_of(const struct config_node *map, const char *key)
{
	const struct config_node *node = find(map, key);
	const char *base;
	size_t length;

	if (!node || node->kind != CONFIG_SCALAR)
		return string_copy("");
	base = path_base_name(node->text);
	length = strlen(base);
	if (strchr(node->text, '/') && length > 5 && !strcmp(base + length - 5, ".yaml"))
		length -= 5;
	return string_copy_n(base, length);
}

typedef bool same_fn(const struct config_node *a, const struct config_node *b);

static bool same_variant(const struct config_node *a, const struct config_node *b)
{
	cleanup_free char *one = name_of(a, "name"), *other = name_of(b, "name");

	return *one && !strcmp(one, other);
}

static bool same_cell(const struct config_node *a, const struct config_node *b)
{
	cleanup_free char *guest = name_of(a, "guest"), *guest_b = name_of(b, "guest");
	cleanup_free char *suite = name_of(a, "suite"), *suite_b = name_of(b, "suite");

	return *guest && !strcmp(guest, guest_b) && *suite && !strcmp(suite, suite_b);
}

/* As --only has it: with a slash on GUEST/SUITE, else on the guest's or the suite's name. */
static bool fits_cell(const struct config_node *cell, const char *glob)
{
	cleanup_free char *guest = name_of(cell, "guest"), *suite = name_of(cell, "suite");
	cleanup_free char *both = string_format("%s/%s", guest, suite);

	if (strchr(glob, '/'))
		return !fnmatch(glob, both, FNM_PATHNAME);
	return !fnmatch(glob, guest, 0) || !fnmatch(glob, suite, 0);
}

static bool fits_variant(const struct config_node *variant, const char *glob)
{
	cleanup_free char *name = name_of(variant, "name");

	return !fnmatch(glob, name, 0);
}

struct list_kind {
	const char *key, *remove_key;
	same_fn *is_same;
	bool (*fits)(const struct config_node *item, const char *glob);
	bool is_adding;          /* variants: add_X adds */
};

static const struct list_kind list_kinds[] = {
	{ "variants", "remove_variants", same_variant, fits_variant, true },
	{ "cells", "remove_cells", same_cell, fits_cell, false },
};

/* *ret_list: the included list without what own removes; NULL where none is included. */
static int remove_items(struct campaign_merge *merge, const struct list_kind *kind,
			const struct config_node *included, const struct config_node *own,
			const struct config_node **ret_list, struct error *err)
{
	cleanup_strvec struct strvec globs = STRVEC_INIT;
	const struct config_field field = { CONFIG_TEXTS(kind->remove_key, &globs,
							 config_expect_word) };
	const struct config_node *list = find(included, kind->key);
	const struct config_node *removed = find(own, kind->remove_key);
	struct config_node *left;
	int r = removed ? config_read_value(removed, &field, err) : 0;

	*ret_list = list;
	if (r < 0 || !removed || !is_list(list))
		return r;
	left = node_make(merge, CONFIG_LIST, list);
	for (size_t i = 0; i < list->count; i++) {
		bool fits = false;

		for (size_t j = 0; j < globs.count && !fits; j++)
			fits = kind->fits(list->items[i], globs.items[j]);
		if (!fits)
			node_push(left, NULL, list->items[i]);
	}
	for (size_t j = 0; j < globs.count; j++) {
		bool fits = false;

		for (size_t i = 0; i < list->count && !fits; i++)
			fits = kind->fits(list->items[i], globs.items[j]);
		if (!fits)
			return config_error(err, -EINVAL, removed->items[j],
					    "%s: '%s' fits none of the included %s",
					    kind->remove_key, globs.items[j], kind->key);
	}
	*ret_list = left;
	return 0;
}

/* Index of the included element that this one overrides, which one alone may. */
static size_t find_same(const struct list_kind *kind, const struct config_node *included,
			const struct config_node *own, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (kind->is_same(own->items[i], own->items[index]))
			return SIZE_MAX;
	for (size_t i = 0; i < included->count; i++)
		if (kind->is_same(included->items[i], own->items[index]))
			return i;
	return SIZE_MAX;
}

static const struct config_node *merge_list(struct campaign_merge *merge,
					    const struct list_kind *kind,
					    const struct config_node *included,
					    const struct config_node *own)
{
	struct config_node *list;

	if (!is_list(included) || !is_list(own))
		return own ? own : included;
	list = node_make(merge, CONFIG_LIST, own);
	for (size_t i = 0; i < included->count; i++)
		node_push(list, NULL, included->items[i]);
	for (size_t i = 0; i < own->count; i++) {
		size_t at = find_same(kind, included, own, i);
		const struct config_node *item = own->items[i];

		if (at == SIZE_MAX)
			node_push(list, NULL, item);
		else if (item != list->items[at])
			list->items[at] = (struct config_node *)(kind->is_adding ?
				merge_adding(merge, list->items[at], item, false) :
				merge_keys(merge, list->items[at], item));
	}
	return list;
}

/* --- the root ----------------------------------------------------------------------------- */

static const char *const own_only[] = { "include", "remove_variants", "remove_cells", NULL };
/* What means something else in the other mode (campaign_set_mode). */
static const char *const of_mode[] = { "blocks_count", "seeds_count", "looks_count", "exact",
				       "control", NULL };

static const char *mode_of(const struct config_node *root)
{
	const struct config_node *mode = find(root, "mode");

	return mode && mode->kind == CONFIG_SCALAR ? mode->text : "timed";
}

static const struct config_node *without(struct campaign_merge *merge,
					 const struct config_node *map, const char *const *keys)
{
	struct config_node *left;

	if (!is_map(map))
		return map;
	left = node_make(merge, CONFIG_MAP, map);
	for (size_t i = 0; i < map->count; i++)
		if (!is_one_of(map->keys[i]->text, keys))
			node_push(left, map->keys[i], map->items[i]);
	return left;
}

/* The gate's margin hangs on the mode, too. */
static const struct config_node *in_other_mode(struct campaign_merge *merge,
					       const struct config_node *included)
{
	static const char *const margin[] = { "margin_percent", NULL };
	struct config_node *map = (struct config_node *)without(merge, included, of_mode);

	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i]->text, "gate"))
			map->items[i] = (struct config_node *)without(merge, map->items[i], margin);
	return map;
}

static const struct config_node *merge_value(struct campaign_merge *merge, const char *key,
					     const struct config_node *included,
					     const struct config_node *own)
{
	if (!included || !own)
		return own ? own : included;
	if (!strcmp(key, "defaults"))
		return merge_adding(merge, included, own, true);
	if (!strcmp(key, "gate") || !strcmp(key, "exact"))
		return merge_keys(merge, included, own);
	return own;
}

/* The lists, in the places that they have in either mapping. */
static int replace_lists(struct campaign_merge *merge, const struct config_node *included,
			 const struct config_node *own, struct config_node *root,
			 struct error *err)
{
	for (size_t i = 0; i < ARRAY_COUNT(list_kinds); i++) {
		const struct list_kind *kind = &list_kinds[i];
		const struct config_node *left, *list;
		int r = remove_items(merge, kind, included, own, &left, err);

		if (r < 0)
			return r;
		list = merge_list(merge, kind, left, find(own, kind->key));
		for (size_t j = 0; j < root->count; j++)
			if (!strcmp(root->keys[j]->text, kind->key))
				root->items[j] = (struct config_node *)list;
	}
	return 0;
}

static int refuse_removals(const struct config_node *own, struct error *err)
{
	for (size_t i = 0; i < ARRAY_COUNT(list_kinds); i++) {
		const struct config_node *node = find(own, list_kinds[i].remove_key);

		if (node)
			return config_error(err, -EINVAL, node, "%s: expected only in a campaign "
					    "that includes another", list_kinds[i].remove_key);
	}
	return 0;
}

int campaign_merge_add(struct campaign_merge *merge, const struct config_node *included,
		       const struct config_node *own, const struct config_node **ret_merged,
		       struct error *err)
{
	struct config_node *root;
	int r = 0;

	if (!included) {
		*ret_merged = own;
		return refuse_removals(own, err);
	}
	if (find(own, "mode") && strcmp(mode_of(included), mode_of(own)) != 0)
		included = in_other_mode(merge, included);
	root = node_make(merge, CONFIG_MAP, own);
	for (size_t i = 0; i < included->count; i++) {
		const char *key = included->keys[i]->text;

		node_push(root, included->keys[i],
			  merge_value(merge, key, included->items[i], find(own, key)));
	}
	for (size_t i = 0; i < own->count; i++)
		if (!find(included, own->keys[i]->text) &&
		    !is_one_of(own->keys[i]->text, own_only))
			node_push(root, own->keys[i], own->items[i]);
	r = replace_lists(merge, included, own, root, err);
	if (r < 0)
		return r;
	*ret_merged = root;
	return 0;
}

/* --- as text ---------------------------------------------------------------------------------- */

/* Keys whose texts are references, or lists of them. */
static const char *const reference_keys[] = { "base", "series", "add_series", "fragments",
					      "add_fragments", "guest", "suite", NULL };

static void add_scalar(struct strbuf *text, const struct config_node *node, bool is_reference)
{
	cleanup_free char *folder = path_folder(node->file);
	cleanup_free char *path = path_join(folder, node->text);
	cleanup_free char *whole = is_reference && strchr(node->text, '/') ?
				   path_absolute(path) : string_copy(node->text);
	json_t *json;
	char *quoted;

	if (!config_is_text(node)) {
		strbuf_adds(text, *node->text ? node->text : "null");
		return;
	}
	json = json_string(whole);
	quoted = json_dumps(json, JSON_ENCODE_ANY);
	json_decref(json);
	strbuf_adds(text, quoted ? quoted : "null");
	free(quoted);
}

static void add_node(struct strbuf *text, const struct config_node *node, bool is_reference)
{
	if (node->kind == CONFIG_SCALAR) {
		add_scalar(text, node, is_reference);
		return;
	}
	strbuf_addc(text, is_map(node) ? '{' : '[');
	for (size_t i = 0; i < node->count; i++) {
		if (i)
			strbuf_adds(text, ", ");
		if (is_map(node))
			strbuf_addf(text, "%s: ", node->keys[i]->text);
		add_node(text, node->items[i],
			 is_map(node) ? is_one_of(node->keys[i]->text, reference_keys) :
					is_reference);
	}
	strbuf_addc(text, is_map(node) ? '}' : ']');
}

/* A line for each key, variant and cell. */
char *campaign_merge_text(const struct config_node *merged)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < merged->count; i++) {
		const struct config_node *item = merged->items[i];

		strbuf_addf(&text, "%s:", merged->keys[i]->text);
		for (size_t j = 0; is_list(item) && j < item->count; j++) {
			strbuf_adds(&text, "\n  - ");
			add_node(&text, item->items[j], false);
		}
		if (!is_list(item)) {
			strbuf_addc(&text, ' ');
			add_node(&text, item, false);
		}
		strbuf_addc(&text, '\n');
	}
	return strbuf_detach(&text);
}
