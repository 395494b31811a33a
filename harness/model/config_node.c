/* config_node.c - events of libyaml > a bounded tree of nodes.
 *
 * libyaml's own document tree is not used: it follows aliases without bounds
 * (cycles included) and forgets where they stood.
 */
#include "config_node.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "files.h"
#include "memory.h"

struct config_document {
	char *file;                  /* owned */
	struct config_node **nodes;  /* owned, all of them */
	size_t nodes_count;
	struct config_node *root;    /* borrowed from nodes */
};

struct anchor {
	char *name;                  /* owned */
	struct config_node *node;    /* borrowed */
	bool is_open;                /* its end is still to come */
};

struct builder {
	struct config_document *document;
	struct config_node *open[CONFIG_DEPTH_MAX]; /* containers, outermost first */
	struct config_node *key;     /* waits for its value in the innermost mapping */
	struct config_node *keys[CONFIG_DEPTH_MAX]; /* keys of the outer ones */
	size_t depth;
	struct anchor anchors[CONFIG_ANCHORS_MAX];
	size_t anchors_count;
	yaml_parser_t parser;
	yaml_event_t event;          /* the current one */
	struct error *err;
};

void cleanup_config_document_(struct config_document **document)
{
	config_document_free(*document);
}

const char *config_document_file(const struct config_document *document)
{
	return document->file;
}

const struct config_node *config_document_root(
	const struct config_document *document)
{
	return document->root;
}

static void node_free(struct config_node *node)
{
	free(node->text);
	free(node->keys);
	free(node->items);
	free(node);
}

void config_document_free(struct config_document *document)
{
	if (!document)
		return;
	for (size_t i = 0; i < document->nodes_count; i++)
		node_free(document->nodes[i]);
	free(document->nodes);
	free(document->file);
	free(document);
}

/* A refusal at the place where the current event begins. */
static int builder_refuse(struct builder *builder, const char *message)
{
	const yaml_mark_t *mark = &builder->event.start_mark;

	return error_set(builder->err, -EINVAL, "%s:%zu:%zu: %s",
			 builder->document->file, mark->line + 1,
			 mark->column + 1, message);
}

static struct config_node *node_new(struct builder *builder,
				    enum config_kind kind)
{
	struct config_document *document = builder->document;
	struct config_node *node = memory_alloc(sizeof(*node));
	size_t count = document->nodes_count;

	node->kind = kind;
	node->file = document->file;
	node->line = builder->event.start_mark.line + 1;
	node->column = builder->event.start_mark.column + 1;
	node->weight = 1;
	node->height = 1;
	if (!(count & (count - 1))) /* full: capacities are powers of two */
		document->nodes = memory_realloc_array(
			document->nodes, count ? 2 * count : 1,
			sizeof(document->nodes[0]));
	document->nodes[document->nodes_count++] = node;
	return node;
}

static void pointers_push(struct config_node ***array, size_t count,
			  struct config_node *node)
{
	if (!(count & (count - 1)))
		*array = memory_realloc_array(*array, count ? 2 * count : 1,
					      sizeof(**array));
	(*array)[count] = node;
}

static int builder_take_key(struct builder *builder, struct config_node *map,
			    struct config_node *key)
{
	if (key->kind != CONFIG_SCALAR)
		return builder_refuse(builder, "a key must be plain text");
	for (size_t i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i]->text, key->text))
			return config_error(
				builder->err, -EINVAL, key,
				"the key '%s' is there twice; first at line %zu",
				key->text, map->keys[i]->line);
	builder->key = key;
	return 0;
}

/* Puts a complete node where it belongs. */
static int builder_place(struct builder *builder, struct config_node *node)
{
	struct config_node *parent;

	if (!builder->depth) {
		builder->document->root = node;
		return 0;
	}
	parent = builder->open[builder->depth - 1];
	if (parent->kind == CONFIG_MAP && !builder->key)
		return builder_take_key(builder, parent, node);
	parent->weight += node->weight;
	if (parent->height < node->height + 1)
		parent->height = node->height + 1;
	if (parent->weight > CONFIG_NODES_MAX)
		return builder_refuse(builder, "too many values in one file");
	if (builder->depth + node->height > CONFIG_DEPTH_MAX)
		return builder_refuse(builder, "nested too deeply");
	if (parent->kind == CONFIG_MAP)
		pointers_push(&parent->keys, parent->count,
			      take_pointer(builder->key));
	pointers_push(&parent->items, parent->count, node);
	parent->count++;
	return 0;
}

static int builder_anchor(struct builder *builder, const yaml_char_t *name,
			  struct config_node *node, bool is_open)
{
	struct anchor *anchor;

	if (!name)
		return 0;
	if (builder->anchors_count == CONFIG_ANCHORS_MAX)
		return builder_refuse(builder, "too many anchors");
	for (size_t i = 0; i < builder->anchors_count; i++)
		if (!strcmp(builder->anchors[i].name, (const char *)name))
			return builder_refuse(builder,
					      "this anchor is there twice");
	anchor = &builder->anchors[builder->anchors_count++];
	anchor->name = string_copy((const char *)name);
	anchor->node = node;
	anchor->is_open = is_open;
	return 0;
}

static int builder_alias(struct builder *builder)
{
	const char *name = (const char *)builder->event.data.alias.anchor;

	for (size_t i = 0; i < builder->anchors_count; i++) {
		const struct anchor *anchor = &builder->anchors[i];

		if (strcmp(anchor->name, name) != 0)
			continue;
		if (anchor->is_open)
			return builder_refuse(
				builder, "this alias would hold itself");
		return builder_place(builder, anchor->node);
	}
	return builder_refuse(builder, "no such anchor before this alias");
}

