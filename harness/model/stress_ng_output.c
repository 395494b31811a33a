/* stress_ng_output.c - see stress_ng_output.h. */
#include "stress_ng_output.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_node.h"
#include "memory.h"

#define FILE_NAME "stress-ng.yaml"
#define STRESSORS_MAX 1000u

static int number_read(const struct config_node *item, const char *key, double *ret_value,
		       struct error *err)
{
	const struct config_node *node = config_find(item, key);
	char *end = NULL;
	double value;

	if (!node || node->kind != CONFIG_SCALAR)
		return config_error(err, -EINVAL, node ? node : item,
				    "%s: expected a number", key);
	value = strtod(node->text, &end);
	if (end == node->text || *end || !isfinite(value) || value <= 0)
		return config_error(err, -EINVAL, node,
				    "%s: expected a number above 0, found '%s'", key,
				    node->text);
	*ret_value = value;
	return 0;
}

static int stressor_read(const struct config_node *item, struct stress_ng_stressor *stressor,
			 struct error *err)
{
	const struct config_node *name = NULL;
	int rc;

	if (item->kind == CONFIG_MAP)
		name = config_find(item, "stressor");
	if (!name || name->kind != CONFIG_SCALAR)
		return config_error(err, -EINVAL, item, "expected a stressor with its name");
	stressor->name = string_copy(name->text);
	rc = number_read(item, "bogo-ops", &stressor->bogo_ops, err);
	if (!rc)
		rc = number_read(item, "bogo-ops-per-second-real-time",
				 &stressor->bogo_ops_per_s, err);
	return rc ? rc : number_read(item, "wall-clock-time", &stressor->wall_s, err);
}

static void cleanup_document(struct config_document **document)
{
	config_document_free(*document);
}

int stress_ng_output_parse(const char *text, size_t length,
			   struct stress_ng_output *ret_output, struct error *err)
{
	cleanup_with(cleanup_document) struct config_document *document = NULL;
	cleanup_with(stress_ng_output_release) struct stress_ng_output output = { 0 };
	const struct config_node *root, *metrics = NULL;
	int rc = config_document_parse(FILE_NAME, text, length, &document, err);

	if (rc)
		return rc;
	root = config_document_root(document);
	if (root->kind == CONFIG_MAP)
		metrics = config_find(root, "metrics");
	if (!metrics || metrics->kind != CONFIG_LIST || metrics->count == 0)
		return config_error(err, -EINVAL, metrics ? metrics : root,
				    "expected a list 'metrics' with a stressor or more");
	if (metrics->count > STRESSORS_MAX)
		return config_error(err, -EINVAL, metrics, "more than %u stressors",
				    STRESSORS_MAX);
	output.stressors = memory_alloc_array(metrics->count, sizeof(*output.stressors));
	for (size_t i = 0; !rc && i < metrics->count; i++)
		rc = stressor_read(metrics->items[i],
				   &output.stressors[output.stressors_count++], err);
	if (rc)
		return rc;
	*ret_output = output;
	output = (struct stress_ng_output){ 0 };
	return 0;
}

void stress_ng_output_release(struct stress_ng_output *output)
{
	for (size_t i = 0; i < output->stressors_count; i++)
		free(output->stressors[i].name);
	free(output->stressors);
	*output = (struct stress_ng_output){ 0 };
}
