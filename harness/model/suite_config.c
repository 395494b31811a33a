/* suite_config.c - configs/suites/NAME.yaml > suite. docs/configs.md has the
 * keys. Whether a workload exists and takes these arguments is checked by the
 * engine, which knows the workloads.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define ROWS_MAX 100u
#define TIMEOUT_DEFAULT_S 120u
#define VCPUS_WORD "vcpus"

static void cleanup_suite(struct suite *suite)
{
	suite_release(suite);
}

void suite_release(struct suite *suite)
{
	for (size_t i = 0; i < suite->rows_count; i++) {
		free(suite->rows[i].name);
		free(suite->rows[i].workload);
		strvec_release(&suite->rows[i].arguments);
		free(suite->rows[i].load.workload);
		strvec_release(&suite->rows[i].load.arguments);
		free(suite->rows[i].origin);
	}
	free(suite->rows);
	free(suite->name);
	free(suite->purpose);
	*suite = (struct suite){ .name = NULL };
}

/* "threads=vcpus" > "threads=4" */
static void arguments_set_vcpus(const struct strvec *arguments, uint32_t vcpus_count)
{
	for (size_t i = 0; i < arguments->count; i++) {
		char *argument = arguments->items[i];
		size_t name_length = strcspn(argument, "=");

		if (strcmp(argument + name_length, "=" VCPUS_WORD) != 0)
			continue;
		arguments->items[i] = string_format("%.*s=%u", (int)name_length, argument,
						    vcpus_count);
		free(argument);
	}
}

void suite_set_vcpus(struct suite *suite, uint32_t vcpus_count)
{
	for (size_t i = 0; i < suite->rows_count; i++) {
		arguments_set_vcpus(&suite->rows[i].arguments, vcpus_count);
		arguments_set_vcpus(&suite->rows[i].load.arguments, vcpus_count);
	}
}

char *suite_row_arguments(const struct suite_row *row)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < row->arguments.count; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", row->arguments.items[i]);
	if (row->load.workload)
		strbuf_addf(&text, "%sload=%s", text.length ? " " : "", row->load.workload);
	for (size_t i = 0; i < row->load.arguments.count; i++)
		strbuf_addf(&text, ",%s", row->load.arguments.items[i]);
	return strbuf_detach(&text);
}

static const char *expect_row_name(const char *text)
{
	return config_expect_name(text) || strchr(text, '.') ?
		       "a name of a-z, 0-9, '_', '-', at most 64 long, that "
		       "begins with a letter or digit" :
		       NULL;
}

static const char *expect_workload(const char *text)
{
	return expect_row_name(text) || strchr(text, '-') ?
		       "the name of a workload: a-z, 0-9, '_'" : NULL;
}

static int read_arguments(const struct config_node *map,
			  struct strvec *ret_arguments, struct error *err)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct config_node *key = map->keys[i], *node;
		const struct config_field field = {
			CONFIG_ANY_SCALAR(key->text, &node)
		};
		int r;

		if (expect_workload(key->text))
			return config_refuse(err, key, "arguments",
					     "the name of a parameter: a-z, "
					     "0-9, '_'");
		r = config_read_value(map->items[i], &field, err);
		if (r < 0)
			return r;
		if (config_expect_word(node->text) || strpbrk(node->text, "\"'\\"))
			return config_refuse(err, node, key->text,
					     "a word of printable ASCII without "
					     "blanks and quotes");
		strvec_pushf(ret_arguments, "%s=%s", key->text, node->text);
	}
	return 0;
}

/* "load: stress_ng", or that in a mapping, with arguments. */
static int read_load(const struct config_node *node, struct suite_load *load,
		     struct error *err)
{
	const struct config_node *arguments = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("workload", &load->workload, expect_workload),
		  .required = true },
		{ CONFIG_MAPPING("arguments", &arguments) },
	};
	int r;

	if (node->kind == CONFIG_LIST)
		return config_refuse(err, node, "load", "the name of a workload, or a mapping "
				     "with workload and arguments");
	if (node->kind == CONFIG_SCALAR) {
		const struct config_field name = {
			CONFIG_TEXT("load", &load->workload, expect_workload)
		};

		return config_read_value(node, &name, err);
	}
	r = config_read(node, "load", fields, ARRAY_COUNT(fields), err);
	return r == 0 && arguments ? read_arguments(arguments, &load->arguments, err) : r;
}

static int read_row(const struct config_node *node, struct suite_row *row,
		    struct error *err)
{
	const struct config_node *arguments = NULL, *load = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("workload", &row->workload, expect_workload),
		  .required = true },
		{ CONFIG_TEXT("name", &row->name, expect_row_name) },
		{ CONFIG_MAPPING("arguments", &arguments) },
		{ CONFIG_ANY("load", &load) },
		{ CONFIG_U32("timeout_s", &row->timeout_s, 1, 86400) },
	};
	int r;

	row->timeout_s = TIMEOUT_DEFAULT_S;
	r = config_read(node, "row", fields, ARRAY_COUNT(fields), err);
	if (r < 0)
		return r;
	if (!row->name)
		row->name = string_copy(row->workload);
	row->origin = string_format("%s:%zu:%zu", node->file, node->line,
				    node->column);
	if (arguments)
		r = read_arguments(arguments, &row->arguments, err);
	if (r == 0 && load)
		r = read_load(load, &row->load, err);
	return r;
}

static int read_rows(const struct config_node *list, struct suite *suite,
		     struct error *err)
{
	suite->rows = memory_alloc_array(list->count, sizeof(*suite->rows));
	for (size_t i = 0; i < list->count; i++) {
		const struct suite_row *row = &suite->rows[i];
		int r;

		suite->rows_count++;
		r = read_row(list->items[i], &suite->rows[i], err);
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(suite->rows[j].name, row->name))
				return config_error(
					err, -EINVAL, list->items[i],
					"the row '%s' is there twice; first at "
					"line %zu (give one a name of its own)",
					row->name, list->items[j]->line);
	}
	return 0;
}

int suite_read(const char *project_root, const char *reference,
	       const struct config_node *at, struct suite *ret_suite,
	       struct error *err)
{
	cleanup_config_document struct config_document *document = NULL;
	cleanup_with(cleanup_suite) struct suite suite = { .name = NULL };
	const struct config_node *rows = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("purpose", &suite.purpose, NULL) },
		{ CONFIG_LIST_OF("rows", &rows, 1, ROWS_MAX), .required = true },
	};
	cleanup_free char *path = NULL;
	int r;

	r = reference_resolve(&reference_suite, project_root, reference, at,
			      &path, err);
	if (r < 0)
		return r;
	r = reference_name(path, &suite.name, err);
	if (r < 0)
		return r;
	r = config_document_load(path, &document, err);
	if (r < 0)
		return r;
	r = config_read(config_document_root(document), "suite", fields,
			ARRAY_COUNT(fields), err);
	if (r < 0)
		return r;
	r = read_rows(rows, &suite, err);
	if (r < 0)
		return r;
	*ret_suite = suite;
	suite = (struct suite){ .name = NULL };
	return 0;
}

int suite_load(const char *project_root, const char *name,
	       struct suite *ret_suite, struct error *err)
{
	return suite_read(project_root, name, NULL, ret_suite, err);
}