static int builder_scalar(struct builder *builder)
{
	const yaml_event_t *event = &builder->event;
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct config_node *node;
	int r;

	if (event->data.scalar.tag)
		return builder_refuse(builder, "tags are not understood here");
	if (memchr(text, '\0', length))
		return builder_refuse(builder, "text holds a NUL character");
	if (length > CONFIG_TEXT_MAX)
		return builder_refuse(builder, "text longer than 4096 bytes");
	node = node_new(builder, CONFIG_SCALAR);
	node->text = string_copy_n(text, length);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	r = builder_anchor(builder, event->data.scalar.anchor, node, false);
	if (r < 0)
		return r;
	return builder_place(builder, node);
}

static int builder_open(struct builder *builder, enum config_kind kind,
			const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct config_node *node;

	if (tag)
		return builder_refuse(builder, "tags are not understood here");
	if (builder->depth == CONFIG_DEPTH_MAX)
		return builder_refuse(builder, "nested too deeply");
	if (builder->depth && !builder->key &&
	    builder->open[builder->depth - 1]->kind == CONFIG_MAP)
		return builder_refuse(builder, "a key must be plain text");
	node = node_new(builder, kind);
	builder->keys[builder->depth] = take_pointer(builder->key);
	builder->open[builder->depth++] = node;
	return builder_anchor(builder, anchor, node, true);
}

static int builder_close(struct builder *builder)
{
	struct config_node *node = builder->open[--builder->depth];

	builder->key = builder->keys[builder->depth];
	for (size_t i = 0; i < builder->anchors_count; i++)
		if (builder->anchors[i].node == node)
			builder->anchors[i].is_open = false;
	return builder_place(builder, node);
}

static int builder_event(struct builder *builder)
{
	const yaml_event_t *event = &builder->event;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (builder->document->root)
			return builder_refuse(
				builder, "a second document begins here; "
					 "expected one in a file");
		return 0;
	case YAML_SCALAR_EVENT:
		return builder_scalar(builder);
	case YAML_ALIAS_EVENT:
		return builder_alias(builder);
	case YAML_SEQUENCE_START_EVENT:
		return builder_open(builder, CONFIG_LIST,
				    event->data.sequence_start.anchor,
				    event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return builder_open(builder, CONFIG_MAP,
				    event->data.mapping_start.anchor,
				    event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return builder_close(builder);
	default:
		return 0;
	}
}

/* The reader gives a byte offset only. */
static void locate(const char *text, size_t offset, size_t *ret_line,
		   size_t *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			(*ret_column)++;
		}
	}
}

static int parser_error(struct builder *builder, const char *text, size_t length)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *file = builder->document->file;
	size_t line, column;

	if (parser->error == YAML_MEMORY_ERROR)
		return error_set(builder->err, -ENOMEM, "%s: out of memory", file);
	if (parser->error == YAML_READER_ERROR) {
		locate(text, parser->problem_offset < length ?
				     parser->problem_offset : length,
		       &line, &column);
		return error_set(builder->err, -EINVAL,
				 "%s:%zu:%zu: not UTF-8 text: %s", file, line,
				 column, parser->problem);
	}
	line = parser->problem_mark.line + 1;
	column = parser->problem_mark.column + 1;
	return error_set(builder->err, -EINVAL, "%s:%zu:%zu: not YAML: %s%s%s",
			 file, line, column,
			 parser->context ? parser->context : "",
			 parser->context ? ", " : "",
			 parser->problem ? parser->problem : "unknown problem");
}

static int builder_run(struct builder *builder, const char *text, size_t length)
{
	bool at_end = false;

	yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder->parser,
				     (const unsigned char *)text, length);
	while (!at_end) {
		int r;

		if (!yaml_parser_parse(&builder->parser, &builder->event))
			return parser_error(builder, text, length);
		at_end = builder->event.type == YAML_STREAM_END_EVENT;
		r = builder_event(builder);
		yaml_event_delete(&builder->event);
		if (r < 0)
			return r;
	}
	return 0;
}

int config_document_parse(const char *file_name, const char *text,
			  size_t length, struct config_document **ret_document,
			  struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_free struct builder *builder = memory_alloc(sizeof(*builder));
	const struct config_node *root;
	int r;

	if (length > CONFIG_FILE_MAX)
		return error_set(err, -EFBIG,
				 "%s:1:1: larger than 1 MiB, no config file",
				 file_name);
	document = memory_alloc(sizeof(*document));
	document->file = string_copy(file_name);
	builder->document = document;
	builder->err = err;
	if (!yaml_parser_initialize(&builder->parser))
		return error_set(err, -ENOMEM, "%s: out of memory", file_name);
	r = builder_run(builder, text, length);
	yaml_parser_delete(&builder->parser);
	for (size_t i = 0; i < builder->anchors_count; i++)
		free(builder->anchors[i].name);
	if (r < 0)
		return r;
	root = document->root;
	if (!root || (root->kind == CONFIG_SCALAR && !root->quoted &&
		      !root->text[0]))
		return error_set(err, -EINVAL,
				 "%s:1:1: empty; expected a mapping", file_name);
	*ret_document = take_pointer(document);
	return 0;
}

int config_document_load(const char *path, struct config_document **ret_document,
			 struct error *err)
{
	cleanup_free char *text = NULL;
	size_t length;
	int r;

	if (path_is_folder(path))
		return error_set(err, -EISDIR, "%s: a folder, expected a file",
				 path);
	r = file_read(path, CONFIG_FILE_MAX, &text, &length);
	if (r == -EFBIG)
		return error_set(err, r,
				 "%s:1:1: larger than 1 MiB, no config file",
				 path);
	if (r < 0)
		return error_set_errno(err, r, "%s", path);
	return config_document_parse(path, text, length, ret_document, err);
}
